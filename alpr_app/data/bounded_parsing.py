"""Small files of descriptions and settings, JSON or TOML, and the numbers in them, taken within bounds: whatever
somebody put into them, they cost little memory and time, and what is wrong with them is said in one line."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

JSON_BYTES = 4 * 2**20
# Python's parser takes time with the square of a dotted key's length; a file that people write is far shorter.
TOML_BYTES = 64 * 2**10
# Deeper than anything that is written here; Python's own functions for nested values stop at a thousand.
MOST_LEVELS = 32
# Of a value that does not belong there, a message shows so much.
SHOWN = 60


class ContentError(ValueError):
    """The content of a file that cannot be used. The message says why, in one line and without the file's name."""


def read_json(path: Path, errors: str = "strict") -> Any:
    """What a JSON file holds, as `parse_json` gives it. errors: what happens to bytes that are no UTF-8.

    Raises OSError, ContentError.
    """
    return parse_json(_read(path, JSON_BYTES, errors))


def parse_json(text: str) -> Any:
    """What JSON says. NaN, Infinity and numbers too large to be any are None: nobody can count with them.

    Raises ContentError.
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
    """What a TOML file holds. Raises OSError, ContentError."""
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
    """`content` as JSON can hold it: numbers that are none become None, tuples lists."""
    if isinstance(content, dict):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def shown(value: Any) -> str:
    """A value for a message: in one line, not all of a long one."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def check_bounds(config: Any, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Raises ValueError naming the first field of `config` that has a number out of its `bounds`."""
    for name, (least, most) in bounds.items():
        value = getattr(config, name)
        for number in value if isinstance(value, tuple) else (value,):
            if not least <= number <= most:
                raise ValueError(f"'{name}' must be from {least} to {most}, not {shown(number)}")


def _read(path: Path, most: int, errors: str = "strict") -> str:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ContentError(f"larger than {most // 1024:,} KB, which no such file is")
    try:
        return data.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise ContentError(f"this is no text in UTF-8 ({error.reason} at byte {error.start})") from error


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _check_levels(content: Any) -> None:
    """Raises ContentError if `content` is nested more than `MOST_LEVELS` deep."""
    level = [content]
    for _ in range(MOST_LEVELS + 1):
        level = [item for value in level for item in _inside(value)]
        if not level:
            return
    raise _too_deep()


def _check_whole_numbers(content: Any) -> None:
    """Raises ContentError for one that TOML does not allow. One in hexadecimal digits may be so long that Python will
    not write it in decimal ones, nor can a message."""
    for value in _inside(content):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ContentError("holds a whole number of more than 64 bits")
        _check_whole_numbers(value)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ContentError:
    return ContentError(f"nested more than {MOST_LEVELS} levels deep, which no such file is")
