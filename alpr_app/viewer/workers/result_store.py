"""Results of pictures on disk, in an SQLite database, so that pictures that have not changed need not be read again."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, replace
from pathlib import Path
from time import time
from typing import Any

import platformdirs

from alpr_app.core.errors import AlprError, reason
from alpr_app.core.plate import Plate
from alpr_app.core.result import Timings
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.workers.recogniser import NO_CROP, Recognition

# Enough for about 300,000 pictures with one plate each.
MAXIMUM_BYTES = 256 * 2**20
# When it is full, this share of the results goes, those not used for longest first.
DROPPED_SHARE = 0.1
# Increment whenever the content of the columns changes, so that earlier databases are emptied.
FORMAT = 1
# Seconds to wait for another window that is writing.
LOCKED_SECONDS = 5.0
_SECONDS_PER_DAY = 86_400

_TABLES = """
CREATE TABLE IF NOT EXISTS models (number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS results (
    path BLOB NOT NULL, models INTEGER NOT NULL, changed INTEGER NOT NULL, size INTEGER NOT NULL,
    used INTEGER NOT NULL, content TEXT NOT NULL, UNIQUE (path, models)
);
CREATE INDEX IF NOT EXISTS by_use ON results (used);
"""


class StoreError(AlprError):
    """Results cannot be kept or looked up; the message names the file and the remedy."""


def results_path() -> Path:
    """Path of the user's database of results."""
    return Path(platformdirs.user_cache_dir("alpr-app", appauthor=False)) / "results" / "results.sqlite"


class ResultStore:
    """The database of results. One thread uses it.

    The key of a result is the path of its picture and the identity of the models; it counts only as long as the file
    has the stamp it had when it was read. Errors and crops are not kept.

    Args:
        path: The database. It is created for its owner alone, like its folder.
        maximum: Bytes above which results are dropped.

    Raises:
        StoreError: The database cannot be opened. So do all methods if it cannot be used any further.
    """

    def __init__(self, path: Path, maximum: int = MAXIMUM_BYTES) -> None:
        self.path, self._maximum = path, maximum
        self._numbers: dict[str, int] = {}
        with self._explained():
            make_private(path)
            self._database = sqlite3.connect(path, timeout=LOCKED_SECONDS, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def _prepare(self) -> None:
        # After a power failure the last results may be missing, which only costs time.
        self._database.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            with self._transaction():
                self._database.execute("DROP TABLE IF EXISTS results")
                self._database.execute("DROP TABLE IF EXISTS models")
                self._database.execute(f"PRAGMA user_version = {FORMAT}")
        self._database.executescript(_TABLES)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns errors of files and of the database into StoreError."""
        try:
            yield
        except OSError as error:
            raise self._error(reason(error)) from error
        except sqlite3.Error as error:
            raise self._error(_reason(error)) from error

    def _error(self, reason: str) -> StoreError:
        return StoreError(tr("{path}: results cannot be kept: {reason}", path=self.path, reason=reason))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _number(self, identity: str) -> int | None:
        """The number of the models; None if there are no results of theirs."""
        if identity not in self._numbers:
            row = self._database.execute("SELECT number FROM models WHERE identity = ?", (identity,)).fetchone()
            if row is None:
                return None
            self._numbers[identity] = row[0]
        return self._numbers[identity]

    def find(self, models: str, paths: Collection[str]) -> dict[str, Recognition]:
        """The results of some hundred pictures by path; those that these models have not read are missing.

        The caller compares the stamps with the present ones.
        """
        with self._explained():
            number = self._number(models)
            if number is None:
                return {}
            marks = ", ".join("?" * len(paths))
            rows = self._database.execute(
                f"SELECT rowid, path, changed, size, used, content FROM results WHERE models = ? AND path IN ({marks})",
                (number, *map(os.fsencode, paths)),
            ).fetchall()
            today = _today()
            stale = [(today, row[0]) for row in rows if row[4] != today]
            if stale:
                with self._transaction():
                    self._database.executemany("UPDATE results SET used = ? WHERE rowid = ?", stale)
        found = {}
        for _, path, changed, size, _, content in rows:
            recognition = _parse(os.fsdecode(path), content)
            if recognition is not None:
                found[recognition.key] = replace(recognition, models=models, stamp=(changed, size))
        return found

    def add(self, results: Iterable[Recognition]) -> None:
        """Keep results, in place of earlier ones of the same pictures and models. Errors are left out."""
        with self._explained():
            with self._transaction():
                rows = [
                    (os.fsencode(one.key), self._added_number(one.models), *one.stamp, _today(), _format(one))
                    for one in results
                    if one.stamp is not None and not one.error
                ]
                self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._drop_oldest()

    def _added_number(self, identity: str) -> int:
        number = self._number(identity)
        if number is None:
            # Remembered by `_number` at the next look, so not before this transaction is complete.
            number = self._database.execute("INSERT INTO models (identity) VALUES (?)", (identity,)).lastrowid
            assert number is not None
        return number

    def _drop_oldest(self) -> None:
        while self._used_bytes() > self._maximum:
            (count,) = self._database.execute("SELECT count(*) FROM results").fetchone()
            if not count:
                return
            with self._transaction():
                self._database.execute(
                    "DELETE FROM results WHERE rowid IN (SELECT rowid FROM results ORDER BY used, rowid LIMIT ?)",
                    (max(1, round(DROPPED_SHARE * count)),),
                )

    def _used_bytes(self) -> int:
        # Free pages are used before the file grows.
        pages, free, size = (
            self._database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def close(self) -> None:
        self._database.close()


def delete_store(path: Path) -> None:
    """Delete the database at `path`, damaged or not; there need not be one. Raises StoreError."""
    for file in (path, path.with_name(path.name + "-journal")):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            message = tr("{path}: the kept results cannot be deleted: {reason}", path=file, reason=reason(error))
            raise StoreError(message) from error


def make_private(path: Path) -> None:
    """Create the database and its folder, readable and writable for their owner alone. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An existing folder or file may have other permissions.
    path.parent.chmod(0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    path.chmod(0o600)


def sqlite_reason(error: sqlite3.Error, damaged: str) -> str:
    """The reason of a failure in a few words. damaged: the text for a damaged file, with the placeholder {error}."""
    text = " ".join(str(error).split())
    if "locked" in text:
        return tr("another program is using this file")
    if "full" in text:
        return tr("the disk is full")
    if "malformed" in text or "not a database" in text:
        return tr(damaged, error=text)
    return text


def _reason(error: sqlite3.Error) -> str:
    return sqlite_reason(
        error, mark("the file is damaged ({error}); 'Forget the kept results' in the settings deletes it")
    )


def _today() -> int:
    return int(time() // _SECONDS_PER_DAY)


def _format(recognition: Recognition) -> str:
    """The content of a result. Numbers keep all their digits, because thresholds act on them later."""
    plates = [
        [
            *(plate.text, plate.confidence, plate.characters, plate.alternatives, plate.colour),
            *(plate.score, plate.box, plate.corners, plate.fits_format, plate.kind),
        ]
        for plate in recognition.plates
    ]
    timings = None if recognition.timings is None else astuple(recognition.timings)
    content = {"size": recognition.size, "alphabet": recognition.alphabet, "timings": timings, "plates": plates}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=float)


def _parse(path: str, content: str) -> Recognition | None:
    """The inverse of `_format`; None if the content is damaged."""
    try:
        values = json.loads(content)
        width, height = values["size"]
        plates = tuple(_parse_plate(*plate) for plate in values["plates"])
        timings = Timings(*map(float, values["timings"]))
        return Recognition(path, plates, timings, (int(width), int(height)), alphabet=str(values["alphabet"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _parse_plate(
    text: Any,
    confidence: Any,
    characters: Any,
    alternatives: Any,
    colour: Any,
    score: Any,
    box: Any,
    corners: Any,
    fits_format: Any,
    kind: Any,
) -> Plate:
    left, top, right, bottom = map(float, box)
    if len(corners) != 4 or fits_format not in (True, False, None) or not isinstance(kind, str | None):
        raise ValueError("not a plate")
    return Plate(
        text=str(text),
        confidence=float(confidence),
        characters=tuple(map(float, characters)),
        alternatives=tuple((str(guess), float(sure)) for guess, sure in alternatives),
        colour=str(colour),
        score=float(score),
        box=(left, top, right, bottom),
        corners=tuple((float(x), float(y)) for x, y in corners),
        crop=NO_CROP,
        fits_format=fits_format,
        kind=kind,
    )
