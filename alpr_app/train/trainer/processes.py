"""Processes of a run: the makers of samples, an end between two steps and never within one, and torch.compile's
failures said in one line.
"""

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
    """While entered, the first Ctrl-C (or SIGTERM) sets `asked`; a second Ctrl-C interrupts at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False
        self._earlier: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | signal.Handlers | None] = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True

    def __enter__(self) -> StopSignal:
        # Python delivers signals to the main thread only, and only there may handlers be set.
        if threading.current_thread() is threading.main_thread():
            self._earlier = {number: signal.signal(number, self._handle) for number in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)


@contextmanager
def compiling(wanted: bool) -> Iterator[None]:
    """Around the passes of a network that torch.compile was asked for: it is compiled when it is first used.

    Raises TrainingError with the remedy if it cannot be.
    """
    if not wanted:
        yield
        return
    # Takes a second or two to import, and is there already where something is compiled.
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        said = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"--compile: this network cannot be compiled here ({said}); install a C++ compiler such as g++, or name "
            "yours in the variable CXX, or leave --compile out"
        ) from error


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
