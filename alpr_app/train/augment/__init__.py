"""Augmentation: effects of cameras, and plates pasted into pictures."""
