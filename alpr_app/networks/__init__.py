"""The two networks, detector and reader, and the bundles that hold their weights.

Knows `core` and `data`, nothing of training. Each network has its configuration, its layers and its postprocessing in a
folder of its own; `bundle` loads and saves both.
"""
