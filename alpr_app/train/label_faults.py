"""Crops whose label is known to be wrong, by file name: they are left out of training."""

WRONG_CROPS: frozenset[str] = frozenset()
