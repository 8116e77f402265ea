"""Bounded parsing of small JSON and TOML files: whatever they contain, reading them costs little memory and time, and
any fault is reported in one line."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

JSON_BYTES = 4 * 2**20
# Python's parser takes time quadratic in the length of a dotted key; files that people write are far shorter.
TOML_BYTES = 64 * 2**10
# Deeper than any file this program writes; Python's own recursion stops at a thousand.
MAXIMUM_LEVELS = 32
# Messages show a wrong value up to this length.
SHOWN = 60


class ContentError(ValueError):
    """The content of a file is unusable. The message says why, in one line and without the file's name."""


def read_json(path: Path, errors: str = "strict") -> Any:
    """Read a JSON file as `parse_json` does. errors: how bytes that are not UTF-8 are decoded.

    Raises:
        OSError: The file cannot be read.
        ContentError: It is too large or malformed.
    """
    return parse_json(_read(path, JSON_BYTES, errors))


def parse_json(text: str) -> Any:
    """Parse JSON. NaN, Infinity and numbers beyond the range of a float become None, because they cannot be used.

    Raises:
        ContentError: The text is malformed or nested too deeply.
    """
    try:
        content = json.loads(text, parse_constant=lambda _: None, parse_float=_number)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise ContentError(f"this is no JSON ({error})") from error
    _check_levels(content)
    return content


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises OSError, ContentError."""
    text = _read(path, TOML_BYTES)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise ContentError(f"not a TOML file ({error})") from error
    _check_levels(content)
    _check_whole_numbers(content)
    return content


def without_nan(content: Any) -> Any:
    """Return `content` as JSON can hold it: NaN and infinity become None, tuples lists."""
    if isinstance(content, dict):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def shown(value: Any) -> str:
    """Return a value for a message: in one line, and shortened if long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def check_bounds(config: Any, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Raise ValueError, naming the field, if a number in `config` is outside its `bounds` (lowest, highest)."""
    for name, (lowest, highest) in bounds.items():
        value = getattr(config, name)
        for number in value if isinstance(value, tuple) else (value,):
            if not lowest <= number <= highest:
                raise ValueError(f"'{name}' must be from {lowest} to {highest}, not {shown(number)}")


def _read(path: Path, maximum: int, errors: str = "strict") -> str:
    with path.open("rb") as file:
        data = file.read(maximum + 1)
    if len(data) > maximum:
        raise ContentError(f"larger than {maximum // 1024:,} KB, which no such file is")
    try:
        return data.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise ContentError(f"this is no text in UTF-8 ({error.reason} at byte {error.start})") from error


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _check_levels(content: Any) -> None:
    """Raise ContentError if `content` is nested more than `MAXIMUM_LEVELS` deep."""
    level = [content]
    for _ in range(MAXIMUM_LEVELS + 1):
        level = [item for value in level for item in _inside(value)]
        if not level:
            return
    raise _too_deep()


def _check_whole_numbers(content: Any) -> None:
    """Raise ContentError for a number that TOML does not allow. A hexadecimal one may be so long that Python refuses to
    write it in decimal, so no message could show it."""
    for value in _inside(content):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ContentError("holds a whole number of more than 64 bits")
        _check_whole_numbers(value)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ContentError:
    return ContentError(f"nested more than {MAXIMUM_LEVELS} levels deep, which no such file is")
