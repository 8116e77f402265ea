"""Ctrl-C as the ordinary way to end what has no end."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class StopOnInterrupt:
    """While it is entered, the first Ctrl-C is only noted, so that what was read so far can be finished and written;
    the second one interrupts as ever. active: whether to do so."""

    def __init__(self, active: bool) -> None:
        # Only the main thread gets signals.
        self._active = active and threading.current_thread() is threading.main_thread()
        self._wanted = False
        self._before: object = None

    def wanted(self) -> bool:
        """Whether there was a Ctrl-C."""
        return self._wanted

    def __enter__(self) -> StopOnInterrupt:
        if self._active:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._wanted:
            raise KeyboardInterrupt
        self._wanted = True
