"""From a set of samples to batches on the device: made by processes of their own while the network works, from decoded
pictures that are kept in memory as far as a limit allows.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from alpr_app.core.errors import AlprError
from alpr_app.train.trainer.distributed import Indices

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


class SampleCache(Sequence[Item], Generic[Source, Item]):
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

    # Unlike other sequences it gives no slices.
    def __getitem__(self, index: int) -> Item:  # type: ignore[override]
        if index < 0 or index >= len(self.sources):
            raise IndexError(index)
        return self._kept[index] if index < len(self._kept) else self._load(self.sources[index])


PREFETCHED = 4


class TrainingError(AlprError):
    """A run that cannot go on; the message says what to try."""


class Samples(Dataset[Any]):
    """What a run learns from."""

    @property
    def labelled(self) -> int:
        """How many real pictures or plates there are: a round over them is an epoch."""
        raise NotImplementedError


def batches(dataset: Dataset[Any], indices: Indices, size: int, workers: int, device: torch.device) -> Iterator[Any]:
    """Batches of `size` samples in the order of `indices`.

    Raises TrainingError with the line that names it for what a worker process could not read.
    """
    loader = DataLoader(
        dataset,
        batch_size=size,
        sampler=indices,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        worker_init_fn=_as_worker,
        prefetch_factor=PREFETCHED if workers else None,
        # The loader seeds its workers from here and not from the generator that dropout draws from, whose state a
        # resumed run has just restored.
        generator=torch.Generator(),
    )
    try:
        with watching_workers():
            yield from loader
    except TrainingError:
        raise
    except AlprError as error:
        # torch hands on a worker's whole traceback; its last line is what was raised.
        said = str(error).strip().splitlines()[-1]
        raise TrainingError(said.partition("Error: ")[2] or said) from error


@contextmanager
def watching_workers() -> Iterator[None]:
    """Around work for which other processes make the samples: raises TrainingError when one of them is killed, as the
    system does when memory is short. Torch says so wherever the program happens to be."""
    try:
        yield
    except RuntimeError as error:
        found = re.search(
            r"DataLoader worker.*?(?:killed by signal: ([^.]*)|exited unexpectedly)", str(error), re.DOTALL
        )
        if found is None:
            raise
        how = f" (signal: {found[1].strip()})" if found[1] else ""
        raise TrainingError(
            f"a process that makes samples was killed{how}, perhaps for want of memory; go on from the last checkpoint "
            "with --resume, with fewer --num_workers or less --cache_gb"
        ) from error


def _as_worker(worker: int) -> None:
    """Samples are made by processes, one core each. Ctrl-C in a terminal reaches them as well; but the run that they
    work for ends them, once it has saved what it has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch, with all that is in it, on `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    return [to_device(value, device) for value in batch]
