"""One picture on its way through the viewer, and the source thread of a folder: it decodes the picture that is looked
at, then its neighbours, then the rest.
"""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data.labels import read_labelled
from alpr_app.viewer.workers.threads import ErrorGuard, Worker, describe_error, noop

# Every OpenGL of the last fifteen years takes textures of this side; a larger picture is shown smaller.
DISPLAY_SIDE = 4096


@dataclass(frozen=True, eq=False)
class ImageItem:
    """key: what results are matched by: the path of a picture, a running name for frames of a live source.

    image: H x W x 3 uint8 RGB in full size, None if there is none. display: the same, at most `DISPLAY_SIDE`
    wide and high. captured: when it was read, in seconds of the monotonic clock. error: why there is no image. near:
    somebody looks at it or may do so next, so that the crops of its plates are wanted. session: the number of the
    opened source that it comes from.
    """

    key: str
    image: np.ndarray | None = field(default=None, repr=False)
    display: np.ndarray | None = field(default=None, repr=False)
    captured: float = field(default_factory=monotonic)
    error: str = ""
    live: bool = False
    keep_crops: bool = False
    session: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; (0, 0) without an image."""
        return (0, 0) if self.image is None else (self.image.shape[1], self.image.shape[0])

    @property
    def bytes(self) -> int:
        """Memory that the pixels take."""
        if self.image is None or self.display is None:
            return 0
        return self.image.nbytes + (0 if self.display is self.image else self.display.nbytes)


def scale_for_display(image: np.ndarray) -> np.ndarray:
    """`image`, or a smaller copy that fits into a texture."""
    scale = DISPLAY_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def make_image_item(key: str, image: np.ndarray, live: bool = False) -> ImageItem:
    """A shot of `image`, H x W x 3 uint8 RGB."""
    return ImageItem(key, image, scale_for_display(image), live=live)


def load_image_item(path: str) -> ImageItem:
    """The picture at `path`, in the pixels of its labels; a shot with an error if it cannot be read."""
    try:
        return make_image_item(path, read_labelled(path))
    except AlprError as error:
        return ImageItem(path, error=str(error).removeprefix(f"{path}: "))
    except MemoryError:
        return ImageItem(path, error=f"{os.path.basename(path)} needs more memory than there is")


# Decoded pictures that are kept, in bytes: about a hundred and fifty of CCPD's.
CACHE_BYTES = 384 * 2**20
# Pictures nobody looks at wait for the recogniser in small numbers: each is decoded and takes memory.
WAITING = 2

Submit = Callable[[ImageItem, bool], None]
"""Takes a shot for the recogniser, and whether it goes before all others."""


class FolderSource(Worker):
    """submit: gives a shot to the recogniser. waiting: how many wait there. load: path -> ImageItem. wake: is called
    when a picture has become ready to be shown."""

    def __init__(
        self,
        submit: Submit,
        queue_length: Callable[[], int],
        load: Callable[[str], ImageItem] = load_image_item,
        wake: Callable[[], None] = noop,
    ) -> None:
        self._submit, self._queue_length, self._load, self._wake = submit, queue_length, load, wake
        self._focused: list[str] = []
        self._skipped: deque[str] = deque()
        self._remaining: Iterator[str] | None = None
        self._items: OrderedDict[str, ImageItem] = OrderedDict()
        self._bytes = 0
        self._submitted: set[str] = set()
        super().__init__("alpr-folder")

    def focus(self, paths: Sequence[str]) -> None:
        """Have these ready: the urgent is looked at, the others may be next."""
        with self._changed:
            if self._focused and self._focused[0] not in self._submitted:
                self._skipped.append(self._focused[0])
            self._focused = list(paths)
            self._changed.notify()

    def read_all(self, paths: Iterable[str] | None) -> None:
        """Recognise all of these when there is nothing more urgent; None: no longer."""
        with self._changed:
            self._remaining = None if paths is None else iter(paths)
            self._changed.notify()

    def reread_all(self) -> None:
        """Recognise anew what comes to be looked at: the recogniser has changed."""
        with self._changed:
            self._submitted.clear()
            self._changed.notify()

    def reread(self, path: str) -> None:
        """Recognise this one anew when it comes to be looked at: not all that was found in it is known any more."""
        with self._changed:
            self._submitted.discard(path)
            self._changed.notify()

    def image_item(self, path: str) -> ImageItem | None:
        """The picture if it has been decoded."""
        with self._changed:
            return self._items.get(path)

    def notify(self) -> None:
        """The recogniser has taken something: there may be room for more."""
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                job = self._next()
                while job is None and not self._ended:
                    self._changed.wait()
                    job = self._next()
                if job is None or self._ended:
                    return
            path, image_item, urgent = job
            if image_item is None:
                image_item = self._load_item(path)
            self._deliver(path, image_item, urgent)

    def _load_item(self, path: str) -> ImageItem:
        """A picture; whatever goes wrong becomes its error: one picture must not end this thread."""
        image_item = None
        with ErrorGuard() as guard:
            image_item = self._load(path)
        return (
            image_item
            if image_item is not None
            else ImageItem(path, error=f"cannot be read: {describe_error(guard.error)}")
        )

    def _next(self) -> tuple[str, ImageItem | None, bool] | None:
        """What to do: path, its shot if it is decoded already, and whether it is the one looked at."""
        for place, path in enumerate(self._focused):
            image_item = self._items.get(path)
            if image_item is None or path not in self._submitted:
                return path, image_item, place == 0
        if self._queue_length() >= WAITING:
            return None
        while self._skipped:
            path = self._skipped.popleft()
            if path not in self._submitted:
                return path, self._items.get(path), False
        if self._remaining is not None:
            for path in self._remaining:
                if path not in self._submitted:
                    return path, self._items.get(path), False
            self._remaining = None
        return None

    def _deliver(self, path: str, image_item: ImageItem, urgent: bool) -> None:
        with self._changed:
            fresh = path not in self._submitted
            self._submitted.add(path)
            # A picture that nobody looks at is recognised, not kept.
            wanted = path in self._focused
            if wanted and path not in self._items:
                self._items[path] = image_item
                self._bytes += image_item.bytes
                self._evict()
        if fresh:
            self._submit(replace(image_item, keep_crops=wanted), urgent)
        if wanted:
            self._wake()

    def _evict(self) -> None:
        for path in list(self._items):
            if self._bytes <= CACHE_BYTES:
                return
            if path not in self._focused:
                self._bytes -= self._items.pop(path).bytes
