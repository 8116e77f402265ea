"""The list of a folder's pictures: filter, order, selection, and the result of each picture."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic

from alpr_app.core.plate import Plate
from alpr_app.evaluation.ground_truth import GroundTruth, Totals, label_text_of
from alpr_app.evaluation.outcomes import OUTCOMES, RIGHT
from alpr_app.viewer.app.differences import VERDICTS
from alpr_app.viewer.app.list_filter import ListFilter, parse_filter
from alpr_app.viewer.app.record import Record, ground_truth, make_record
from alpr_app.viewer.text.language import mark
from alpr_app.viewer.workers.label_tables import Labels
from alpr_app.viewer.workers.recogniser import Recognition

ALL, UNSEEN, STARRED = "all", mark("not yet read"), mark("starred")
NO_LABELS = mark("This folder has no labels, so no picture has a result to compare")
REFILTER_SECONDS = 0.3


class ImageList:
    """The pictures of a folder.

    Attributes:
        names: Paths of all pictures relative to the folder, in order.
        rows: Indices of those that pass the filter.
        index: Index of the selected picture, -1 if there is none.
        records: Results by name.
        labels: Labels from tables in the folder.
        changes: Rises whenever the records change.
        text, only: The filter: what was typed (`list_filter`), and outcome.
        starred: Names of the pictures with a star.
        totals: Counts over all records.
        verdicts: While two models are compared, how the second differs from the first, by name: one of `VERDICTS`.
        score, confidence: Thresholds of the plates that count.
    """

    def __init__(self) -> None:
        self.names: Sequence[str] = ()
        self.rows: Sequence[int] = range(0)
        self.index = -1
        self.records: dict[str, Record] = {}
        self.labels = Labels()
        self.changes = 0
        self.text = ""
        self.only = ALL
        self.starred: frozenset[str] = frozenset()
        self.totals = Totals()
        self.verdicts: Mapping[str, str] = {}
        self.score, self.confidence = 0.5, 0.0
        self._stale = False
        self._last_filtered = 0.0
        # Lower-case names for the filter, made on its first use.
        self._lowercase_names: list[str] | None = None
        # All names once the list is complete; None while more may come.
        self._complete: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """Name of the selected picture; empty if there is none."""
        return self.names[self.index] if 0 <= self.index < len(self.names) else ""

    @property
    def position(self) -> int:
        """Row of the selected picture; -1 if the filter hides it."""
        position = bisect_left(self.rows, self.index)
        return position if position < len(self.rows) and self.rows[position] == self.index else -1

    def set_names(self, names: Sequence[str], wanted: str = "") -> None:
        """Replace the list of the same folder; the selection stays, unless the list has the picture `wanted`."""
        current, before = self.name, max(self.index, 0)
        self.names, self._lowercase_names, self._complete = names, None, None
        position = _find(names, wanted) if wanted else -1
        if position < 0 and current:
            position = _find(names, current)
        self.index = position if position >= 0 else min(before, len(names) - 1)
        self.refilter()

    def complete(self) -> None:
        """Called when the list is complete: drop results of pictures that are gone, and take no more of them."""
        self._complete = frozenset(self.names)
        old = self.records
        if not old:
            return
        self.records = {name: old[name] for name in self.names if name in old}
        self.changes += self.records != old
        self._count_all()
        self._stale = bool(self.text) or self.only != ALL

    def expects(self, name: str) -> bool:
        """Whether a picture is in the list, or may be in the part that is still to come."""
        return self._complete is None or name in self._complete

    def go(self, index: int) -> None:
        """Select the picture at this index, or the nearest one."""
        self.index = min(max(index, 0), len(self.names) - 1)

    def select(self, name: str) -> bool:
        """Select the picture of this name; returns whether it is in the list."""
        index = _find(self.names, name)
        if index >= 0:
            self.index = index
        return index >= 0

    def step(self, by: int) -> None:
        """Move the selection by so many rows of the filtered list, up to its ends."""
        if not self.rows:
            return
        position = bisect_left(self.rows, self.index)
        # From a hidden picture, the next row is the first one behind it.
        if by > 0 and self.position < 0:
            by -= 1
        self.index = self.rows[min(max(position + by, 0), len(self.rows) - 1)]

    def neighbours(self, ahead: int = 3, behind: int = 1) -> list[str]:
        """Names of the selected picture and of those likely to be selected next."""
        if not self.name:
            return []
        position = bisect_left(self.rows, self.index)
        hidden = self.position < 0
        after = self.rows[position + (not hidden) : position + (not hidden) + ahead]
        before = reversed(self.rows[max(0, position - behind) : position])
        return [self.name, *(self.names[index] for index in (*after, *before))]

    def filter(self, text: str, only: str) -> None:
        """Show pictures that meet what was typed and whose outcome is `only`."""
        if (text, only) != (self.text, self.only):
            self.text, self.only = text, only
            self.refilter()

    def refilter(self) -> None:
        """Apply the filter to all pictures."""
        self._stale, self._last_filtered = False, monotonic()
        if not self.text and self.only == ALL:
            self.rows = range(len(self.names))
            return
        rows: Iterable[int] = range(len(self.names))
        if self.text:
            rows = self._rows_with(parse_filter(self.text))
        if self.only == STARRED:
            rows = [row for row in rows if self.names[row] in self.starred]
        elif self.only == UNSEEN:
            rows = [row for row in rows if self.names[row] not in self.records]
        elif self.only in VERDICTS:
            rows = [row for row in rows if self.verdicts.get(self.names[row]) == self.only]
        elif self.only != ALL:
            marked = {name for name in self.records if self.outcome(name) == self.only}
            rows = [row for row in rows if self.names[row] in marked]
        self.rows = list(rows)

    def set_starred(self, names: Iterable[str]) -> None:
        """Replace the names of the pictures with a star."""
        starred = frozenset(names)
        if starred != self.starred:
            self.starred = starred
            if self.text or self.only == STARRED:
                self.refilter()

    def refresh(self) -> None:
        """Apply the filter again if new results may change it; at most every REFILTER_SECONDS."""
        if self._stale and monotonic() - self._last_filtered > REFILTER_SECONDS:
            self.refilter()

    def _rows_with(self, wanted: ListFilter) -> list[int]:
        """Indices of the pictures that meet the typed filter."""
        found: Sequence[int] = range(len(self.names))
        if wanted.text:
            if self._lowercase_names is None:
                self._lowercase_names = [name.casefold() for name in self.names]
            text, plates = wanted.text, self._with_plates(wanted.has_text)
            found = [row for row, name in enumerate(self._lowercase_names) if text in name or self.names[row] in plates]
        if wanted.provinces:
            plates = self._with_plates(wanted.has_provinces)
            found = [row for row in found if self.names[row] in plates]
        if wanted.starred is not None:
            found = [row for row in found if (self.names[row] in self.starred) == wanted.starred]
        if wanted.needs_results:
            read = {name for name, record in self.records.items() if self._meets(record, wanted)}
            found = [row for row in found if self.names[row] in read]
        return list(found)

    def _with_plates(self, holds: Callable[[Sequence[str]], bool]) -> set[str]:
        """Pictures whose labelled or read texts meet a condition."""
        return {name for name, label in self.labels.texts.items() if holds(label.split(", "))} | {
            name for name, record in self.records.items() if holds(_texts(record))
        }

    def _meets(self, record: Record, wanted: ListFilter) -> bool:
        matching = record.matching(self.score, self.confidence)
        matches = matching.plates if matching is not None else ()
        overlaps = [match.iou for match in matches if match.iou is not None]
        return wanted.matches_plates(self.shown(record.recognition.plates), overlaps)

    def add(self, name: str, recognition: Recognition) -> None:
        """Add a result."""
        old = self.records.get(name)
        if old is not None:
            self._count(old, -1)
        self.records[name] = record = make_record(self.labels, name, recognition)
        self.changes += 1
        self._count(record)
        self._stale = bool(self.text) or self.only != ALL

    def add_known(self, records: Mapping[str, Record]) -> int:
        """Add results from earlier readings, made by `make_record` with the present labels, unless the pictures have
        newer ones or are gone; returns how many were added."""
        fresh = {n: record for n, record in records.items() if n not in self.records and self.expects(n)}
        for name in self.labels.corrected & fresh.keys():
            fresh[name] = make_record(self.labels, name, fresh[name].recognition)
        self.records.update(fresh)
        for record in fresh.values():
            self._count(record)
        if fresh:
            self.changes += 1
            self._stale = bool(self.text) or self.only != ALL
        return len(fresh)

    def remove(self, names: Iterable[str]) -> None:
        """Remove the results of these pictures, because their files have changed."""
        for name in names:
            record = self.records.pop(name, None)
            if record is not None:
                self._count(record, -1)
                self.changes += 1
        self._stale = bool(self.text) or self.only != ALL

    def ground_truth(self, name: str) -> GroundTruth | None:
        """The labels of a picture as they are written: from the folder's tables, else from its name."""
        return ground_truth(self.labels, name)

    def set_labels(self, labels: Labels) -> None:
        """Replace the labels from tables and compare the results with them again."""
        old, self.labels = self.labels, labels
        concerned = [name for name in self.records if name in old or name in labels]
        for name in concerned:
            self.records[name] = make_record(self.labels, name, self.records[name].recognition)
        if concerned:
            self.changes += 1
            self._count_all()
        self._stale = bool(self.text) or self.only != ALL

    def relabel(self, name: str) -> None:
        """Compare the result of one picture again, because its labels have been corrected."""
        record = self.records.get(name)
        if record is not None:
            self.add(name, record.recognition)

    @property
    def has_labels(self) -> bool:
        """Whether any picture is labelled, as far as is known."""
        return self.labels.has_labels or bool(self.totals.pictures)

    def label_text(self, name: str) -> str:
        """The texts of a picture's labels as they are written; empty if there are none."""
        # Fast enough for every visible row of every frame.
        return self.labels.texts.get(name, "") if self.labels.folder else label_text_of(name)

    def _count(self, record: Record, times: int = 1) -> None:
        if record.recognition.error:
            self.totals.add_unreadable(times)
            return
        matching = record.matching(self.score, self.confidence)
        if matching is not None and record.ground_truth is not None:
            self.totals.add(matching, times, record.ground_truth.placed)

    def clear_records(self) -> None:
        """Forget all results, because the models have changed or the folder is left."""
        self.records = {}
        self.changes += 1
        self.totals = Totals()
        self._stale = bool(self.text) or self.only != ALL

    def set_thresholds(self, score: float, confidence: float) -> None:
        """Set the thresholds and count the totals again."""
        if (score, confidence) == (self.score, self.confidence):
            return
        self.score, self.confidence = score, confidence
        self._count_all()
        self._stale = bool(self.text) or self.only != ALL

    def _count_all(self) -> None:
        self.totals = Totals()
        for record in self.records.values():
            self._count(record)

    def set_verdicts(self, verdicts: Mapping[str, str]) -> None:
        """Replace the verdicts of a comparison; without any, all pictures are shown again if the filter was for one."""
        self.verdicts = verdicts
        if self.only in VERDICTS:
            self.only = self.only if verdicts else ALL
            self._stale = True

    def outcome(self, name: str) -> str:
        """One of OUTCOMES; empty if that is unknown."""
        record = self.records.get(name)
        return record.picture_outcome(self.score, self.confidence) if record is not None else ""

    def shown(self, plates: Sequence[Plate]) -> list[Plate]:
        """The plates that reach both thresholds, best first: a new list."""
        return [plate for plate in plates if plate.score >= self.score and plate.confidence >= self.confidence]

    def next_error(self) -> bool:
        """Select the next picture that is not right, wrapping around at the end; returns whether there is one."""
        return self._next(lambda name: self.outcome(name) not in ("", RIGHT))

    def next_difference(self) -> bool:
        """Select the next picture that two models read differently; returns whether there is one."""
        return self._next(lambda name: name in self.verdicts)

    def _next(self, meets: Callable[[str], bool]) -> bool:
        count = len(self.names)
        for offset in range(1, count + 1):
            index = (self.index + offset) % count
            if meets(self.names[index]):
                self.index = index
                return True
        return False


def _texts(record: Record) -> list[str]:
    """Texts read in a picture and those of its labels."""
    labels = record.ground_truth.labels if record.ground_truth is not None else ()
    return [*(plate.text for plate in record.recognition.plates), *(label.text for label in labels)]


def _find(names: Sequence[str], name: str) -> int:
    """Index of `name`; -1 if it is not in the list."""
    try:
        return names.index(name)
    except ValueError:
        return -1


NAME, NEWEST, LARGEST, UNSURE, ERRORS = "name", "newest", "largest", "unsure", "errors"
SORT_ORDERS = (NAME, NEWEST, LARGEST, UNSURE, ERRORS)
SORT_TITLES = (
    mark("By name"),
    mark("Newest first"),
    mark("Largest first"),
    mark("Least confident"),
    mark("Errors first"),
)

Rank = Callable[[str, os.DirEntry[str]], str]
"""Takes the relative path of a picture and its directory entry; called on the thread that lists the folder."""

_LARGEST_VALUE = 10**20


def rank_of(order: str, records: Mapping[str, Record], score: float, confidence: float) -> Rank | None:
    """The sorting key for an order; None for the order by name.

    UNSURE and ERRORS sort by the results in `records`, with both thresholds; `records` must not change any more.
    """
    if order == NEWEST:
        return lambda _, entry: _largest_first(_stat(entry, "st_mtime_ns"))
    if order == LARGEST:
        return lambda _, entry: _largest_first(_stat(entry, "st_size"))
    if order == UNSURE:
        return lambda name, _: _unsure(records.get(name), score, confidence)
    if order == ERRORS:
        return lambda name, _: _error(records.get(name), score, confidence)
    return None


def _stat(entry: os.DirEntry[str], name: str) -> int:
    try:
        value: int = getattr(entry.stat(), name)
        return value
    except OSError:
        # A link that leads nowhere; the error is shown when the picture is opened.
        return 0


def _largest_first(value: int) -> str:
    # Times before 1970 are negative.
    return f"{_LARGEST_VALUE - value:021d}"


def _unsure(record: Record | None, score: float, confidence: float) -> str:
    """By the least confident plate shown; then pictures without plates, then unread ones."""
    if record is None:
        return "3"
    shown = [p.confidence for p in record.recognition.plates if p.score >= score and p.confidence >= confidence]
    return f"{min(shown):.6f}" if shown else "2"


def _error(record: Record | None, score: float, confidence: float) -> str:
    """Worst outcomes first; then pictures without a label, right ones, and those not yet read."""
    if record is None:
        return "9"
    outcome = record.picture_outcome(score, confidence)
    return "7" if not outcome else "8" if outcome == RIGHT else str(OUTCOMES.index(outcome))
