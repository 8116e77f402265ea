"""Goes through the folders of the computer, for the dialog that opens one."""

from __future__ import annotations

import os
from collections.abc import Callable

from alpr_app.viewer.folders import Crawl, Found
from alpr_app.viewer.mailbox import nobody

ABOVE = ".."


class Chooser:
    """path: the folder whose folders are listed. found: what is in it; None until that is known. cursor: the row that
    keys have chosen, -1 for none. wake: ends the window's sleep."""

    def __init__(self, wake: Callable[[], None] = nobody) -> None:
        self._wake = wake
        self._crawl: Crawl | None = None
        self.path = ""
        self.found: Found | None = None
        self.cursor = -1

    def go(self, path: str) -> None:
        """List the folders in `path`."""
        self.path, self.found, self.cursor = os.path.abspath(path), None, -1
        if self._crawl is None:
            # The thread is there only once somebody has looked for a folder.
            self._crawl = Crawl(False, self._wake)
        self._crawl.ask(self.path)

    def collect(self) -> None:
        """Take over what the thread has found. Never waits."""
        for batch in self._crawl.found.drain() if self._crawl is not None else ():
            for found in batch:
                # An answer to an earlier question is of no use any more.
                if found.path == self.path:
                    self.found = found

    @property
    def rows(self) -> list[str]:
        """The folder above, if there is one, and the folders within."""
        above = [ABOVE] if os.path.dirname(self.path) != self.path else []
        return above + list(self.found.folders if self.found is not None else ())

    def enter(self, row: int) -> None:
        """Go to the folder in this row."""
        name = self.rows[row]
        self.go(os.path.dirname(self.path) if name == ABOVE else os.path.join(self.path, name))

    def move(self, by: int) -> None:
        """Choose a row further down."""
        self.cursor = min(max(self.cursor + by, 0), len(self.rows) - 1)

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread; whether it has ended."""
        return self._crawl is None or self._crawl.close(timeout)
