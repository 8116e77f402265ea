"""Walks through a JPEG file as libjpeg does: from marker to marker, skipping junk between them, scan by scan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Frame headers: every SOFn, without the three markers in that range that mean other things.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_EOI, _SOS = 0xD9, 0xDA
# The last of any number of 255s, then a marker that is followed by a length or ends the file.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
# A marker that ends the coded data of a scan: neither an escaped 255 nor a restart.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# No real picture has nearly as many segments, and no scan more components.
_MAXIMUM_SEGMENTS, _MAXIMUM_COMPONENTS = 100_000, 4


@dataclass
class JpegHeader:
    """What a JPEG file says about itself.

    Attributes:
        size: (width, height) of the largest frame that is claimed, None if there is none.
        progressive: Whether its coefficients arrive in several scans.
        scans: Number of scans.
        samples: Numbers per pixel held in memory while a picture of several scans is decoded.
        ended: Whether the end marker is in its place.
        first_scan: Position of the coded data of the first scan.
        components: Identifiers of the colour components.
        missing_bits: Bits still to come, by component and coefficient.
    """

    size: tuple[int, int] | None = None
    progressive: bool = False
    scans: int = 0
    samples: float = 3.0
    ended: bool = False
    first_scan: int = 0
    components: tuple[int, ...] = ()
    missing_bits: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def has_all_scans(self) -> bool:
        """Whether every coefficient of every component is complete to its last bit (baseline: at least the first)."""
        last = 64 if self.progressive else 1
        return bool(self.components) and all(
            self.missing_bits.get((component, place), 0 if place else 1) == 0
            for component in self.components
            for place in range(last)
        )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of every segment. Junk between two segments is skipped, as in libjpeg."""
    position = 2
    while (found := _MARKER.search(data, position)) is not None:
        marker, position = found[0][1], found.end()
        if marker == _EOI:
            yield marker, position, position
            return
        end = position + int.from_bytes(data[position : position + 2], "big")
        if position + 2 > len(data) or end < position + 2:
            return
        yield marker, position + 2, end
        position = end
        if marker == _SOS:
            found = _END_OF_SCAN.search(data, end)
            position = found.end() - 2 if found else len(data)


def jpeg_header(data: bytes, maximum_scans: int = 1000) -> JpegHeader:
    """Walk through a JPEG file up to its end or its scan number `maximum_scans`. A file with implausibly many segments
    is reported as having no frame."""
    header = JpegHeader()
    for count, (marker, start, end) in enumerate(_segments(data)):
        if count == _MAXIMUM_SEGMENTS:
            header.size = None
            break
        if marker in _FRAMES:
            _take_frame(header, marker, data[start:end])
        elif marker == _SOS:
            header.scans += 1
            header.first_scan = header.first_scan or end
            _take_scan(header, data[start:end])
            if header.scans >= maximum_scans:
                break
        elif marker == _EOI:
            header.ended = True
    return header


def _take_frame(header: JpegHeader, marker: int, frame: bytes) -> None:
    if len(frame) < 6:
        return
    height, width, count = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"), frame[5]
    if header.size is None or width * height > header.size[0] * header.size[1]:
        header.size = width, height
    header.progressive |= marker in _PROGRESSIVE
    parts = [frame[6 + 3 * place : 9 + 3 * place] for place in range(count)]
    factors = [(part[1] >> 4) * (part[1] & 15) for part in parts if len(part) == 3]
    header.components = tuple(part[0] for part in parts if len(part) == 3)
    across = max((part[1] >> 4 for part in parts if len(part) == 3), default=1)
    down = max((part[1] & 15 for part in parts if len(part) == 3), default=1)
    header.samples = max(header.samples if header.scans else 0.0, sum(factors) / max(1, across * down))


def _take_scan(header: JpegHeader, scan: bytes) -> None:
    count = scan[0] if scan else 0
    if count > _MAXIMUM_COMPONENTS or len(scan) < 4 + 2 * count:
        return
    first, last, bits = scan[1 + 2 * count], scan[2 + 2 * count], scan[3 + 2 * count] & 15
    for component in scan[1 : 1 + 2 * count : 2]:
        for place in range(first, min(last, 63) + 1):
            header.missing_bits[component, place] = bits if header.progressive else 0
