"""Checks of single values in a TOML file: each gives the value back as it is used, or says what it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alpr_app.core.errors import AlprError
from alpr_app.data.bounded_parsing import shown

Check = Callable[[Any], Any]
Colour = tuple[int, int, int]


class PlatesError(AlprError):
    """A plates file that cannot be used; the message names the file and the key."""


def number(low: float, high: float, whole: bool = False) -> Check:
    """A number from `low` to `high`."""

    def check(value: Any) -> float:
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise ValueError(f"a {'whole ' if whole else ''}number from {low} to {high}")
        return value

    return check


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """One text or several."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(item, str) and item.strip() for item in found):
        raise ValueError("a text or a list of texts")
    return tuple(found)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def one_of(*names: str) -> Check:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(" or ".join(names))
        return value

    return check


def colour(value: Any) -> Colour:
    """#rrggbb as (red, green, blue)."""
    if not isinstance(value, str) or re.fullmatch("#[0-9a-fA-F]{6}", value) is None:
        raise ValueError("a colour such as '#ffcc00'")
    red, green, blue = (int(value[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def colours(value: Any) -> tuple[Colour, ...]:
    """One colour or several."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError("a colour such as '#ffcc00', or a list of colours")
    return tuple(map(colour, found))


def tables(value: Any) -> list[Any]:
    """One table or several; what is in them is checked one by one."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError("a table or a list of tables")
    return found


def checked(table: Any, checks: Mapping[str, Check], path: Path, place: str = "") -> dict[str, Any]:
    """The values of a table by their checks. place: of the table in the file. Raises PlatesError naming the key."""
    start = f"{path}: {place}: " if place else f"{path}: "
    if not isinstance(table, dict):
        raise PlatesError(f"{start}this must be a table, not {shown(table)}")
    values = {}
    for key, value in table.items():
        if key not in checks:
            raise PlatesError(f"{start}{shown(key)} is unknown; there are {', '.join(checks)}")
        try:
            values[key] = checks[key](value)
        except ValueError as error:
            raise PlatesError(f"{start}'{key}' must be {error}, not {shown(value)}") from None
    return values
