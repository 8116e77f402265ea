"""Options of trainings that end in a moment, for tests through the command line."""

READER = ["--embed_dim", "32", "--num_heads", "2", "--batch_size", "4"]
READER += ["--num_encoder_layers", "1", "--num_decoder_layers", "1"]
DETECTOR = ["--crop_size", "96", "--long_side", "160", "--batch_size", "2"]
SHORT = ["--samples", "16", "--num_workers", "0", "--threads", "1", "--validate_samples", "8"]
