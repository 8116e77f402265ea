"""Reads all pictures of the opened folder in the background."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import monotonic

from alpr_app.viewer.app.state import State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import FolderSource


class WholeFolder:
    """The reading of the whole folder.

    Args:
        state: State of the window.
        source: Returns the thread of the opened folder; None if there is none.
    """

    def __init__(self, state: State, source: Callable[[], FolderSource | None]) -> None:
        self._state, self._source = state, source
        # The list of names on which it is based.
        self._names: Sequence[str] = ()

    def read(self, wanted: bool) -> None:
        """Start reading what has not been read yet, or stop it."""
        state, image_list, source = self._state, self._state.image_list, self._source()
        if source is None:
            return
        folder, names, records = state.folder, image_list.names, image_list.records
        # Evaluated lazily on the source thread.
        missing = (os.path.join(folder, name) for name in names if name not in records)
        source.read_all(missing if wanted else None)
        self._names = names
        state.read_all_total = len(names) - len(records) if wanted else 0
        state.read_all_done, state.read_all_started = 0, monotonic()

    def finish(self) -> None:
        """Report that everything has been read, or read what was not yet in the list when the reading began."""
        state, image_list = self._state, self._state.image_list
        if len(image_list.records) >= len(image_list.names):
            state.read_all_total = 0
            state.add_message(
                tr(
                    "All {count:,} pictures of this folder have been read; U shows the summary",
                    count=len(image_list.names),
                )
            )
        elif image_list.names is not self._names:
            self.read(True)
