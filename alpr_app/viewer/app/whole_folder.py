"""Reads all pictures of a folder in the background."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import monotonic

from alpr_app.viewer.app.state import State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import FolderSource


class WholeFolder:
    """Starts, stops and ends the reading of the whole folder; its progress is part of the state."""

    def __init__(self, state: State) -> None:
        self._state = state
        # The list of names on which the reading is based.
        self._names: Sequence[str] = ()

    def read(self, source: FolderSource, wanted: bool) -> None:
        """Start reading, or stop it."""
        state, image_list = self._state, self._state.image_list
        folder, names, records = state.folder, image_list.names, image_list.records
        # Evaluated lazily on the source thread.
        missing = (os.path.join(folder, name) for name in names if name not in records)
        source.read_all(missing if wanted else None)
        self._names = names
        state.read_all_total = len(names) - len(records) if wanted else 0
        state.read_all_done, state.read_all_started = 0, monotonic()

    def finish(self, source: FolderSource) -> None:
        """Report that the whole folder has been read, or read what was not yet in the list when the reading began."""
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
            self.read(source, True)
