"""The item that represents a picture, and the source thread of a folder: it decodes the current picture, then its
neighbours, then the rest.
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
from alpr_app.data.labels import read_labelled, read_labelled_reduced
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.threads import ErrorGuard, Worker, describe_error, noop

Stamp = tuple[int, int] | None
"""Time of modification in nanoseconds and size of a file; None if it does not exist."""


def stamp_of(path: str | os.PathLike[str]) -> Stamp:
    """The present stamp of the file at `path`."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


# Side of a texture that every OpenGL of the last fifteen years supports; larger pictures are displayed smaller.
DISPLAY_SIDE = 4096


@dataclass(frozen=True)
class FilmPosition:
    """Where a frame is in its film.

    Attributes:
        time_ms: Its time.
        number: Its number from 0; None if it is unknown.
        jump: Number of jumps before it: frames with the same number follow each other.
        order: Counts the frames shown.
    """

    time_ms: float
    number: int | None = None
    jump: int = 0
    order: int = 0


@dataclass(frozen=True, eq=False)
class ImageItem:
    """One picture on its way through the viewer.

    Attributes:
        key: Matches results to pictures: the path of a file, a running name for frames of a live source.
        image: H x W x 3 uint8 RGB in full size; None if there is no image, or only a preview of it.
        display: The same, at most `DISPLAY_SIDE` wide and high; of a preview, a reduced picture.
        captured: When it was read, in seconds of the monotonic clock.
        error: Why there is no image; empty if there is one.
        live: Whether it is a frame of a live source.
        keep_crops: Whether the crops of its plates are kept, because it is shown now or may be shown next.
        session: Number of the opened source that it comes from.
        stamp: That of the file before it was read; None for frames.
        film: Position of a film's frame; None for other pictures.
        preview_size: Width and height of the picture of which this is a preview; None if it is the picture itself.
    """

    key: str
    image: np.ndarray | None = field(default=None, repr=False)
    display: np.ndarray | None = field(default=None, repr=False)
    captured: float = field(default_factory=monotonic)
    error: str = ""
    live: bool = False
    keep_crops: bool = False
    session: int = 0
    stamp: Stamp = None
    film: FilmPosition | None = None
    preview_size: tuple[int, int] | None = None

    @property
    def is_preview(self) -> bool:
        """Whether the picture itself is still being decoded."""
        return self.preview_size is not None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels; (0, 0) without an image."""
        if self.preview_size is not None:
            return self.preview_size
        return (0, 0) if self.image is None else (self.image.shape[1], self.image.shape[0])

    @property
    def bytes(self) -> int:
        """Memory used by the pixels."""
        if self.image is None or self.display is None:
            return 0
        return self.image.nbytes + (0 if self.display is self.image else self.display.nbytes)


def scale_for_display(image: np.ndarray) -> np.ndarray:
    """Return `image`, or a smaller copy that fits into a texture."""
    scale = DISPLAY_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def make_image_item(key: str, image: np.ndarray, live: bool = False) -> ImageItem:
    """Make an item of `image`, H x W x 3 uint8 RGB."""
    return ImageItem(key, image, scale_for_display(image), live=live)


def load_image_item(path: str) -> ImageItem:
    """Read the picture at `path`, in the pixel coordinates of its labels; an error becomes part of the item."""
    try:
        return make_image_item(path, read_labelled(path))
    except AlprError as error:
        return ImageItem(path, error=str(error).removeprefix(f"{path}: "))
    except MemoryError:
        return ImageItem(path, error=tr("{name} needs more memory than there is", name=os.path.basename(path)))


def load_preview(path: str) -> ImageItem | None:
    """A preview of the large picture at `path`; None if it is not large, or a preview would take as long as the picture
    itself."""
    reduced = read_labelled_reduced(path)
    return None if reduced is None else ImageItem(path, display=reduced[0], preview_size=reduced[1])


# Margin around the cut-out, as a fraction of the plate's height.
MARGIN = 0.35


def cut_out(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Cut out `box` with a margin, limited to the picture; at least one pixel."""
    height, width = image.shape[:2]
    margin = MARGIN * (box[3] - box[1])
    left, top = (int(max(0, side - margin)) for side in box[:2])
    right, bottom = int(np.ceil(box[2] + margin)), int(np.ceil(box[3] + margin))
    left, top = min(left, width - 1), min(top, height - 1)
    return image[top : max(top + 1, bottom), left : max(left + 1, right)]


# Bytes of decoded pictures in the cache: about 150 pictures of CCPD.
CACHE_BYTES = 384 * 2**20
# Pictures that take more than this are large: few of them may wait for the recogniser.
LARGE_BYTES = CACHE_BYTES // 8
# Queue length up to which pictures that are not shown are added: each one is decoded and takes memory.
WAITING = 2

Submit = Callable[[ImageItem, bool], None]
"""Takes an item for the recogniser, and whether it is to be read before all others."""


class Previews(Worker):
    """The thread that makes a preview of the selected picture, while others may still be decoded.

    Args:
        load: Makes the preview of the picture at a path; None if it needs none.
        wake: Called when there is a preview.
    """

    def __init__(self, load: Callable[[str], ImageItem | None], wake: Callable[[], None]) -> None:
        self._load, self._wake = load, wake
        self._wanted, self._done = "", ""
        self._item: ImageItem | None = None
        super().__init__("alpr-preview")

    def want(self, path: str) -> None:
        """Make a preview of this picture; an empty path ends that and frees the last one."""
        with self._changed:
            if path != self._wanted:
                self._wanted, self._item = path, None
                self._changed.notify()

    def get(self, path: str) -> ImageItem | None:
        """The preview of this picture, if it is there."""
        item = self._item
        return item if item is not None and item.key == path else None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._wanted != self._done)
                if self._ended:
                    return
                path = self._done = self._wanted
            item = None
            # Reading the picture itself reports what is wrong with it.
            with ErrorGuard():
                item = self._load(path) if path else None
            with self._changed:
                if item is None or path != self._wanted:
                    continue
                self._item = item
            self._wake()


class FolderSource(Worker):
    """The thread that decodes the pictures of a folder.

    Args:
        submit: Passes an item to the recogniser.
        queue_length: Returns the number of items that wait for the recogniser.
        load: Reads the picture at a path.
        wake: Called when a picture is ready to be shown.
        withdraw: Takes the items that meet a condition back from the recogniser's queue.
        preview: Makes the preview of a large picture.
    """

    def __init__(
        self,
        submit: Submit,
        queue_length: Callable[[], int],
        load: Callable[[str], ImageItem] = load_image_item,
        wake: Callable[[], None] = noop,
        withdraw: Callable[[Callable[[ImageItem], bool]], list[ImageItem]] = lambda unwanted: [],
        preview: Callable[[str], ImageItem | None] = load_preview,
    ) -> None:
        self._submit, self._queue_length, self._load, self._wake = submit, queue_length, load, wake
        self._withdraw = withdraw
        self._previews = Previews(preview, wake)
        self._focused: list[str] = []
        self._skipped: deque[str] = deque()
        self._remaining: Iterator[str] | None = None
        self._items: OrderedDict[str, ImageItem] = OrderedDict()
        self._bytes = 0
        self._submitted: set[str] = set()
        super().__init__("alpr-folder")

    def focus(self, paths: Sequence[str]) -> None:
        """Prepare these pictures: the first is shown now, the others may be shown next."""
        with self._changed:
            if self._focused and self._focused[0] not in self._submitted:
                self._skipped.append(self._focused[0])
            self._focused = list(paths)
            first = paths[0] if paths and paths[0] not in self._items else ""
            self._changed.notify()
        self._previews.want(first)

    def read_all(self, paths: Iterable[str] | None) -> None:
        """Recognise all of these pictures when nothing is more urgent; None stops that."""
        with self._changed:
            self._remaining = None if paths is None else iter(paths)
            self._changed.notify()

    def reread_all(self) -> None:
        """Recognise every picture again when it is shown next, because the models have changed."""
        with self._changed:
            self._submitted.clear()
            self._changed.notify()

    def reread(self, path: str) -> None:
        """Recognise this picture again when it is shown, because its crops were not kept."""
        with self._changed:
            self._submitted.discard(path)
            self._changed.notify()

    def reload(self, paths: Iterable[str]) -> None:
        """Decode and recognise these pictures again when they are shown next, because their files have changed."""
        with self._changed:
            for path in paths:
                self._submitted.discard(path)
                if path in self._items:
                    self._bytes -= self._items.pop(path).bytes
            self._changed.notify()

    def image_item(self, path: str) -> ImageItem | None:
        """The picture at `path` if it is decoded, else its preview if there is one, else None."""
        with self._changed:
            item = self._items.get(path)
        return item if item is not None else self._previews.get(path)

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the threads; returns whether they have ended within `timeout` seconds."""
        deadline = monotonic() + timeout
        ended = super().close(timeout)
        return self._previews.close(max(0.0, deadline - monotonic())) and ended

    def notify(self) -> None:
        """Called when the recogniser has taken an item, so that there may be room for another one."""
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
        """Read a picture; an exception becomes the error of the item, so that the thread goes on."""
        image_item = None
        # Before reading, so that a later change is noticed.
        stamp = stamp_of(path)
        with ErrorGuard() as guard:
            image_item = self._load(path)
        if image_item is None:
            message = tr("cannot be read: {reason}", reason=describe_error(guard.error))
            image_item = ImageItem(path, error=message)
        return replace(image_item, stamp=stamp)

    def _next(self) -> tuple[str, ImageItem | None, bool] | None:
        """The next job: a path, its item if it is decoded, and whether it is the current picture."""
        for place, path in enumerate(self._focused):
            image_item = self._items.get(path)
            if image_item is None and place and not self._has_room():
                break
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

    def _has_room(self) -> bool:
        """Whether a neighbour as large as the largest picture at hand fits into the cache."""
        sizes = [self._items[path].bytes for path in self._focused if path in self._items]
        if max(sizes, default=0) > LARGE_BYTES and self._queue_length() >= WAITING:
            return False
        return sum(sizes) + max(sizes, default=0) <= CACHE_BYTES

    def _take_back(self) -> None:
        """Withdraw large pictures that are not needed any more from the recogniser's queue; they are read later."""
        withdrawn = self._withdraw(lambda item: item.bytes > LARGE_BYTES and item.key not in self._focused)
        for item in withdrawn:
            self._submitted.discard(item.key)
            self._skipped.append(item.key)

    def _deliver(self, path: str, image_item: ImageItem, urgent: bool) -> None:
        with self._changed:
            fresh = path not in self._submitted
            self._submitted.add(path)
            # Pictures that are not shown are recognised but not cached.
            wanted = path in self._focused
            if wanted and path not in self._items:
                self._items[path] = image_item
                self._bytes += image_item.bytes
                self._evict()
        if fresh:
            self._submit(replace(image_item, keep_crops=wanted), urgent)
        if image_item.bytes > LARGE_BYTES and urgent:
            with self._changed:
                self._take_back()
        if wanted:
            if urgent:
                self._previews.want("")
            self._wake()

    def _evict(self) -> None:
        for path in list(self._items):
            if self._bytes <= CACHE_BYTES:
                return
            if path not in self._focused:
                self._bytes -= self._items.pop(path).bytes
