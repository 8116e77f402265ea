"""Lists pictures and folders in the background, in the order wanted, however many there are."""

from __future__ import annotations

import os
import re
import string
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import platformdirs

from alpr_app.core.errors import reason
from alpr_app.data.file_types import PICTURE_SUFFIXES, kind_of_file
from alpr_app.viewer.workers.threads import LatestValue, Worker, drain, noop

# Names that are sorted in one go: sorting holds all other threads up, this many for a few milliseconds.
CHUNK = 8000
# The first list is published after this many seconds, each later one after twice as many.
FIRST_SECONDS = 0.15

_DIGITS = re.compile(r"\d+")


def _sortable_number(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    return f"\0{chr(1 + len(digits))}{digits}"


def sort_key(text: str) -> str:
    """A string that sorts as people count: the order of `sources.natural_key`, for a fraction of its memory."""
    return _DIGITS.sub(_sortable_number, text.casefold())


@dataclass(frozen=True, eq=False)
class Listing:
    """names: ways from `folder` to its pictures, in order. finished: there are no more. error: why there are none."""

    folder: str
    names: list[str]
    finished: bool = False
    error: str = ""


def walk(folder: str, recursive: bool, requested: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Pictures in `folder`, each as the way from there and its entry, in no order; hidden files and folders are left
    out. Pictures are told by their suffix; requested: one that was asked for, whatever its suffix.

    Raises OSError if `folder` itself cannot be opened; a folder within that cannot is passed over.
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
                # A link to a folder above would never end.
                elif recursive and entry.is_dir(follow_symlinks=False):
                    waiting.append(name)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, whatever its name ends in; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


class FolderScan(Worker):
    """A thread that lists one folder. `listings` holds the newest state of the list.

    rank: the order, see `orders.py`; None for natural order. publish_at_end: nothing is handed over before all is listed. requested:
    as in `walk`.
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
            self.listings.put(Listing(self.folder, [], True, f"{self.folder}: cannot be opened: {reason(error)}"))

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
    """Both in one sorted list; `lines` is sorted already, and Python's sort merges two sorted runs in one pass."""
    fresh.sort()
    both = lines + fresh
    both.sort()
    return both


def _names(lines: list[str]) -> list[str]:
    return [line.rsplit("\0\0", 1)[1] for line in lines]


# What was found is handed over, and the window drawn for it, no more often than this.
BATCH_SECONDS = 0.1
# Below a root with more folders than these (a publish_at_end disk), the rest is looked into when it is unfolded.
MAXIMUM_FOLDERS = 50_000


@dataclass(frozen=True)
class FolderContent:
    """What one folder holds. folders: names of those in it, in natural order, hidden ones left out. links: those of
    them that lead elsewhere. pictures: how many lie directly in it. error: why it cannot be looked into."""

    path: str
    folders: tuple[str, ...] = ()
    links: frozenset[str] = frozenset()
    pictures: int = 0
    error: str = ""


def read_folder(path: str) -> FolderContent:
    """What the folder `path` holds; a folder that cannot be opened is one with an error."""
    folders, links, pictures = [], [], 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                folder = is_folder(entry)
                if entry.name.lower().endswith(PICTURE_SUFFIXES) and not folder:
                    pictures += 1
                elif folder:
                    folders.append(entry.name)
                    if entry.is_symlink():
                        links.append(entry.name)
    except OSError as error:
        return FolderContent(path, error=reason(error))
    return FolderContent(path, tuple(sorted(folders, key=sort_key)), frozenset(links), pictures)


class FolderCrawl(Worker):
    """A thread that looks into folders. found: batches of what it saw. deep: it goes on into what it finds, level
    after level, but never through links, which may lead back up. wake: is called when there is a new batch."""

    def __init__(self, deep: bool, wake: Callable[[], None] = noop, maximum: int = MAXIMUM_FOLDERS) -> None:
        self.batches: deque[list[FolderContent]] = deque()
        self._wake = wake
        self._deep, self._maximum = deep, maximum
        self._requests: deque[str] = deque()
        self._waiting: deque[str] = deque()
        super().__init__("alpr-folders")

    def request(self, path: str) -> None:
        """Look into `path` before all others."""
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
            content = read_folder(path)
            batch.append(content)
            if self._deep:
                deeper = [os.path.join(path, name) for name in content.folders if name not in content.links][:left]
                left -= len(deeper)
                self._waiting.extend(deeper)


def start_folders() -> list[tuple[str, str]]:
    """Where one begins to look for pictures: name and path of the user's folders and of the drives."""
    home, pictures = str(Path.home()), platformdirs.user_pictures_dir()
    folders = [("Home", home)]
    if os.path.isdir(pictures) and pictures != home:
        folders.append(("Pictures", pictures))
    return folders + [("Computer" if drive == "/" else os.path.basename(drive) or drive, drive) for drive in _drives()]


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
    """Why the path `target`, which a user has typed, cannot be opened; empty if it can, or is an address."""
    if "://" in target or target.isdecimal():
        return ""
    path = os.path.abspath(os.path.expanduser(target))
    if os.path.isdir(path):
        return "" if os.access(path, os.R_OK | os.X_OK) else f"{path}: no permission to open this folder"
    if not os.path.exists(path):
        above = os.path.dirname(path)
        while not os.path.isdir(above) and above != os.path.dirname(above):
            above = os.path.dirname(above)
        rest = os.path.relpath(path, above).split(os.sep)[0]
        return f"There is no {rest} in {above}"
    if kind_of_file(path) is None:
        return f"{os.path.basename(path)} is neither a folder nor a picture nor a video"
    return ""


PARENT = ".."


class FolderPicker:
    """path: the folder whose folders are listed. found: what is in it; None until that is known. cursor: the row that
    keys have chosen, -1 for none. wake: ends the window's sleep."""

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        self._wake = wake
        self._crawl: FolderCrawl | None = None
        self.path = ""
        self.content: FolderContent | None = None
        self.cursor = -1

    def go(self, path: str) -> None:
        """List the folders in `path`."""
        self.path, self.content, self.cursor = os.path.abspath(path), None, -1
        if self._crawl is None:
            # The thread is there only once somebody has looked for a folder.
            self._crawl = FolderCrawl(False, self._wake)
        self._crawl.request(self.path)

    def collect(self) -> None:
        """Take over what the thread has found. Never waits."""
        for batch in drain(self._crawl.batches) if self._crawl is not None else ():
            for content in batch:
                # An answer to an earlier question is of no use any more.
                if content.path == self.path:
                    self.content = content

    @property
    def rows(self) -> list[str]:
        """The folder above, if there is one, and the folders within."""
        above = [PARENT] if os.path.dirname(self.path) != self.path else []
        return above + list(self.content.folders if self.content is not None else ())

    def enter(self, row: int) -> None:
        """Go to the folder in this row."""
        name = self.rows[row]
        self.go(os.path.dirname(self.path) if name == PARENT else os.path.join(self.path, name))

    def move(self, by: int) -> None:
        """Choose a row further down."""
        self.cursor = min(max(self.cursor + by, 0), len(self.rows) - 1)

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread; whether it has ended."""
        return self._crawl is None or self._crawl.close(timeout)
