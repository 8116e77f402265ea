"""Reading many pictures on many machines, and for other programs.

Depends on all rooms up to `evaluation`, but on none of `cli`, `train` and `viewer`.
"""
