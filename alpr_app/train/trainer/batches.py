"""From samples to batches on the device: worker processes make them while the network computes, from decoded pictures
that are cached in memory up to a limit.
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
from alpr_app.train.trainer.distributed import ShardSampler

Source = TypeVar("Source")
Item = TypeVar("Item")

GIGABYTE = 1024**3
# Pictures decoded between two checks of the memory limit.
CHUNK = 64


def evenly_spaced(items: list[Item], maximum: int | None) -> list[Item]:
    """At most `maximum` items, taken evenly from all of them: the first ones are seldom representative."""
    if maximum is None or len(items) <= maximum:
        return items
    return [items[index * len(items) // maximum] for index in range(maximum)]


class SampleCache(Sequence[Item], Generic[Source, Item]):
    """Items that `load` makes from `sources`, the first of them cached in memory.

    Cached items are loaded at once, and processes that are forked later share them; the others are loaded at each
    access. `load` may raise for a broken source at either time.

    Args:
        sources: Where the items come from.
        load: Makes an item from its source.
        size: Bytes of an item.
        limit: Bytes up to which items are cached.
    """

    def __init__(
        self, sources: Sequence[Source], load: Callable[[Source], Item], size: Callable[[Item], int], limit: float
    ) -> None:
        self.sources = sources
        self._load = load
        self._cached: list[Item] = []
        used = 0
        with ThreadPoolExecutor() as pool:
            while len(self._cached) < len(sources) and used < limit:
                start = len(self._cached)
                chunk = list(pool.map(load, sources[start : start + CHUNK]))
                used += sum(map(size, chunk))
                self._cached += chunk

    @property
    def cached(self) -> int:
        """Number of items in memory."""
        return len(self._cached)

    def __len__(self) -> int:
        return len(self.sources)

    # Slices are not supported.
    def __getitem__(self, index: int) -> Item:  # type: ignore[override]
        if index < 0 or index >= len(self.sources):
            raise IndexError(index)
        return self._cached[index] if index < len(self._cached) else self._load(self.sources[index])


# Batches that each worker prepares in advance.
PREFETCHED = 4


class TrainingError(AlprError):
    """A run that cannot continue; the message says what to try."""


class Samples(Dataset[Any]):
    """The training samples of a run."""

    @property
    def labelled(self) -> int:
        """Number of real pictures or plates; one pass over them is an epoch."""
        raise NotImplementedError


def batches(
    dataset: Dataset[Any], sampler: ShardSampler, size: int, workers: int, device: torch.device
) -> Iterator[Any]:
    """Yield batches of `size` samples in the order of `sampler`.

    Raises:
        TrainingError: a worker process was killed or could not read a picture, which the message names.
    """
    loader = DataLoader(
        dataset,
        batch_size=size,
        sampler=sampler,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        worker_init_fn=_init_worker,
        prefetch_factor=PREFETCHED if workers else None,
        # Seeds the workers. Without it the loader would draw from the global generator, which dropout uses and whose
        # state a resumed run has just restored.
        generator=torch.Generator(),
    )
    try:
        with watching_workers():
            yield from loader
    except TrainingError:
        raise
    except (ConnectionError, EOFError) as error:
        # What a worker itself raised arrives with the worker's traceback and is no sign of its death.
        if workers == 0 or "in DataLoader worker" in str(error):
            raise
        raise TrainingError(_killed()) from error
    except AlprError as error:
        # torch passes on the worker's whole traceback, whose last line is the message of the error.
        last_line = str(error).strip().splitlines()[-1]
        raise TrainingError(last_line.partition("Error: ")[2] or last_line) from error


@contextmanager
def watching_workers() -> Iterator[None]:
    """Turn the death of a worker process, which the system kills when memory is short, into a TrainingError.

    torch reports it by a RuntimeError wherever the program happens to be, unless the connection breaks first through
    which it is just receiving a batch.
    """
    try:
        yield
    except RuntimeError as error:
        match = re.search(
            r"DataLoader worker.*?(?:killed by signal: ([^.]*)|exited unexpectedly)", str(error), re.DOTALL
        )
        if match is None:
            raise
        raise TrainingError(_killed(f" (signal: {match[1].strip()})" if match[1] else "")) from error


def _killed(signal_name: str = "") -> str:
    return (
        f"a process that makes samples was killed{signal_name}, perhaps because memory ran out; continue from the "
        "last checkpoint with --resume, with fewer --num_workers or less --cache_gb"
    )


def _init_worker(worker: int) -> None:
    """Limit a worker to one core, and let it ignore Ctrl-C, which the terminal sends to it as well: the run ends its
    workers itself, after it has saved a checkpoint."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def to_device(batch: Any, device: torch.device) -> Any:
    """Move a batch, which may be nested, to `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    return [to_device(value, device) for value in batch]
