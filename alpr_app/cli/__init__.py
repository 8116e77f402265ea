"""The command `alpr`: `main` parses, and each command is a module with `add_arguments(parser)` and `run(args)`.

Knows everything up to `evaluation`, but neither `train` nor `viewer`. A command's module is imported when it is called.
"""
