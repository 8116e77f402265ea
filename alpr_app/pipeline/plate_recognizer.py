"""Applies the reader: rectifies plates and reads them, with a second attempt where the first leaves doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np

from alpr_app.core.geometry import picture_corners, rectify, widened
from alpr_app.core.plate_kinds import SHORTEST, fits_format
from alpr_app.core.two_line import may_have_two_lines, reads_two_lines, side_by_side
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.postprocess import Reading, decode
from alpr_app.pipeline.contrast import AMPLE_CROP, stretched
from alpr_app.runtime.engine import Engine, chunks, stack

# Plates that go through the network at once: enough to fill a GPU, little enough for any memory.
READER_BATCH = 64
# Margin around the detected plate, as shares of its width and height on each side. A clipped character is lost, whereas
# a bit of the bumper does no harm.
FIRST_MARGIN = (0.01, 0.0)
# A plate read with less confidence is cut out twice more, and the surest reading counts: a detected plate with larger
# margins, once wider and once higher; a picture that is itself a plate more tightly, because it may show more than the
# plate, and with its edges repeated, because it may be cut too tightly. A plate of low contrast is also read stretched.
SURE = 0.95
FOUND_MARGINS, CROP_MARGINS = ((0.08, 0.08), (0.04, 0.16)), ((-0.04, -0.08), (0.02, 0.04))


@dataclass(frozen=True, eq=False)
class PlateCrop:
    """One way in which a plate is shown to the reader. image: at the reader's size, H x W x 3 uint8 RGB. rows: the
    number of lines that the plate has if this is how it is read; two lines are cut apart and put side by side."""

    image: np.ndarray
    rows: int = 1


@dataclass(frozen=True, eq=False)
class PlateCrops:
    """A plate to be read. image: H x W x 3 uint8 RGB. corners: (4, 2) of the plate in it, as `Plate.corners`.
    crops: of them, the one that reads most like a plate counts.
    margins: with which the plate is cut out again if its first reading is doubtful; none if it is not worth that."""

    image: np.ndarray
    corners: np.ndarray
    crops: list[PlateCrop]
    margins: tuple[tuple[float, float], ...] = FOUND_MARGINS


class PlateRecognizer:
    """Reads plates with `recognise`, the engine of a reader with this `config`."""

    def __init__(self, recognise: Engine, config: ReaderConfig) -> None:
        self.recognise, self.config = recognise, config

    def crops_of(self, image: np.ndarray, corners: np.ndarray, once: bool = False) -> PlateCrops:
        """Crop the plate at ordered `corners` (4, 2). once: without a second attempt, for what is probably no plate."""
        first = self._cut(image, corners, FIRST_MARGIN)
        return PlateCrops(image, corners, [first, *self._two_lines(image, corners)], () if once else FOUND_MARGINS)

    def crops_of_picture(self, picture: np.ndarray) -> PlateCrops:
        """Crop a picture that is itself a plate."""
        corners = picture_corners(picture)
        whole = PlateCrop(resize_crop(picture, self.config.img_height, self.config.img_width))
        return PlateCrops(picture, corners, [whole, *self._two_lines(picture, corners)], CROP_MARGINS)

    def read(self, plates: Sequence[PlateCrops]) -> list[tuple[Reading, PlateCrop]]:
        """Return the reading of each plate and the crop it was read from."""
        best = self._best([plate.crops for plate in plates])
        doubtful = [
            index
            for index, (plate, (reading, _)) in enumerate(zip(plates, best, strict=True))
            if plate.margins and reading.confidence < SURE
        ]
        again = [self._second_crops(plates[index]) for index in doubtful]
        for index, second in zip(doubtful, self._best(again), strict=True):
            best[index] = max(best[index], second, key=_plausibility)
        return best

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """Read pictures of the reader's size, once each."""
        readings: list[Reading] = []
        for chunk in chunks(crops, READER_BATCH):
            characters, colours = self.recognise(stack(chunk))
            readings += decode(characters, colours, self.config)
        return readings

    def _second_crops(self, plate: PlateCrops) -> list[PlateCrop]:
        crops = [self._cut(plate.image, plate.corners, margin) for margin in plate.margins]
        first = plate.crops[0]
        clearer = stretched(first.image, AMPLE_CROP)
        return crops if clearer is None else [*crops, replace(first, image=clearer)]

    def _cut(self, image: np.ndarray, corners: np.ndarray, margin: tuple[float, float]) -> PlateCrop:
        """Rectify the plate with a margin around it, given as shares of its width and height."""
        height, width = self.config.img_height, self.config.img_width
        return PlateCrop(rectify(image, widened(corners, *margin), height, width, ordered=True))

    def _two_lines(self, image: np.ndarray, corners: np.ndarray) -> list[PlateCrop]:
        """Return a crop with both lines side by side for a plate that may have two lines; none for any other plate."""
        if not may_have_two_lines(corners) or not reads_two_lines(self.config.alphabet):
            return []
        return [PlateCrop(side_by_side(image, corners, self.config.img_height, self.config.img_width), rows=2)]

    def _best(self, crops: list[list[PlateCrop]]) -> list[tuple[Reading, PlateCrop]]:
        """Return, for each plate, the crop that reads most like a plate, with its reading."""
        flat = [crop for several in crops for crop in several]
        read = iter(zip(self.read_crops([crop.image for crop in flat]), flat, strict=True))
        return [max(islice(read, len(several)), key=_plausibility) for several in crops]


def resize_crop(crop: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a picture that is itself a plate to the reader's size: height x width x 3 uint8."""
    shrinks = crop.shape[0] > height and crop.shape[1] > width
    return cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _plausibility(read: tuple[Reading, PlateCrop]) -> float:
    """Return the confidence, halved for texts that are not issued in this colour: half a plate reads like none, or like
    one of another colour. Short plates of Hong Kong and Macao lie in between, as they may be a part of a longer one."""
    reading = read[0]
    if not fits_format(reading.text, reading.colour):
        return 0.5 * reading.confidence
    return reading.confidence * (1.0 if len(reading.text) >= SHORTEST else 0.7)
