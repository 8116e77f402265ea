"""Decoders print what they think of a file to standard error themselves, without its name. We say it once, with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """What libraries written in C print to standard error goes nowhere; what Python prints there is seen as before."""
    before = sys.stderr
    try:
        kept = os.dup(2)
    except OSError:
        # There is none.
        yield
        return
    try:
        is_ours = before is not None and before.fileno() == 2
    except (OSError, ValueError):
        # Somebody has put something else in its place, as tests do.
        is_ours = False
    if before is not None:
        before.flush()
    try:
        if is_ours:
            # A stream of its own: this one would go on writing to the descriptor that now leads nowhere.
            sys.stderr = os.fdopen(os.dup(2), "w", 1, encoding=before.encoding, errors="backslashreplace")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        if is_ours:
            sys.stderr.close()
            sys.stderr = before
