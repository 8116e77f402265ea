"""Picture headers, read without decoding: format, size, number of pages, completeness, and the memory that decoding
would take.

OpenCV trusts a header and allocates what it claims; a few bytes could claim 15 GB.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from alpr_app.core.startup import MAXIMUM_PIXELS
from alpr_app.data.file_types import AVIF_BRANDS, BEGINNING, HEIF_BRANDS, brands_of, is_bitmap, is_portable_map
from alpr_app.data.isobmff import boxes, coded_sizes, first_box
from alpr_app.data.jpeg_header import JpegHeader, jpeg_header

# More pages than any scanned document has.
MAXIMUM_PAGES = 10_000
# Chunks or blocks in one file; a large animation has some hundred thousand.
MAXIMUM_PARTS = 1_000_000
# OpenJPEG keeps tables for every tile and for every component of a tile.
_TILE_BYTES, _TILE_COMPONENT_BYTES = 5_700, 1_100

Size = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """What a picture file says about itself.

    Attributes:
        format: The format's name as shown to the user.
        size: (width, height), the largest that anything in the file claims; None if no size can be found, in which case
            no decoder should be tried either.
        bytes_per_pixel: Memory while decoding, as measured, including the picture.
        more_bytes: Memory in addition to that.
        pages: Number of pages.
        jpeg: The walk through a JPEG.
    """

    format: str
    size: Size | None
    bytes_per_pixel: float = 6.2
    more_bytes: int = 0
    pages: int = 1
    jpeg: JpegHeader | None = None


def picture_header(data: bytes) -> Header | None:
    """Read the header of a picture in any supported format; None for anything else."""
    try:
        return _header(data)
    except (struct.error, IndexError):
        found = _format(data)
        return Header(found, None) if found else None


def _header(data: bytes) -> Header | None:
    found = _format(data)
    readers = {
        "JPEG": _jpeg,
        "PNG": _png,
        "WebP": _webp,
        "TIFF": _tiff,
        "GIF": _gif,
        "BMP": _bmp,
        "JPEG 2000": _jpeg_2000,
        "AVIF": _avif,
        "HEIC": _heic,
        "portable map": _portable_map,
        "Radiance HDR": _radiance,
        "Sun raster": _sun,
    }
    return readers[found](data) if found else None


def _format(data: bytes) -> str | None:
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if is_bitmap(data):
        return "BMP"
    if data[:12] == b"\0\0\0\x0cjP  \r\n\x87\n" or data[:4] == b"\xff\x4f\xff\x51":
        return "JPEG 2000"
    if data[4:8] == b"ftyp":
        brands = brands_of(data[:BEGINNING])
        # Apple's AVIF files may name a general picture brand first.
        if brands & set(AVIF_BRANDS):
            return "AVIF"
        return "HEIC" if brands & {*HEIF_BRANDS, b"mif1", b"msf1"} else None
    if is_portable_map(data):
        return "portable map"
    if data.startswith((b"#?RADIANCE", b"#?RGBE")):
        return "Radiance HDR"
    return "Sun raster" if data[:4] == b"\x59\xa6\x6a\x95" else None


def _jpeg(data: bytes) -> Header:
    found = jpeg_header(data)
    # Coefficients of a picture of several scans are held as two-byte numbers until the last scan.
    buffered = 3.2 + 2 * found.samples if found.progressive or found.scans > 1 else 0.0
    return Header("JPEG", found.size, max(6.2, buffered), jpeg=found)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of every complete chunk, up to `MAXIMUM_PARTS`."""
    position = 8
    for _ in range(MAXIMUM_PARTS):
        if position + 12 > len(data):
            return
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            return
        yield data[position + 4 : position + 8], position + 8, end
        position = end + 4


def _png(data: bytes) -> Header:
    size = struct.unpack_from(">II", data, 16)
    pages = 1
    for name, start, _ in _png_chunks(data[: 2**16]):
        if name == b"acTL":
            (pages,) = struct.unpack_from(">I", data, start)
    return Header("PNG", size, 7.3 if pages == 1 else 23.0, pages=max(1, pages))


def _webp(data: bytes) -> Header:
    """Take the largest of the canvas and all pictures in it, which need not agree."""
    sizes: list[Size] = []
    pages = parts = 0
    waiting = [(12, len(data))]
    while waiting:
        position, end = waiting.pop()
        while position + 8 <= end:
            parts = _count_part(parts)
            name, length = struct.unpack_from("<4sI", data, position)
            start, after = position + 8, min(end, position + 8 + length)
            if name == b"VP8X":
                low, width, low_height, height = struct.unpack_from("<HBHB", data, start + 4)
                sizes.append((1 + low + (width << 16), 1 + low_height + (height << 16)))
            elif name == b"VP8L":
                (bits,) = struct.unpack_from("<I", data, start + 1)
                sizes.append((1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)))
            elif name == b"VP8 ":
                width, height = struct.unpack_from("<HH", data, start + 6)
                sizes.append((width & 0x3FFF, height & 0x3FFF))
            elif name == b"ANMF":
                pages += 1
                waiting.append((start + 16, after))
            position += 8 + length + length % 2
    return Header("WebP", _largest(sizes), 7.3 if pages < 2 else 22.0, pages=max(1, pages))


def _count_part(parts: int) -> int:
    """Return `parts` + 1. Raises struct.error if a file has implausibly many parts."""
    if parts >= MAXIMUM_PARTS:
        raise struct.error("too many parts")
    return parts + 1


def _largest(sizes: list[Size]) -> Size | None:
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _tiff(data: bytes) -> Header:
    """Take the largest of all pages, and of their tiles."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    kinds = {1: "B", 3: "H", 4: "I", 16: "Q", 13: "I", 18: "Q"}
    (position,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    step, head = (20, 8) if big else (12, 2)
    sizes: list[Size] = []
    buffers = pages = 0
    seen = set()
    while position and position not in seen and position + head <= len(data) and pages < MAXIMUM_PAGES:
        seen.add(position)
        pages += 1
        (entries,) = struct.unpack_from(order + ("Q" if big else "H"), data, position)
        values: dict[int, int] = {}
        end = min(position + head + step * entries, len(data) - step + 1)
        for place in range(position + head, end, step):
            tag, kind = struct.unpack_from(order + "HH", data, place)
            if tag in (256, 257, 258, 277, 322, 323) and kind in kinds:
                count = struct.unpack_from(order + ("Q" if big else "I"), data, place + 4)[0]
                (value,) = struct.unpack_from(order + kinds[kind], data, place + (12 if big else 8))
                # Depths of several samples are stored elsewhere; 16 bits is the maximum where this matters.
                value = 16 if tag == 258 and count > (4 if big else 2) else value
                values[tag] = max(value, values.get(tag, 0))
        width, height = values.get(256, 0), values.get(257, 0)
        sizes.append((width, height))
        tile = values.get(322, 0) * values.get(323, 0)
        # A single strip may hold the whole picture.
        buffers = max(buffers, (tile or width * height) * max(1, values.get(258, 1) // 8) * values.get(277, 1))
        position = position + head + step * entries
        if position + (8 if big else 4) > len(data):
            break
        (position,) = struct.unpack_from(order + ("Q" if big else "I"), data, position)
    size = _largest(sizes)
    return Header("TIFF", size if size and all(size) else None, 6.8, buffers, pages=max(1, pages))


def _gif(data: bytes) -> Header:
    """Take the largest of the canvas and every picture on it."""
    sizes: list[Size] = [struct.unpack_from("<HH", data, 6)]
    position = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    pages = parts = 0
    while position < len(data) and data[position] in (0x21, 0x2C):
        if data[position] == 0x21:
            position += 2
        else:
            left, top, width, height, flags = struct.unpack_from("<HHHHB", data, position + 1)
            sizes.append((left + width, top + height))
            pages += 1
            position += 11 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
        parts = _count_part(parts)
        while position < len(data) and data[position]:
            parts = _count_part(parts)
            position += 1 + data[position]
        position += 1
    return Header("GIF", _largest(sizes), 12.3 if pages < 2 else 23.0, pages=max(1, pages))


def _bmp(data: bytes) -> Header:
    (length,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", data, 18)
    return Header("BMP", (abs(width), abs(height)))


def _jpeg_2000(data: bytes) -> Header:
    start = 0
    if data[:4] != b"\xff\x4f\xff\x51":
        found = first_box(data, b"jp2c")
        if found is None:
            return Header("JPEG 2000", None)
        start = found[0]
    if data[start : start + 4] != b"\xff\x4f\xff\x51":
        return Header("JPEG 2000", None)
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">8IH", data, start + 8
    )
    size = (max(0, right - left), max(0, bottom - top))
    if not all(size) or not tile_width or not tile_height or not 1 <= components <= 4:
        return Header("JPEG 2000", None)
    tiles = -(-max(1, right - tile_left) // tile_width) * -(-max(1, bottom - tile_top) // tile_height)
    tables = tiles * (_TILE_BYTES + components * _TILE_COMPONENT_BYTES)
    return Header("JPEG 2000", size, 4.0 + 4.0 * max(3, components), tables)


def _properties(data: bytes) -> list[tuple[bytes, int, int]]:
    meta = first_box(data, b"meta")
    holder = first_box(data, b"iprp", meta[0] + 4, meta[1]) if meta else None
    container = first_box(data, b"ipco", *holder) if holder else None
    return list(boxes(data, *container)) if container else []


def _iso_sizes(data: bytes) -> list[Size]:
    """Return the sizes of all pictures in an AVIF or HEIC file, and of the tracks of an animation."""
    sizes = [struct.unpack_from(">II", data, start + 4) for name, start, _ in _properties(data) if name == b"ispe"]
    movie = first_box(data, b"moov")
    for name, start, end in boxes(data, *movie) if movie else ():
        track = first_box(data, b"tkhd", start, end) if name == b"trak" else None
        if track is not None and track[1] - track[0] >= 84:
            width, height = struct.unpack_from(">II", data, track[1] - 8)
            sizes.append((width >> 16, height >> 16))
    return sizes


def _avif(data: bytes) -> Header:
    # Imported here, because importing numpy takes longer than reading a header.
    from alpr_app.data.video_headers import track_frames

    pages = track_frames(data, b"pict") if data[8:12] == b"avis" else None
    pages = max(1, pages or 1)
    coded = coded_sizes(data)
    size = _largest([*coded, *_iso_sizes(data)]) if coded else None
    return Header("AVIF", size, 17.0 if pages == 1 else 24.0, pages=pages)


def _heic(data: bytes) -> Header:
    return Header("HEIC", _largest(_iso_sizes(data)), 12.0)


def _portable_map(data: bytes) -> Header:
    """PBM, PGM, PPM, PFM and PAM."""
    text = re.sub(rb"#[^\n]*", b"", data[:4096])
    if data[:2] == b"P7":
        width, height, depth = (
            re.search(rb"\b" + name + rb"\s+(\d{1,10})", text) for name in (b"WIDTH", b"HEIGHT", b"DEPTH")
        )
        if width is None or height is None or depth is None or int(depth[1]) > 4:
            return Header("portable map", None)
        return Header("portable map", (int(width[1]), int(height[1])))
    numbers = re.match(rb"P.\s+(\d{1,10})\s+(\d{1,10})\s", text)
    size = (int(numbers[1]), int(numbers[2])) if numbers else None
    return Header("portable map", size, 15.2 if data[1:2] in b"Ff" else 6.2)


def _radiance(data: bytes) -> Header:
    found = re.search(rb"\n[-+][XY]\s*(\d{1,10})\s+[-+][XY]\s*(\d{1,10})\s*\n", data[:4096])
    return Header("Radiance HDR", (int(found[2]), int(found[1])) if found else None, 15.2)


def _sun(data: bytes) -> Header:
    return Header("Sun raster", struct.unpack_from(">II", data, 4))


def picture_size(data: bytes) -> Size | None:
    """Return the (width, height) that a picture claims; None if it is not a picture or claims no size."""
    header = picture_header(data)
    return header.size if header and header.size and all(header.size) else None


def is_cut_short(data: bytes, jpeg: JpegHeader | None = None) -> bool:
    """Whether a PNG ends before its last chunk or a JPEG lacks its end marker; False for other formats. jpeg: its
    header, if already read."""
    if data[:2] == b"\xff\xd8":
        header = jpeg or jpeg_header(data)
        # Cameras and phones append data to the picture, and damage may hide its end: search everywhere.
        return not header.ended and data.rfind(b"\xff\xd9", header.first_scan) < 0
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    return all(name != b"IEND" for name, _, _ in _png_chunks(data))


# Other formats take far longer to decode, and cameras do not produce them in such sizes.
_MAXIMUM_PIXELS = {"JPEG": MAXIMUM_PIXELS, "JPEG 2000": 30_000_000}
_OTHER_PIXELS = 100_000_000
MAXIMUM_BYTES = 512 * 2**20
# Memory for one picture in addition to the program's own, including the file and the decoded picture.
FREE_BYTES, FREE_BYTES_PER_PIXEL = 400_000_000, 5
# A JPEG spends a bit or two on every 64 pixels even in empty areas: one with fewer bytes is mostly missing.
MAXIMUM_JPEG_PIXELS_PER_BYTE = 1024
# Progressive JPEGs have about ten scans. Each is processed in full, so thousands of empty ones would take minutes.
MAXIMUM_SCANS = 100


def maximum_pixels(header: Header) -> int:
    """Return the number of pixels allowed in a picture of this format."""
    return _MAXIMUM_PIXELS.get(header.format, _OTHER_PIXELS)


def decoding_bytes(header: Header, length: int) -> int:
    """Return the memory in bytes that decoding a picture takes, including its file of `length` bytes."""
    width, height = header.size or (0, 0)
    return length + round(header.bytes_per_pixel * width * height) + header.more_bytes


def maximum_decoding_bytes(pixels: int) -> int:
    """Return the memory in bytes that decoding a picture of so many pixels may take."""
    return FREE_BYTES + FREE_BYTES_PER_PIXEL * pixels
