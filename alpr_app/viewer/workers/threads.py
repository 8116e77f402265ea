"""Building blocks of the viewer's threads: mailboxes, workers, and a guard that keeps an exception from ending one."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def noop() -> None:
    """Do nothing: the default of callbacks that wake the window."""


class LatestValue(Generic[Item]):
    """A mailbox for one item; a newer item replaces one that has not been taken.

    Args:
        wake: Called after every `put`, on the thread that puts.

    Attributes:
        dropped: How many items were replaced before they were taken.
    """

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._item: Item | None = None
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Put in `item`, in place of one that has not been taken."""
        with self._lock:
            self.dropped += self._item is not None
            self._item = item
        self._wake()

    def take(self) -> Item | None:
        """Remove and return the item; None if the mailbox is empty."""
        with self._lock:
            item, self._item = self._item, None
            return item

    def __bool__(self) -> bool:
        """Whether an item is waiting."""
        return self._item is not None

    def clear(self) -> None:
        with self._lock:
            self._item = None


def take(queue: deque[Item]) -> Item | None:
    """Remove and return the first item; None if `queue` is empty. Another thread may fill or clear the queue."""
    try:
        return queue.popleft()
    except IndexError:
        return None


def drain(queue: deque[Item]) -> list[Item]:
    """Remove and return all items, in order. Other threads may fill the queue, but only one may drain it."""
    return [queue.popleft() for _ in range(len(queue))]


class ErrorGuard:
    """Context manager that confines an exception to one item, so that the thread goes on with the next.

    Only for the outermost loop of a thread. It catches every Exception because the libraries that the pipeline runs
    raise errors of their own kinds (those of ONNX Runtime have no common ancestor but Exception). The caller has to
    report `error`.

    Attributes:
        error: The exception that was raised inside; None if there was none.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> ErrorGuard:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


def describe_error(error: BaseException | None) -> str:
    """Describe an unexpected error in one line, with the function and the line that raised it."""
    if error is None:
        return "unknown error"
    frames = traceback.extract_tb(error.__traceback__)
    location = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{location}".split())


class Worker:
    """Base class of an object whose thread runs `_run` until `close`.

    `_changed` guards the state shared with other threads and wakes the worker; `_ended` tells it to stop. A subclass
    calls this constructor last, because the thread starts at once. The thread is a daemon: a driver or a network drive
    that hangs must not keep the process alive.
    """

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        raise NotImplementedError

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the thread; returns whether it has ended within `timeout` seconds."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()


class Closable(Protocol):
    """An object with a thread that can be stopped."""

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the thread; returns whether it has ended within `timeout` seconds."""
        ...


class BackgroundTask(Generic[Result]):
    """Runs one function at a time on a daemon thread.

    Not a ThreadPoolExecutor: Python waits for the threads of executors when the process ends, and a camera driver that
    hangs would then keep the process alive for ever.

    Args:
        name: Name of the thread.
        wake: Called when there is a new result.

    Attributes:
        result: Return value of the last run; None before the first one has finished.
    """

    def __init__(self, name: str, wake: Callable[[], None] = noop) -> None:
        self.result: Result | None = None
        self._name, self._wake = name, wake
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a function is running."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, function: Callable[[], Result]) -> bool:
        """Run `function`, which must not raise, unless another one is still running; returns whether it was started."""
        if self.busy:
            return False
        self._thread = threading.Thread(target=self._run, args=(function,), name=self._name, daemon=True)
        self._thread.start()
        return True

    def _run(self, function: Callable[[], Result]) -> None:
        self.result = function()
        self._wake()

    def close(self, timeout: float = 1.0) -> bool:
        """Wait for the running function; returns whether it has ended within `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.busy
