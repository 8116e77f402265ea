"""Looks into folders on a thread of its own: which folders are in them, and how many pictures."""

from __future__ import annotations

import os
import string
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import platformdirs

from alpr_app.core.errors import reason
from alpr_app.data.file_types import PICTURE_SUFFIXES, kind_of_file
from alpr_app.viewer.background import Worker
from alpr_app.viewer.mailbox import KeepAll, nobody
from alpr_app.viewer.scan import is_folder, sort_key

# What was found is handed over, and the window drawn for it, no more often than this.
BATCH_SECONDS = 0.1
# Below a root with more folders than these (a whole disk), the rest is looked into when it is unfolded.
MOST_FOLDERS = 50_000


@dataclass(frozen=True)
class Found:
    """What one folder holds. folders: names of those in it, in natural order, hidden ones left out. links: those of
    them that lead elsewhere. pictures: how many lie directly in it. error: why it cannot be looked into."""

    path: str
    folders: tuple[str, ...] = ()
    links: frozenset[str] = frozenset()
    pictures: int = 0
    error: str = ""


def look_into(path: str) -> Found:
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
        return Found(path, error=reason(error))
    return Found(path, tuple(sorted(folders, key=sort_key)), frozenset(links), pictures)


class Crawl(Worker):
    """A thread that looks into folders. found: batches of what it saw. deep: it goes on into what it finds, level
    after level, but never through links, which may lead back up. wake: is called when there is a new batch."""

    def __init__(self, deep: bool, wake: Callable[[], None] = nobody, most: int = MOST_FOLDERS) -> None:
        self.found: KeepAll[list[Found]] = KeepAll(wake)
        self._deep, self._most = deep, most
        self._asked: deque[str] = deque()
        self._waiting: deque[str] = deque()
        super().__init__("alpr-folders")

    def ask(self, path: str) -> None:
        """Look into `path` before all others."""
        with self._changed:
            self._asked.append(path)
            self._changed.notify()

    def _run(self) -> None:
        batch: list[Found] = []
        last, left = 0.0, self._most
        while True:
            if batch and (monotonic() - last > BATCH_SECONDS or not (self._asked or self._waiting)):
                self.found.put(batch)
                batch, last = [], monotonic()
            with self._changed:
                self._changed.wait_for(lambda: self._asked or self._waiting or self._ended)
                if self._ended:
                    return
                path = (self._asked or self._waiting).popleft()
            found = look_into(path)
            batch.append(found)
            if self._deep:
                deeper = [os.path.join(path, name) for name in found.folders if name not in found.links][:left]
                left -= len(deeper)
                self._waiting.extend(deeper)


def places() -> list[tuple[str, str]]:
    """Where one begins to look for pictures: name and path of the user's folders and of the drives."""
    home, pictures = str(Path.home()), platformdirs.user_pictures_dir()
    named = [("Home", home)]
    if os.path.isdir(pictures) and pictures != home:
        named.append(("Pictures", pictures))
    return named + [("Computer" if drive == "/" else os.path.basename(drive) or drive, drive) for drive in _drives()]


def _drives() -> list[str]:
    if sys.platform == "win32":
        if hasattr(os, "listdrives"):
            return os.listdrives()
        return [drive for letter in string.ascii_uppercase if os.path.exists(drive := f"{letter}:\\")]
    user = os.path.basename(str(Path.home()))
    found = ["/"]
    for folder in ("/Volumes", f"/media/{user}", f"/run/media/{user}", "/mnt"):
        found += [os.path.join(folder, name) for name in look_into(folder).folders]
    return found


def trouble_with(target: str) -> str:
    """Why the path `target`, which a user has typed, cannot be opened; empty if it can, or is an address."""
    if "://" in target or target.isdecimal():
        return ""
    path = os.path.abspath(os.path.expanduser(target))
    if os.path.isdir(path):
        return "" if os.access(path, os.R_OK | os.X_OK) else f"{path}: you may not look into this folder"
    if not os.path.exists(path):
        above = os.path.dirname(path)
        while not os.path.isdir(above) and above != os.path.dirname(above):
            above = os.path.dirname(above)
        rest = os.path.relpath(path, above).split(os.sep)[0]
        return f"There is no {rest} in {above}"
    if kind_of_file(path) is None:
        return f"{os.path.basename(path)} is neither a folder nor a picture nor a video"
    return ""
