"""From a picture to its plates: letterbox, detect, refine small plates, rectify, read.

Depends on `core`, `data`, `networks` and `runtime`. `alpr.ALPR` is what users of the library call; `options` lets users
of programs choose models.
"""
