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
from alpr_app.viewer.workers.folders import FolderCrawl, FolderScan
from alpr_app.viewer.workers.label_tables import Labels, LabelTableReader
from alpr_app.viewer.workers.recogniser import FAILED
from alpr_app.viewer.workers.threads import drain, noop

# Folders whose results are holders after another one has been opened.
CACHED_FOLDERS = 16


class FolderNavigator:
    """Keeps `state.browse` and `state.tree` up to date. wake: ends the window's sleep."""

    def __init__(self, state: State, wake: Callable[[], None] = noop) -> None:
        self._state, self._wake = state, wake
        self._scan: FolderScan | None = None
        self._crawl: FolderCrawl | None = None
        # The picture that was asked for, which is listed whatever its suffix; and as long as it is to be looked at.
        self._requested = self._pending_selection = ""
        self._sorted_by: tuple[int, float, float] = (0, 0.0, 0.0)
        self._cached_records: dict[str, dict[str, Record]] = {}
        self._tables: LabelTableReader | None = None
        self._closing: list[FolderScan | FolderCrawl] = []

    def open(self, folder: str, wanted: str = "") -> None:
        """List `folder`; wanted: the picture to look at first. Folders that are in the tree already keep it."""
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
        # Copied for the thread; it goes by what is known now.
        records = dict(image_list.records) if order in (UNSURE, ERRORS) else {}
        self._sorted_by = self._known()
        rank = rank_of(order, records, image_list.score, image_list.confidence)
        self._scan = FolderScan(
            state.folder, state.settings.recursive, self._wake, rank, publish_at_end, self._requested
        )

    def refresh(self) -> None:
        """List the folder anew, in the order that is set; what is shown stays until that is done."""
        state = self._state
        if state.kind != FOLDER:
            return
        state.scanning = True
        self._cache_records()
        self._start_scan(publish_at_end=True)
        if self._crawl is not None and state.tree.root is not None:
            self._crawl.request(state.tree.root.path)

    def _known(self) -> tuple[int, float, float]:
        image_list = self._state.image_list
        return image_list.changes, image_list.score, image_list.confidence

    @property
    def order_is_stale(self) -> bool:
        """Whether the pictures are sorted by results, and there are others by now."""
        return self._state.settings.order in (UNSURE, ERRORS) and self._known() != self._sorted_by

    def read_folder(self, path: str) -> None:
        """Find the folders in `path` before all others."""
        if self._crawl is not None:
            self._crawl.request(path)

    def collect(self) -> None:
        """Carry over what the threads have found. Never waits."""
        state = self._state
        for batch in drain(self._crawl.batches) if self._crawl is not None else ():
            for content in batch:
                state.tree.add(content)
        self._collect_labels()
        listing = self._scan.listings.take() if self._scan is not None else None
        if listing is None:
            return
        if state.image_list.index > 0:
            # It was found, or the user has gone elsewhere.
            self._pending_selection = ""
        state.scanning, state.listing_error = not listing.finished, listing.error
        state.add_message(listing.error, is_error=True)
        if listing.error:
            # A drive may be back in a moment; what was read from it stays on the list, and can still be holders.
            return
        state.image_list.set_names(listing.names, self._pending_selection)
        if listing.finished:
            state.image_list.complete(self._cached_records.get(state.folder, {}))
            if self._tables is None:
                self._tables = LabelTableReader(self._wake)
            self._tables.request(state.folder, listing.names)

    def _collect_labels(self) -> None:
        state, image_list = self._state, self._state.image_list
        labels = self._tables.labels.take() if self._tables is not None else None
        if labels is not None and state.kind == FOLDER and labels.folder == state.folder:
            image_list.set_labels(labels)
        # Some come to light only when a picture's lines are looked at.
        while image_list.labels.problems:
            state.add_message(image_list.labels.problems.pop(0), is_error=True)

    def leave(self, keep_tree: bool = False) -> None:
        """Let the folder go, without waiting for the threads; its results are holders for when it is opened again."""
        state = self._state
        self._cache_records()
        self._close_later(self._scan)
        self._scan = None
        state.listing_error = ""
        if not keep_tree:
            self._close_later(self._crawl)
            self._crawl = None
            state.tree.clear()

    def _cache_records(self) -> None:
        state, cached = self._state, self._cached_records
        if state.kind == FOLDER and state.image_list.records:
            cached[state.folder] = cached.pop(state.folder, {}) | state.image_list.records
            while len(cached) > CACHED_FOLDERS:
                cached.pop(next(iter(cached)))

    def drop_crops(self, folder: str, name: str) -> None:
        """Keep of a picture's result all but the crops."""
        state = self._state
        holders = [self._cached_records.get(folder, {})]
        if state.kind == FOLDER and state.folder == folder:
            holders.append(state.image_list.records)
        for records in holders:
            if name in records:
                records[name] = records[name].without_crops()

    def forget_results(self) -> None:
        """Other models read now."""
        self._cached_records.clear()

    def parent_folder(self) -> str:
        """The folder in which the present one lies; empty at the very top."""
        folder = self._state.folder
        above = os.path.dirname(folder)
        return above if self._state.kind == FOLDER and above != folder else ""

    def neighbour_folder(self, by: int) -> str:
        """The folder so many rows further down in the tree; empty if there is none."""
        rows = self._state.tree.rows
        position = next((number for number, node in enumerate(rows) if node.path == self._state.folder), -1)
        return rows[position + by].path if 0 <= position + by < len(rows) and position >= 0 else ""

    def _close_later(self, thread: FolderScan | FolderCrawl | None) -> None:
        if thread is not None:
            thread.close(0)
            self._closing.append(thread)
        self._closing = [one for one in self._closing if not one.close(0)]

    def close(self, timeout: float = 1.0) -> bool:
        """End the threads; whether all have."""
        deadline = monotonic() + timeout
        self.leave()
        threads = [*self._closing, *([self._tables] if self._tables is not None else [])]
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

    def advance(self) -> None:
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

    def seconds_left(self, maximum: float) -> float:
        """Seconds until the next turn, at most `most`. Overdue, it waits for a result, which wakes the window."""
        left = self._next - monotonic()
        return min(left, maximum) if left > 0 else maximum
