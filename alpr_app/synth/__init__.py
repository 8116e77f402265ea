"""Drawn plates (`plates`) and drawn scenes (`scenes`), with exact labels.

It may import `core` and `data`; only `train` may import it.
"""
