"""The source thread of a folder: decodes the picture that is looked at, then its neighbours, then the rest.

It hands every picture to the recogniser, the one that is looked at before all others, and none twice.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from alpr_app.viewer.background import Worker
from alpr_app.viewer.guard import Guard, told
from alpr_app.viewer.mailbox import nobody
from alpr_app.viewer.shot import Shot, load_shot

# Decoded pictures that are kept, in bytes: about a hundred and fifty of CCPD's.
CACHE_BYTES = 384 * 2**20
# Pictures nobody looks at wait for the recogniser in small numbers: each is decoded and takes memory.
WAITING = 2

Submit = Callable[[Shot, bool], None]
"""Takes a shot for the recogniser, and whether it goes before all others."""


class FolderSource(Worker):
    """submit: gives a shot to the recogniser. waiting: how many wait there. load: path -> Shot. wake: is called
    when a picture has become ready to be shown."""

    def __init__(
        self,
        submit: Submit,
        waiting: Callable[[], int],
        load: Callable[[str], Shot] = load_shot,
        wake: Callable[[], None] = nobody,
    ) -> None:
        self._submit, self._waiting, self._load, self._wake = submit, waiting, load, wake
        self._wanted: list[str] = []
        self._passed: deque[str] = deque()
        self._all: Iterator[str] | None = None
        self._shots: OrderedDict[str, Shot] = OrderedDict()
        self._bytes = 0
        self._submitted: set[str] = set()
        super().__init__("alpr-folder")

    def focus(self, paths: Sequence[str]) -> None:
        """Have these ready: the first is looked at, the others may be next."""
        with self._changed:
            if self._wanted and self._wanted[0] not in self._submitted:
                self._passed.append(self._wanted[0])
            self._wanted = list(paths)
            self._changed.notify()

    def all_of(self, paths: Iterable[str] | None) -> None:
        """Recognise all of these when there is nothing more urgent; None: no longer."""
        with self._changed:
            self._all = None if paths is None else iter(paths)
            self._changed.notify()

    def again(self) -> None:
        """Recognise anew what comes to be looked at: the recogniser has changed."""
        with self._changed:
            self._submitted.clear()
            self._changed.notify()

    def read_again(self, path: str) -> None:
        """Recognise this one anew when it comes to be looked at: not all that was found in it is known any more."""
        with self._changed:
            self._submitted.discard(path)
            self._changed.notify()

    def shot(self, path: str) -> Shot | None:
        """The picture if it has been decoded."""
        with self._changed:
            return self._shots.get(path)

    def poke(self) -> None:
        """The recogniser has taken something: there may be room for more."""
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                job = self._next()
                while job is None and not self._ended:
                    self._changed.wait()
                    job = self._next()
                if self._ended:
                    return
            path, shot, first = job
            if shot is None:
                shot = self._loaded(path)
            self._deliver(path, shot, first)

    def _loaded(self, path: str) -> Shot:
        """A picture; whatever goes wrong becomes its error: one picture must not end this thread."""
        shot = None
        with Guard() as guard:
            shot = self._load(path)
        return shot if shot is not None else Shot(path, error=f"cannot be read: {told(guard.error)}")

    def _next(self) -> tuple[str, Shot | None, bool] | None:
        """What to do: path, its shot if it is decoded already, and whether it is the one looked at."""
        for place, path in enumerate(self._wanted):
            shot = self._shots.get(path)
            if shot is None or path not in self._submitted:
                return path, shot, place == 0
        if self._waiting() >= WAITING:
            return None
        while self._passed:
            path = self._passed.popleft()
            if path not in self._submitted:
                return path, self._shots.get(path), False
        if self._all is not None:
            for path in self._all:
                if path not in self._submitted:
                    return path, self._shots.get(path), False
            self._all = None
        return None

    def _deliver(self, path: str, shot: Shot, first: bool) -> None:
        with self._changed:
            fresh = path not in self._submitted
            self._submitted.add(path)
            # A picture that nobody looks at is recognised, not kept.
            wanted = path in self._wanted
            if wanted and path not in self._shots:
                self._shots[path] = shot
                self._bytes += shot.bytes
                self._forget()
        if fresh:
            self._submit(replace(shot, near=wanted), first)
        if wanted:
            self._wake()

    def _forget(self) -> None:
        for path in list(self._shots):
            if self._bytes <= CACHE_BYTES:
                return
            if path not in self._wanted:
                self._bytes -= self._shots.pop(path).bytes
