"""What a picture file says of itself, read without decoding it: its size, and whether all of it is there.

OpenCV takes a header at its word and allocates what it claims; a few bytes could claim 3 GB.
"""

from __future__ import annotations

import struct

# JPEG: frame headers, that is every SOFn but the three markers in between that mean other things.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset(range(0xD0, 0xD9)) | {0x01}


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return None
    (entries,) = struct.unpack_from(order + "H", data, start)
    sides = {}
    for position in range(start + 2, min(start + 2 + 12 * entries, len(data) - 11), 12):
        tag, kind = struct.unpack_from(order + "HH", data, position)
        if tag in (256, 257):
            (sides[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, position + 8)
    return (sides[256], sides[257]) if len(sides) == 2 else None


def picture_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) that a JPEG, PNG, WebP, BMP, GIF or TIFF claims; None for any other format."""
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[:2] == b"BM" and len(data) >= 26:
        width, height = struct.unpack_from("<ii", data, 18)
        return abs(width), abs(height)
    if data[:3] == b"GIF" and len(data) >= 10:
        width, height = struct.unpack_from("<HH", data, 6)
        return width, height
    if data[:4] in (b"II*\0", b"MM\0*") and len(data) >= 8:
        return _tiff_size(data)
    return None


def is_cut_short(data: bytes) -> bool:
    """Whether a PNG ends before its last chunk or a JPEG has no end marker. Other formats: False."""
    if data[:2] == b"\xff\xd8":
        # Cameras and phones put things behind the end, so it is looked for everywhere.
        return data.rfind(b"\xff\xd9") < 0
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if data[position + 4 : position + 8] == b"IEND":
            return False
        position += 12 + length
    return True
