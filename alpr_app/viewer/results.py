"""Writes what was read in a folder, in the formats of `alpr read`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alpr_app.core.errors import AlprError
from alpr_app.data.result_writers import Outcome as Line
from alpr_app.data.result_writers import open_output
from alpr_app.viewer.recogniser import Outcome

JSON_LINES, CSV = ".jsonl", ".csv"


def line_of(outcome: Outcome, score: float, confidence: float) -> Line:
    """What `alpr read` would say of this picture, with only the plates that reach both thresholds."""
    # They import torch. Whoever has an outcome has imported that before.
    from alpr_app.data.sources import Frame
    from alpr_app.pipeline.alpr import Result

    frame = Frame(outcome.key, outcome.key)
    if outcome.error or outcome.timings is None:
        return Line(frame, error=AlprError(f"{outcome.key}: {outcome.error}"))
    plates = [plate for plate in outcome.plates if plate.score >= score and plate.confidence >= confidence]
    return Line(frame, outcome.size, Result(plates, outcome.timings))


def write_results(path: Path, outcomes: Iterable[Outcome], score: float, confidence: float) -> None:
    """Write `outcomes` to `path`: .jsonl has one line a picture, .csv one row a plate. Raises OutputError."""
    with open_output(path) as write:
        for outcome in outcomes:
            write(line_of(outcome, score, confidence))
