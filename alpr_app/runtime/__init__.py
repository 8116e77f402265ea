"""Runs a network: by torch or by ONNX Runtime, on some device, with some number of threads.

Depends on `core`, `data` and `networks`. `backends.make_engine` chooses; the other modules are what it chooses from.
"""
