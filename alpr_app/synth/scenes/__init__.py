"""Drawn scenes: photographs of cars with plates. Only the commands `draw` and `samples` use them."""
