"""Whether the scores in a bundle's JSON can be shown: figures as `alpr eval --json` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# What the tables of a part are made of.
_GROUPS = {"scenes": {"micro"}}
_NAMES = {"scenes": {"plates"}, "confidence": {"readings", "precision", "recall"}}


def check_scores(scores: dict[str, Any]) -> None:
    """Raises ValueError if some `figures` in there are none: parts with groups, each of numbers with the same names."""
    for figures in _figures(scores):
        if not isinstance(figures, dict):
            raise ValueError("'figures' must be an object")
        for part, groups in figures.items():
            _check_part(part, groups)


def _figures(scores: dict[str, Any]) -> Iterator[Any]:
    for name, value in scores.items():
        if name == "figures":
            yield value
        elif isinstance(value, dict):
            yield from _figures(value)


def _check_part(part: str, groups: Any) -> None:
    if not isinstance(groups, dict) or not groups or not all(isinstance(values, dict) for values in groups.values()):
        raise ValueError("a part of 'figures' must be an object of objects")
    names = next(iter(groups.values())).keys()
    for values in groups.values():
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
        if not names or values.keys() != names or not numbers:
            raise ValueError("each group of 'figures' must have the same names, of numbers")
    if _GROUPS.get(part, set()) - groups.keys() or _NAMES.get(part, set()) - names:
        raise ValueError("'figures' lack what their tables are made of")
