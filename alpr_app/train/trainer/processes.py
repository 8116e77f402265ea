"""Ctrl-C between two steps, failures of torch.compile as one line, and work that is shared among processes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from types import FrameType, TracebackType
from typing import Any, TypeVar

import cv2

from alpr_app.core.errors import AlprError
from alpr_app.train.trainer.batches import TrainingError


class StopSignal:
    """Inside this context the first Ctrl-C (or SIGTERM) sets `requested`, so that the run ends between two steps; a
    second Ctrl-C interrupts at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | signal.Handlers | None] = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True

    def __enter__(self) -> StopSignal:
        # Python allows handlers only in the main thread, to which it delivers all signals.
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


@contextmanager
def compiling(enabled: bool) -> Iterator[None]:
    """Report failures of torch.compile, which compiles a network when it is first used.

    Raises:
        TrainingError: the network cannot be compiled; the message says what to do.
    """
    if not enabled:
        yield
        return
    # The import takes a second or two, unless something has been compiled already.
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        cause = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"--compile: this network cannot be compiled here ({cause}); install a C++ compiler such as g++, or set "
            "the environment variable CXX to yours, or leave --compile out"
        ) from error


Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(AlprError):
    """A worker process was killed."""


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, chunk: int = 8
) -> Iterator[Result]:
    """Yield `work(item)` for each item, in their order; with one worker, in this process.

    Processes are spawned, not forked: OpenCV's threads do not survive a fork.

    Raises:
        WorkerError: a process was killed.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        try:
            yield from pool.map(work, items, chunksize=chunk)
        except BrokenProcessPool as error:
            raise WorkerError(
                "a worker process was killed, perhaps because memory ran out; run the command again with fewer "
                "--num_workers"
            ) from error
