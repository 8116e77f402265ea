"""Decoded pictures, kept in memory as far as a limit allows; what does not fit is decoded each time it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Source = TypeVar("Source")
Item = TypeVar("Item")

GIGABYTE = 1024**3
# Decoded at a time before the limit is looked at again.
CHUNK = 64


def spread(items: list[Item], most: int | None) -> list[Item]:
    """At most `most` items, evenly out of all of them: what comes first is seldom like the rest."""
    if most is None or len(items) <= most:
        return items
    return [items[index * len(items) // most] for index in range(most)]


class Cached(Sequence[Item], Generic[Source, Item]):
    """Items made from `sources` by `load`. The first ones, up to `limit` bytes by `size`, are made at once and kept;
    processes that are forked later share them.

    load may raise for a broken source: at once for what is kept, else when it is asked for.
    """

    def __init__(
        self, sources: Sequence[Source], load: Callable[[Source], Item], size: Callable[[Item], int], limit: float
    ) -> None:
        self.sources = sources
        self._load = load
        self._kept: list[Item] = []
        used = 0
        with ThreadPoolExecutor() as pool:
            while len(self._kept) < len(sources) and used < limit:
                start = len(self._kept)
                chunk = list(pool.map(load, sources[start : start + CHUNK]))
                used += sum(map(size, chunk))
                self._kept += chunk

    @property
    def kept(self) -> int:
        """How many items are in memory."""
        return len(self._kept)

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Item:
        if index < 0 or index >= len(self.sources):
            raise IndexError(index)
        return self._kept[index] if index < len(self._kept) else self._load(self.sources[index])
