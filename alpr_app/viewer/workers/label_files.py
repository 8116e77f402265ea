"""The thread that opens label tables for corrections and saves them within a second of each edit."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic

from alpr_app.core.errors import reason
from alpr_app.data.ccpd import is_ccpd_name
from alpr_app.data.label_csv import TABLE_NAME, LabelError, read_rows
from alpr_app.data.label_table import EditableTable, TableChangedError
from alpr_app.viewer.workers.images import Stamp, stamp_of
from alpr_app.viewer.workers.label_places import LabelPlace, LabelPlaces
from alpr_app.viewer.workers.threads import Worker, noop

# Seconds for which edits are collected before they are written together; a killed program loses no more than these.
SAVE_SECONDS = 0.3
# Seconds after which a failed save is tried again, and between two looks for changes by other programs.
RETRY_SECONDS = 2.0
SAVED, FAILED, CHANGED = "saved", "failed", "changed"


@dataclass(frozen=True, eq=False)
class OpenTable:
    """A table that is open for corrections.

    Attributes:
        place: Its folder, and that of its pictures.
        table: Its content; it belongs to the main thread.
        overrides: Whether it has precedence over the tables beside the pictures.
    """

    place: LabelPlace
    table: EditableTable
    overrides: bool


@dataclass(frozen=True, eq=False)
class OpenedFolder:
    """The tables of a folder that is being corrected.

    Attributes:
        folder: The folder as it is opened in the window.
        root: The same without links in its path.
        tables: Its tables; later ones have precedence.
        chosen: The table for pictures that are in none, one of `tables`.
        origins: Split and subset of pictures that are labelled by their CCPD names.
        error: Why there is no result; empty if there is one.
    """

    folder: str
    root: str = ""
    tables: tuple[OpenTable, ...] = ()
    chosen: OpenTable | None = None
    origins: Mapping[str, Mapping[str, str]] | None = None
    error: str = ""


@dataclass(frozen=True)
class SaveEvent:
    """What has become of a table: SAVED, FAILED or CHANGED by another program. version: of the edits that were saved.
    message: the reason of a failure."""

    path: Path
    state: str
    version: int = 0
    message: str = ""


@dataclass(frozen=True, eq=False)
class _Save:
    """A table to be written: a snapshot that no other thread changes."""

    place: LabelPlace
    table: EditableTable
    version: int


class LabelFiles(Worker):
    """Opens and saves label tables.

    Args:
        places: Where labels are kept that do not lie beside their pictures.
        wake: Ends the window's sleep.

    Attributes:
        opened: Queue of opened folders.
        chosen: Queue of the answers to `choose`: a place with its table, or the reason why it cannot be used.
        events: Queue of what has become of the tables.
        reloaded: Queue of the answers to `reread`: a table as it is now and as it was when it was read or saved here,
            or the reason why it cannot be read.
    """

    def __init__(self, places: LabelPlaces, wake: Callable[[], None] = noop) -> None:
        self.opened: deque[OpenedFolder] = deque()
        self.chosen: deque[OpenTable | str] = deque()
        self.events: deque[SaveEvent] = deque()
        self.reloaded: deque[tuple[EditableTable, EditableTable] | str] = deque()
        self._places, self._wake = places, wake
        self._orders: deque[Callable[[], None]] = deque()
        self._saves: dict[Path, _Save] = {}
        self._save_at = 0.0
        self._watched: dict[Path, tuple[EditableTable, Stamp]] = {}
        super().__init__("alpr-labels")

    def open(self, folder: str, names: Sequence[str]) -> None:
        """Open the tables of `folder`, whose pictures are `names`."""
        self._order(lambda: self._open(folder, names))

    def choose(self, place: LabelPlace) -> None:
        """Save labels in another place from now on. Its folder may be given with links in its path."""
        self._order(lambda: self._choose(replace(place, labels=os.path.realpath(place.labels))))

    def save(self, place: LabelPlace, table: EditableTable, version: int) -> None:
        """Write a snapshot of a table soon, in place of an earlier one."""
        with self._changed:
            if not self._saves:
                self._save_at = monotonic() + SAVE_SECONDS
            self._saves[table.path] = _Save(place, table, version)
            self._changed.notify()

    def reread(self, table: EditableTable) -> None:
        """Read a table again, whose snapshot this is, in place of saving it."""
        with self._changed:
            self._saves.pop(table.path, None)
        self._order(lambda: self._reread(table))

    def watch(self, tables: Sequence[EditableTable]) -> None:
        """Report changes of these tables by other programs."""
        snapshots = [table.snapshot() for table in tables]
        self._order(lambda: self._watch(snapshots))

    def _order(self, order: Callable[[], None]) -> None:
        with self._changed:
            self._orders.append(order)
            self._changed.notify()

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            job()
            self._wake()
        self._save_all()

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for the next job; None when the thread has to end."""
        look_at = monotonic() + RETRY_SECONDS
        with self._changed:
            while True:
                if self._ended:
                    return None
                if self._saves and monotonic() >= self._save_at:
                    return self._save_all
                if self._orders:
                    return self._orders.popleft()
                if self._watched and monotonic() >= look_at:
                    if changed := self._changed_tables():
                        return lambda: self.events.extend(changed)
                    look_at = monotonic() + RETRY_SECONDS
                due = [self._save_at] if self._saves else []
                due += [look_at] if self._watched else []
                self._changed.wait(max(0.01, min(due) - monotonic()) if due else None)

    def _open(self, folder: str, names: Sequence[str]) -> None:
        inside = sorted({os.path.dirname(name) for name in names} | {""})
        root = os.path.realpath(folder)
        try:
            tables = [
                OpenTable(LabelPlace(str(path.parent), str(path.parent)), EditableTable.read(path), False)
                for part in inside
                if (path := Path(os.path.normpath(os.path.join(root, part)), TABLE_NAME)).is_file()
            ]
            tables += [
                OpenTable(place, EditableTable.read(place.table), True)
                for place in self._places.tables_elsewhere(folder, inside)
            ]
            place = self._places.find(folder)
            chosen = next((one for one in tables if one.place == place), None)
            if chosen is None:
                chosen = OpenTable(place, EditableTable.read(place.table), not place.is_beside)
                tables.append(chosen)
            origins = _origins(root, inside)
        except (LabelError, OSError) as error:
            message = str(error) if isinstance(error, LabelError) else f"{folder}: {reason(error)}"
            self.opened.append(OpenedFolder(folder, error=message))
            return
        self.opened.append(OpenedFolder(folder, root, tuple(tables), chosen, origins))

    def _choose(self, place: LabelPlace) -> None:
        try:
            self._places.prepare(place)
            table = EditableTable.read(place.table)
            self._places.choose(place)
            self.chosen.append(OpenTable(place, table, not place.is_beside))
        except LabelError as error:
            self.chosen.append(str(error))

    def _reread(self, table: EditableTable) -> None:
        try:
            self.reloaded.append((EditableTable.read(table.path), table.as_on_disk()))
        except LabelError as error:
            self.reloaded.append(str(error))

    def _watch(self, tables: Sequence[EditableTable]) -> None:
        self._watched = {table.path: (table, stamp_of(table.path)) for table in tables}

    def _changed_tables(self) -> list[SaveEvent]:
        """Those of the watched tables that another program has changed since the last look."""
        found = []
        for path, (table, stamp) in self._watched.items():
            now = stamp_of(path)
            if now == stamp or path in self._saves:
                continue
            self._watched[path] = table, now
            with suppress(LabelError):
                if table.changed_on_disk:
                    found.append(SaveEvent(path, CHANGED))
        return found

    def _save_all(self) -> None:
        with self._changed:
            saves, self._saves = self._saves, {}
        for path, save in saves.items():
            event = self._save(save)
            self.events.append(event)
            with self._changed:
                if event.state == FAILED and path not in self._saves and not self._ended:
                    self._saves[path] = save
                    self._save_at = monotonic() + RETRY_SECONDS
            if path in self._watched:
                self._watched[path] = save.table, stamp_of(path)

    def _save(self, save: _Save) -> SaveEvent:
        path = save.table.path
        try:
            with _locked(self._places.home / "locks" / sha256(os.fsencode(path)).hexdigest()[:16]):
                wanted = save.table.content() is not None
                if wanted:
                    self._places.prepare(save.place)
                save.table.save()
                if not wanted:
                    self._places.leave(save.place)
        except TableChangedError:
            return SaveEvent(path, CHANGED)
        except LabelError as error:
            return SaveEvent(path, FAILED, message=str(error))
        return SaveEvent(path, SAVED, save.version)


def _origins(root: str, inside: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Split and subset that a table beside a folder of CCPD names states for them, by name relative to `root`."""
    found: dict[str, Mapping[str, str]] = {}
    for part in inside:
        folder = Path(os.path.normpath(os.path.join(root, part)))
        table = folder.with_name(f"{folder.name}.csv") if folder.name else folder
        if not table.is_file():
            continue
        for row in read_rows(table, ("file",)):
            name = os.path.basename(row["file"].replace("\\", "/"))
            if is_ccpd_name(name):
                values = {column: row.get(column, "") for column in ("split", "subset")}
                found[os.path.normpath(os.path.join(part, name))] = values
    return found


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let no other window save the same table meanwhile. The system releases the lock of a process that is killed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError:
        # Without a writable data folder there is no lock; that the table has not changed is still checked.
        yield
        return
    with file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
