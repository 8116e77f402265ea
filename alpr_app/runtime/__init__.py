"""How a network is run: by torch or by ONNX Runtime, on which device, with how many threads.

Knows `core`, `data` and `networks`. `backends.make_engine` chooses; the other modules are what it chooses from.
"""
