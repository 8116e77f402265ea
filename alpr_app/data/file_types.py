"""Tells pictures from videos by their first bytes, and by their suffix where those are not conclusive.

Nothing is decoded here.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Literal

Kind = Literal["picture", "video"]

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    *(".png", ".apng", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"),
    *(".avif", ".avifs", ".heic", ".heif", ".hif"),
    *(".jp2", ".j2k", ".j2c", ".jpc"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"),
    *(".sr", ".ras", ".hdr", ".pic"),
)
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".insv", ".lrv"),
    *(".avi", ".divx", ".mkv", ".webm", ".flv", ".wmv", ".asf", ".ogv", ".ogm", ".rm", ".rmvb", ".mxf", ".nut"),
    *(".ts", ".mts", ".m2ts", ".m2t", ".trp", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".vob", ".mod", ".tod"),
    *(".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".ivf", ".y4m", ".dv", ".dav", ".mjpg", ".mjpeg"),
)
# Concatenated JPEGs.
RAW_JPEG_SUFFIXES = (".mjpg", ".mjpeg")

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2")

# Bytes read to identify a file: enough for three packets of a transport stream.
BEGINNING = 640

_PICTURE_BEGINNINGS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    *(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    *(b"#?RADIANCE", b"#?RGBE", b"\x59\xa6\x6a\x95"),
)
_VIDEO_BEGINNINGS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b"OggS",
    b".RMF",
    b"DHAV",
    b"DKIF",
    b"YUV4MPEG2",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02",  # MXF
    b"nut/multimedia container",
    b"\0\0\x01\xba",  # MPEG program stream
    b"\0\0\x01\xb3",  # MPEG-1 and MPEG-2 video
)
# Brands of the ISO container that mark pictures; all others mark videos.
AVIF_BRANDS = (b"avif", b"avis")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"heif")
# What all of these pictures say they are as well, whatever they call themselves first.
_GENERAL_BRANDS = {*AVIF_BRANDS, b"mif1", b"msf1"}
_PICTURE_BRANDS = {*HEIF_BRANDS, *_GENERAL_BRANDS}
# Where neither ftyp nor a suffix says it: boxes that a QuickTime video of old begins with.
_VIDEO_BOXES = (b"moov", b"mdat", b"wide", b"pnot")


def kind_of_content(beginning: bytes) -> Kind | None:
    """What a file that begins so is; None if that does not say it."""
    if beginning.startswith(_PICTURE_BEGINNINGS) or is_bitmap(beginning) or is_portable_map(beginning):
        return "picture"
    if beginning[:4] == b"RIFF":
        kinds: dict[bytes, Kind] = {b"WEBP": "picture", b"AVI ": "video"}
        return kinds.get(beginning[8:12])
    if beginning[4:8] == b"ftyp":
        is_picture = beginning[8:12] in _PICTURE_BRANDS or brands_of(beginning) & _GENERAL_BRANDS
        return "picture" if is_picture else "video"
    if beginning.startswith(_VIDEO_BEGINNINGS) or beginning[4:8] in _VIDEO_BOXES:
        return "video"
    return "video" if packet_bytes(beginning) is not None or _is_annex_b(beginning) else None


def brands_of(beginning: bytes) -> set[bytes]:
    """Return the major and compatible brands of a file in the ISO container, which begins with ftyp."""
    end = min(int.from_bytes(beginning[:4], "big"), len(beginning))
    return {beginning[place : place + 4] for place in (8, *range(16, end, 4))}


def is_bitmap(beginning: bytes) -> bool:
    """Whether this is a BMP. Many texts begin with its two letters, so the header length must match a known version."""
    return beginning[:2] == b"BM" and int.from_bytes(beginning[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)


def is_portable_map(beginning: bytes) -> bool:
    """Whether this is a PBM, PGM, PPM, PFM or PAM."""
    return len(beginning) > 2 and beginning[:1] == b"P" and beginning[1] in b"1234567Ff" and beginning[2:3].isspace()


def packet_bytes(beginning: bytes) -> int | None:
    """Return the packet length of a transport stream: 188 bytes beginning with G, preceded by 4 bytes of time in camera
    recordings, followed by 16 bytes in broadcasts. None for anything else."""
    for start, step in ((0, 188), (4, 192), (0, 204)):
        if len(beginning) > start + 2 * step and all(beginning[start + place * step] == 0x47 for place in range(3)):
            return step
    return None


def _is_annex_b(beginning: bytes) -> bool:
    """Whether this is a raw H.264 or H.265 stream, which begins with parameter sets."""
    start = beginning[:5].find(b"\0\0\x01")
    if start not in (0, 1) or len(beginning) < start + 5:
        return False
    first, second = beginning[start + 3 : start + 5]
    if first & 0x80:
        return False
    kind = first & 0x1F
    if kind in (6, 9) or (kind == 7 and second in (66, 77, 88, 100, 110, 122, 244)):
        return True
    return first >> 1 in (32, 33, 35) and first & 1 == 0 and second == 1


def kind_of_name(name: str) -> Kind | None:
    """Return the kind that the suffix stands for; None for an unknown suffix."""
    lower = name.lower()
    if lower.endswith(VIDEO_SUFFIXES):
        return "video"
    return "picture" if lower.endswith(PICTURE_SUFFIXES) else None


def is_archive_name(name: str) -> bool:
    """Whether `name`, a path or an address, is that of a tar file."""
    return re.split(r"[?#]", name, maxsplit=1)[0].lower().endswith(ARCHIVE_SUFFIXES)


def beginning_of(path: str, length: int = BEGINNING) -> bytes:
    """Return the first bytes of an ordinary file, or none if it is missing or cannot be read."""
    try:
        # Opening a pipe would wait for a writer.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read(length)
    except (OSError, ValueError):
        return b""


def kind_of_file(path: str) -> Kind | None:
    """Identify a file by its first bytes, or by its suffix if those are not conclusive."""
    return kind_of(path, beginning_of(path))


def kind_of(name: str, beginning: bytes) -> Kind | None:
    """Identify a file called `name` by its first bytes, or by its suffix if those are not conclusive. A video of
    concatenated JPEGs begins like a picture; its suffix distinguishes them."""
    beginning = beginning[:BEGINNING]
    if beginning.startswith(b"\xff\xd8\xff") and name.lower().endswith(RAW_JPEG_SUFFIXES):
        return "video"
    return kind_of_content(beginning) or kind_of_name(name)
