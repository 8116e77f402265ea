"""Remembers the results of pictures, whichever folder shows them: in this session, and on disk if the user agrees."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic

from alpr_app.viewer.app.folder_results import CropCache
from alpr_app.viewer.app.record import Record, make_record
from alpr_app.viewer.app.settings import ASK, NO, YES
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.workers.known_results import KnownResults, Lookup, SessionResults
from alpr_app.viewer.workers.label_tables import Labels
from alpr_app.viewer.workers.recogniser import Recognition
from alpr_app.viewer.workers.threads import drain, noop

# Longest time for which a frame takes over known results; the rest follows in the next frames.
FRAME_SECONDS = 0.006
# Pictures before the selected one that are looked up first.
NEARBY = 50


class ResultMemory:
    """Remembers results by file and models, and fills the list of a folder with those it knows.

    Args:
        state: State of the window.
        file: Database of the results; None to remember them in this session only.
        reload: Called with the names of pictures whose files have changed since they were read.
        wake: Ends the window's sleep.

    Attributes:
        file: As given.
    """

    def __init__(
        self,
        state: State,
        file: Path | None = None,
        reload: Callable[[Sequence[str]], None] = lambda names: None,
        wake: Callable[[], None] = noop,
    ) -> None:
        self._state, self.file, self._reload, self._wake = state, file, reload, wake
        self._session = SessionResults()
        self._known: KnownResults[Record] = KnownResults(self._session, wake)
        self.crops = CropCache(self.drop_crops)
        # What the last lookup was for: labels of a listing, models, and permission to look on the disk.
        self._asked: tuple[Labels, str, bool] | None = None
        if self.keeping:
            self._known.keep(file)

    @property
    def keeping(self) -> bool:
        """Whether results are kept on disk."""
        return self.file is not None and self._state.settings.keep_results == YES

    @property
    def question_open(self) -> bool:
        """Whether the user has to be asked if results may be kept: there are some, and the question is new."""
        state = self._state
        undecided = self.file is not None and state.settings.keep_results == ASK
        return undecided and state.kind == FOLDER and bool(state.image_list.records)

    def permit(self, permitted: bool) -> None:
        """The user's decision whether results may be kept on disk; also those of this session so far."""
        self._state.change(keep_results=YES if permitted else NO)
        if self.file is not None:
            self._known.keep(self.file if permitted else None)
            self._known.add(self._session.all() if permitted else ())

    def forget(self) -> None:
        """Delete the results on disk; those of this session stay in memory."""
        if self.file is not None:
            self._known.forget(self.file)

    def add(self, recognition: Recognition) -> None:
        """Remember the result of a picture of a folder."""
        known = self._session.get(recognition.models, recognition.key)
        self._session.add(recognition)
        self.crops.add(recognition.key, recognition)
        # A picture is also read again to have its crops.
        if self.keeping and (known is None or known.stamp != recognition.stamp):
            self._known.add([recognition])

    def drop_crops(self, path: str) -> None:
        """Remove the crops from the results of a picture."""
        state = self._state
        self._session.drop_crops(path)
        name = path.removeprefix(os.path.join(state.folder, ""))
        if state.kind == FOLDER and (record := state.image_list.records.get(name)) is not None:
            state.image_list.records[name] = record.without_crops()

    def collect(self) -> None:
        """Fill the list with known results. Never waits."""
        state, image_list = self._state, self._state.image_list
        for message, is_error in drain(self._known.messages):
            state.add_message(message, is_error)
        self._ask()
        deadline = monotonic() + FRAME_SECONDS
        added = 0
        while self._known.batches and monotonic() < deadline:
            batch = self._known.batches.popleft()
            added += image_list.add_known(batch.found)
            if batch.changed:
                image_list.remove(batch.changed)
                self._reload(batch.changed)
        if state.read_all_total:
            # They need not be read any more.
            state.read_all_total = max(1, state.read_all_total - added)
        if self._known.batches:
            self._wake()

    def _ask(self) -> None:
        """Request the known results of the folder once its list and labels are complete and the models are loaded."""
        state, image_list = self._state, self._state.image_list
        labels, models = image_list.labels, state.models.identity
        if state.kind != FOLDER or state.listing_error or labels.folder != state.folder or not models:
            if self._asked is not None:
                self._asked = None
                self._known.look_up(None)
            return
        if state.scanning:
            return
        wanted = labels, models, self.keeping
        asked = self._asked
        if asked is not None and asked[0] is labels and asked[1:] == wanted[1:]:
            return
        self._asked = wanted
        records = image_list.records

        def shown(name: str) -> Recognition | None:
            record = records.get(name)
            return record.recognition if record is not None else None

        # Those that are probably visible come first.
        names, start = image_list.names, max(0, image_list.index - NEARBY)
        ordered = [*names[start:], *names[:start]] if start else names
        self._known.look_up(Lookup(state.folder, ordered, models, shown, partial(make_record, labels)))

    def close(self, timeout: float = 1.0) -> bool:
        """Write what is left and stop the thread; returns whether it has ended within `timeout` seconds."""
        return self._known.close(timeout)
