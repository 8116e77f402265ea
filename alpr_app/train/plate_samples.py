"""Real plates for the reader: cut out of labelled pictures with some surroundings, and held in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.geometry import picture_corners, rectify
from alpr_app.labels import DataFolder, LabelError, LabelledCrop, LabelledPicture
from alpr_app.pictures import read_picture

# Nothing is gained by keeping a plate much finer than the 192 pixels the reader sees.
LARGEST_PLATE_WIDTH = 256


@dataclass(frozen=True, eq=False)
class PlateSample:
    """image: H x W x 3 uint8 RGB, the plate with some surroundings. corners: (4, 2) in it. colour: None if unknown.
    source: the picture it comes from."""

    image: np.ndarray
    corners: np.ndarray
    text: str
    colour: str | None
    source: str


def _crop_sample(crop: LabelledCrop) -> PlateSample:
    image = read_picture(crop.path)
    if image.shape[1] > LARGEST_PLATE_WIDTH:
        scale = LARGEST_PLATE_WIDTH / image.shape[1]
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return PlateSample(image, picture_corners(image), crop.text, None, str(crop.path))


def _picture_samples(picture: LabelledPicture) -> list[PlateSample]:
    image = read_picture(picture.path, orient=False)
    samples = []
    for plate in picture.plates:
        if plate.text is None:
            continue
        box = plate.box
        margin = 0.5 * (box[3] - box[1])
        left, top = np.maximum(0, np.floor(box[:2] - margin)).astype(int)
        right, bottom = np.ceil(box[2:] + margin).astype(int)
        cut = image[top:bottom, left:right]
        corners = plate.corners - np.float32([left, top])
        scale = min(1.0, LARGEST_PLATE_WIDTH / (box[2] - box[0]))
        if scale < 1:
            cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        samples.append(PlateSample(cut.copy(), corners * scale, plate.text, plate.colour, str(picture.path)))
    return samples


def load_plate_samples(data: DataFolder, alphabet: str) -> list[PlateSample]:
    """Every plate of `data` whose text is known. Raises LabelError for a text that the alphabet cannot spell and
    PictureError for a picture that cannot be read."""
    with ThreadPoolExecutor() as pool:
        samples = list(pool.map(_crop_sample, data.crops))
        for found in pool.map(_picture_samples, data.pictures):
            samples += found
    for sample in samples:
        unknown = set(sample.text) - set(alphabet)
        if unknown:
            raise LabelError(f"{sample.source}: the text {sample.text} holds '{min(unknown)}', not in the alphabet")
    return samples


def province_weights(samples: list[PlateSample]) -> np.ndarray:
    """How often each sample is drawn, summing to 1: rare first characters more often, by the root of their rarity."""
    counts = Counter(sample.text[:1] for sample in samples)
    weights = np.array([counts[sample.text[:1]] ** -0.5 for sample in samples])
    return weights / weights.sum()


def rectified(samples: list[PlateSample], height: int, width: int) -> Iterator[np.ndarray]:
    """The plates as the reader is to see them when nothing is disturbed: height x width x 3 uint8."""
    for sample in samples:
        yield rectify(sample.image, sample.corners, height, width)
