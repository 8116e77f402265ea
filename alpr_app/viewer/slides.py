"""The slide show: goes through the list of pictures by itself."""

from __future__ import annotations

import os
from time import monotonic

from alpr_app.viewer.recogniser import FAILED
from alpr_app.viewer.state import State


class Slides:
    """state: whose pictures are shown; its `playing` says whether the show runs."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._next = 0.0

    def play(self) -> None:
        """Begin or end."""
        self._state.playing = not self._state.playing
        self._next = monotonic() + self._state.settings.slide_seconds

    def turn(self) -> None:
        """Go on to the next picture if it is time for it; the show ends with the last one."""
        state = self._state
        if not state.playing or monotonic() < self._next:
            return
        # No picture is passed before it has been read and seen.
        seen = state.shot is not None and state.shot.key == os.path.join(state.folder, state.browse.name)
        if not seen or (state.record is None and state.models.state != FAILED):
            return
        before = state.browse.index
        state.browse.step(1)
        self._next = monotonic() + state.settings.slide_seconds
        state.playing = state.browse.index != before

    def patience(self, most: float) -> float:
        """Seconds until the next turn, at most `most`. Overdue, it waits for a result, which wakes the window."""
        left = self._next - monotonic()
        return min(left, most) if left > 0 else most
