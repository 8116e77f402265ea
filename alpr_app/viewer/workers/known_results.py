"""Results of pictures that have been read before, in this session or an earlier one, and the thread that looks them up
and keeps them on disk.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Generic, TypeVar

from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import stamp_of
from alpr_app.viewer.workers.recogniser import TRANSIENT, Recognition
from alpr_app.viewer.workers.result_store import ResultStore, StoreError, delete_store
from alpr_app.viewer.workers.threads import Worker, noop

Item = TypeVar("Item")

# Results kept in memory; each takes a few kilobytes.
MAXIMUM_RESULTS = 100_000
# Pictures that are looked up in one step.
CHUNK = 200
# Results in one transaction.
WRITE_CHUNK = 1000
# Seconds for which new results are collected before they are written together.
WRITE_SECONDS = 1.0


class SessionResults:
    """The results of this session by models and path. The main thread changes them, any thread may call `get`.

    Args:
        maximum: Number of results above which the oldest are dropped.
    """

    def __init__(self, maximum: int = MAXIMUM_RESULTS) -> None:
        self._maximum = maximum
        self._by_models: dict[str, dict[str, Recognition]] = {}
        self._count = 0

    def add(self, recognition: Recognition) -> None:
        """Remember a result, in place of an earlier one of the same picture and models."""
        results = self._by_models.setdefault(recognition.models, {})
        # The newest is always the last.
        self._count += results.pop(recognition.key, None) is None
        results[recognition.key] = recognition
        while self._count > self._maximum:
            models, oldest = next(iter(self._by_models.items()))
            if oldest:
                del oldest[next(iter(oldest))]
                self._count -= 1
            if not oldest:
                del self._by_models[models]

    def get(self, models: str, path: str) -> Recognition | None:
        """The result of these models for the picture at `path`; None if they have not read it."""
        return self._by_models.get(models, {}).get(path)

    def drop_crops(self, path: str) -> None:
        """Remove the crops from all results of a picture."""
        for results in self._by_models.values():
            if path in results:
                # In its place, so that its age stays.
                results[path] = results[path].without_crops()

    def all(self) -> list[Recognition]:
        """Every result."""
        return [recognition for results in self._by_models.values() for recognition in results.values()]


@dataclass(frozen=True, eq=False)
class Lookup(Generic[Item]):
    """A request for the known results of a folder.

    Attributes:
        folder, names: The folder, and its pictures relative to it.
        models: Identity of the models.
        shown: Returns the result that the window already has of a picture; None if there is none.
        make: Makes what the window needs of the name of a picture and its result; called on the thread.
    """

    folder: str
    names: Sequence[str]
    models: str
    shown: Callable[[str], Recognition | None]
    make: Callable[[str, Recognition], Item]


@dataclass(frozen=True, eq=False)
class Batch(Generic[Item]):
    """A part of the answer.

    Attributes:
        lookup: The request.
        found: What was made of the known results, by name.
        changed: Pictures that the window has a result of and whose files have changed since.
    """

    lookup: Lookup[Item]
    found: dict[str, Item]
    changed: tuple[str, ...]


class KnownResults(Worker, Generic[Item]):
    """The thread that looks up known results, and keeps new ones on disk once it is allowed to.

    Args:
        session: Results of this session.
        wake: Called when there is a new batch or message.

    Attributes:
        batches: Queue of answers to the last request.
        messages: Queue of messages, each with whether it reports a failure.
    """

    def __init__(self, session: SessionResults, wake: Callable[[], None] = noop) -> None:
        self.batches: deque[Batch[Item]] = deque()
        self.messages: deque[tuple[str, bool]] = deque()
        self._session, self._wake = session, wake
        self._store: ResultStore | None = None
        self._path: Path | None = None
        self._orders: deque[Callable[[], None]] = deque()
        self._lookup: Lookup[Item] | None = None
        self._position = 0
        self._unwritten: list[Recognition] = []
        self._write_at = 0.0
        super().__init__("alpr-known")

    def keep(self, path: Path | None) -> None:
        """Keep results in the database at `path` from now on; None stops that and leaves the database as it is."""
        self._order(lambda: self._open(path))

    def forget(self, path: Path) -> None:
        """Delete the database at `path`; if it is in use, a new one is begun."""
        self._order(lambda: self._forget(path))

    def add(self, recognitions: Iterable[Recognition]) -> None:
        """Write results to disk, if they are kept. Results of models that cannot be identified later are left out."""
        durable = [one for one in recognitions if not one.error and not one.models.startswith(TRANSIENT)]
        if durable:
            self._order(lambda: self._enqueue(durable))

    def look_up(self, lookup: Lookup[Item] | None) -> None:
        """Answer this request in place of an earlier one; None only ends the earlier one."""
        with self._changed:
            self._lookup, self._position = lookup, 0
            self.batches.clear()
            self._changed.notify()

    def _order(self, order: Callable[[], None]) -> None:
        with self._changed:
            self._orders.append(order)
            self._changed.notify()

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            job()
        self._write()
        self._open(None)

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for the next job; None when the thread has to end and everything has been written."""
        with self._changed:
            while True:
                if self._orders:
                    return self._orders.popleft()
                if self._ended:
                    return None
                if self._unwritten and monotonic() >= self._write_at:
                    return self._write
                if self._lookup is not None:
                    return self._answer
                self._changed.wait(max(0.01, self._write_at - monotonic()) if self._unwritten else None)

    def _answer(self) -> None:
        """Look up the next pictures of the request."""
        with self._changed:
            lookup, start = self._lookup, self._position
        if lookup is None:
            return
        names = lookup.names[start : start + CHUNK]
        batch = self._look_up_names(lookup, names)
        with self._changed:
            if self._lookup is lookup:
                self._position += CHUNK
                if batch.found or batch.changed:
                    self.batches.append(batch)
                if self._position >= len(lookup.names):
                    self._lookup = None
        if batch.found or batch.changed:
            self._wake()
        # Lets the window draw while a long list is looked up.
        sleep(0)

    def _look_up_names(self, lookup: Lookup[Item], names: Sequence[str]) -> Batch[Item]:
        known: dict[str, Recognition] = {}
        changed: list[str] = []
        unknown: dict[str, str] = {}
        for name in names:
            path, shown = os.path.join(lookup.folder, name), lookup.shown(name)
            if shown is not None:
                if shown.stamp is not None and stamp_of(path) != shown.stamp:
                    changed.append(name)
            elif (recognition := self._session.get(lookup.models, path)) is not None:
                known[name] = recognition
            else:
                unknown[path] = name
        for path, recognition in self._stored(lookup.models, unknown).items():
            known[unknown[path]] = recognition
        found = {
            name: lookup.make(name, recognition)
            for name, recognition in known.items()
            if stamp_of(recognition.key) == recognition.stamp
        }
        return Batch(lookup, found, tuple(changed))

    def _stored(self, models: str, paths: dict[str, str]) -> dict[str, Recognition]:
        if self._store is None or not paths:
            return {}
        try:
            return self._store.find(models, paths)
        except StoreError as error:
            self._give_up(error)
            return {}

    def _enqueue(self, results: Sequence[Recognition]) -> None:
        if self._store is None:
            return
        if not self._unwritten:
            self._write_at = monotonic() + WRITE_SECONDS
        # Crops would only fill the memory.
        self._unwritten.extend(one.without_crops() for one in results)

    def _write(self) -> None:
        results, self._unwritten = self._unwritten, []
        try:
            for start in range(0, len(results), WRITE_CHUNK):
                if self._store is not None:
                    self._store.add(results[start : start + WRITE_CHUNK])
        except StoreError as error:
            self._give_up(error)

    def _open(self, path: Path | None) -> None:
        if self._store is not None:
            self._store.close()
        self._store, self._path = None, path
        if path is None:
            self._unwritten = []
            return
        try:
            self._store = ResultStore(path)
        except StoreError as error:
            self._give_up(error)

    def _forget(self, path: Path) -> None:
        keeping = self._path
        self._open(None)
        try:
            delete_store(path)
            self._report(tr("The kept results have been deleted"), False)
        except StoreError as error:
            self._report(str(error), True)
        self._open(keeping)

    def _give_up(self, error: StoreError) -> None:
        """Go on without the database for the rest of the session."""
        if self._store is not None:
            self._store.close()
        self._store, self._unwritten = None, []
        self._report(tr("{failure}; the window goes on without it", failure=error), True)

    def _report(self, message: str, is_error: bool) -> None:
        self.messages.append((message, is_error))
        self._wake()
