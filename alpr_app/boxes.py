"""The boxes of which MP4, QuickTime, AVIF, HEIC and JPEG 2000 files are made: 4 bytes of length, 4 of name, content."""

from __future__ import annotations

import struct
from collections.abc import Iterator

# No file has nearly as many boxes one behind the other.
_MOST_BOXES = 1_000_000


def box_at(data: bytes, position: int, end: int) -> tuple[bytes, int, int] | None:
    """Name, beginning and end of the content of the box at `position`; None if there is none before `end`. The end may
    lie beyond `end`: then the file has been cut short, or lies."""
    if position + 8 > end:
        return None
    length, name, start = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8], 8
    if length == 1:
        if position + 16 > end:
            return None
        length, start = int.from_bytes(data[position + 8 : position + 16], "big"), 16
    elif length == 0:
        length = end - position
    return (bytes(name), position + start, position + length) if length >= start else None


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of the content of every box, one behind the other; the end is never behind `end`. Raises
    struct.error if there is no end to them."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST_BOXES):
        found = box_at(data, start, end)
        if found is None:
            return
        name, inside, start = found
        yield name, inside, min(start, end)
    raise struct.error("too many boxes")


def first_box(data: bytes, name: bytes, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Beginning and end of the content of the first box of that name. Raises struct.error as `boxes`."""
    return next(((inside, after) for found, inside, after in boxes(data, start, end) if found == name), None)
