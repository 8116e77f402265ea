"""The reader at work: plates in pictures -> readings, looked at again where the first look leaves doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np

from alpr_app.core.geometry import picture_corners, rectify, widened
from alpr_app.core.plate import fits_format
from alpr_app.core.two_line import knows_two_rows, may_have_two_rows, side_by_side
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.postprocess import Reading, decode
from alpr_app.runtime.engine import Engine, chunks, stack

# Plates that go through the network at once: enough to fill a GPU, little enough for any memory.
READER_BATCH = 64
# How much wider and higher than found a plate is cut out, as shares of its width and height on each side. A character
# that is cut off is lost, some of the bumper is not in the way.
FIRST_MARGIN = (0.01, 0.0)
# A plate read with less confidence is cut out twice more, and the surest reading counts: with more around it if it was
# found, once wider and once higher; if it was a picture by itself, closer, as that may show more than the plate, and
# with its edges repeated, as that may be cut too tightly.
SURE = 0.95
FOUND_MARGINS, CROP_MARGINS = ((0.08, 0.08), (0.04, 0.16)), ((-0.04, -0.08), (0.02, 0.04))


@dataclass(frozen=True, eq=False)
class View:
    """What the reader is shown of a plate. crop: at the reader's size, H x W x 3 uint8 RGB. rows: of characters that
    the plate has if this is how it is read: 2 are cut apart and put side by side."""

    crop: np.ndarray
    rows: int = 1


@dataclass(frozen=True, eq=False)
class Look:
    """A plate to be read. image: H x W x 3 uint8 RGB. corners: (4, 2) of the plate in it, as `Plate.corners`.
    views: of them, the one that reads most like a plate counts.
    margins: with which it is cut out if it has to be looked at again; none if it is not worth that."""

    image: np.ndarray
    corners: np.ndarray
    views: list[View]
    margins: tuple[tuple[float, float], ...] = FOUND_MARGINS


class PlateReader:
    """Reads plates with `recognise`, the engine of a reader's network of this `config`."""

    def __init__(self, recognise: Engine, config: ReaderConfig) -> None:
        self.recognise, self.config = recognise, config

    def look(self, image: np.ndarray, corners: np.ndarray, once: bool = False) -> Look:
        """The plate at ordered `corners` (4, 2). once: what is probably none is not worth a second look."""
        view = self._cut(image, corners, FIRST_MARGIN)
        return Look(image, corners, [view, *self._two_rows(image, corners)], () if once else FOUND_MARGINS)

    def look_at_crop(self, crop: np.ndarray) -> Look:
        """A picture that is a plate already."""
        corners = picture_corners(crop)
        view = View(resize_crop(crop, self.config.img_height, self.config.img_width))
        return Look(crop, corners, [view, *self._two_rows(crop, corners)], CROP_MARGINS)

    def read(self, looks: Sequence[Look]) -> list[tuple[Reading, View]]:
        """The reading of each plate, and the view it was read from."""
        best = self._best([look.views for look in looks])
        doubtful = [
            index
            for index, (look, (reading, _)) in enumerate(zip(looks, best, strict=True))
            if look.margins and reading.confidence < SURE
        ]
        again = [self._second_views(looks[index]) for index in doubtful]
        for index, second in zip(doubtful, self._best(again), strict=True):
            best[index] = max(best[index], second, key=_plausibility)
        return best

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """Pictures at the reader's size, each as it is."""
        readings: list[Reading] = []
        for chunk in chunks(crops, READER_BATCH):
            readings += decode(*self.recognise(stack(chunk)), self.config)
        return readings

    def _second_views(self, look: Look) -> list[View]:
        return [self._cut(look.image, look.corners, margin) for margin in look.margins]

    def _cut(self, image: np.ndarray, corners: np.ndarray, margin: tuple[float, float]) -> View:
        """The plate seen straight on, with this margin around it as shares of its width and height."""
        height, width = self.config.img_height, self.config.img_width
        return View(rectify(image, widened(corners, *margin), height, width, ordered=True))

    def _two_rows(self, image: np.ndarray, corners: np.ndarray) -> list[View]:
        """Another view of a plate that may have two rows: one row made of both. None of any other."""
        if not may_have_two_rows(corners) or not knows_two_rows(self.config.alphabet):
            return []
        return [View(side_by_side(image, corners, self.config.img_height, self.config.img_width), rows=2)]

    def _best(self, views: list[list[View]]) -> list[tuple[Reading, View]]:
        """Of the views of each plate, the one that reads most like a plate: its reading and the view itself."""
        flat = [view for several in views for view in several]
        read = iter(zip(self.read_crops([view.crop for view in flat]), flat, strict=True))
        return [max(islice(read, len(several)), key=_plausibility) for several in views]


def resize_crop(crop: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture that is a plate already, at the reader's size: height x width x 3 uint8."""
    shrinks = crop.shape[0] > height and crop.shape[1] > width
    return cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _plausibility(read: tuple[Reading, View]) -> float:
    """The confidence, half of it for what may not be issued: half a plate reads like none."""
    reading = read[0]
    return reading.confidence * (1.0 if fits_format(reading.text) else 0.5)
