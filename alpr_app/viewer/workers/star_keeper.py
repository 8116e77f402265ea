"""The stars of pictures on disk, in an SQLite database of the user's data folder, written by a thread of its own.

A star belongs to the real path of its picture's folder and to its name, so that it is found again however the folder is
opened: through a link, from its parent, or by a relative path. Several windows may share the database.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from alpr_app.core.errors import AlprError, reason
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.workers.result_store import LOCKED_SECONDS, make_private, sqlite_reason
from alpr_app.viewer.workers.threads import LatestValue, Worker, noop

# About 20 MB.
MAXIMUM_STARS = 100_000
_TABLE = "CREATE TABLE IF NOT EXISTS stars (folder BLOB NOT NULL, name BLOB NOT NULL, PRIMARY KEY (folder, name))"


class StarError(AlprError):
    """Stars cannot be kept or looked up; the message names the file and the remedy."""


def stars_path() -> Path:
    """Path of the user's database of stars."""
    return Path(platformdirs.user_data_dir("alpr-app", appauthor=False)) / "stars" / "stars.sqlite"


@dataclass(frozen=True)
class FolderStars:
    """The starred pictures of a list.

    Attributes:
        folder: The folder that is listed.
        names: Their paths relative to it.
    """

    folder: str
    names: frozenset[str]


@dataclass(frozen=True)
class _Change:
    folder: str
    name: str
    starred: bool


class StarKeeper(Worker):
    """The thread that keeps the stars.

    Args:
        path: The database, created for its owner alone with the first star; None to keep stars for this session only.
        wake: Called when stars have been found, or cannot be kept.

    Attributes:
        found: Stars of the folder asked for last.
        errors: Messages for the user, a queue.
    """

    def __init__(self, path: Path | None, wake: Callable[[], None] = noop) -> None:
        self.path, self._wake = path, wake
        self.found: LatestValue[FolderStars] = LatestValue(wake)
        self.errors: deque[str] = deque()
        # In order, because what is looked up later must include earlier changes.
        self._jobs: deque[_Change | tuple[str, Sequence[str]]] = deque()
        # Stars without a database.
        self._remembered: set[tuple[bytes, bytes]] = set()
        super().__init__("alpr-stars")

    def change(self, folder: str, name: str, starred: bool) -> None:
        """Give a star to a picture of `folder`, or remove it."""
        self._add(_Change(folder, name, starred))

    def look_up(self, folder: str, names: Sequence[str]) -> None:
        """Find the starred ones among the pictures of a list, given by their paths relative to `folder`."""
        self._add((folder, names))

    def _add(self, job: _Change | tuple[str, Sequence[str]]) -> None:
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._ended)
                # Stars given before the end are kept.
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            try:
                if isinstance(job, _Change):
                    self._carry_out(job)
                elif not self._ended:
                    self.found.put(self._find(*job))
            except StarError as error:
                self.errors.append(str(error))
                self._wake()

    def _carry_out(self, change: _Change) -> None:
        key = _key(change.folder, change.name)
        if self.path is None:
            (self._remembered.add if change.starred else self._remembered.discard)(key)
            return
        try:
            make_private(self.path)
            with closing(self._open()) as database, database:
                if not change.starred:
                    database.execute("DELETE FROM stars WHERE folder = ? AND name = ?", key)
                    return
                (count,) = database.execute("SELECT count(*) FROM stars").fetchone()
                if count >= MAXIMUM_STARS:
                    raise StarError(
                        tr("{count:,} pictures have stars, which is the limit; remove some", count=MAXIMUM_STARS)
                    )
                database.execute("INSERT OR IGNORE INTO stars VALUES (?, ?)", key)
        except OSError as error:
            raise self._error(reason(error)) from error
        except sqlite3.Error as error:
            raise self._error(_words(error)) from error

    def _open(self) -> sqlite3.Connection:
        assert self.path is not None
        database = sqlite3.connect(self.path, timeout=LOCKED_SECONDS)
        try:
            database.execute(_TABLE)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _find(self, folder: str, names: Sequence[str]) -> FolderStars:
        stars = self._all()
        found = set()
        if stars:
            by_folder: dict[bytes, set[bytes]] = {}
            for place, name in stars:
                by_folder.setdefault(place, set()).add(name)
            # The real path of each subfolder is found once, not that of every picture.
            starred = {part: by_folder.get(_real(folder, part), set()) for part in {os.path.dirname(n) for n in names}}
            if any(starred.values()):
                found = {n for n in names if _coded(os.path.basename(n)) in starred[os.path.dirname(n)]}
        return FolderStars(folder, frozenset(found))

    def _all(self) -> set[tuple[bytes, bytes]]:
        if self.path is None or not self.path.exists():
            return set(self._remembered)
        try:
            with closing(self._open()) as database:
                rows = database.execute("SELECT folder, name FROM stars LIMIT ?", (MAXIMUM_STARS,)).fetchall()
        except sqlite3.Error as error:
            raise self._error(_words(error)) from error
        return {(bytes(folder), bytes(name)) for folder, name in rows}

    def _error(self, words: str) -> StarError:
        return StarError(tr("{path}: stars cannot be kept: {reason}", path=self.path, reason=words))


def _key(folder: str, name: str) -> tuple[bytes, bytes]:
    part, base = os.path.split(name)
    return _real(folder, part), _coded(base)


def _real(folder: str, part: str) -> bytes:
    return _coded(os.path.realpath(os.path.join(folder, part)))


def _coded(text: str) -> bytes:
    # Names need not be valid text, and on Windows case makes no difference.
    return os.fsencode(os.path.normcase(text))


def _words(error: sqlite3.Error) -> str:
    return sqlite_reason(error, mark("the file is damaged ({error}); delete it to begin again"))
