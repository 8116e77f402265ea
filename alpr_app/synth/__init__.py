"""Drawn plates (`plates`) and drawn scenes (`scenes`), with exact labels.

Knows `core` and `data`. Only `train` may use it.
"""
