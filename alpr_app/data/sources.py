"""Where frames come from: paths of pictures with all their pages, folders and videos, addresses of streams, or `-` for
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
from alpr_app.data.isobmff import turn_marks
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.network import is_address
from alpr_app.data.streams import camera_entry, stream_entry, stream_frames
from alpr_app.data.videos import video_frames

# Formats whose pages can only be counted by going through the file.
_BEGINNINGS = (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Where the mark of an animated PNG stands before the picture.
_PNG_BYTES = 2**16
# Pages are decoded in small numbers, because each number begins with the first page again.
_AT_ONCE_BYTES = 64 * 2**20


def picture_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """`entry` itself, to be decoded by whom it is handed to; of a picture of several pages every page, decoded, with
    its number, and with its time if it is an animation. Last, one with an error if pages cannot be decoded."""
    if _may_have_pages(entry.file):
        yield from _opened(entry, limits)
    else:
        yield entry


def _may_have_pages(file: str) -> bool:
    """Told by the beginning alone, because nearly all pictures have one page, and are read by many at once."""
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
        # Whoever decodes it says what is wrong.
        return [entry]
    if header.pages < 2:
        return [entry]
    if header.format in ("GIF", "PNG"):
        # FFmpeg goes through these from page to page.
        return video_frames(entry, limits)
    return _Pages(entry, content, header).frames(limits)


class _Pages:
    """The pages of one TIFF, WebP or AVIF file."""

    def __init__(self, entry: Frame, content: bytes, header: Header) -> None:
        self.entry, self.header = entry, header
        self._data = np.frombuffer(content, np.uint8)
        self._marks = turn_marks(content) if header.format == "AVIF" else None
        # `check_header` lets none pass without it.
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
        """Pages and how long each is shown, in milliseconds; 0 if they are no animation."""
        try:
            if self.header.format == "TIFF":
                _, images = cv2.imdecodemulti(self._data, cv2.IMREAD_COLOR_RGB, range=(start, start + count))
                return [(image, 0.0) for image in images]
            _, animation = cv2.imdecodeanimation(self._data, start, count)
        except cv2.error:
            return []
        durations = [max(1.0, float(duration)) for duration in animation.durations]
        return list(zip(map(self._seen, animation.frames), durations, strict=False))

    def _seen(self, image: np.ndarray) -> np.ndarray:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        return image if self._marks is None else self._marks.apply(image)


__all__ = ["STANDARD_INPUT", "Frame", "Limits", "SourceError", "camera_entry", "entries", "frames", "natural_key"]

STANDARD_INPUT = "-"

LeftOut = Callable[[str, int], None]
"""Is told of a folder, as it was given, and of how many files in it are neither pictures nor films."""


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts as people count: a2 before a10, capitals beside small letters."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


class _Folder:
    """The pictures and films in a folder. left_out: how many files in it are neither."""

    def __init__(self, folder: str, recursive: bool) -> None:
        self.folder, self.recursive = folder, recursive
        self.left_out = 0

    def entries(self, inside: str = "") -> Iterator[Frame]:
        """What lies directly `inside`, and in the folders there if asked for, in natural order."""
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
                # A link to a folder above would never end.
                if self.recursive and not os.path.islink(path):
                    yield from self.entries(within)
            elif kind_of_name(name) or kind_of_file(path):
                yield Frame(path, within)
            elif name != TABLE_NAME:
                # The labels of the pictures are nothing that anybody misses.
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
    """One path a line, as bytes, because file names need not be text in the terminal's encoding."""
    try:
        for line in sys.stdin.buffer:
            path = os.fsdecode(line.rstrip(b"\r\n"))
            if path:
                yield path
    except OSError as error:
        raise SourceError(f"standard input: {reason(error)}") from error


def matching(path: str) -> list[str]:
    """The files that a pattern such as *.jpg means, for shells that leave that to the program; a path that is there, or
    is no pattern, is itself."""
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path), key=natural_key) or [path]


def entries(
    paths: Iterable[str], recursive: bool = False, left_out: LeftOut = lambda folder, count: None
) -> Iterator[Frame]:
    """Every picture, film and stream that `paths` name, not opened yet, in order.

    A folder gives its files in natural order, hidden ones left out, and `left_out` is told how many are neither
    pictures nor films; `-` gives the paths on standard input as they come. What cannot be read becomes an entry with an
    error, so that the others go on.
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
        return [Frame(path, os.path.basename(path), error=SourceError(f"{path}: no such file, and none matches it"))]
    return [Frame(path, os.path.basename(path))]


def frames(entered: Iterable[Frame], limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """The frames of `entries`: pictures as they are, of several pages page by page, films and streams frame by frame,
    no more of each than `limits`."""
    for entry in entered:
        if limits.stopped():
            return
        if entry.error is not None:
            yield entry
        elif entry.stream is not None:
            yield from stream_frames(entry, limits)
        elif kind_of_file(entry.file) == "film":
            yield from video_frames(entry, limits)
        else:
            yield from picture_frames(entry, limits)
