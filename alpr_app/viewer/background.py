"""What is done on threads of its own, because it may take long: for ever, or one thing at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from alpr_app.viewer.mailbox import nobody

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


class Background(Generic[Made]):
    """name: of the thread. wake: is called when there is something new. result: what came of the last run; None before
    there has been one."""

    def __init__(self, name: str, wake: Callable[[], None] = nobody) -> None:
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
