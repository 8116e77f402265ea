"""From a picture to its plates: letterbox, detect, refine small plates, rectify, read.

Knows `core`, `data`, `networks` and `runtime`. `alpr.ALPR` is what users of the library call; `options` is how programs
let their users choose models.
"""
