"""Training the detector: its samples, its losses, its validation."""
