"""Keeps the memory of pictures that are no longer used.

A decoded picture takes megabytes. glibc returns them to the system as soon as the picture is done with, and the system
hands them out anew for the next one, page by page, each filled with zeros: a tenth of the time in which many pictures
are read.
"""

from __future__ import annotations

import ctypes
import sys

# Parameters of mallopt, from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Free memory that a thread keeps: that of the few pictures in work. Blocks above the second, which is as far as glibc
# itself goes, are returned at once.
KEPT_BYTES, LARGE_BYTES = 64 * 2**20, 32 * 2**20


def keep_freed_memory() -> bool:
    """Let this process keep free memory for its next picture, where the C library is glibc; call this at its start.

    Returns:
        Whether it does. Elsewhere nothing is changed.
    """
    if sys.platform != "linux":
        return False
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return False
    # The parameters are glibc's, and this name is too.
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(library.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) and library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))
