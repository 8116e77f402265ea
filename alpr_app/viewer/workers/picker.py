"""The list of folders and files in the open dialog, which follows what is typed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from alpr_app.data.network import is_address
from alpr_app.viewer.workers.folders import FolderContent, FolderCrawl
from alpr_app.viewer.workers.threads import drain, noop

PARENT = ".."


@dataclass(frozen=True)
class Row:
    """A row of the list.

    Attributes:
        name: Name in the folder, or PARENT.
        is_folder: Whether it is a folder; else a picture or a video.
    """

    name: str
    is_folder: bool


class FolderPicker:
    """The subfolders, pictures and videos of a folder.

    Args:
        wake: Ends the window's sleep.

    Attributes:
        path: The folder whose content is listed.
        content: Its content; None until it has been read.
        beginning: Only names that begin so are listed, in upper or lower case.
        cursor: Row chosen with the arrow keys, -1 for none.
    """

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        self._wake = wake
        self._crawl: FolderCrawl | None = None
        self.path = self.beginning = ""
        self.content: FolderContent | None = None
        self.cursor = -1

    def go(self, path: str, beginning: str = "") -> None:
        """List the content of `path`."""
        self.path, self.content, self.cursor, self.beginning = os.path.abspath(path), None, -1, beginning
        if self._crawl is None:
            # The thread starts with the first use of the dialog.
            self._crawl = FolderCrawl(False, self._wake, with_files=True)
        self._crawl.request(self.path)

    def follow(self, typed: str) -> None:
        """List what a path that is being typed can become; an address and a relative name change nothing."""
        path = os.path.expanduser(typed)
        if is_address(path) or not os.path.isabs(path):
            return
        folder, beginning = os.path.split(path)
        if os.path.abspath(folder) != self.path:
            self.go(folder, beginning)
        else:
            self.beginning, self.cursor = beginning, -1

    def collect(self) -> None:
        """Take over new results from the thread. Never waits."""
        for batch in drain(self._crawl.batches) if self._crawl is not None else ():
            for content in batch:
                # Skips the answer to an earlier request.
                if content.path == self.path:
                    self.content = content

    @property
    def rows(self) -> list[Row]:
        """The parent folder, if there is one, the subfolders and the files, as far as they begin as typed."""
        above = [Row(PARENT, True)] if os.path.dirname(self.path) != self.path and not self.beginning else []
        if self.content is None:
            return above
        beginning = self.beginning.casefold()
        named = [(name, True) for name in self.content.folders] + [(name, False) for name in self.content.files]
        return above + [Row(name, folder) for name, folder in named if name.casefold().startswith(beginning)]

    def path_of(self, row: Row) -> str:
        """The path of a row."""
        return os.path.dirname(self.path) if row.name == PARENT else os.path.join(self.path, row.name)

    def move(self, by: int) -> None:
        """Move the cursor down by `by` rows."""
        self.cursor = min(max(self.cursor + by, 0), len(self.rows) - 1)

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the thread; returns whether it has ended within `timeout` seconds."""
        return self._crawl is None or self._crawl.close(timeout)
