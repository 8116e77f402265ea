"""The box structure of MP4, QuickTime, AVIF, HEIC and JPEG 2000 files (ISO/IEC 14496-12), the orientation marks of AVIF
and HEIC pictures (ISO/IEC 23008-12, irot and imir), and the true size of the pictures coded in an AVIF file, whatever
the file claims around them (AV1 specification, sequence header).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Bits:
    """Reads a byte string bit by bit. Raises ValueError past the end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """Read a number of `count` bits."""
        if count > self._left:
            raise ValueError("cut short")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def number(self) -> int:
        """Read an unsigned Exp-Golomb number, as in H.264 and AV1."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


# Far more boxes in a row than any real file has.
_MAXIMUM_BOXES = 1_000_000


def box_at(data: bytes, position: int, end: int) -> tuple[bytes, int, int] | None:
    """Return name, start and end of the content of the box at `position`; None if there is no box before `end`. The
    content may extend beyond `end` if the file is truncated or makes false claims."""
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
    """Yield name, start and end of the content of consecutive boxes; no end exceeds `end`. Raises struct.error if there
    are implausibly many."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MAXIMUM_BOXES):
        found = box_at(data, start, end)
        if found is None:
            return
        name, inside, start = found
        yield name, inside, min(start, end)
    raise struct.error("too many boxes")


def first_box(data: bytes, name: bytes, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Return start and end of the content of the first box with this name. Raises struct.error like `boxes`."""
    return next(((inside, after) for found, inside, after in boxes(data, start, end) if found == name), None)


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is to be shown. marks: in the order of application, ("turn", quarter turns to the left) or
    ("mirror", 0 to swap top and bottom, 1 to swap left and right)."""

    marks: tuple[tuple[str, int], ...] = ()

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the picture as it is meant to be seen."""
        for kind, value in self.marks:
            image = _turned_or_mirrored(image, kind, value)
        return image

    def undo(self, image: np.ndarray) -> np.ndarray:
        """Return the picture as it is stored."""
        for kind, value in reversed(self.marks):
            image = _turned_or_mirrored(image, kind, -value if kind == "turn" else value)
        return image


def _turned_or_mirrored(image: np.ndarray, kind: str, value: int) -> np.ndarray:
    # Imported here, because headers are also read where nothing is decoded.
    import numpy as np

    return np.ascontiguousarray(np.rot90(image, value) if kind == "turn" else np.flip(image, value))


def read_orientation(data: bytes) -> Orientation:
    """Read the orientation of the main picture in an AVIF or HEIC file."""
    try:
        return _read_orientation(data)
    except (struct.error, IndexError):
        # Damaged; the decoder decides whether the picture is usable all the same.
        return Orientation()


def _read_orientation(data: bytes) -> Orientation:
    meta = first_box(data, b"meta")
    if meta is None:
        return Orientation()
    inside = (meta[0] + 4, meta[1])
    main, holder = first_box(data, b"pitm", *inside), first_box(data, b"iprp", *inside)
    container = first_box(data, b"ipco", *holder) if holder else None
    if main is None or holder is None or container is None:
        return Orientation()
    (item,) = struct.unpack_from(">I" if data[main[0]] else ">H", data, main[0] + 4)
    properties = list(boxes(data, *container))
    marks = []
    for index in _associated(data, holder, item):
        if 1 <= index <= len(properties):
            name, start, _ = properties[index - 1]
            if name == b"irot":
                marks.append(("turn", data[start] & 3))
            elif name == b"imir":
                marks.append(("mirror", data[start] & 1))
    return Orientation(tuple(marks))


def _associated(data: bytes, holder: tuple[int, int], item: int) -> list[int]:
    """Return the property numbers of an item, in their order."""
    for name, start, end in boxes(data, *holder):
        if name != b"ipma":
            continue
        version, wide = data[start], data[start + 3] & 1
        (count,) = struct.unpack_from(">I", data, start + 4)
        position = start + 8
        for _ in range(count):
            if position >= end:
                break
            (owner,) = struct.unpack_from(">I" if version else ">H", data, position)
            position += 4 if version else 2
            number = data[position]
            position += 1
            step = 2 if wide else 1
            if owner == item:
                starts = range(position, position + step * number, step)
                # The highest bit says whether the property must be understood.
                mask = 0x7FFF if wide else 0x7F
                return [int.from_bytes(data[place : place + step], "big") & mask for place in starts]
            position += step * number
    return []


_SEQUENCE_HEADER = 1
# Longer than any sequence header, of which a few dozen bits are read.
_HEADER_BYTES = 256
# Units of a picture to look at; each is a tile, a frame or a header.
_MAXIMUM_UNITS = 1000
# Positions in a file to look at in total. Tables may name the same ones over and over.
_MAXIMUM_PLACES = 500_000


def coded_sizes(data: bytes) -> list[tuple[int, int]]:
    """Return (width, height) of every sequence of pictures in an AVIF file. Raises struct.error or IndexError for a
    damaged file."""
    sizes = []
    visited: set[tuple[int, int]] = set()
    for count, (start, end) in enumerate(chain(_items(data), _samples(data))):
        if count + len(visited) > _MAXIMUM_PLACES:
            raise struct.error("too many parts")
        for unit in _sequence_headers(data, start, min(end, len(data)), visited):
            try:
                sizes.append(_size(Bits(unit)))
            except ValueError:
                # Truncated: no decoder gets further.
                continue
    return sizes


def _items(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of the data of every item (ISO 14496-12, iloc)."""
    meta = first_box(data, b"meta")
    table = first_box(data, b"iloc", meta[0] + 4, meta[1]) if meta else None
    if meta is None or table is None:
        return
    within = first_box(data, b"idat", meta[0] + 4, meta[1])
    position = table[0]
    version = data[position]
    offset_size, length_size = data[position + 4] >> 4, data[position + 4] & 15
    base_size, index_size = data[position + 5] >> 4, data[position + 5] & 15 if version else 0
    position += 6

    def take(size: int) -> int:
        nonlocal position
        if position + size > table[1]:
            raise struct.error("the table of items is cut short")
        value = int.from_bytes(data[position : position + size], "big")
        position += size
        return value

    for _ in range(take(4 if version == 2 else 2)):
        take(4 if version == 2 else 2)
        method = take(2) & 15 if version else 0
        take(2)
        base = take(base_size) + (within[0] if method == 1 and within else 0)
        for _ in range(take(2)):
            take(index_size)
            start, length = base + take(offset_size), take(length_size)
            yield start, start + length if length else len(data)


def _samples(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of every chunk of every track of an animation."""
    movie = first_box(data, b"moov")
    for name, start, end in boxes(data, *movie) if movie else ():
        place: tuple[int, int] | None = (start, end) if name == b"trak" else None
        for inner in (b"mdia", b"minf", b"stbl"):
            place = first_box(data, inner, *place) if place else None
        for kind, size in ((b"stco", 4), (b"co64", 8)):
            found = first_box(data, kind, *place) if place else None
            if found is None:
                continue
            (count,) = struct.unpack_from(">I", data, found[0] + 4)
            for position in range(found[0] + 8, min(found[1] - size + 1, found[0] + 8 + size * count), size):
                yield int.from_bytes(data[position : position + size], "big"), len(data)


def _sequence_headers(data: bytes, position: int, end: int, visited: set[tuple[int, int]]) -> Iterator[bytes]:
    """Yield the sequence headers among the units that begin at `position`. visited: (position, end) pairs that have
    been looked at already."""
    for _ in range(_MAXIMUM_UNITS):
        if position >= end or data[position] & 0x81 or (position, end) in visited:
            return
        visited.add((position, end))
        head = data[position]
        position += 2 if head & 4 else 1
        length = end - position
        if head & 2:
            length = shift = 0
            while position < end and shift < 56:
                part = data[position]
                position += 1
                length |= (part & 127) << shift
                shift += 7
                if part < 128:
                    break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield data[position : min(end, position + min(length, _HEADER_BYTES))]
        position += length


def _size(bits: Bits) -> tuple[int, int]:
    bits.take(4)
    if bits.take(1):
        bits.take(5)
    else:
        _pass_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _pass_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.number()
        if bits.take(1):
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)
