"""Real plates for the reader: cut out of labelled pictures with some surroundings, and held in memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.geometry import corners_to_box, picture_corners, rectify
from alpr_app.core.two_line import knows_two_rows, side_by_side
from alpr_app.data.images import read_picture
from alpr_app.data.labels import DataFolder, LabelError, read_labelled
from alpr_app.train.cached import Cached

# Nothing is gained by keeping a plate much finer than the 192 pixels the reader sees.
LARGEST_PLATE_WIDTH = 256


@dataclass(frozen=True, eq=False)
class PlateSample:
    """image: H x W x 3 uint8 RGB, the plate with some surroundings. corners: (4, 2) in it. colour: None if unknown.
    source: the picture it comes from. double: it has two rows, which the reader is shown side by side."""

    image: np.ndarray
    corners: np.ndarray
    text: str
    colour: str | None
    source: str
    double: bool = False


@dataclass(frozen=True, eq=False)
class PlateSource:
    """Where a plate is to be had. corners: in the picture; None if the picture is the plate. double: as in
    `PlateSample`."""

    path: Path
    corners: np.ndarray | None
    text: str
    colour: str | None = None
    double: bool = False


def _load(source: PlateSource) -> PlateSample:
    if source.corners is None:
        image = read_picture(source.path)
        if image.shape[1] > LARGEST_PLATE_WIDTH:
            scale = LARGEST_PLATE_WIDTH / image.shape[1]
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return PlateSample(image, picture_corners(image), source.text, source.colour, str(source.path), source.double)
    image = read_labelled(source.path)
    box = corners_to_box(source.corners)
    margin = 0.5 * (box[3] - box[1])
    left, top = np.maximum(0, np.floor(box[:2] - margin)).astype(int)
    right, bottom = np.ceil(box[2:] + margin).astype(int)
    cut = image[top:bottom, left:right]
    if not cut.size:
        raise LabelError(f"{source.path}: the plate {source.text} lies outside the picture; correct its corners")
    corners = source.corners - np.float32([left, top])
    scale = min(1.0, LARGEST_PLATE_WIDTH / (box[2] - box[0]))
    if scale < 1:
        cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return PlateSample(cut.copy(), corners * scale, source.text, source.colour, str(source.path), source.double)


def plate_sources(data: DataFolder, alphabet: str) -> list[PlateSource]:
    """Every plate of `data` whose text is known. Raises LabelError for a text that the alphabet cannot spell."""
    # Readers of other plates are shown two rows as they are.
    doubled = 2 if knows_two_rows(alphabet) else None
    sources = [PlateSource(crop.path, None, crop.text, None, crop.rows == doubled) for crop in data.crops]
    for picture in data.pictures:
        sources += [
            PlateSource(picture.path, plate.corners, plate.text, plate.colour, plate.rows == doubled)
            for plate in picture.plates
            if plate.text
        ]
    for source in sources:
        unknown = set(source.text) - set(alphabet)
        if unknown:
            raise LabelError(f"{source.path}: the text {source.text} holds '{min(unknown)}', not in the alphabet")
    return sources


def load_plates(sources: Sequence[PlateSource], limit: float = math.inf) -> Cached[PlateSource, PlateSample]:
    """The plates at the size the reader needs, kept in memory up to `limit` bytes. Raises PictureError for a picture
    that cannot be read."""
    return Cached(sources, _load, lambda sample: sample.image.nbytes, limit)


def province_weights(texts: Sequence[str]) -> np.ndarray:
    """How often each plate is drawn, summing to 1: rare first characters more often, by the root of their rarity."""
    counts = Counter(text[:1] for text in texts)
    weights = np.array([counts[text[:1]] ** -0.5 for text in texts])
    return weights / max(1e-12, weights.sum())


def cut_out(image: np.ndarray, corners: np.ndarray, double: bool, height: int, width: int) -> np.ndarray:
    """A plate at ordered corners as the reader is shown it in use, its two rows side by side if it is `double`."""
    if double:
        return side_by_side(image, corners, height, width)
    return rectify(image, corners, height, width, ordered=True)


def rectified(samples: Iterable[PlateSample], height: int, width: int) -> Iterator[np.ndarray]:
    """The plates as the reader is to see them when nothing is disturbed: height x width x 3 uint8."""
    for sample in samples:
        yield cut_out(sample.image, sample.corners, sample.double, height, width)
