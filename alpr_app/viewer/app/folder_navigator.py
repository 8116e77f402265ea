"""Opens folders: lists their pictures, finds their subfolders, moves between them, and runs the slide show."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

from alpr_app.viewer.app.image_list import ERRORS, UNSURE, rank_of
from alpr_app.viewer.app.settings import with_recent
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.workers.folders import FolderCrawl, FolderScan
from alpr_app.viewer.workers.label_places import LabelPlaces
from alpr_app.viewer.workers.label_tables import Labels, LabelTableReader
from alpr_app.viewer.workers.recogniser import FAILED
from alpr_app.viewer.workers.threads import drain, noop


class FolderNavigator:
    """Keeps `state.image_list` and `state.tree` up to date.

    Args:
        state: State of the window.
        wake: Ends the window's sleep.
        places: Where labels are kept that do not lie beside their pictures; None if nowhere.
    """

    def __init__(self, state: State, wake: Callable[[], None] = noop, places: LabelPlaces | None = None) -> None:
        self._state, self._wake, self._places = state, wake, places
        self._scan: FolderScan | None = None
        self._crawl: FolderCrawl | None = None
        # The requested picture, which is listed whatever its suffix; and the same until it has been selected.
        self._requested = self._pending_selection = ""
        self._sorted_by: tuple[int, float, float] = (0, 0.0, 0.0)
        self._tables: LabelTableReader | None = None
        self._closing: list[FolderScan | FolderCrawl] = []

    def open(self, folder: str, wanted: str = "") -> None:
        """List `folder` and select the picture `wanted`. A folder that is in the tree already keeps the tree."""
        state = self._state
        state.kind, state.folder, state.scanning, state.listing_error = FOLDER, folder, True, ""
        self._requested = self._pending_selection = wanted
        state.image_list.set_labels(Labels())
        if state.tree.find(folder) is None:
            state.settings = with_recent(state.settings, folder)
            state.tree.set_root(folder)
            self._close_later(self._crawl)
            self._crawl = FolderCrawl(True, self._wake)
            self._crawl.request(folder)
        state.tree.reveal(folder)
        self._start_scan(publish_at_end=False)

    def _start_scan(self, publish_at_end: bool) -> None:
        state, image_list = self._state, self._state.image_list
        self._close_later(self._scan)
        order = state.settings.order
        # Copied for the thread, which sorts by the results known now.
        records = dict(image_list.records) if order in (UNSURE, ERRORS) else {}
        self._sorted_by = self._result_version()
        rank = rank_of(order, records, image_list.score, image_list.confidence)
        self._scan = FolderScan(
            state.folder, state.settings.recursive, self._wake, rank, publish_at_end, self._requested
        )

    def refresh(self) -> None:
        """List the folder again in the chosen order; the present list is shown until then."""
        state = self._state
        if state.kind != FOLDER:
            return
        state.scanning = True
        self._start_scan(publish_at_end=True)
        if self._crawl is not None and state.tree.root is not None:
            self._crawl.request(state.tree.root.path)

    def sort(self, order: str) -> None:
        """Sort the list now; later results do not move any row."""
        self._state.change(order=order)
        self.refresh()

    def _result_version(self) -> tuple[int, float, float]:
        image_list = self._state.image_list
        return image_list.changes, image_list.score, image_list.confidence

    @property
    def order_is_stale(self) -> bool:
        """Whether the pictures are sorted by results and there are newer results."""
        return self._state.settings.order in (UNSURE, ERRORS) and self._result_version() != self._sorted_by

    def read_folder(self, path: str) -> None:
        """Read the subfolders of `path` before all others."""
        if self._crawl is not None:
            self._crawl.request(path)

    def collect(self) -> None:
        """Take over new results from the threads. Never waits."""
        state = self._state
        for batch in drain(self._crawl.batches) if self._crawl is not None else ():
            for content in batch:
                state.tree.add(content)
        self._collect_labels()
        listing = self._scan.listings.take() if self._scan is not None else None
        if listing is None:
            return
        if state.image_list.index > 0:
            # The picture has been found, or the user has moved on.
            self._pending_selection = ""
        state.scanning, state.listing_error = not listing.finished, listing.error
        state.add_message(listing.error, is_error=True)
        if listing.error:
            state.image_list.clear_records()
            state.image_list.set_labels(Labels())
            state.image_list.set_names(())
            return
        state.image_list.set_names(listing.names, self._pending_selection)
        if listing.finished:
            state.image_list.complete()
            if self._tables is None:
                self._tables = LabelTableReader(self._wake, self._places)
            self._tables.request(state.folder, listing.names)

    def _collect_labels(self) -> None:
        state, image_list = self._state, self._state.image_list
        labels = self._tables.labels.take() if self._tables is not None else None
        if labels is not None and state.kind == FOLDER and labels.folder == state.folder:
            image_list.set_labels(labels)
        # Some problems are found only when the rows of a picture are parsed.
        while image_list.labels.problems:
            state.add_message(image_list.labels.problems.pop(0), is_error=True)

    def leave(self, keep_tree: bool = False) -> None:
        """Leave the folder without waiting for the threads."""
        state = self._state
        self._close_later(self._scan)
        self._scan = None
        state.listing_error = ""
        if not keep_tree:
            self._close_later(self._crawl)
            self._crawl = None
            state.tree.clear()

    def parent_folder(self) -> str:
        """The parent of the current folder; empty at the root."""
        folder = self._state.folder
        parent = os.path.dirname(folder)
        return parent if self._state.kind == FOLDER and parent != folder else ""

    def neighbour_folder(self, by: int) -> str:
        """The folder `by` rows further down in the tree; empty if there is none."""
        rows = self._state.tree.rows
        position = next((number for number, node in enumerate(rows) if node.path == self._state.folder), -1)
        return rows[position + by].path if 0 <= position + by < len(rows) and position >= 0 else ""

    def _close_later(self, thread: FolderScan | FolderCrawl | None) -> None:
        if thread is not None:
            thread.close(0)
            self._closing.append(thread)
        self._closing = [closing for closing in self._closing if not closing.close(0)]

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the threads; returns whether all have ended within `timeout` seconds."""
        deadline = monotonic() + timeout
        self.leave()
        threads = [*self._closing, *([self._tables] if self._tables is not None else [])]
        return all([thread.close(max(0.0, deadline - monotonic())) for thread in threads])


class SlideShow:
    """Advances through the pictures while `state.playing` is set."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._next = 0.0

    def play(self) -> None:
        """Start or stop the slide show."""
        self._state.playing = not self._state.playing
        self._next = monotonic() + self._state.settings.slide_seconds

    def advance(self) -> None:
        """Go to the next picture when it is due; the show ends with the last picture."""
        state = self._state
        if not state.playing or monotonic() < self._next:
            return
        # A picture is shown until it has been read.
        seen = state.image_item is not None and state.image_item.key == os.path.join(
            state.folder, state.image_list.name
        )
        if not seen or (state.record is None and state.models.state != FAILED):
            return
        before = state.image_list.index
        state.image_list.step(1)
        self._next = monotonic() + state.settings.slide_seconds
        state.playing = state.image_list.index != before

    def seconds_left(self, maximum: float) -> float:
        """Seconds until the next picture, at most `maximum`. If it is overdue, the pending result wakes the window."""
        left = self._next - monotonic()
        return min(left, maximum) if left > 0 else maximum
