"""Hand-over between threads: one box in which the newest wins, one that keeps everything."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


def nobody() -> None:
    """Wakes nobody."""


class LatestValue(Generic[Item]):
    """Holds one item; a newer one takes its place. `dropped` counts those that nobody took.

    wake: called after every `put`, by the thread that puts.
    """

    def __init__(self, wake: Callable[[], None] = nobody) -> None:
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

    def __init__(self, wake: Callable[[], None] = nobody) -> None:
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
