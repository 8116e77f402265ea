"""The reader's training samples: real plates, cropped from labelled pictures with some surroundings, and drawn ones,
rectified by corners as inaccurate as a detector's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.geometry import corners_to_box, picture_corners, placement, rectify, widened
from alpr_app.core.two_line import may_have_two_lines, reads_two_lines, side_by_side
from alpr_app.data.images import read_picture
from alpr_app.data.label_csv import LabelError
from alpr_app.data.labels import DataFolder, read_labelled
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.synth.plates.glyphs import SignPainter
from alpr_app.synth.plates.painters import Painter
from alpr_app.train.augment.annotations import annotate
from alpr_app.train.augment.camera import camera_augment
from alpr_app.train.augment.paste import paste_plate, plate_corners, random_pose
from alpr_app.train.trainer.batches import SampleCache, Samples

# The input of the reader is 192 pixels wide; a much finer plate would only cost memory.
LARGEST_PLATE_WIDTH = 256


@dataclass(frozen=True, eq=False)
class PlateSample:
    """A plate before augmentation.

    Attributes:
        image: H x W x 3 uint8 RGB, the plate with some surroundings.
        corners: Corners of the plate in `image`, (4, 2).
        text: Its text; empty if it is not a plate.
        colour: Its colour; None if unknown.
        source: The picture it comes from.
        double: Whether it has two rows that the reader gets side by side.
    """

    image: np.ndarray
    corners: np.ndarray
    text: str
    colour: str | None
    source: str
    double: bool = False


@dataclass(frozen=True, eq=False)
class PlateSource:
    """Where to load a plate from.

    Attributes:
        path: The picture.
        corners: Corners of the plate in the picture, (4, 2); None if the picture is the plate.
        text: Text of the plate.
        colour: Its colour; None if unknown.
        double: As in `PlateSample`.
    """

    path: Path
    corners: np.ndarray | None
    text: str
    colour: str | None = None
    double: bool = False


def _load_plate(source: PlateSource) -> PlateSample:
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
    crop = image[top:bottom, left:right]
    if not crop.size:
        raise LabelError(f"{source.path}: the plate {source.text} lies outside the picture; correct its corners")
    corners = source.corners - np.array([left, top], np.float32)
    scale = min(1.0, LARGEST_PLATE_WIDTH / (box[2] - box[0]))
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return PlateSample(crop.copy(), corners * scale, source.text, source.colour, str(source.path), source.double)


def plate_sources(data: DataFolder, alphabet: str) -> list[PlateSource]:
    """All plates of `data` with a known text. Raises LabelError for a text that the alphabet cannot spell."""
    # Only readers of Chinese plates get two rows side by side.
    doubled = 2 if reads_two_lines(alphabet) else None
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
            raise LabelError(
                f"{source.path}: the text {source.text} holds '{min(unknown)}', which is not in the alphabet"
            )
    return sources


def load_plates(sources: Sequence[PlateSource], limit: float = math.inf) -> SampleCache[PlateSource, PlateSample]:
    """The plates at training size, cached in memory up to `limit` bytes. Raises PictureError for an unreadable
    picture."""
    return SampleCache(sources, _load_plate, lambda sample: sample.image.nbytes, limit)


def province_weights(texts: Sequence[str]) -> np.ndarray:
    """Sampling probabilities of the plates, inversely proportional to the square root of how often their first
    character occurs, so that rare provinces are seen more often."""
    counts = Counter(text[:1] for text in texts)
    weights = np.array([counts[text[:1]] ** -0.5 for text in texts])
    shares: np.ndarray = weights / max(1e-12, weights.sum())
    return shares


def crop_plate(image: np.ndarray, corners: np.ndarray, double: bool, height: int, width: int) -> np.ndarray:
    """Crop a plate at ordered corners as in use: rectified, with its two rows side by side if it is `double`."""
    if double:
        return side_by_side(image, corners, height, width)
    return rectify(image, corners, height, width, ordered=True)


def rectified(samples: Iterable[PlateSample], height: int, width: int) -> Iterator[np.ndarray]:
    """Yield the plates without augmentation, rectified to height x width x 3 uint8."""
    for sample in samples:
        yield crop_plate(sample.image, sample.corners, sample.double, height, width)


UNKNOWN_COLOUR = -1
# Probability at strength 1 that another program has drawn a box around the plate.
ANNOTATED_SHARE = 0.06
# Share of drawn samples that are not plates, like false boxes of a detector, from which the reader should read nothing.
NO_PLATE_SHARE = 0.06
# Widths in pixels of drawn plates and signs, and of crops from pictures without plates.
DRAWN_WIDTH, SMALLEST_CROP, LARGEST_CROP = 220, 24.0, 400.0
# Number of candidate crops from a picture without plates, of which the one with the highest contrast is used.
CROP_CANDIDATES = 6


class PlateDataset(Samples):
    """An endless dataset: sample `index` depends on (seed, index) alone, so that a run can be resumed exactly.

    A sample is the rectified plate, H x W x 3 uint8; its classes, (max_length,) int64 padded with blanks; and the index
    of its colour or UNKNOWN_COLOUR. A few drawn samples are not plates and have an empty text.

    Args:
        config: Config of the reader.
        samples: Real plates.
        backgrounds: Pictures without plates, H x W x 3 uint8, behind drawn plates.
        painter: Draws plates.
        seed: Random seed of the samples.
        drawn_share: Share of drawn samples, 0 to 1.
        strength: Strength of the augmentation: 1 is usual, 0 is none.
    """

    def __init__(
        self,
        config: ReaderConfig,
        samples: SampleCache[PlateSource, PlateSample],
        backgrounds: list[np.ndarray],
        painter: Painter,
        seed: int,
        drawn_share: float = 0.5,
        strength: float = 1.0,
    ) -> None:
        self.config = config
        self.samples = samples
        self.cumulative = np.cumsum(province_weights([source.text for source in samples.sources]))
        self.backgrounds = backgrounds
        self.painter = painter
        self.signs = SignPainter(painter.issues)
        self.seed = seed
        self.drawn_share = drawn_share if samples else 1.0
        self.strength = strength

    @property
    def labelled(self) -> int:
        """Number of real plates; one pass over them is an epoch."""
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, int]:
        rng = np.random.default_rng((self.seed, index))
        if rng.random() < self.drawn_share:
            sample = self._draw_non_plate(rng) if rng.random() < NO_PLATE_SHARE else self._draw_plate(rng)
        else:
            sample_index = min(int(np.searchsorted(self.cumulative, rng.random())), len(self.samples) - 1)
            sample = self.samples[sample_index]
        image = self._view(sample, rng)
        colour = UNKNOWN_COLOUR if sample.colour is None else self.config.colours.index(sample.colour)
        return image, self.classes(sample.text), colour

    def classes(self, text: str) -> np.ndarray:
        """Indices into the alphabet, padded with blanks to max_length."""
        indices = [self.config.alphabet.index(character) for character in text]
        return np.array(indices + [self.config.blank] * (self.config.max_length - len(indices)), np.int64)

    def text(self, classes: np.ndarray) -> str:
        """The inverse of `classes`."""
        return "".join(self.config.alphabet[index] for index in classes if index != self.config.blank)

    def _draw_plate(self, rng: np.random.Generator) -> PlateSample:
        """A drawn plate of one or two rows in front of a background, at about the size of cached real ones."""
        painted = self.painter.random_plate(rng)
        canvas, corners = self._canvas(painted.image, rng)
        # The background is independent of the plate, so that nothing can be learned from it.
        matrix, size = placement(painted.image, corners), canvas.shape[1::-1]
        cv2.warpPerspective(
            painted.image, matrix, size, dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )
        double = reads_two_lines(self.config.alphabet) and painted.rows == 2
        return PlateSample(canvas, corners, painted.text, painted.colour, "drawn", double)

    def _draw_non_plate(self, rng: np.random.Generator) -> PlateSample:
        """A sign with other lettering, or a crop from a picture without plates."""
        if self.backgrounds and rng.random() < 0.5:
            image = self.backgrounds[rng.integers(len(self.backgrounds))]
            # Detectors have false boxes where there is contrast, not on plain road or sky.
            candidates = (_random_corners(image, rng) for _ in range(CROP_CANDIDATES))
            corners = max(candidates, key=lambda corners: _contrast(image, corners))
        else:
            sign, cover = self.signs.draw(rng)
            image, corners = self._canvas(sign, rng)
            paste_plate(image, sign, corners, rng, rng.uniform(0.45, 1.1), cover)
        # In use, narrow quadrilaterals are read as plates of two rows as well.
        narrow = reads_two_lines(self.config.alphabet) and may_have_two_lines(corners)
        return PlateSample(image, corners, "", None, "drawn", narrow and rng.random() < 0.5)

    def _canvas(self, drawn: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A background, and the corners (4, 2) in it at which to paste `drawn`."""
        height, width = drawn.shape[:2]
        corners = plate_corners(DRAWN_WIDTH, DRAWN_WIDTH * height / width, random_pose(rng), rng)
        margin = 24
        corners += margin - corners.min(axis=0)
        across, down = (int(value) + margin for value in np.ceil(corners.max(axis=0)))
        return self._background((across, down), rng), corners

    def _background(self, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        width, height = size
        if not self.backgrounds or rng.random() < 0.3:
            return np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
        picture = self.backgrounds[rng.integers(len(self.backgrounds))]
        crop_height, crop_width = min(height, picture.shape[0]), min(width, picture.shape[1])
        top = rng.integers(picture.shape[0] - crop_height + 1)
        left = rng.integers(picture.shape[1] - crop_width + 1)
        crop = picture[top : top + crop_height, left : left + crop_width]
        return cv2.resize(crop, (width, height)) if crop.shape[:2] != (height, width) else crop.copy()

    def _view(self, sample: PlateSample, rng: np.random.Generator) -> np.ndarray:
        """The plate, rectified by jittered corners or cropped by its upright box, at a random resolution, augmented."""
        full_height, full_width = self.config.img_height, self.config.img_width
        corners = sample.corners
        if rng.random() < 0.2 * self.strength:
            box = corners_to_box(corners)
            corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]], np.float32)
            if rng.random() < 0.3:  # cropped by hand, with a wide margin
                corners = widened(corners, rng.uniform(0, 0.15), rng.uniform(0, 0.25))
        corners = self._jitter(corners, rng)
        height = full_height
        if rng.random() < 0.5 * self.strength:
            height = round(float(np.exp(rng.uniform(np.log(0.25), np.log(1.3)))) * full_height)
        width = round(height * full_width / full_height)
        image = sample.image
        if rng.random() < ANNOTATED_SHARE * self.strength:
            image = image.copy()
            annotate(image, corners_to_box(sample.corners)[None], rng)
        plate = crop_plate(image, corners, sample.double, height, width)
        plate = camera_augment(plate, rng, self.strength)
        if (height, width) != (full_height, full_width):
            shrinking = height > full_height
            plate = cv2.resize(
                plate,
                (full_width, full_height),
                interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
            )
        return plate

    def _jitter(self, corners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Corners with the errors of a detector: each moved by itself, and all shifted and scaled together."""
        # A detector has large errors sometimes: on plates that fill the picture or are seen from far aside.
        amount = self.strength * (rng.uniform(1.6, 2.6) if rng.random() < 0.12 else rng.uniform(0.2, 1.6))
        across = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
        down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
        single = rng.normal(0, 1, (4, 2)) * (0.012, 0.045)
        shift = rng.normal(0, 1, 2) * (0.012, 0.04)
        # Slightly larger on average: a crop that is too wide loses less than one that is too narrow.
        growth = rng.normal((0.011, 0.03), (0.015, 0.05))
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        moves = (single + shift + signs * growth) * amount
        moved: np.ndarray = (corners + moves[:, :1] * across + moves[:, 1:] * down).astype(np.float32)
        return moved


def _random_corners(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Corners (4, 2) of a quadrilateral shaped like a plate, at a random place in `image`."""
    room = np.asarray(image.shape[1::-1], np.float32)
    widest = max(SMALLEST_CROP, min(LARGEST_CROP, 0.6 * float(room[0])))
    width = float(np.exp(rng.uniform(np.log(SMALLEST_CROP), np.log(widest))))
    corners = plate_corners(width, width / rng.uniform(1.5, 5), random_pose(rng), rng)
    placed: np.ndarray = corners + rng.uniform(0.1, 0.9, 2).astype(np.float32) * room
    return placed


def _contrast(image: np.ndarray, corners: np.ndarray) -> float:
    """Standard deviation of the grey levels in the box of the corners, as far as it lies in `image`."""
    left, top, right, bottom = np.maximum(0, corners_to_box(corners)).astype(int)
    part = image[top : bottom + 1, left : right + 1]
    return float(part.std()) if part.size else 0.0
