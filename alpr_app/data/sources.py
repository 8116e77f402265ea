"""Sources of frames: paths of pictures (with all their pages), of folders and videos, addresses of streams, or `-` for
paths on standard input.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.errors import reason
from alpr_app.data.file_types import beginning_of, kind_of_file, kind_of_name
from alpr_app.data.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.data.image_headers import Header
from alpr_app.data.images import PictureError, check_header, read_bytes
from alpr_app.data.isobmff import read_orientation
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.network import is_address
from alpr_app.data.streams import camera_entry, stream_entry, stream_frames
from alpr_app.data.videos import video_frames

# Formats whose pages can only be counted by walking through the file.
_BEGINNINGS = (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# The mark of an animated PNG precedes the picture, within so many bytes.
_PNG_BYTES = 2**16
# Pages are decoded in batches of this size; each batch has to walk from the first page again.
_AT_ONCE_BYTES = 64 * 2**20


def picture_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """Yield `entry` itself, not decoded yet; for a picture of several pages, every page decoded, with its number, and
    with its time if it is an animation, and finally an entry with an error if pages cannot be decoded."""
    if _may_have_pages(entry.file):
        yield from _opened(entry, limits)
    else:
        yield entry


def _may_have_pages(file: str) -> bool:
    """Decide by the first bytes, because nearly all pictures have one page and are read in parallel."""
    beginning = beginning_of(file)
    if beginning[:4] == b"RIFF":
        return beginning[12:16] == b"VP8X" and len(beginning) > 20 and bool(beginning[20] & 2)
    if beginning[:4] == b"\x89PNG":
        return b"acTL" in beginning_of(file, _PNG_BYTES)
    return beginning.startswith(_BEGINNINGS) or beginning[4:12] == b"ftypavis"


def _opened(entry: Frame, limits: Limits) -> Iterable[Frame]:
    try:
        content = read_bytes(Path(entry.file))
        header = check_header(entry.file, content)
    except PictureError:
        # Decoding it later reports what is wrong.
        return [entry]
    if header.pages < 2:
        return [entry]
    if header.format in ("GIF", "PNG"):
        # FFmpeg walks through these page by page.
        return video_frames(entry, limits)
    return _Pages(entry, content, header).frames(limits)


class _Pages:
    """The pages of one TIFF, WebP or AVIF file."""

    def __init__(self, entry: Frame, content: bytes, header: Header) -> None:
        self.entry, self.header = entry, header
        self._data = np.frombuffer(content, np.uint8)
        self._marks = read_orientation(content) if header.format == "AVIF" else None
        # Guaranteed by `check_header`.
        assert header.size is not None
        width, height = header.size
        self._at_once = max(1, _AT_ONCE_BYTES // (4 * width * height))

    def frames(self, limits: Limits) -> Iterator[Frame]:
        entry, pages = self.entry, self.header.pages
        number, time_ms = 0, 0.0
        while number < pages:
            found = self._decoded(number, min(self._at_once, pages - number))
            for image, duration_ms in found:
                if limits.reached(number, time_ms):
                    return
                yield Frame(entry.file, entry.within, image, number, time_ms if duration_ms else None)
                number, time_ms = number + 1, time_ms + duration_ms
            if not found:
                break
        if number < pages:
            missing = f"{pages - number} of {pages} pages cannot be decoded, the first is page {number + 1}"
            yield Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: {missing}"))

    def _decoded(self, start: int, count: int) -> list[tuple[np.ndarray, float]]:
        """Return pages with their durations in milliseconds; 0 if this is not an animation."""
        try:
            if self.header.format == "TIFF":
                _, images = cv2.imdecodemulti(self._data, cv2.IMREAD_COLOR_RGB, range=(start, start + count))
                return [(image, 0.0) for image in images]
            _, animation = cv2.imdecodeanimation(self._data, start, count)
        except cv2.error:
            return []
        durations = [max(1.0, float(duration)) for duration in animation.durations]
        return list(zip(map(self._oriented, animation.frames), durations, strict=False))

    def _oriented(self, image: np.ndarray) -> np.ndarray:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        return image if self._marks is None else self._marks.apply(image)


__all__ = ["STANDARD_INPUT", "Frame", "Limits", "SourceError", "camera_entry", "entries", "frames", "natural_key"]

STANDARD_INPUT = "-"

LeftOut = Callable[[str, int], None]
"""Receives a folder as given and the number of files in it that are neither pictures nor videos."""


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key for natural order: a2 before a10, upper and lower case together."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


class _Folder:
    """The pictures and videos in a folder. left_out: number of files that are neither."""

    def __init__(self, folder: str, recursive: bool) -> None:
        self.folder, self.recursive = folder, recursive
        self.left_out = 0

    def entries(self, inside: str = "") -> Iterator[Frame]:
        """Yield the entries of the subfolder `inside`, and of its subfolders if `recursive`, in natural order."""
        here = os.path.join(self.folder, inside) if inside else self.folder
        try:
            names = sorted((name for name in os.listdir(here) if not name.startswith(".")), key=natural_key)
        except OSError as error:
            yield Frame(here, inside or self.folder, error=SourceError(f"{here}: cannot be opened: {reason(error)}"))
            return
        for name in names:
            within = os.path.join(inside, name)
            path = os.path.join(self.folder, within)
            if os.path.isdir(path):
                # A link to a parent folder would recurse for ever.
                if self.recursive and not os.path.islink(path):
                    yield from self.entries(within)
            elif kind_of_name(name) or kind_of_file(path):
                yield Frame(path, within)
            elif name != TABLE_NAME:
                # The label table is no file that a user would miss.
                self.left_out += 1


def _folder_entries(folder: str, recursive: bool, left_out: LeftOut) -> list[Frame]:
    looked_into = _Folder(folder, recursive)
    found = list(looked_into.entries())
    if looked_into.left_out:
        left_out(folder, looked_into.left_out)
    if not found:
        remedy = "" if recursive else "; --recursive looks into its folders too"
        return [Frame(folder, folder, error=SourceError(f"{folder}: no pictures or videos in this folder{remedy}"))]
    return found


def _standard_input() -> Iterator[str]:
    """Yield one path per line, read as bytes, because file names need not be valid in the terminal's encoding."""
    try:
        for line in sys.stdin.buffer:
            path = os.fsdecode(line.rstrip(b"\r\n"))
            if path:
                yield path
    except OSError as error:
        raise SourceError(f"standard input: {reason(error)}") from error


def matching(path: str) -> list[str]:
    """Expand a pattern such as *.jpg, for shells that leave that to the program. A path that exists or is no pattern is
    returned as it is."""
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path), key=natural_key) or [path]


def entries(
    paths: Iterable[str], recursive: bool = False, left_out: LeftOut = lambda folder, count: None
) -> Iterator[Frame]:
    """Yield every picture, video and stream that `paths` name, in order and not opened yet.

    A folder yields its files in natural order without hidden ones; `left_out` is called with the number of files that
    are neither pictures nor videos. `-` yields the paths on standard input as they arrive. An unreadable path becomes
    an entry with an error, so that the others go on.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            for line in _standard_input():
                yield from _entries_of(line, recursive, left_out)
        elif is_address(path):
            yield stream_entry(path)
        else:
            for file in matching(path):
                yield from _entries_of(file, recursive, left_out)


def _entries_of(path: str, recursive: bool, left_out: LeftOut) -> Iterable[Frame]:
    if is_address(path):
        return [stream_entry(path)]
    if os.path.isdir(path):
        return _folder_entries(path, recursive, left_out)
    if not os.path.lexists(path) and glob.has_magic(path):
        return [Frame(path, os.path.basename(path), error=SourceError(f"{path}: no such file, and nothing matches it"))]
    return [Frame(path, os.path.basename(path))]


def frames(entered: Iterable[Frame], limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """Yield the frames of `entries`: pictures not decoded yet (those of several pages page by page), videos and streams
    frame by frame up to `limits`."""
    for entry in entered:
        if limits.stopped():
            return
        if entry.error is not None:
            yield entry
        elif entry.stream is not None:
            yield from stream_frames(entry, limits)
        elif kind_of_file(entry.file) == "video":
            yield from video_frames(entry, limits)
        else:
            yield from picture_frames(entry, limits)
