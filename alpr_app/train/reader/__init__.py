"""Training the reader: its samples, masked pre-training, its losses, its validation."""
