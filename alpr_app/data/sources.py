"""Sources of frames: pictures (with all their pages), folders, videos, tar files of pictures, object stores, addresses
of streams, and lists of all of these.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from alpr_app.core.errors import reason
from alpr_app.data.archives import members
from alpr_app.data.file_types import kind_of, kind_of_file
from alpr_app.data.folders import LeftOut, folder_entries, in_natural_order, natural_key
from alpr_app.data.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.data.network import is_address
from alpr_app.data.object_store import fetched, is_stored, object_entries
from alpr_app.data.pages import picture_frames
from alpr_app.data.streams import camera_entry, stream_entry, stream_frames
from alpr_app.data.videos import video_frames

__all__ = [
    "STANDARD_INPUT",
    "Frame",
    "Inputs",
    "Limits",
    "Shard",
    "SourceError",
    "camera_entry",
    "entries",
    "frames",
    "natural_key",
]

STANDARD_INPUT = "-"
# Longer than any path or address; a file with such a line is no list.
_MAXIMUM_LINE = 2**16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """Yield one path per line, read as bytes, because file names need not be valid in the terminal's encoding."""
    try:
        number = 0
        while line := stream.readline(_MAXIMUM_LINE):
            if len(line) == _MAXIMUM_LINE:
                raise SourceError(f"{name}: line {number + 1} is too long for a path; name a list with one path a line")
            if number == 0:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            number += 1
            path = os.fsdecode(line.rstrip(b"\r\n"))
            if path:
                yield path
    except OSError as error:
        raise SourceError(f"{name}: {reason(error)}") from error


def _listed_paths(path: str) -> Iterator[str]:
    """Yield the paths in a list, a file with one path a line. Raises SourceError."""
    if path == STANDARD_INPUT:
        yield from _lines(sys.stdin.buffer, "standard input")
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: this list cannot be opened: {reason(error)}") from error
    with file:
        yield from _lines(file, path)


def matching(path: str) -> Iterator[str]:
    """Expand a pattern such as *.jpg or **/*.jpg, for shells that leave that to the program. A path that exists, is no
    pattern or matches nothing is yielded as it is."""
    if os.path.lexists(path) or not glob.has_magic(path):
        yield path
        return
    found = False
    for file in in_natural_order(glob.iglob(path, recursive=True)):
        found = True
        yield file
    if not found:
        yield path


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 0) of `count` parts of the inputs.

    The name of an entry decides which part it belongs to. So the parts are disjoint, complete and the same on every
    machine, whatever order a file system lists in and whatever else is there. A tar file belongs wholly to one part.
    """

    number: int
    count: int

    def __contains__(self, entry: Frame) -> bool:
        digest = hashlib.blake2b(os.fsencode(entry.key), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.number


@dataclass(frozen=True)
class Inputs:
    """What to read.

    Attributes:
        paths: Pictures, folders, videos, tar files, patterns, addresses, or `-` for paths on standard input.
        lists: Files with one path a line; their http addresses are stored pictures.
        cameras: Numbers of cameras.
        recursive: Whether to look into subfolders.
        stored: Whether http addresses among `paths` are stored pictures too, and not live sources.
        shard: The part to read; None for everything.
    """

    paths: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    cameras: tuple[int, ...] = ()
    recursive: bool = False
    stored: bool = False
    shard: Shard | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether the entries can be listed twice at little cost: not those of a pipe, nor those of an object store."""
        if STANDARD_INPUT in (*self.paths, *self.lists):
            return False
        if any(os.path.exists(file) and not os.path.isfile(file) for file in self.lists):
            return False
        return not any(is_address(path) and is_stored(path, self.stored) for path in self.paths)

    def entries(self, left_out: LeftOut = lambda folder, count: None) -> Iterator[Frame]:
        """Yield every picture, video, tar file and stream, in order and not opened yet.

        A folder yields its files in natural order without hidden ones; `left_out` is called with the number of files
        that are neither pictures nor videos. An unreadable path becomes an entry with an error, so that the others go
        on.

        Raises:
            SourceError: A list cannot be read.
        """
        for entry in self._all(left_out):
            if self.shard is None or entry in self.shard:
                yield entry

    def _all(self, left_out: LeftOut) -> Iterator[Frame]:
        for path in self.paths:
            if path == STANDARD_INPUT:
                for line in _lines(sys.stdin.buffer, "standard input"):
                    yield from _entries_of(line, self.recursive, self.stored, left_out)
            else:
                for file in [path] if is_address(path) else matching(path):
                    yield from _entries_of(file, self.recursive, self.stored, left_out)
        for file in self.lists:
            for path in _listed_paths(file):
                for match in [path] if is_address(path) else matching(path):
                    yield from _entries_of(match, self.recursive, True, left_out)
        yield from map(camera_entry, self.cameras)


def entries(
    paths: Iterable[str], recursive: bool = False, left_out: LeftOut = lambda folder, count: None
) -> Iterator[Frame]:
    """Yield the entries of `paths`, see `Inputs.entries`."""
    return Inputs(tuple(paths), recursive=recursive).entries(left_out)


def _entries_of(path: str, recursive: bool, stored: bool, left_out: LeftOut) -> Iterable[Frame]:
    if is_address(path):
        return object_entries(path, recursive, left_out) if is_stored(path, stored) else [stream_entry(path)]
    if os.path.isdir(path):
        return folder_entries(path, recursive, left_out)
    if not os.path.lexists(path) and glob.has_magic(path):
        return [Frame(path, os.path.basename(path), error=SourceError(f"{path}: no such file, and nothing matches it"))]
    return [Frame(path, os.path.basename(path))]


def unpacked(entered: Iterable[Frame], left_out: LeftOut = lambda folder, count: None) -> Iterator[Frame]:
    """Yield the entries, with tar files replaced by the pictures in them."""
    for entry in entered:
        if entry.is_archive:
            yield from members(entry, left_out)
        else:
            yield entry


def frames(entered: Iterable[Frame], limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """Yield the frames of `entries`: pictures not decoded yet (those of several pages page by page), videos and streams
    frame by frame up to `limits`."""
    for entry in unpacked(entered):
        if limits.stopped():
            return
        yield from _frames_of(fetched(entry), limits)


def _frames_of(entry: Frame, limits: Limits) -> Iterable[Frame]:
    if entry.error is not None:
        return [entry]
    if entry.stream is not None:
        return stream_frames(entry, limits)
    if entry.content is not None:
        if kind_of(entry.file, entry.content) == "video":
            remedy = "videos are read from files alone; copy it to a disk"
            return [Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: {remedy}"))]
        return picture_frames(entry, limits)
    return video_frames(entry, limits) if kind_of_file(entry.file) == "video" else picture_frames(entry, limits)
