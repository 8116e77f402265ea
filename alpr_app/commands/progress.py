"""How far a long run is: one line on the terminal that is written over and over."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TextIO

WIDTH = 24
INTERVAL_S = 0.1


class Progress:
    """Counts pictures. Silent where nobody looks: when the stream is no terminal. total: None if unknown."""

    def __init__(self, total: int | None, stream: TextIO | None = None) -> None:
        self.total = total
        self.count = 0
        self.started = monotonic()
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._next = 0.0

    def line(self) -> str:
        """What is shown: a bar, the count, the pace, and the time left where the total is known."""
        passed = max(monotonic() - self.started, 1e-6)
        pace = self.count / passed
        if self.total is None or self.count > self.total:
            return f"{self.count} pictures, {pace:.1f}/s"
        filled = WIDTH * self.count // max(self.total, 1)
        left = int((self.total - self.count) / pace) if self.count else 0
        bar = "#" * filled + "." * (WIDTH - filled)
        return f"[{bar}] {self.count}/{self.total}, {pace:.1f}/s, {left // 60}:{left % 60:02d} left"

    def step(self) -> None:
        """One more picture."""
        self.count += 1
        now = monotonic()
        if self._shown and now >= self._next:
            self._next = now + INTERVAL_S
            self._stream.write(f"\r{self.line()}\x1b[K")
            self._stream.flush()

    def clear(self) -> None:
        """Make room for another line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
