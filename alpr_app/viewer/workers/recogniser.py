"""The recognition thread: loads the models, reads one shot after the other, and outlives a picture that fails."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.plate import ALPHABET, Plate
from alpr_app.viewer.workers.images import ImageItem
from alpr_app.viewer.workers.threads import ErrorGuard, LatestValue, describe_error, noop, take

if TYPE_CHECKING:
    from alpr_app.core.result import Result, Timings

LOADING, READY, FAILED = "loading", "ready", "failed"
NO_CROP = np.zeros((0, 0, 3), np.uint8)
# How long the thread sleeps at most before it looks whether it is to end.
_POLL_SECONDS = 0.5


class Analyser(Protocol):
    """What of `ALPR` is needed; tests bring their own."""

    def analyse(self, image: np.ndarray) -> Result: ...


@dataclass(frozen=True, eq=False)
class Recognition:
    """What was found in a shot. plates: of a picture that nobody looks at without their crops, which would fill the
    memory. cars: of a live source, the number of each plate's car, 0 for those that are not followed.

    size: width and height of the picture. error: why there is no result. shot: only of a live source, where it
    is shown together with its plates. taken, finished: monotonic seconds. model: the number of the models that read it.
    session: that of the shot. alphabet: the reader's.
    """

    key: str
    plates: tuple[Plate, ...] = ()
    timings: Timings | None = None
    size: tuple[int, int] = (0, 0)
    error: str = ""
    image_item: ImageItem | None = field(default=None, repr=False)
    captured: float = 0.0
    finished: float = 0.0
    model: int = 0
    session: int = 0
    alphabet: str = ALPHABET
    cars: tuple[int, ...] = ()


@dataclass(frozen=True)
class ModelStatus:
    """state: loading, ready or failed. detail: what runs, or what went wrong and the remedy."""

    state: str = LOADING
    detail: str = ""


class Recogniser:
    """make: builds the pipeline, on the thread itself. wake: is called when there is something new. captured: is
    called when a shot has left the queue. model: the number of the models that were asked for last."""

    def __init__(
        self,
        make: Callable[[], Analyser],
        wake: Callable[[], None] = noop,
        on_dequeue: Callable[[], None] = noop,
    ) -> None:
        self.results: deque[Recognition] = deque()
        self.status = ModelStatus()
        self.model = 0
        self._wake, self._on_dequeue = wake, on_dequeue
        # Replaced in one go: what was read must never be taken for another model's.
        self._requested = (self.model, make)
        self._models_lock = threading.Lock()
        self._queue: deque[ImageItem] = deque()
        self._live: LatestValue[ImageItem] = LatestValue()
        self._work = threading.Semaphore(0)
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="alpr-recogniser", daemon=True)
        self._thread.start()

    def submit(self, image_item: ImageItem, urgent: bool = False) -> None:
        """Have a shot read; none is dropped. urgent: before all others."""
        if urgent:
            self._queue.appendleft(image_item)
        else:
            self._queue.append(image_item)
        self._work.release()

    def submit_live(self, image_item: ImageItem) -> None:
        """A frame of a live source: it takes the place of one that still waits."""
        self._live.put(image_item)
        self._work.release()

    def queue_length(self) -> int:
        return len(self._queue)

    def clear_queue(self) -> None:
        """Drop all that waits: another source has been opened."""
        self._queue.clear()
        self._live.clear()

    def reload(self, make: Callable[[], Analyser]) -> None:
        """Load another pipeline; what waits is read by it."""
        with self._models_lock:
            self.status = ModelStatus()
            self.model += 1
            self._requested = (self.model, make)
        self._work.release()

    def close(self, timeout: float = 1.0) -> bool:
        """Stop after the shot at hand; whether the thread has ended."""
        self._ended = True
        self._work.release()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        alpr: Analyser | None = None
        model = -1
        while not self._ended:
            wanted, make = self._requested
            if wanted != model:
                alpr, model = self._load(make, wanted), wanted
                continue
            if alpr is None or not self._step(alpr, model):
                self._work.acquire(timeout=_POLL_SECONDS)

    def _load(self, make: Callable[[], Analyser], model: int) -> Analyser | None:
        alpr = None
        with ErrorGuard() as guard:
            alpr = make()
        if isinstance(guard.error, AlprError):
            status = ModelStatus(FAILED, str(guard.error))
        elif guard.error is not None:
            status = ModelStatus(FAILED, f"the models cannot be loaded: {describe_error(guard.error)}")
        else:
            backend, device = getattr(alpr, "backend", ""), getattr(alpr, "device", "")
            status = ModelStatus(READY, f"{backend} on {device}" if backend else "")
        with self._models_lock:
            # Others may have been asked for while these were loaded; then those are what is waited for.
            if model == self.model:
                self.status = status
        self._wake()
        return alpr

    def _step(self, alpr: Analyser, model: int) -> bool:
        """Read one shot, if there is one."""
        image_item = self._live.take() or take(self._queue)
        if image_item is None:
            return False
        self._on_dequeue()
        self.results.append(recognise(alpr, image_item, model))
        self._wake()
        return True


def recognise(alpr: Analyser, image_item: ImageItem, model: int = 0) -> Recognition:
    """What `alpr` finds in `image_item`; whatever goes wrong becomes the outcome's error."""
    recognition = Recognition(
        image_item.key,
        size=image_item.size,
        image_item=image_item if image_item.live else None,
        captured=image_item.captured,
        model=model,
        session=image_item.session,
        # What stands in for the pipeline may have no reader.
        alphabet=getattr(getattr(alpr, "reader_config", None), "alphabet", ALPHABET),
    )
    if image_item.image is None:
        return replace(recognition, error=image_item.error, finished=monotonic())
    with ErrorGuard() as guard:
        result = alpr.analyse(image_item.image)
        with_crops = image_item.live or image_item.keep_crops
        plates = tuple(plate if with_crops else replace(plate, crop=NO_CROP) for plate in result.plates)
        return replace(recognition, plates=plates, timings=result.timings, finished=monotonic())
    return replace(recognition, error=f"recognition failed: {describe_error(guard.error)}", finished=monotonic())
