"""torch in a process that was forked off another one, as servers and `multiprocessing` make them on Linux.

A fork brings the calling thread alone along. torch's own threads are then missing, and whatever it shares out among
them waits for ever; with one thread it shares nothing out.
"""

from __future__ import annotations

import os

import torch

_LOADED_IN = os.getpid()


def one_thread_if_forked() -> bool:
    """Whether this process was forked off the one that loaded this module; torch is then told to compute with one
    thread. To be called before anything is computed that a forked process may be the first to compute."""
    if os.getpid() == _LOADED_IN:
        return False
    torch.set_num_threads(1)
    return True
