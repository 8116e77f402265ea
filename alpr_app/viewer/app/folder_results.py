"""Results of a folder: which of them keep their crops, and their summary by folder, which follows the rules of `alpr
eval`."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from alpr_app.data.result_writers import OutputFile, Sheet
from alpr_app.data.sources import natural_key
from alpr_app.evaluation.ground_truth import PlateComparison
from alpr_app.evaluation.outcomes import FALSE_BOX, MISSED, PLACE_OFF, RIGHT, TEXT_WRONG
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.workers.recogniser import Recognition

# Enough for about a thousand plates.
MAXIMUM_CROP_BYTES = 32 * 2**20


class CropCache:
    """Limits the memory of the crops in results; the oldest are dropped first.

    Args:
        drop: Removes the crops from the results of the picture at a path.
        maximum: Bytes.
    """

    def __init__(self, drop: Callable[[str], None], maximum: int = MAXIMUM_CROP_BYTES) -> None:
        self._drop, self._maximum = drop, maximum
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0

    def add(self, path: str, recognition: Recognition) -> None:
        """Note a new result of the picture at `path`."""
        self._bytes -= self._sizes.pop(path, 0)
        size = sum(plate.crop.nbytes for plate in recognition.plates)
        if not size:
            return
        self._sizes[path] = size
        self._bytes += size
        while self._bytes > self._maximum and len(self._sizes) > 1:
            earliest, freed = self._sizes.popitem(last=False)
            self._bytes -= freed
            self._drop(earliest)

    def drop_all(self) -> None:
        """Remove all crops, because other models make their own."""
        for path in list(self._sizes):
            self._drop(path)
        self._sizes.clear()
        self._bytes = 0


# The opened folder itself.
THIS_FOLDER = "."
MICRO, MACRO = "All pictures", "Mean of the folders"


@dataclass(frozen=True)
class SummaryRow:
    """The results of one folder. None stands for a figure without any data.

    Attributes:
        folder: Path relative to the opened folder.
        pictures: Number of pictures read.
        plates: Number of plates that reach both thresholds.
        confidence: Their mean confidence.
        labelled: Number of plates with a labelled text.
        exact: Share of these that are read right, 0 to 1.
        no_province: Share of these that are right from the second character on.
        found_70: Share of the labels with a position that are found with an IoU of 0.7 or more.
        corner_px: Mean corner error in pixels of plates found with an IoU of 0.5 or more.
        false_boxes: Number of plates that overlap no label by 0.5, in pictures whose labels have positions.
        text_right: Share of the labelled plates with the outcome right or place off.
        place_right: Share of the labels with a position that are matched with an IoU of 0.7 or more.
        text_wrong, place_off, missed: Number of labelled plates with that outcome.
        unmatched: Number of plates with the outcome false box.
        unreadable: Number of unreadable files.
    """

    folder: str
    pictures: float
    plates: float
    confidence: float | None = None
    labelled: float | None = None
    exact: float | None = None
    no_province: float | None = None
    found_70: float | None = None
    corner_px: float | None = None
    false_boxes: float | None = None
    text_right: float | None = None
    place_right: float | None = None
    text_wrong: float | None = None
    place_off: float | None = None
    missed: float | None = None
    unmatched: float | None = None
    unreadable: float | None = None


COLUMNS = tuple(field.name for field in fields(SummaryRow))
SHARES = ("confidence", "exact", "no_province", "found_70", "text_right", "place_right")


@dataclass(frozen=True)
class Summary:
    """The summary of an opened folder.

    Attributes:
        rows: One per subfolder, in natural order.
        micro: Total in which every picture counts the same.
        macro: Mean over the folders; for each column, over those that have a value.
    """

    rows: tuple[SummaryRow, ...]
    micro: SummaryRow
    macro: SummaryRow

    @property
    def has_labels(self) -> bool:
        return self.micro.labelled is not None


@dataclass
class _Counts:
    pictures: int = 0
    plates: int = 0
    confidence: float = 0.0
    labelled: int = 0
    exact: int = 0
    no_province: int = 0
    located_pictures: int = 0
    located_labels: int = 0
    found_50: int = 0
    found_70: int = 0
    corner_px: float = 0.0
    false_boxes: int = 0
    text_right: int = 0
    place_right: int = 0
    text_wrong: int = 0
    place_off: int = 0
    missed: int = 0
    unmatched: int = 0
    unreadable: int = 0

    def add(self, record: Record, score: float, confidence: float) -> None:
        shown = [
            plate for plate in record.recognition.plates if plate.score >= score and plate.confidence >= confidence
        ]
        self.pictures += 1
        self.plates += len(shown)
        self.confidence += sum(plate.confidence for plate in shown)
        self.unreadable += bool(record.recognition.error)
        if not record.counts or record.ground_truth is None:
            return
        self._add_outcomes(record, score, confidence)
        comparisons = [
            comparison
            for comparison in record.comparisons
            if comparison.score >= score and comparison.confidence >= confidence
        ]
        labels = record.ground_truth.labels
        for number in range(len(labels)):
            self._add_label(
                [comparison for comparison in comparisons if comparison.label == number], record.ground_truth.placed
            )
        if record.ground_truth.placed:
            self.located_pictures += 1
            self.false_boxes += sum(not comparison.found for comparison in comparisons)

    def _add_outcomes(self, record: Record, score: float, confidence: float) -> None:
        matching = record.matching(score, confidence)
        if matching is None:
            return
        counts = {outcome: matching.labels.count(outcome) for outcome in (RIGHT, TEXT_WRONG, PLACE_OFF, MISSED)}
        self.text_right += counts[RIGHT] + counts[PLACE_OFF]
        self.text_wrong += counts[TEXT_WRONG]
        self.place_off += counts[PLACE_OFF]
        self.missed += counts[MISSED]
        self.place_right += sum(plate.place_right for plate in matching.plates)
        self.unmatched += sum(plate.outcome == FALSE_BOX for plate in matching.plates)

    def _add_label(self, comparisons: list[PlateComparison], placed: bool) -> None:
        """Count one labelled plate with the detections assigned to it."""
        self.labelled += 1
        self.exact += any(comparison.read for comparison in comparisons)
        self.no_province += any(comparison.read_without_province for comparison in comparisons)
        if not placed:
            return
        self.located_labels += 1
        self.found_70 += any(comparison.found_70 for comparison in comparisons)
        nearest = max(
            (comparison for comparison in comparisons if comparison.found),
            key=lambda comparison: comparison.iou or 0.0,
            default=None,
        )
        if nearest is not None and nearest.corner_px is not None:
            self.found_50 += 1
            self.corner_px += nearest.corner_px

    def merge(self, other: _Counts) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def row(self, folder: str) -> SummaryRow:
        def mean(total: float, count: int) -> float | None:
            return total / count if count else None

        return SummaryRow(
            folder,
            self.pictures,
            self.plates,
            mean(self.confidence, self.plates),
            self.labelled or None,
            mean(self.exact, self.labelled),
            mean(self.no_province, self.labelled),
            mean(self.found_70, self.located_labels),
            mean(self.corner_px, self.found_50),
            self.false_boxes if self.located_pictures else None,
            mean(self.text_right, self.labelled),
            mean(self.place_right, self.located_labels),
            self.text_wrong if self.labelled else None,
            self.place_off if self.located_labels else None,
            self.missed if self.labelled else None,
            self.unmatched if self.located_pictures else None,
            self.unreadable,
        )


def summarise(records: Mapping[str, Record], score: float, confidence: float) -> Summary:
    """Summarise `records`, given by path relative to the folder, with the plates that reach both thresholds."""
    groups: dict[str, _Counts] = {}
    for name, record in records.items():
        groups.setdefault(os.path.dirname(name) or THIS_FOLDER, _Counts()).add(record, score, confidence)
    total = _Counts()
    for counts in groups.values():
        total.merge(counts)
    rows = tuple(groups[folder].row(folder) for folder in sorted(groups, key=natural_key))
    return Summary(rows, total.row(MICRO), _mean(rows))


def _mean(rows: Sequence[SummaryRow]) -> SummaryRow:
    values = {name: [getattr(line, name) for line in rows] for name in COLUMNS[1:]}
    known = {name: [value for value in column if value is not None] for name, column in values.items()}
    means = {name: sum(column) / len(column) if column else None for name, column in known.items()}
    return SummaryRow(MACRO, **means | {"pictures": means["pictures"] or 0.0, "plates": means["plates"] or 0.0})


def sort_rows(rows: Iterable[SummaryRow], column: str, descending: bool) -> list[SummaryRow]:
    """Sort by a column; folders without a value come last either way, equal ones in natural order."""
    rows = sorted(rows, key=lambda line: natural_key(line.folder))
    if column == "folder":
        return rows[::-1] if descending else rows
    known = [line for line in rows if getattr(line, column) is not None]
    known.sort(key=lambda line: getattr(line, column), reverse=descending)
    return known + [line for line in rows if getattr(line, column) is None]


def write_summary(
    path: Path, summary: Summary, order: Callable[[Iterable[SummaryRow]], Sequence[SummaryRow]] = list
) -> None:
    """Write the summary as CSV: one row per folder in `order`, then the total and the mean.

    Raises:
        OutputError: The file cannot be written.
    """
    text = io.StringIO()
    sheet = Sheet(text, COLUMNS)
    for line in (*order(summary.rows), summary.micro, summary.macro):
        values = (getattr(line, name) for name in COLUMNS)
        sheet.row([round(value, 4) if isinstance(value, float) else value for value in values])
    with OutputFile(path) as stream:
        stream.write(text.getvalue())
