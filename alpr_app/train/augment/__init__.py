"""Augmentation: what cameras do to plates, and plates pasted into other pictures."""
