"""The commands of `alpr`: each module has `add_arguments(parser)` and `run(args) -> int`, the exit status.

Nothing here imports torch or OpenCV before `run` is called, so that help comes at once.
"""
