"""The list of a folder's pictures: filter, order, selection, and the result of each picture."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from alpr_app.core.plate import Plate
from alpr_app.evaluation.ground_truth import (
    MISSED,
    RIGHT,
    WRONG,
    GroundTruth,
    PlateComparison,
    Totals,
    compare,
    ground_truth_of,
    picture_outcome,
    plate_outcomes,
)
from alpr_app.viewer.workers.label_tables import Labels
from alpr_app.viewer.workers.recogniser import NO_CROP, Recognition

ALL, UNSEEN = "all", "not yet read"
REFILTER_SECONDS = 0.3


@dataclass(frozen=True, eq=False)
class Record:
    """The result of one picture and its comparison with the labels.

    Attributes:
        recognition: The result.
        ground_truth: The labels, in the spelling of the reader; None if the picture has none.
        comparisons: One per recognised plate; empty without labels.
    """

    recognition: Recognition
    ground_truth: GroundTruth | None
    comparisons: tuple[PlateComparison, ...]

    @property
    def counts(self) -> bool:
        """Whether it counts in the totals: the picture is labelled and could be read."""
        return self.ground_truth is not None and not self.recognition.error

    def picture_outcome(self, score: float, confidence: float) -> str:
        """right, wrong or missed with these thresholds; empty if the picture does not count."""
        if self.ground_truth is None or not self.counts:
            return ""
        return picture_outcome(self.comparisons, score, confidence, len(self.ground_truth.labels))

    @property
    def lacks_crops(self) -> bool:
        """Whether crops of plates have been dropped."""
        return any(not plate.crop.size for plate in self.recognition.plates)

    def without_crops(self) -> Record:
        """The same record without crops, which take most of the memory."""
        plates = tuple(replace(plate, crop=NO_CROP) for plate in self.recognition.plates)
        # The comparisons stay valid, plate by plate.
        return replace(self, recognition=replace(self.recognition, plates=plates))

    def missed(self, score: float, confidence: float) -> list[str]:
        """Texts of the labelled plates that were not found."""
        if self.ground_truth is None:
            return []
        outcomes = plate_outcomes(self.comparisons, score, confidence, len(self.ground_truth.labels))
        return [
            label.text for label, outcome in zip(self.ground_truth.labels, outcomes, strict=True) if outcome == MISSED
        ]


class ImageList:
    """The pictures of a folder.

    Attributes:
        names: Paths of all pictures relative to the folder, in order.
        rows: Indices of those that pass the filter.
        index: Index of the selected picture, -1 if there is none.
        records: Results by name.
        labels: Labels from tables in the folder.
        changes: Rises whenever the records change.
        text, only: The filter: text in the name or on a plate, and outcome.
        totals: Counts over all records.
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
        self.totals = Totals()
        self.score, self.confidence = 0.5, 0.0
        self._stale = False
        self._last_filtered = 0.0
        # Lower-case names for the filter, made on its first use.
        self._lowercase_names: list[str] | None = None

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
        self.names, self._lowercase_names = names, None
        position = _find(names, wanted) if wanted else -1
        if position < 0 and current:
            position = _find(names, current)
        self.index = position if position >= 0 else min(before, len(names) - 1)
        self.refilter()

    def complete(self, known: Mapping[str, Record]) -> None:
        """Called when the list is complete: drop results of pictures that are gone and take over those in `known`."""
        old = self.records
        if not old and not known:
            return
        self.records = {name: found for name in self.names if (found := old.get(name) or known.get(name)) is not None}
        self.changes += self.records != old
        self._count_all()
        self._stale = bool(self.text) or self.only != ALL

    def go(self, index: int) -> None:
        """Select the picture at this index, or the nearest one."""
        self.index = min(max(index, 0), len(self.names) - 1)

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
        """Show pictures whose name or plate text contains `text` and whose outcome is `only`."""
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
            if self._lowercase_names is None:
                self._lowercase_names = [name.casefold() for name in self.names]
            text, found = self.text.casefold(), self._with_text()
            rows = [row for row, name in enumerate(self._lowercase_names) if text in name or self.names[row] in found]
        if self.only == UNSEEN:
            rows = [row for row in rows if self.names[row] not in self.records]
        elif self.only != ALL:
            marked = {name for name in self.records if self.outcome(name) == self.only}
            rows = [row for row in rows if self.names[row] in marked]
        self.rows = list(rows)

    def refresh(self) -> None:
        """Apply the filter again if new results may change it; at most every REFILTER_SECONDS."""
        if self._stale and monotonic() - self._last_filtered > REFILTER_SECONDS:
            self.refilter()

    def _with_text(self) -> set[str]:
        """Pictures with a plate whose reading contains the text."""
        wanted = self.text.upper()
        return {
            name
            for name, record in self.records.items()
            if wanted and any(wanted in plate.text for plate in record.recognition.plates)
        }

    def add(self, name: str, recognition: Recognition) -> None:
        """Add a result."""
        old = self.records.get(name)
        if old is not None and old.counts:
            self._count(old, -1)
        self.records[name] = record = self._record(name, recognition)
        self.changes += 1
        if record.counts:
            self._count(record)
        self._stale = bool(self.text) or self.only != ALL

    def _record(self, name: str, recognition: Recognition) -> Record:
        truth = self.ground_truth(name)
        truth = truth.spelled(recognition.alphabet) if truth is not None else None
        return Record(recognition, truth, compare(truth, recognition.plates) if truth is not None else ())

    def ground_truth(self, name: str) -> GroundTruth | None:
        """The labels of a picture as they are written: from the folder's tables, else from its name."""
        return self.labels.ground_truth(name) or ground_truth_of(name)

    def set_labels(self, labels: Labels) -> None:
        """Replace the labels from tables and compare the results with them again."""
        old, self.labels = self.labels, labels
        concerned = [name for name in self.records if name in old or name in labels]
        for name in concerned:
            self.records[name] = self._record(name, self.records[name].recognition)
        if concerned:
            self.changes += 1
            self._count_all()
            self._stale = self.only != ALL

    def _count(self, record: Record, times: int = 1) -> None:
        truth = record.ground_truth
        assert truth is not None
        self.totals.add(record.comparisons, self.score, self.confidence, times, truth.placed, len(truth.labels))

    def clear_records(self) -> None:
        """Forget all results, because the models have changed."""
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
        self._stale = self.only != ALL

    def _count_all(self) -> None:
        self.totals = Totals()
        for record in self.records.values():
            if record.counts:
                self._count(record)

    def outcome(self, name: str) -> str:
        """right, wrong or missed; empty if that is unknown."""
        record = self.records.get(name)
        return record.picture_outcome(self.score, self.confidence) if record is not None else ""

    def shown(self, plates: Sequence[Plate]) -> list[Plate]:
        """The plates that reach both thresholds, best first."""
        return [plate for plate in plates if plate.score >= self.score and plate.confidence >= self.confidence]

    def next_error(self) -> bool:
        """Select the next picture that is wrong or missed, wrapping around at the end; returns whether there is one."""
        count = len(self.names)
        for offset in range(1, count + 1):
            index = (self.index + offset) % count
            if self.outcome(self.names[index]) in ("wrong", "missed"):
                self.index = index
                return True
        return False


def _find(names: Sequence[str], name: str) -> int:
    """Index of `name`; -1 if it is not in the list."""
    try:
        return names.index(name)
    except ValueError:
        return -1


NAME, NEWEST, LARGEST, UNSURE, ERRORS = "name", "newest", "largest", "unsure", "errors"
SORT_ORDERS = (NAME, NEWEST, LARGEST, UNSURE, ERRORS)
SORT_TITLES = ("By name", "Newest first", "Largest first", "Least confident first", "Wrong and missed first")

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
    """Order: wrong, missed, without a label, right, not yet read."""
    if record is None:
        return "4"
    if not record.counts:
        return "2"
    return {WRONG: "0", MISSED: "1", RIGHT: "3"}[record.picture_outcome(score, confidence)]
