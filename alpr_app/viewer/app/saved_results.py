"""Saves the results of a folder: as `alpr read` writes them, with the comparison of each plate with its label."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import corner_distance
from alpr_app.core.plate import Plate
from alpr_app.data.result_writers import CSV_COLUMNS, FileResult, OutputFile, Sheet, plate_cells
from alpr_app.evaluation.ground_truth import GroundTruth
from alpr_app.evaluation.outcomes import Match, Matching
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.workers.recogniser import Recognition

JSON_LINES, CSV = ".jsonl", ".csv"
# The last columns of the CSV. Empty without a label; `corner_px` is the mean distance of the corners in pixels.
COMPARISON_COLUMNS = ("label", "outcome", "iou", "corner_px")
# Behind all others, if any picture has a star.
STAR_COLUMN = "starred"


def write_results(
    path: Path, records: Iterable[Record], score: float, confidence: float, starred: Collection[str] = ()
) -> None:
    """Write `records` with the plates that reach both thresholds.

    Args:
        path: A .jsonl file has one line per picture; a .csv file one row per plate, and one per labelled plate that was
            not found.
        records: The results.
        score, confidence: The thresholds.
        starred: Paths of the pictures with a star.

    Raises:
        OutputError: The file cannot be written.
    """
    with OutputFile(path) as stream:
        if path.suffix == JSON_LINES:
            for record in records:
                content = _picture(record, score, confidence)
                content |= {STAR_COLUMN: True} if record.recognition.key in starred else {}
                stream.write(json.dumps(content, ensure_ascii=False) + "\n")
            return
        sheet = Sheet(stream, (*CSV_COLUMNS, *COMPARISON_COLUMNS, *([STAR_COLUMN] if starred else [])))
        for record in records:
            star = (record.recognition.key in starred,) if starred else ()
            for cells in _rows(record, score, confidence):
                sheet.row((*cells, *star))


def _file_result(recognition: Recognition, score: float, confidence: float) -> FileResult:
    """The result of a picture as `alpr read` writes it."""
    # Imported here, because every recognition has imported them already and the start of the window does not need them.
    from alpr_app.core.result import Result
    from alpr_app.data.sources import Frame

    frame = Frame(recognition.key, recognition.key)
    if recognition.error or recognition.timings is None:
        return FileResult(frame, error=AlprError(f"{recognition.key}: {recognition.error}"))
    plates = [plate for plate in recognition.plates if plate.score >= score and plate.confidence >= confidence]
    return FileResult(frame, recognition.size, Result(plates, recognition.timings))


def _picture(record: Record, score: float, confidence: float) -> dict[str, object]:
    """The JSON object of a picture. `labels` and `outcome` are there only if it has a label or cannot be read."""
    content = _file_result(record.recognition, score, confidence).to_dict()
    matching, truth = record.matching(score, confidence), record.ground_truth
    if matching is not None and truth is not None:
        plates = _matched_plates(record, matching, score, confidence)
        content["plates"] = [
            plate.to_dict() | dict(zip(COMPARISON_COLUMNS, _comparison(plate, match, truth), strict=True))
            for plate, match in plates
        ]
        outcomes = matching.labels
    elif truth is not None:
        outcomes = ("",) * len(truth.labels)
    else:
        outcomes = ()
    if truth is not None:
        content["labels"] = [
            {"text": label.text, "outcome": outcome} for label, outcome in zip(truth.labels, outcomes, strict=True)
        ]
    outcome = record.picture_outcome(score, confidence)
    return content | ({"outcome": outcome} if outcome else {})


def _rows(record: Record, score: float, confidence: float) -> Iterator[tuple[object, ...]]:
    result = _file_result(record.recognition, score, confidence)
    matching, truth = record.matching(score, confidence), record.ground_truth
    if truth is None:
        nothing = (None,) * len(COMPARISON_COLUMNS)
        yield from (
            (*plate_cells(result, plate), *nothing) for plate in (result.result.plates if result.result else ())
        )
        return
    found = set()
    if matching is not None:
        for plate, match in _matched_plates(record, matching, score, confidence):
            found.add(match.label)
            yield (*plate_cells(result, plate), *_comparison(plate, match, truth))
    blank = (None,) * (len(CSV_COLUMNS) - 4)
    for number, label in enumerate(truth.labels):
        if number not in found:
            outcome = matching.labels[number] if matching is not None else record.picture_outcome(score, confidence)
            size = result.size if result.result is not None else (None, None)
            yield (result.frame.file, None, *size, *blank, label.text, outcome, None, None)


def _matched_plates(
    record: Record, matching: Matching, score: float, confidence: float
) -> Iterator[tuple[Plate, Match]]:
    """The plates that reach both thresholds, with their outcomes."""
    for plate, match in zip(record.recognition.plates, matching.plates, strict=True):
        if plate.score >= score and plate.confidence >= confidence:
            yield plate, match


def _comparison(plate: Plate, match: Match, truth: GroundTruth) -> tuple[object, ...]:
    """The values of COMPARISON_COLUMNS for a found plate; None where there is no such figure."""
    label = truth.labels[match.label] if match.label >= 0 else None
    placed = label is not None and label.corners is not None and match.iou is not None
    corners = label.corners if label is not None else None
    return (
        label.text if label is not None else None,
        match.outcome or None,
        round(match.iou, 4) if match.iou is not None else None,
        round(corner_distance(plate.corners, corners), 2) if placed and corners is not None else None,
    )
