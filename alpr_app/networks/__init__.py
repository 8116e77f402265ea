"""The two networks, detector and reader, and the bundles that hold their weights.

Depends on `core` and `data`, and on nothing of training. Each network has its configuration, layers and postprocessing
in a folder of its own; `bundle` loads and saves both.
"""
