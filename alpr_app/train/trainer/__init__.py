"""What training means for either network: the loop, its options, checkpoints, data loading, several processes."""
