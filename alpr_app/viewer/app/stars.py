"""Stars that the user gives to pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.star_keeper import StarKeeper
from alpr_app.viewer.workers.threads import drain, noop


class Stars:
    """Gives stars to the pictures of the list, and finds those given earlier.

    Args:
        state: State of the window.
        file: Database of the stars; None to keep them for this session only.
        wake: Ends the window's sleep.
    """

    def __init__(self, state: State, file: Path | None = None, wake: Callable[[], None] = noop) -> None:
        self._state = state
        self._keeper = StarKeeper(file, wake)
        # The list whose stars were looked up last, and what has been changed since.
        self._asked: tuple[str, Sequence[str]] | None = None
        self._changed: dict[str, bool] = {}

    def toggle(self, name: str = "") -> None:
        """Give a star to a picture of the list (empty: the selected one), or remove it."""
        state, image_list = self._state, self._state.image_list
        name = name or image_list.name
        if state.kind != FOLDER or not name:
            state.add_message(tr("Only pictures of a folder can have a star"))
            return
        starred = name not in image_list.starred
        self._changed[name] = starred
        self._keeper.change(state.folder, name, starred)
        image_list.set_starred(image_list.starred | {name} if starred else image_list.starred - {name})

    def toggle_path(self, path: str) -> None:
        """The same for a picture by its path."""
        self.toggle(path.removeprefix(os.path.join(self._state.folder, "")))

    def collect(self) -> None:
        """Take over the stars that were found, and look up those of a new list. Never waits."""
        state, image_list = self._state, self._state.image_list
        for message in drain(self._keeper.errors):
            state.add_message(message, is_error=True)
        found = self._keeper.found.take()
        if found is not None and self._asked is not None and found.folder == self._asked[0]:
            added = {name for name, starred in self._changed.items() if starred}
            image_list.set_starred((found.names | added) - (self._changed.keys() - added))
        if state.kind != FOLDER or state.listing_error:
            if self._asked is not None:
                self._forget()
            return
        if self._asked is not None and self._asked[0] != state.folder:
            self._forget()
        if state.scanning or (self._asked is not None and self._asked[1] is image_list.names):
            return
        self._asked, self._changed = (state.folder, image_list.names), {}
        self._keeper.look_up(state.folder, image_list.names)

    def _forget(self) -> None:
        self._asked, self._changed = None, {}
        self._state.image_list.set_starred(frozenset())

    def close(self, timeout: float = 1.0) -> bool:
        """Write what is left and stop the thread; returns whether it has ended within `timeout` seconds."""
        return self._keeper.close(timeout)
