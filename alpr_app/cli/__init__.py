"""The command `alpr`: `main` parses, and each command is a module with `add_arguments(parser)` and `run(args)`.

Depends on all rooms up to `evaluation`, but on neither `train` nor `viewer`. A command's module is imported when it is
called.
"""
