"""Where frames come from: paths of pictures, folders and videos, or `-` for paths on standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from alpr_app.errors import AlprError, reason
from alpr_app.pictures import PICTURE_SUFFIXES, read_picture

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ts")
STANDARD_INPUT = "-"


class SourceError(AlprError):
    """A folder or a video that gives no frames; the message names it and the remedy."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture to come, or one frame of a video.

    file: the path as given; for a folder's pictures, the folder as given and the way from there.
    within: the path from the folder that was given, else the file's bare name.
    image: H x W x 3 uint8 RGB; None for a picture that is still to be read, so that many can be read at once.
    number, time_ms: of a video's frame, counted from 0; None for pictures.
    error: why nothing can be read from here; then there is no image.
    """

    file: str
    within: str
    image: np.ndarray | None = field(default=None, repr=False)
    number: int | None = None
    time_ms: float | None = None
    error: AlprError | None = None

    def load(self) -> np.ndarray:
        """The picture. Raises PictureError or SourceError."""
        if self.error is not None:
            raise self.error
        return read_picture(self.file) if self.image is None else self.image


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts as people count: a2 before a10, capitals beside small letters."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def _entries_in(folder: str, recursive: bool, inside: str = "") -> Iterator[Frame]:
    """Pictures and videos in `folder`, or in the folder that lies `inside` it, in natural order."""
    here = os.path.join(folder, inside) if inside else folder
    try:
        names = sorted((name for name in os.listdir(here) if not name.startswith(".")), key=natural_key)
    except OSError as error:
        yield Frame(here, inside or folder, error=SourceError(f"{here}: cannot be opened: {reason(error)}"))
        return
    for name in names:
        within = os.path.join(inside, name)
        path = os.path.join(folder, within)
        if os.path.isdir(path):
            # A link to a folder above would never end.
            if recursive and not os.path.islink(path):
                yield from _entries_in(folder, recursive, within)
        elif name.lower().endswith(PICTURE_SUFFIXES + VIDEO_SUFFIXES):
            yield Frame(path, within)


def _folder_entries(folder: str, recursive: bool) -> list[Frame]:
    found = list(_entries_in(folder, recursive))
    if not found:
        remedy = "" if recursive else "; --recursive looks into its folders too"
        return [Frame(folder, folder, error=SourceError(f"{folder}: no pictures or videos in this folder{remedy}"))]
    return found


def _standard_input() -> Iterator[str]:
    """One path a line, as bytes, because file names need not be text in the terminal's encoding."""
    for line in sys.stdin.buffer:
        path = os.fsdecode(line.rstrip(b"\r\n"))
        if path:
            yield path


def entries(paths: Iterable[str], recursive: bool = False) -> Iterator[Frame]:
    """Every picture and video that `paths` name, not opened yet, in order.

    A folder gives its files in natural order, hidden ones left out; `-` gives the paths on standard input as
    they come. What cannot be read becomes an entry with an error, so that the others go on.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield from entries(_standard_input(), recursive)
        elif os.path.isdir(path):
            yield from _folder_entries(path, recursive)
        else:
            yield Frame(path, os.path.basename(path))


def check_video_name(file: str) -> None:
    """Raises SourceError for a name that is no text: opening it, OpenCV would take the whole process down."""
    try:
        file.encode()
    except UnicodeEncodeError as error:
        printable = file.encode(errors="backslashreplace").decode()
        raise SourceError(f"{printable}: OpenCV opens no video whose name is not UTF-8; rename it") from error


def video_frames(entry: Frame) -> Iterator[Frame]:
    """Every frame of a video; one with an error if it cannot be opened or holds none."""
    if not Path(entry.file).is_file():
        yield Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: no such file"))
        return
    try:
        check_video_name(entry.file)
    except SourceError as error:
        yield Frame(entry.file, entry.within, error=error)
        return
    video = cv2.VideoCapture(entry.file)
    number = 0
    try:
        while True:
            read, image = video.read()
            if not read:
                break
            time_ms = max(0.0, video.get(cv2.CAP_PROP_POS_MSEC))
            yield Frame(entry.file, entry.within, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), number, time_ms)
            number += 1
    finally:
        video.release()
    if not number:
        error = SourceError(f"{entry.file}: this video cannot be read; is it damaged or of an unknown format?")
        yield Frame(entry.file, entry.within, error=error)


def frames(entered: Iterable[Frame]) -> Iterator[Frame]:
    """The frames of `entries`: pictures as they are, videos frame by frame."""
    for entry in entered:
        if entry.error is None and entry.file.lower().endswith(VIDEO_SUFFIXES):
            yield from video_frames(entry)
        else:
            yield entry
