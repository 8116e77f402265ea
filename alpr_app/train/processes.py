"""Work for several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

import cv2

from alpr_app.core.errors import AlprError

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(AlprError):
    """A process that shared the work has gone."""


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, chunk: int = 8
) -> Iterator[Result]:
    """`work` of every item, in their order. With one worker, in this process.

    Processes are started afresh, not forked: OpenCV's threads do not outlive a fork. Raises WorkerError when one of
    them is killed.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        try:
            yield from pool.map(work, items, chunksize=chunk)
        except BrokenProcessPool as error:
            raise WorkerError(
                "a process that shares the work was killed, perhaps for want of memory; run the command again with "
                "fewer --num_workers"
            ) from error
