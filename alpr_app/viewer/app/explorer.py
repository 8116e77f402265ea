"""Which folder's pictures are looked at: lists them, finds the folders within, goes from one to the other, by itself in
a slide show.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

from alpr_app.viewer.app.image_list import ERRORS, UNSURE, Record, rank_of
from alpr_app.viewer.app.settings import with_recent
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.workers.folders import Crawl, Scan
from alpr_app.viewer.workers.label_tables import Labels, TableReader
from alpr_app.viewer.workers.recogniser import FAILED
from alpr_app.viewer.workers.threads import drain, noop

# Folders whose results are kept after another one has been opened.
SHELVES = 16


class Explorer:
    """Keeps `state.browse` and `state.tree` up to date. wake: ends the window's sleep."""

    def __init__(self, state: State, wake: Callable[[], None] = noop) -> None:
        self._state, self._wake = state, wake
        self._scan: Scan | None = None
        self._crawl: Crawl | None = None
        # The picture that was asked for, which is listed whatever its suffix; and as long as it is to be looked at.
        self._named = self._wanted = ""
        self._sorted_by: tuple[int, float, float] = (0, 0.0, 0.0)
        self._shelves: dict[str, dict[str, Record]] = {}
        self._tables: TableReader | None = None
        self._left: list[Scan | Crawl] = []

    def open(self, folder: str, wanted: str = "") -> None:
        """List `folder`; wanted: the picture to look at first. Folders that are in the tree already keep it."""
        state = self._state
        state.kind, state.folder, state.scanning, state.listing_error = FOLDER, folder, True, ""
        self._named = self._wanted = wanted
        state.image_list.set_labels(Labels())
        if state.tree.find(folder) is None:
            state.settings = with_recent(state.settings, folder)
            state.tree.plant(folder)
            self._let_go(self._crawl)
            self._crawl = Crawl(True, self._wake)
            self._crawl.ask(folder)
        state.tree.reveal(folder)
        self._list(whole=False)

    def _list(self, whole: bool) -> None:
        state, image_list = self._state, self._state.image_list
        self._let_go(self._scan)
        order = state.settings.order
        # Copied for the thread; it goes by what is known now.
        records = dict(image_list.records) if order in (UNSURE, ERRORS) else {}
        self._sorted_by = self._known()
        rank = rank_of(order, records, image_list.score, image_list.confidence)
        self._scan = Scan(state.folder, state.settings.recursive, self._wake, rank, whole, self._named)

    def refresh(self) -> None:
        """List the folder anew, in the order that is set; what is shown stays until that is done."""
        state = self._state
        if state.kind != FOLDER:
            return
        state.scanning = True
        self._shelve()
        self._list(whole=True)
        if self._crawl is not None and state.tree.root is not None:
            self._crawl.ask(state.tree.root.path)

    def _known(self) -> tuple[int, float, float]:
        image_list = self._state.image_list
        return image_list.changes, image_list.score, image_list.confidence

    @property
    def order_is_stale(self) -> bool:
        """Whether the pictures are sorted by results, and there are others by now."""
        return self._state.settings.order in (UNSURE, ERRORS) and self._known() != self._sorted_by

    def look_into(self, path: str) -> None:
        """Find the folders in `path` before all others."""
        if self._crawl is not None:
            self._crawl.ask(path)

    def collect(self) -> None:
        """Carry over what the threads have found. Never waits."""
        state = self._state
        for batch in drain(self._crawl.found) if self._crawl is not None else ():
            for found in batch:
                state.tree.add(found)
        self._collect_labels()
        listing = self._scan.listings.take() if self._scan is not None else None
        if listing is None:
            return
        if state.image_list.index > 0:
            # It was found, or the user has gone elsewhere.
            self._wanted = ""
        state.scanning, state.listing_error = not listing.finished, listing.error
        state.say(listing.error, bad=True)
        if listing.error:
            # A drive may be back in a moment; what was read from it stays on the list, and can still be kept.
            return
        state.image_list.set_names(listing.names, self._wanted)
        if listing.finished:
            state.image_list.settle(self._shelves.get(state.folder, {}))
            if self._tables is None:
                self._tables = TableReader(self._wake)
            self._tables.ask(state.folder, listing.names)

    def _collect_labels(self) -> None:
        state, image_list = self._state, self._state.image_list
        labels = self._tables.found.take() if self._tables is not None else None
        if labels is not None and state.kind == FOLDER and labels.folder == state.folder:
            image_list.set_labels(labels)
        # Some come to light only when a picture's lines are looked at.
        while image_list.labels.troubles:
            state.say(image_list.labels.troubles.pop(0), bad=True)

    def leave(self, keep_tree: bool = False) -> None:
        """Let the folder go, without waiting for the threads; its results are kept for when it is opened again."""
        state = self._state
        self._shelve()
        self._let_go(self._scan)
        self._scan = None
        state.listing_error = ""
        if not keep_tree:
            self._let_go(self._crawl)
            self._crawl = None
            state.tree.clear()

    def _shelve(self) -> None:
        state, shelves = self._state, self._shelves
        if state.kind == FOLDER and state.image_list.records:
            shelves[state.folder] = shelves.pop(state.folder, {}) | state.image_list.records
            while len(shelves) > SHELVES:
                shelves.pop(next(iter(shelves)))

    def drop_crops(self, folder: str, name: str) -> None:
        """Keep of a picture's result all but the crops."""
        state = self._state
        kept = [self._shelves.get(folder, {})]
        if state.kind == FOLDER and state.folder == folder:
            kept.append(state.image_list.records)
        for records in kept:
            if name in records:
                records[name] = records[name].without_crops()

    def forget_results(self) -> None:
        """Other models read now."""
        self._shelves.clear()

    def above(self) -> str:
        """The folder in which the present one lies; empty at the very top."""
        folder = self._state.folder
        above = os.path.dirname(folder)
        return above if self._state.kind == FOLDER and above != folder else ""

    def beside(self, by: int) -> str:
        """The folder so many rows further down in the tree; empty if there is none."""
        rows = self._state.tree.rows
        place = next((number for number, node in enumerate(rows) if node.path == self._state.folder), -1)
        return rows[place + by].path if 0 <= place + by < len(rows) and place >= 0 else ""

    def _let_go(self, thread: Scan | Crawl | None) -> None:
        if thread is not None:
            thread.close(0)
            self._left.append(thread)
        self._left = [one for one in self._left if not one.close(0)]

    def close(self, timeout: float = 1.0) -> bool:
        """End the threads; whether all have."""
        deadline = monotonic() + timeout
        self.leave()
        threads = [*self._left, *([self._tables] if self._tables is not None else [])]
        return all([thread.close(max(0.0, deadline - monotonic())) for thread in threads])


class SlideShow:
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
        seen = state.image_item is not None and state.image_item.key == os.path.join(
            state.folder, state.image_list.name
        )
        if not seen or (state.record is None and state.models.state != FAILED):
            return
        before = state.image_list.index
        state.image_list.step(1)
        self._next = monotonic() + state.settings.slide_seconds
        state.playing = state.image_list.index != before

    def patience(self, most: float) -> float:
        """Seconds until the next turn, at most `most`. Overdue, it waits for a result, which wakes the window."""
        left = self._next - monotonic()
        return min(left, most) if left > 0 else most
