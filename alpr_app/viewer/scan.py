"""Lists the pictures of a folder in the background, in the order wanted, however many there are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

from alpr_app.core.errors import reason
from alpr_app.data.file_types import PICTURE_SUFFIXES
from alpr_app.viewer.background import Worker
from alpr_app.viewer.mailbox import LatestValue, nobody

# Names that are sorted in one go: sorting holds all other threads up, this many for a few milliseconds.
CHUNK = 8000
# The first list is published after this many seconds, each later one after twice as many.
FIRST_SECONDS = 0.15

_DIGITS = re.compile(r"\d+")


def _counted(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    return f"\0{chr(1 + len(digits))}{digits}"


def sort_key(text: str) -> str:
    """A string that sorts as people count: the order of `sources.natural_key`, for a fraction of its memory."""
    return _DIGITS.sub(_counted, text.casefold())


@dataclass(frozen=True, eq=False)
class Listing:
    """names: ways from `folder` to its pictures, in order. finished: there are no more. error: why there are none."""

    folder: str
    names: list[str]
    finished: bool = False
    error: str = ""


def walk(folder: str, recursive: bool, named: str = "") -> Iterator[tuple[str, os.DirEntry]]:
    """Pictures in `folder`, each as the way from there and its entry, in no order; hidden files and folders are left
    out. Pictures are told by their suffix; named: one that was asked for, whatever its suffix.

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
                is_picture = entry.name.lower().endswith(PICTURE_SUFFIXES) or name == named
                if is_picture and not is_folder(entry):
                    yield name, entry
                # A link to a folder above would never end.
                elif recursive and entry.is_dir(follow_symlinks=False):
                    waiting.append(name)


def is_folder(entry: os.DirEntry) -> bool:
    """Whether it is a folder, whatever its name ends in; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


class Scan(Worker):
    """A thread that lists one folder. `listings` holds the newest state of the list.

    rank: the order, see `orders.py`; None for natural order. whole: nothing is handed over before all is listed. named:
    as in `walk`.
    """

    def __init__(
        self,
        folder: str,
        recursive: bool = False,
        wake: Callable[[], None] = nobody,
        rank: Callable[[str, os.DirEntry], str] | None = None,
        whole: bool = False,
        named: str = "",
    ) -> None:
        self.folder, self.recursive = folder, recursive
        self.listings: LatestValue[Listing] = LatestValue(wake)
        self._rank, self._whole, self._named = rank, whole, named
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
        for name, entry in walk(self.folder, self.recursive, self._named):
            if self._ended:
                return
            rank = self._rank(name, entry) if self._rank is not None else ""
            # One string holds key and name: strings compare many times faster than tuples.
            fresh.append(f"{rank}{sort_key(name)}\0\0{name}")
            if len(fresh) >= CHUNK:
                lines, fresh = _merged(lines, fresh), []
            if not self._whole and monotonic() - started > patience:
                lines, fresh = _merged(lines, fresh), []
                self.listings.put(Listing(self.folder, _names(lines)))
                patience *= 2
        lines = _merged(lines, fresh)
        self.listings.put(Listing(self.folder, _names(lines), True))


def _merged(lines: list[str], fresh: list[str]) -> list[str]:
    """Both in one sorted list; `lines` is sorted already, and Python's sort merges two sorted runs in one pass."""
    fresh.sort()
    both = lines + fresh
    both.sort()
    return both


def _names(lines: list[str]) -> list[str]:
    return [line.rsplit("\0\0", 1)[1] for line in lines]
