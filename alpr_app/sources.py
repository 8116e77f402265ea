"""Where frames come from: paths of pictures, folders and films, addresses of streams, or `-` for paths on standard
input."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator

from alpr_app.addresses import is_address
from alpr_app.core.errors import reason
from alpr_app.films import film_frames
from alpr_app.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.label_table import TABLE_NAME
from alpr_app.media import kind_of_file, kind_of_name
from alpr_app.pages import picture_frames
from alpr_app.streams import camera_entry, stream_entry, stream_frames

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
            yield from film_frames(entry, limits)
        else:
            yield from picture_frames(entry, limits)
