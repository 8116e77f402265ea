"""Lists pictures and subfolders in the background, in the chosen order, for folders of any size."""

from __future__ import annotations

import os
import string
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from time import monotonic

import platformdirs

from alpr_app.core.errors import reason
from alpr_app.data.file_types import PICTURE_SUFFIXES, kind_of_file, kind_of_name
from alpr_app.data.folders import sort_key
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.threads import LatestValue, Worker, noop

# Names that are sorted in one step: a sort blocks all other threads, this many for a few milliseconds.
CHUNK = 8000
# Seconds until the first partial list is published; each later one takes twice as long.
FIRST_SECONDS = 0.15


@dataclass(frozen=True, eq=False)
class Listing:
    """The pictures of a folder, as far as they are known.

    Attributes:
        folder: The folder that was listed.
        names: Paths of its pictures relative to `folder`, in order.
        finished: Whether the list is complete.
        error: Why the folder cannot be listed; empty if it can.
    """

    folder: str
    names: list[str]
    finished: bool = False
    error: str = ""


def walk(folder: str, recursive: bool, requested: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Find the pictures in `folder`, in no particular order. Hidden files and folders are left out.

    Args:
        folder: Folder to search.
        recursive: Whether to search its subfolders; links to folders are not followed.
        requested: A picture that is included whatever its suffix; the others are recognised by their suffix.

    Yields:
        The path of each picture relative to `folder`, and its directory entry.

    Raises:
        OSError: `folder` itself cannot be opened; a subfolder that cannot be opened is skipped.
    """
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            entries = os.scandir(os.path.join(folder, inside))
        except OSError:
            if not inside:
                raise
            continue
        with entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                name = os.path.join(inside, entry.name)
                is_picture = entry.name.lower().endswith(PICTURE_SUFFIXES) or name == requested
                if is_picture and not is_folder(entry):
                    yield name, entry
                # A link to a parent folder would make the search endless.
                elif recursive and entry.is_dir(follow_symlinks=False):
                    waiting.append(name)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether `entry` is a folder, whatever its suffix; False for a link that leads to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


class FolderScan(Worker):
    """A thread that lists the pictures of one folder.

    Args:
        folder, recursive, requested: As for `walk`.
        wake: Called when there is a new list.
        rank: Sorting key of a picture, see `image_list.rank_of`; None for natural order.
        publish_at_end: Whether to publish only the complete list.

    Attributes:
        listings: Mailbox with the newest list.
    """

    def __init__(
        self,
        folder: str,
        recursive: bool = False,
        wake: Callable[[], None] = noop,
        rank: Callable[[str, os.DirEntry[str]], str] | None = None,
        publish_at_end: bool = False,
        requested: str = "",
    ) -> None:
        self.folder, self.recursive = folder, recursive
        self.listings: LatestValue[Listing] = LatestValue(wake)
        self._rank, self._publish_at_end, self._requested = rank, publish_at_end, requested
        super().__init__("alpr-scan")

    def _run(self) -> None:
        try:
            self._list()
        except OSError as error:
            self.listings.put(
                Listing(
                    self.folder,
                    [],
                    True,
                    tr("{path}: cannot be opened: {reason}", path=self.folder, reason=reason(error)),
                )
            )

    def _list(self) -> None:
        lines: list[str] = []
        fresh: list[str] = []
        patience, started = FIRST_SECONDS, monotonic()
        for name, entry in walk(self.folder, self.recursive, self._requested):
            if self._ended:
                return
            rank = self._rank(name, entry) if self._rank is not None else ""
            # One string holds key and name: strings compare many times faster than tuples.
            fresh.append(f"{rank}{sort_key(name)}\0\0{name}")
            if len(fresh) >= CHUNK:
                lines, fresh = _merge(lines, fresh), []
            if not self._publish_at_end and monotonic() - started > patience:
                lines, fresh = _merge(lines, fresh), []
                self.listings.put(Listing(self.folder, _names(lines)))
                patience *= 2
        lines = _merge(lines, fresh)
        self.listings.put(Listing(self.folder, _names(lines), True))


def _merge(lines: list[str], fresh: list[str]) -> list[str]:
    """Add `fresh` to the sorted `lines`; Python's sort merges two sorted runs in one pass."""
    fresh.sort()
    both = lines + fresh
    both.sort()
    return both


def _names(lines: list[str]) -> list[str]:
    return [line.rsplit("\0\0", 1)[1] for line in lines]


# Seconds between two batches, and so between two redraws of the window.
BATCH_SECONDS = 0.1
# Below a root with more folders than this (a whole disk), the others are read when their parent is expanded.
MAXIMUM_FOLDERS = 50_000


@dataclass(frozen=True)
class FolderContent:
    """The content of one folder; hidden entries are left out.

    Attributes:
        path: The folder.
        folders: Names of its subfolders, in natural order.
        links: Those subfolders that are links.
        pictures: Number of pictures directly in the folder.
        error: Why the folder cannot be read; empty if it can.
        files: Names of its pictures and videos, in natural order, at most `MAXIMUM_FILES`; only on request.
    """

    path: str
    folders: tuple[str, ...] = ()
    links: frozenset[str] = frozenset()
    pictures: int = 0
    error: str = ""
    files: tuple[str, ...] = ()


# A list of all 200,000 pictures of a folder would be of no use in a dialog.
MAXIMUM_FILES = 1000


def read_folder(path: str, with_files: bool = False) -> FolderContent:
    """Read the content of the folder `path`, on request with its files; an error is part of the result."""
    folders, links, files, pictures = [], [], [], 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                folder = is_folder(entry)
                if folder:
                    folders.append(entry.name)
                    if entry.is_symlink():
                        links.append(entry.name)
                    continue
                pictures += entry.name.lower().endswith(PICTURE_SUFFIXES)
                if with_files and kind_of_name(entry.name) is not None:
                    files.append(entry.name)
    except OSError as error:
        return FolderContent(path, error=reason(error))
    return FolderContent(
        path,
        tuple(sorted(folders, key=sort_key)),
        frozenset(links),
        pictures,
        files=tuple(nsmallest(MAXIMUM_FILES, files, key=sort_key)),
    )


class FolderCrawl(Worker):
    """A thread that reads the contents of folders.

    Args:
        deep: Whether to descend into subfolders, level by level; never through links, which may lead back up.
        wake: Called when there is a new batch.
        maximum: Number of subfolders after which the thread descends no further.
        with_files: Whether the contents have the names of files.

    Attributes:
        batches: Queue of lists of folder contents.
    """

    def __init__(
        self,
        deep: bool,
        wake: Callable[[], None] = noop,
        maximum: int = MAXIMUM_FOLDERS,
        with_files: bool = False,
    ) -> None:
        self.batches: deque[list[FolderContent]] = deque()
        self._wake = wake
        self._deep, self._maximum, self._with_files = deep, maximum, with_files
        self._requests: deque[str] = deque()
        self._waiting: deque[str] = deque()
        super().__init__("alpr-folders")

    def request(self, path: str) -> None:
        """Read `path` before all other folders."""
        with self._changed:
            self._requests.append(path)
            self._changed.notify()

    def _run(self) -> None:
        batch: list[FolderContent] = []
        last, left = 0.0, self._maximum
        while True:
            if batch and (monotonic() - last > BATCH_SECONDS or not (self._requests or self._waiting)):
                self.batches.append(batch)
                self._wake()
                batch, last = [], monotonic()
            with self._changed:
                self._changed.wait_for(lambda: self._requests or self._waiting or self._ended)
                if self._ended:
                    return
                path = (self._requests or self._waiting).popleft()
            content = read_folder(path, self._with_files)
            batch.append(content)
            if self._deep:
                deeper = [os.path.join(path, name) for name in content.folders if name not in content.links][:left]
                left -= len(deeper)
                self._waiting.extend(deeper)


def start_folders() -> list[tuple[str, str]]:
    """Folders where a search for pictures starts, as name and path: those of the user, and the drives."""
    home, pictures = str(Path.home()), platformdirs.user_pictures_dir()
    folders = [(tr("Home"), home)]
    if os.path.isdir(pictures) and pictures != home:
        folders.append((tr("Pictures"), pictures))
    return folders + [
        (tr("Computer") if drive == "/" else os.path.basename(drive) or drive, drive) for drive in _drives()
    ]


def _drives() -> list[str]:
    if sys.platform == "win32":
        if hasattr(os, "listdrives"):
            return os.listdrives()
        return [drive for letter in string.ascii_uppercase if os.path.exists(drive := f"{letter}:\\")]
    user = os.path.basename(str(Path.home()))
    drives = ["/"]
    for folder in ("/Volumes", f"/media/{user}", f"/run/media/{user}", "/mnt"):
        drives += [os.path.join(folder, name) for name in read_folder(folder).folders]
    return drives


def open_error(target: str) -> str:
    """Why the user's input `target` cannot be opened; empty if it can be, or if it is an address."""
    if "://" in target or target.isdecimal():
        return ""
    path = os.path.abspath(os.path.expanduser(target))
    if os.path.isdir(path):
        return "" if os.access(path, os.R_OK | os.X_OK) else tr("{path}: no permission to open this folder", path=path)
    if not os.path.exists(path):
        above = os.path.dirname(path)
        while not os.path.isdir(above) and above != os.path.dirname(above):
            above = os.path.dirname(above)
        rest = os.path.relpath(path, above).split(os.sep)[0]
        return tr("There is no {name} in {folder}", name=rest, folder=above)
    if kind_of_file(path) is None:
        return tr("{name} is neither a folder nor a picture nor a video", name=os.path.basename(path))
    return ""
