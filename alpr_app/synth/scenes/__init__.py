"""Drawn photographs of cars with plates. Only the command `draw` and the shipped samples use them."""
