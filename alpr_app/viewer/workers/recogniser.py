"""The recognition thread: it loads the models and reads one picture after the other, whatever fails in between."""

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
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import ImageItem, Stamp
from alpr_app.viewer.workers.threads import ErrorGuard, LatestValue, describe_error, noop, take

if TYPE_CHECKING:
    from alpr_app.core.result import Result, Timings

LOADING, READY, FAILED = "loading", "ready", "failed"
NO_CROP = np.zeros((0, 0, 3), np.uint8)
# Interval at which the sleeping thread checks whether it has to end.
_POLL_SECONDS = 0.5


class Analyser(Protocol):
    """The part of `ALPR` that the thread uses; tests replace it."""

    def analyse(self, image: np.ndarray) -> Result: ...


@dataclass(frozen=True, eq=False)
class Recognition:
    """The result for one picture.

    Attributes:
        key: Key of the item.
        plates: The plates found; without their crops unless the item says `keep_crops`, which would fill the memory.
        timings: Duration of each stage; None if there is no result.
        size: Width and height of the picture.
        error: Why there is no result; empty if there is one.
        image_item: The frame of a live source, which is shown together with its plates; None for files.
        captured, finished: When the picture was read and recognised, in seconds of the monotonic clock.
        model: Number of the models that were used, see `Recogniser.model`.
        session: Session of the item.
        alphabet: Alphabet of the reader.
        cars: For a live source, the number of the car of each plate, 0 if it is not tracked.
        models: Identity of the models that were used, see `identity_of`.
        stamp: That of the file that was read; None for frames.
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
    models: str = ""
    stamp: Stamp = None

    def without_crops(self) -> Recognition:
        """The same result without crops, which take most of the memory."""
        return replace(self, plates=tuple(replace(plate, crop=NO_CROP) for plate in self.plates))


# Begins the identity of models that cannot be recognised after a restart.
TRANSIENT = "#"


def identity_of(alpr: Analyser, model: int) -> str:
    """What decides how a picture is read by `alpr`; results with the same identity can replace each other."""
    # A stand-in for the pipeline may have none.
    return getattr(alpr, "identity", "") or f"{TRANSIENT}{model}"


def alphabet_of(alpr: Analyser) -> str:
    """The reader's alphabet."""
    return getattr(getattr(alpr, "reader_config", None), "alphabet", ALPHABET)


@dataclass(frozen=True)
class ModelStatus:
    """The state of the models.

    Attributes:
        state: loading, ready or failed.
        detail: Backend and device in use, or the error and its remedy.
        identity: Identity of the models, see `identity_of`; empty until they are loaded.
        alphabet: Alphabet of the reader.
    """

    state: str = LOADING
    detail: str = ""
    identity: str = ""
    alphabet: str = ALPHABET


class Recogniser:
    """The thread that runs the models.

    Args:
        make: Builds the pipeline; called on the thread.
        wake: Called when there is a new result or status.
        on_dequeue: Called when an item has been taken from the queue.

    Attributes:
        results: Queue of recognitions.
        status: State of the models.
        model: Number of the models requested last; it rises with each `reload`.
    """

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
        # Number and factory are replaced together, so that no result is attributed to other models.
        self._requested = (self.model, make)
        self._models_lock = threading.Lock()
        self._queue: deque[ImageItem] = deque()
        self._live: LatestValue[ImageItem] = LatestValue()
        self._work = threading.Semaphore(0)
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="alpr-recogniser", daemon=True)
        self._thread.start()

    def submit(self, image_item: ImageItem, urgent: bool = False) -> None:
        """Queue an item; none is dropped. An urgent one is read before all others."""
        if urgent:
            self._queue.appendleft(image_item)
        else:
            self._queue.append(image_item)
        self._work.release()

    def submit_live(self, image_item: ImageItem) -> None:
        """Submit a frame of a live source; it replaces one that is still waiting."""
        self._live.put(image_item)
        self._work.release()

    def queue_length(self) -> int:
        """Number of items that wait, without live frames."""
        return len(self._queue)

    def withdraw(self, unwanted: Callable[[ImageItem], bool]) -> list[ImageItem]:
        """Take the waiting items that meet a condition out of the queue; the others keep their order."""
        waiting = [item for item in iter(lambda: take(self._queue), None) if item is not None]
        for item in waiting:
            if not unwanted(item):
                self._queue.append(item)
                self._work.release()
        return [item for item in waiting if unwanted(item)]

    @property
    def live_taken(self) -> bool:
        """Whether no live frame is waiting, or none will ever be read."""
        return not self._live or self.status.state == FAILED

    def clear_queue(self) -> None:
        """Drop all waiting items, because another source has been opened."""
        self._queue.clear()
        self._live.clear()

    def reload(self, make: Callable[[], Analyser]) -> None:
        """Load another pipeline; it also reads the items that are waiting."""
        with self._models_lock:
            self.status = ModelStatus()
            self.model += 1
            self._requested = (self.model, make)
        self._work.release()

    def close(self, timeout: float = 1.0) -> bool:
        """Stop after the current item; returns whether the thread has ended within `timeout` seconds."""
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
        elif alpr is None:
            message = tr("the models cannot be loaded: {reason}", reason=describe_error(guard.error))
            status = ModelStatus(FAILED, message)
        else:
            backend, device = getattr(alpr, "backend", ""), getattr(alpr, "device", "")
            detail = tr("{backend} on {device}", backend=backend, device=device) if backend else ""
            status = ModelStatus(READY, detail, identity_of(alpr, model), alphabet_of(alpr))
        with self._models_lock:
            # Skips the status of models that have been superseded while they were loading.
            if model == self.model:
                self.status = status
        self._wake()
        return alpr

    def _step(self, alpr: Analyser, model: int) -> bool:
        """Read one item; returns whether there was one."""
        image_item = self._live.take() or take(self._queue)
        if image_item is None:
            return False
        self._on_dequeue()
        self.results.append(recognise(alpr, image_item, model))
        self._wake()
        return True


def recognise(alpr: Analyser, image_item: ImageItem, model: int = 0) -> Recognition:
    """Run `alpr` on `image_item`; an exception becomes the error of the result."""
    recognition = Recognition(
        image_item.key,
        size=image_item.size,
        image_item=image_item if image_item.live else None,
        captured=image_item.captured,
        model=model,
        session=image_item.session,
        alphabet=alphabet_of(alpr),
        stamp=image_item.stamp,
    )
    if image_item.image is None:
        return replace(recognition, error=image_item.error, finished=monotonic(), models=identity_of(alpr, model))
    with ErrorGuard() as guard:
        result = alpr.analyse(image_item.image)
        with_crops = image_item.live or image_item.keep_crops
        plates = tuple(plate if with_crops else replace(plate, crop=NO_CROP) for plate in result.plates)
        # Only now: another engine may have taken over in this picture.
        models = identity_of(alpr, model)
        return replace(recognition, plates=plates, timings=result.timings, finished=monotonic(), models=models)
    error = tr("recognition failed: {reason}", reason=describe_error(guard.error))
    return replace(recognition, error=error, finished=monotonic(), models=identity_of(alpr, model))
