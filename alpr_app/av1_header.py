"""How large the coded pictures in an AVIF file are, whatever the file says around them: from their sequence headers
(AV1 Bitstream Specification, 5.5), because those are what a decoder takes memory for."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain

from alpr_app.bits import Bits
from alpr_app.boxes import boxes, first_box

_SEQUENCE_HEADER = 1
# Longer than any: what is in it is a few dozen bits.
_HEADER_BYTES = 256
# Parts of a picture that are looked at; each is a tile, a frame or what describes them.
_MOST_UNITS = 1000
# Places in a file that are looked at in all. Tables may name the same ones over and over.
_MOST_PLACES = 500_000


def coded_sizes(data: bytes) -> list[tuple[int, int]]:
    """(width, height) of every sequence of pictures in an AVIF file. Raises struct.error or IndexError for a damaged
    one."""
    sizes = []
    visited: set[tuple[int, int]] = set()
    for count, (start, end) in enumerate(chain(_items(data), _samples(data))):
        if count + len(visited) > _MOST_PLACES:
            raise struct.error("too many parts")
        for unit in _sequence_headers(data, start, min(end, len(data)), visited):
            try:
                sizes.append(_size(Bits(unit)))
            except ValueError:
                # Cut short: no decoder gets further.
                continue
    return sizes


def _items(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the data of every item lies (ISO 14496-12, iloc)."""
    meta = first_box(data, b"meta")
    table = first_box(data, b"iloc", meta[0] + 4, meta[1]) if meta else None
    if table is None:
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
    """Where the pictures of an animation begin: every chunk of every track."""
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
    """The sequence headers among the units that begin at `position`. visited: places that have been looked at already,
    each with the end up to which."""
    for _ in range(_MOST_UNITS):
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
