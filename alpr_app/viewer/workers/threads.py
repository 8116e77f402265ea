"""Threads and what they hand over: the newest value or all of them, work that outlives a single failure, and things
that may take long, one at a time.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")


def noop() -> None:
    """Wakes nobody."""


class LatestValue(Generic[Item]):
    """Holds one item; a newer one takes its place. `dropped` counts those that nobody took.

    wake: called after every `put`, by the thread that puts.
    """

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        self._wake = wake
        self._changed = threading.Condition()
        self._item: Item | None = None
        self.dropped = 0

    def put(self, item: Item) -> None:
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()
        self._wake()

    def take(self, timeout: float = 0.0) -> Item | None:
        """The item, which is then gone; None if there is none within `timeout` seconds."""
        with self._changed:
            if self._item is None and timeout:
                self._changed.wait(timeout)
            item, self._item = self._item, None
            return item

    def clear(self) -> None:
        with self._changed:
            self._item = None


class KeepAll(Generic[Item]):
    """A queue without a limit; whoever fills it looks at its length first."""

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        self._wake = wake
        self._changed = threading.Condition()
        self._items: deque[Item] = deque()

    def put(self, item: Item, first: bool = False) -> None:
        """first: before all that wait already."""
        with self._changed:
            if first:
                self._items.appendleft(item)
            else:
                self._items.append(item)
            self._changed.notify()
        self._wake()

    def take(self, timeout: float = 0.0) -> Item | None:
        """The first item; None if there is none within `timeout` seconds."""
        with self._changed:
            if not self._items and timeout:
                self._changed.wait(timeout)
            return self._items.popleft() if self._items else None

    def drain(self) -> list[Item]:
        """Everything that waits, in order."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            return items

    def clear(self) -> None:
        self.drain()

    def __len__(self) -> int:
        return len(self._items)


class Guard:
    """Only for the border of a thread that users wait for: one picture must not end it, and what the pipeline runs
    raises kinds of errors of its own (ONNX Runtime's have no common ancestor but Exception). error: what was raised;
    whoever uses this says so."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


def told(error: Exception | None) -> str:
    """An error in one line, with the place in the program that it comes from."""
    if error is None:
        return "for a reason that is not known"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{place}".split())


Made = TypeVar("Made")


class Worker:
    """Something with a thread that runs `_run` from the beginning until `close`. `_changed` guards what it shares with
    others and wakes it; `_ended` tells it to stop.

    A subclass calls this constructor last: the thread starts at once.
    """

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        raise NotImplementedError

    def close(self, timeout: float = 1.0) -> bool:
        """Stop; whether the thread has ended."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()


class Closable(Protocol):
    """What has a thread that can be ended."""

    def close(self, timeout: float = 1.0) -> bool:
        """Stop; whether the thread has ended."""
        ...


class Background(Generic[Made]):
    """name: of the thread. wake: is called when there is something new. result: what came of the last run; None before
    there has been one."""

    def __init__(self, name: str, wake: Callable[[], None] = noop) -> None:
        self.result: Made | None = None
        self._name, self._wake = name, wake
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[], Made]) -> bool:
        """Have `work`, which raises nothing, done; while something is being done already, nothing happens. Returns
        whether it was begun."""
        if self.busy:
            return False
        self._thread = threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True)
        self._thread.start()
        return True

    def _run(self, work: Callable[[], Made]) -> None:
        self.result = work()
        self._wake()

    def close(self, timeout: float = 1.0) -> bool:
        """Whether the thread has ended within `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.busy
