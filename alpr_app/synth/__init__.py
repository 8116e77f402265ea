"""Drawn plates (`plates`) and drawn scenes (`scenes`): labelled exactly, as many as wanted.

Knows `core` and `data`. Only `train` may use it.
"""
