"""What two models read differently in the same pictures, and which of them is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alpr_app.core.plate import Plate
from alpr_app.data.result_writers import OutputFile, Sheet
from alpr_app.evaluation.ground_truth import Totals
from alpr_app.evaluation.outcomes import FALSE_BOX, PLACE_OFF, RIGHT
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.text.language import mark

BETTER, WORSE, CHANGED = mark("better"), mark("worse"), mark("changed")
VERDICTS = (WORSE, BETTER, CHANGED)
"""How the second model differs from the first in a picture; worst first. `changed` says that neither is more right, or
that the picture has no label."""

COLUMNS = (
    *("file", "verdict", "labels"),
    *("first_text", "first_confidence", "first_outcome"),
    *("second_text", "second_confidence", "second_outcome"),
)


@dataclass(frozen=True, eq=False)
class Difference:
    """A picture in which two models differ. name: relative to the folder. verdict: one of VERDICTS."""

    name: str
    verdict: str
    first: Record
    second: Record


@dataclass(frozen=True, eq=False)
class Comparison:
    """The results of two models on one folder, in pictures that both have read.

    Attributes:
        folder: The folder.
        pictures: Number of these pictures.
        differences: Those that differ, in the order of the list; first all that got worse, then better, then changed.
        verdicts: The verdict by name.
        counts: Number of the pictures with each verdict.
        first, second: Totals of each model.
    """

    folder: str
    pictures: int = 0
    differences: tuple[Difference, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    first: Totals = field(default_factory=Totals)
    second: Totals = field(default_factory=Totals)


def shown_plates(record: Record, score: float, confidence: float) -> list[Plate]:
    """The plates that reach both thresholds, from left to right."""
    plates = [p for p in record.recognition.plates if p.score >= score and p.confidence >= confidence]
    return sorted(plates, key=lambda plate: (plate.box[0], plate.box[1]))


def judge(first: Record, second: Record, score: float, confidence: float) -> str:
    """Return how the second result of a picture differs from the first: one of VERDICTS, or empty if they agree.

    With a label, the result with more right texts is better, then the one with more right places, then the one with
    fewer false boxes. Without one, or among equals, texts that differ are a change.
    """
    merits = [_merit(record, score, confidence) for record in (first, second)]
    if merits[0] != merits[1]:
        return BETTER if merits[1] > merits[0] else WORSE
    texts = [[plate.text for plate in shown_plates(record, score, confidence)] for record in (first, second)]
    return CHANGED if texts[0] != texts[1] or first.recognition.error != second.recognition.error else ""


def _merit(record: Record, score: float, confidence: float) -> tuple[int, int, int]:
    """How right a result is; equal for all results of a picture without a label."""
    matching = record.matching(score, confidence)
    if matching is None:
        return 0, 0, 0
    texts = sum(outcome in (RIGHT, PLACE_OFF) for outcome in matching.labels)
    places = sum(plate.place_right for plate in matching.plates)
    return texts, places, -sum(plate.outcome == FALSE_BOX for plate in matching.plates)


def compare_results(
    folder: str,
    names: Sequence[str],
    first: Mapping[str, Record],
    second: Mapping[str, Record],
    score: float,
    confidence: float,
) -> Comparison:
    """Compare the results of two models.

    Args:
        folder: The folder.
        names: Its pictures in the order of the list, relative to the folder.
        first, second: The results of each model by name.
        score, confidence: Thresholds of the plates that count.
    """
    totals = Totals(), Totals()
    found: list[Difference] = []
    pictures = 0
    for name in names:
        before, after = first.get(name), second.get(name)
        # A file that was changed in between would be compared with another picture.
        if before is None or after is None or before.recognition.stamp != after.recognition.stamp:
            continue
        pictures += 1
        _count(totals[0], before, score, confidence)
        _count(totals[1], after, score, confidence)
        if verdict := judge(before, after, score, confidence):
            found.append(Difference(name, verdict, before, after))
    # Stable: in the order of the list.
    found.sort(key=lambda difference: VERDICTS.index(difference.verdict))
    verdicts = {difference.name: difference.verdict for difference in found}
    return Comparison(folder, pictures, tuple(found), verdicts, Counter(verdicts.values()), *totals)


def _count(totals: Totals, record: Record, score: float, confidence: float) -> None:
    matching = record.matching(score, confidence)
    if record.recognition.error:
        totals.add_unreadable()
    elif matching is not None and record.ground_truth is not None:
        totals.add(matching, placed=record.ground_truth.placed)


def write_differences(path: Path, comparison: Comparison, score: float, confidence: float) -> None:
    """Write the differences as CSV, a row per picture; several plates are separated by a space.

    Raises:
        OutputError: The file cannot be written.
    """
    with OutputFile(path) as stream:
        sheet = Sheet(stream, COLUMNS)
        for difference in comparison.differences:
            truth = difference.second.ground_truth
            cells: list[object] = [difference.name, difference.verdict]
            cells.append(" ".join(label.text for label in truth.labels) if truth is not None else None)
            for record in (difference.first, difference.second):
                plates = shown_plates(record, score, confidence)
                cells.append(" ".join(plate.text for plate in plates))
                cells.append(" ".join(f"{plate.confidence:.4f}" for plate in plates))
                cells.append(record.picture_outcome(score, confidence) or None)
            sheet.row(cells)
