"""The thread that cuts plates out of the pictures of a folder for the contact sheet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alpr_app.core.geometry import rectify
from alpr_app.viewer.workers.images import ImageItem, Stamp, load_image_item
from alpr_app.viewer.workers.recogniser import NO_CROP
from alpr_app.viewer.workers.threads import ErrorGuard, Worker, noop

# Enough for about 3,500 crops; a screen shows up to 300.
CACHE_BYTES = 96 * 2**20

Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CropRequest:
    """One plate in a picture.

    Attributes:
        path: The file.
        corners: As `Plate.corners`, in pixels of the picture.
        stamp: That of the file when it was read, so that a changed picture gets new crops.
    """

    path: str
    corners: Corners
    stamp: Stamp = None


class CropWorker(Worker):
    """Makes crops as they come into view, and remembers the ones used last.

    Args:
        wake: Called when there are new crops.
        load: Reads the picture at a path.
        maximum: Bytes of the crops that are remembered.
    """

    def __init__(
        self,
        wake: Callable[[], None] = noop,
        load: Callable[[str], ImageItem] = load_image_item,
        maximum: int = CACHE_BYTES,
    ) -> None:
        self._wake, self._load, self._maximum = wake, load, maximum
        self._wanted: Sequence[CropRequest] = ()
        self._crops: OrderedDict[CropRequest, np.ndarray] = OrderedDict()
        self._bytes = 0
        super().__init__("alpr-crops")

    def want(self, requests: Sequence[CropRequest]) -> None:
        """Make these crops, in this order; earlier requests that are not among them are dropped."""
        with self._changed:
            self._wanted = requests
            self._changed.notify()

    def get(self, request: CropRequest) -> np.ndarray | None:
        """The crop, 48 x 192 x 3 uint8 RGB; without pixels if it cannot be made; None if it is not made yet."""
        with self._changed:
            crop = self._crops.get(request)
            if crop is not None:
                self._crops.move_to_end(request)
            return crop

    def _run(self) -> None:
        while True:
            with self._changed:
                requests = self._next()
                while not requests and not self._ended:
                    self._changed.wait()
                    requests = self._next()
                if self._ended:
                    return
            self._make(requests)
            self._wake()

    def _next(self) -> list[CropRequest]:
        """The missing crops of the picture that is wanted most."""
        missing = [request for request in self._wanted if request not in self._crops]
        return [request for request in missing if request.path == missing[0].path]

    def _make(self, requests: list[CropRequest]) -> None:
        crops = [NO_CROP] * len(requests)
        with ErrorGuard():
            # A picture that cannot be read any more leaves its crops without pixels.
            image = self._load(requests[0].path).image
            if image is not None:
                crops = [_cut(image, request.corners) for request in requests]
        with self._changed:
            for request, crop in zip(requests, crops, strict=True):
                self._crops[request] = crop
                self._bytes += crop.nbytes
            while self._bytes > self._maximum and len(self._crops) > len(requests):
                self._bytes -= self._crops.popitem(last=False)[1].nbytes


def _cut(image: np.ndarray, corners: Corners) -> np.ndarray:
    try:
        return rectify(image, np.asarray(corners, np.float32), ordered=True)
    except ValueError:
        # Corners without area.
        return NO_CROP
