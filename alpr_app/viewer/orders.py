"""The orders in which a folder's pictures can be listed.

An order is a function from a picture to a string that is put before its sort key; pictures of which it says the same
follow one another by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from alpr_app.evaluation.ground_truth import MISSED, RIGHT, WRONG
from alpr_app.viewer.browse import Record

NAME, NEWEST, LARGEST, UNSURE, ERRORS = "name", "newest", "largest", "unsure", "errors"
ORDERS = (NAME, NEWEST, LARGEST, UNSURE, ERRORS)
TITLES = ("By name", "Newest first", "Largest first", "Least sure first", "Wrong, missed first")

Rank = Callable[[str, os.DirEntry], str]
"""Takes the way from the folder to a picture, and its entry; called on the thread that lists the folder."""

_MOST = 10**20


def rank_of(order: str, records: Mapping[str, Record], score: float, confidence: float) -> Rank | None:
    """The order of this name; None for the one by name. The last two go by what was found until now with both
    thresholds; `records` must not change any more."""
    if order == NEWEST:
        return lambda _, entry: _largest_first(_stat(entry, "st_mtime_ns"))
    if order == LARGEST:
        return lambda _, entry: _largest_first(_stat(entry, "st_size"))
    if order == UNSURE:
        return lambda name, _: _unsure(records.get(name), score, confidence)
    if order == ERRORS:
        return lambda name, _: _error(records.get(name), score, confidence)
    return None


def _stat(entry: os.DirEntry, name: str) -> int:
    try:
        return getattr(entry.stat(), name)
    except OSError:
        # A link that leads nowhere; reading it will tell.
        return 0


def _largest_first(value: int) -> str:
    # Times before 1970 are negative.
    return f"{_MOST - value:021d}"


def _unsure(record: Record | None, score: float, confidence: float) -> str:
    """By the least sure plate that is shown; then pictures without one, then those not yet read."""
    if record is None:
        return "3"
    shown = [p.confidence for p in record.outcome.plates if p.score >= score and p.confidence >= confidence]
    return f"{min(shown):.6f}" if shown else "2"


def _error(record: Record | None, score: float, confidence: float) -> str:
    """Wrong, missed, without a label, right, not yet read."""
    if record is None:
        return "4"
    if not record.counts:
        return "2"
    return {WRONG: "0", MISSED: "1", RIGHT: "3"}[record.verdict(score, confidence)]
