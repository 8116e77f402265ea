"""Reads the pictures of many clients: a bounded queue, from which worker threads take batches.

A batch is whatever waits when a worker is free, up to a maximum. No picture waits for others to join it: under load
they gather while the workers are busy, and without load there is nothing to wait for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from alpr_app.core.errors import AlprError

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.core.result import Result
    from alpr_app.pipeline.alpr import ALPR

# Pictures are decoded and read together up to so many pixels, which bounds the memory of a batch.
BATCH_PIXELS = 8_000_000


class Overloaded(AlprError):
    """The queue is full, or the service is ending: the picture is not taken."""


class Late(AlprError):
    """The picture was not reached before its deadline."""


@dataclass(frozen=True)
class Reading:
    """What was read. size: width and height of the picture."""

    size: tuple[int, int]
    result: Result


@dataclass(frozen=True, eq=False)
class Job:
    """A picture to be read.

    Attributes:
        load: Returns it as H x W x 3 uint8 RGB; called in a worker thread.
        deadline: Time of `monotonic` from which on nobody waits for it.
        answer: Its reading, or the exception.
    """

    load: Callable[[], np.ndarray]
    deadline: float
    answer: Future[Reading] = field(default_factory=Future)


class Batcher:
    """Worker threads that share one pipeline.

    Args:
        alpr: The pipeline; it serves all threads.
        workers: Number of threads.
        maximum_batch: Pictures that one thread reads at once.
        capacity: Pictures that may wait.
        observe: Called with the size of each batch.
    """

    def __init__(
        self,
        alpr: ALPR,
        workers: int,
        maximum_batch: int,
        capacity: int,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._alpr, self._maximum_batch, self.capacity = alpr, maximum_batch, capacity
        self._observe = observe
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"reader {number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Number of pictures in the queue."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the next picture would be refused."""
        return self._closing or len(self._waiting) >= self.capacity

    @property
    def is_alive(self) -> bool:
        """Whether pictures are taken and all threads run."""
        return not self._closing and all(thread.is_alive() for thread in self._threads)

    def submit(self, load: Callable[[], np.ndarray], deadline: float) -> Future[Reading]:
        """Enqueue a picture, see `Job`. Raises Overloaded."""
        job = Job(load, deadline)
        with self._changed:
            if self.is_full:
                raise Overloaded("too many pictures are waiting; try again later")
            self._waiting.append(job)
            self._changed.notify()
        return job.answer

    def close(self) -> None:
        """Refuse further pictures, read those in the queue, and end the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._load_and_read(batch)

    def _next_batch(self) -> list[Job]:
        """Wait for pictures; none if the batcher is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return []
            count = min(self._maximum_batch, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def _load_and_read(self, batch: list[Job]) -> None:
        loaded: list[tuple[Job, np.ndarray]] = []
        for job in batch:
            if not job.answer.set_running_or_notify_cancel():
                continue
            try:
                if monotonic() > job.deadline:
                    raise Late("the picture was not reached in time; try again later")
                loaded.append((job, job.load()))
            except Exception as error:
                # Of this picture alone; whoever waits for it gets it.
                job.answer.set_exception(error)
            if sum(image.shape[0] * image.shape[1] for _, image in loaded) > BATCH_PIXELS:
                self._read(loaded)
                loaded = []
        self._read(loaded)

    def _read(self, loaded: list[tuple[Job, np.ndarray]]) -> None:
        if not loaded:
            return
        self._observe(len(loaded))
        images = [image for _, image in loaded]
        try:
            results = self._alpr.analyse_batch(images)
        except Exception as error:
            for job, _ in loaded:
                job.answer.set_exception(error)
            return
        for (job, image), result in zip(loaded, results, strict=True):
            job.answer.set_result(Reading((image.shape[1], image.shape[0]), result))
