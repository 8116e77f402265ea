"""What a video's container claims, read without decoding: the number of frames, and whether the file ends too early.

OpenCV reads as far as it can and does not report what is missing.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from alpr_app.data.file_types import packet_bytes
from alpr_app.data.isobmff import boxes, first_box

# Large enough for tables that list the frames of a video of many days.
_MAXIMUM_BYTES = 64 * 2**20
_MAXIMUM_FRAMES = 10_000_000
_MINIMUM_BYTES = 4
# Consecutive parts of an MP4 or AVI file; enough for one per second of a video of days.
_MAXIMUM_PARTS = 1_000_000


@dataclass(frozen=True)
class ContainerClaims:
    """What a container says about its video.

    Attributes:
        frames: Number of frames to be shown; None if the container does not list them.
        cut: Whether the file ends too early.
        unindexed: Whether the index is missing, without which nothing can be read.
        lasting: Whether the container states the duration, so that it need not be estimated.
        repeating: Whether a frame may be empty, which means that the previous one is shown again.
    """

    frames: int | None = None
    cut: bool = False
    unindexed: bool = False
    lasting: bool = False
    repeating: bool = False


def container_claims(path: str) -> ContainerClaims:
    """Read the claims of a video's container; an unknown or damaged container claims nothing."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            beginning = file.read(1024)
            file.seek(0)
            claims = _read_claims(file, size, beginning)
            # Every frame takes at least a few bytes; a header that claims more frames is damaged.
            if claims.frames is not None and claims.frames > size // _MINIMUM_BYTES:
                return replace(claims, frames=None)
            return claims
    except (OSError, ValueError, IndexError, OverflowError, struct.error):
        return ContainerClaims()


def _read_claims(file: BinaryIO, size: int, beginning: bytes) -> ContainerClaims:
    if beginning[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return _mp4(file, size)
    if beginning[:4] == b"RIFF":
        return _avi(file, size)
    if beginning[:4] == b"\x1a\x45\xdf\xa3":
        return ContainerClaims(cut=_matroska_is_cut(beginning, size), lasting=True)
    if beginning[:3] == b"FLV":
        return ContainerClaims(cut=_flv_is_cut(file, size), lasting=True)
    if beginning[:4] == b"\x30\x26\xb2\x75":
        return ContainerClaims(cut=_asf_is_cut(beginning, size), lasting=True)
    if beginning[:4] == b"OggS":
        return ContainerClaims(cut=_ogg_is_cut(file, size), lasting=True, repeating=True)
    if beginning[:4] == b"\0\0\x01\xba":
        return ContainerClaims(cut=_program_stream_is_cut(file, size))
    packet = packet_bytes(beginning)
    return ContainerClaims(cut=packet is not None and size % packet != 0)


def _count_part(parts: int) -> int:
    """Return `parts` + 1. Raises ValueError if a file has implausibly many parts."""
    if parts >= _MAXIMUM_PARTS:
        raise ValueError("too many parts")
    return parts + 1


# MP4 and QuickTime


def _mp4(file: BinaryIO, size: int) -> ContainerClaims:
    position, cut, parts, index, fragments = 0, False, 0, None, False
    while position + 8 <= size:
        parts = _count_part(parts)
        file.seek(position)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        start = 16 if length == 1 else 8
        length = int.from_bytes(head[8:16], "big") if length == 1 else length or size - position
        if length < start:
            break
        cut |= position + length > size
        fragments |= name == b"moof"
        if name == b"moov" and length <= _MAXIMUM_BYTES:
            file.seek(position + start)
            index = file.read(length - start)
        position += length
    cut |= 0 < size - position < 8
    if index is None:
        return ContainerClaims(cut=cut, unindexed=not fragments)
    # A fragmented video lists its frames in each fragment.
    return ContainerClaims(None if fragments else _frames_of(index), cut, lasting=fragments)


def track_frames(data: bytes, kind: bytes) -> int | None:
    """Return the number of frames of the first track of that kind in a file; None if there is no such track."""
    index = first_box(data, b"moov")
    return _frames_of(data[index[0] : index[1]], kind) if index else None


def _frames_of(index: bytes, kind: bytes = b"vide") -> int | None:
    """Return the number of frames of the first track of that kind that its edit list does not skip."""
    movie = first_box(index, b"mvhd")
    ticks = _timescale(index, movie[0]) if movie else 0
    for name, start, end in boxes(index):
        media = first_box(index, b"mdia", start, end) if name == b"trak" else None
        handler = first_box(index, b"hdlr", *media) if media else None
        if media is None or handler is None or index[handler[0] + 8 : handler[0] + 12] != kind:
            continue
        information = first_box(index, b"minf", *media)
        table = first_box(index, b"stbl", *information) if information else None
        header = first_box(index, b"mdhd", *media)
        if table is None or header is None:
            return None
        return _count_shown(index, table, _edits(index, start, end, ticks, _timescale(index, header[0])))
    return None


def _timescale(index: bytes, position: int) -> int:
    (ticks,) = struct.unpack_from(">I", index, position + (20 if index[position] else 12))
    return int(ticks)


def _edits(index: bytes, start: int, end: int, movie_ticks: int, media_ticks: int) -> list[tuple[int, float]]:
    """Return (begin, end) of the intervals shown, in ticks of the track; an empty list means all of it."""
    holder = first_box(index, b"edts", start, end)
    found = first_box(index, b"elst", *holder) if holder else None
    if found is None or not movie_ticks:
        return []
    position = found[0]
    long = index[position] == 1
    step = 20 if long else 12
    (count,) = struct.unpack_from(">I", index, position + 4)
    edits = []
    for number in range(min(count, (found[1] - position - 8) // step)):
        duration, begin = struct.unpack_from(">Qq" if long else ">Ii", index, position + 8 + step * number)
        # An empty interval only delays what follows.
        if begin >= 0:
            edits.append((begin, begin + duration * media_ticks / movie_ticks if duration else float("inf")))
    return edits


def _runs(index: bytes, table: tuple[int, int], name: bytes, kind: str) -> np.ndarray | None:
    """Expand a table of runs (count, value) into one value per frame; None if it is missing or implausibly long."""
    found = first_box(index, name, *table)
    if found is None:
        return None
    (count,) = struct.unpack_from(">I", index, found[0] + 4)
    count = min(count, (found[1] - found[0] - 8) // 8)
    pairs = np.frombuffer(index, np.dtype([("count", ">u4"), ("value", kind)]), count, found[0] + 8)
    if pairs["count"].sum(dtype=np.uint64) > _MAXIMUM_FRAMES:
        return None
    return np.repeat(pairs["value"].astype(np.int64), pairs["count"])


def _count_shown(index: bytes, table: tuple[int, int], edits: list[tuple[int, float]]) -> int | None:
    durations = _runs(index, table, b"stts", ">u4")
    if durations is None:
        return None
    if not edits:
        return len(durations)
    times = np.cumsum(durations) - durations
    offsets = _runs(index, table, b"ctts", ">i4")
    if offsets is not None and len(offsets) == len(times):
        times = times + offsets
    return int(sum(np.count_nonzero((times >= begin) & (times < end)) for begin, end in edits))


# AVI


def _avi(file: BinaryIO, size: int) -> ContainerClaims:
    """Read the claims of an AVI. Empty frames repeat the previous one and are not counted; OpenCV skips them too."""
    position, cut, parts, frames = 0, False, 0, None
    while position + 12 <= size:
        file.seek(position)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or not length:
            break
        cut |= position + 8 + length > size
        parts = _count_part(parts)
        if parts == 1:
            frames = _avi_frames(file, position + 12, min(size, position + 8 + length))
        position += 8 + length + length % 2
    # The index at the end of the first part covers that part only.
    return ContainerClaims(frames if parts == 1 else None, cut, repeating=True)


def _avi_frames(file: BinaryIO, position: int, end: int) -> int | None:
    stream, declared, parts = None, None, 0
    while position + 8 <= end:
        parts = _count_part(parts)
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"\0\0\0\0":
            # Preallocated space that was never written.
            break
        if name == b"LIST" and file.read(4) == b"hdrl":
            stream, declared = _avi_stream(file.read(min(length - 4, 2**20))) if length >= 4 else (None, None)
        elif name == b"idx1" and stream is not None and length <= _MAXIMUM_BYTES and position + 8 + length <= end:
            file.seek(position + 8)
            entries = np.frombuffer(file.read(length // 16 * 16), np.dtype([("name", "S4"), ("rest", "<u4", 3)]))
            of_stream = np.isin(entries["name"], [b"%02ddc" % stream, b"%02ddb" % stream])
            return int(np.count_nonzero(of_stream & (entries["rest"][:, 2] > 0)))
        position += 8 + length + length % 2
    return declared


def _avi_stream(header: bytes) -> tuple[int | None, int | None]:
    """Return the number of the first video stream, and the number of frames that its header declares."""
    number, position = 0, header.find(b"strh")
    while position >= 0:
        if header[position + 8 : position + 12] == b"vids":
            return number, struct.unpack_from("<I", header, position + 8 + 32)[0] or None
        number, position = number + 1, header.find(b"strh", position + 4)
    return None, None


# Containers that state their length but do not list their frames


def _matroska_number(data: bytes, position: int) -> tuple[int | None, int]:
    """Return a length and the position after it; None for a length that was unknown when it was written."""
    width = 9 - data[position].bit_length()
    value = int.from_bytes(data[position : position + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), position + width


def _matroska_is_cut(beginning: bytes, size: int) -> bool:
    length, position = _matroska_number(beginning, 4)
    segment = position + (length or 0)
    if beginning[segment : segment + 4] != b"\x18\x53\x80\x67" or segment + 12 > len(beginning):
        return False
    length, position = _matroska_number(beginning, segment + 4)
    return length is not None and position + length > size


def _flv_is_cut(file: BinaryIO, size: int) -> bool:
    file.seek(5)
    position = int.from_bytes(file.read(4), "big") + 4
    while position + 11 <= size:
        file.seek(position)
        head = file.read(4)
        if head[0] & 0x1F not in (8, 9, 18):
            return False
        position += 11 + int.from_bytes(head[1:4], "big") + 4
    # The last four bytes repeat a length; some writers leave them out.
    return position - 4 > size or 0 < size - position < 11


def _asf_is_cut(beginning: bytes, size: int) -> bool:
    place = beginning.find(b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11")
    if place < 0 or place + 92 > len(beginning):
        return False
    (declared,) = struct.unpack_from("<Q", beginning, place + 40)
    (flags,) = struct.unpack_from("<I", beginning, place + 88)
    # A broadcast is written before its length is known.
    return not flags & 1 and declared > size


def _ogg_is_cut(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 2 * 65536))
    data = file.read()
    place = data.rfind(b"OggS")
    if place < 0 or place + 27 > len(data):
        return True
    segments = data[place + 27 : place + 27 + data[place + 26]]
    is_whole = len(segments) == data[place + 26] and place + 27 + len(segments) + sum(segments) <= len(data)
    return not is_whole or not data[place + 5] & 4


def _program_stream_is_cut(file: BinaryIO, size: int) -> bool:
    """Whether the last packet is longer than what is left; pictures and sound cannot hold what a packet begins with."""
    file.seek(max(0, size - 2 * 65536))
    data = file.read()
    place = data.rfind(b"\0\0\x01")
    while place >= 0 and not (place + 4 <= len(data) and 0xBA <= data[place + 3] <= 0xEF):
        place = data.rfind(b"\0\0\x01", 0, place)
    if place < 0 or data[place + 3] == 0xBB:
        return False
    if data[place + 3] == 0xBA:
        return place + 12 > len(data)
    return place + 6 + int.from_bytes(data[place + 4 : place + 6], "big") > len(data)
