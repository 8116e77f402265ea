"""The reader's training samples: real plates, cut out of labelled pictures with some surroundings, and drawn ones, seen
as a detector that errs a little would cut them out.
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
from alpr_app.train.augment.camera import camera_augment
from alpr_app.train.augment.paste import paste_plate, plate_corners, random_pose
from alpr_app.train.trainer.batches import SampleCache, Samples

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
    corners = source.corners - np.array([left, top], np.float32)
    scale = min(1.0, LARGEST_PLATE_WIDTH / (box[2] - box[0]))
    if scale < 1:
        cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return PlateSample(cut.copy(), corners * scale, source.text, source.colour, str(source.path), source.double)


def plate_sources(data: DataFolder, alphabet: str) -> list[PlateSource]:
    """Every plate of `data` whose text is known. Raises LabelError for a text that the alphabet cannot spell."""
    # Readers of other plates are shown two rows as they are.
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
            raise LabelError(f"{source.path}: the text {source.text} holds '{min(unknown)}', not in the alphabet")
    return sources


def load_plates(sources: Sequence[PlateSource], limit: float = math.inf) -> SampleCache[PlateSource, PlateSample]:
    """The plates at the size the reader needs, kept in memory up to `limit` bytes. Raises PictureError for a picture
    that cannot be read."""
    return SampleCache(sources, _load, lambda sample: sample.image.nbytes, limit)


def province_weights(texts: Sequence[str]) -> np.ndarray:
    """How often each plate is drawn, summing to 1: rare first characters more often, by the root of their rarity."""
    counts = Counter(text[:1] for text in texts)
    weights = np.array([counts[text[:1]] ** -0.5 for text in texts])
    shares: np.ndarray = weights / max(1e-12, weights.sum())
    return shares


def cut_out(image: np.ndarray, corners: np.ndarray, double: bool, height: int, width: int) -> np.ndarray:
    """A plate at ordered corners as the reader is shown it in use, its two rows side by side if it is `double`."""
    if double:
        return side_by_side(image, corners, height, width)
    return rectify(image, corners, height, width, ordered=True)


def rectified(samples: Iterable[PlateSample], height: int, width: int) -> Iterator[np.ndarray]:
    """The plates as the reader is to see them when nothing is disturbed: height x width x 3 uint8."""
    for sample in samples:
        yield cut_out(sample.image, sample.corners, sample.double, height, width)


UNKNOWN_COLOUR = -1
# How many of the drawn samples are no plate: a detector takes such things for plates, and then nothing is to be read.
NO_PLATE_SHARE = 0.06
# Width in pixels of drawn plates and signs, and of what is cut out of pictures without plates.
DRAWN_WIDTH, SMALLEST_CUT, LARGEST_CUT = 220, 24.0, 400.0
# Of so many places the one with the most contrast is cut out.
PLACES = 6


class PlateDataset(Samples):
    """An endless set: sample `index` is drawn from (seed, index) alone, so a run can be resumed exactly.

    A sample is the plate H x W x 3 uint8, its classes (max_length,) int64 padded with blanks, and its colour's
    index or UNKNOWN_COLOUR. drawn_share: how many of the samples are drawn plates, 0 to 1; a few of them
    are no plates and have an empty text. strength: of all disturbances, 1 is usual, 0 none.
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
        """How many real plates there are: a round over them is an epoch."""
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, int]:
        rng = np.random.default_rng((self.seed, index))
        if rng.random() < self.drawn_share:
            sample = self._no_plate(rng) if rng.random() < NO_PLATE_SHARE else self._draw(rng)
        else:
            chosen = min(int(np.searchsorted(self.cumulative, rng.random())), len(self.samples) - 1)
            sample = self.samples[chosen]
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

    def _draw(self, rng: np.random.Generator) -> PlateSample:
        """A drawn plate in front of some background, at about the size real ones are kept; of two rows too."""
        painted = self.painter.random_plate(rng)
        canvas, corners = self._canvas(painted.image, rng)
        # The tone of the surroundings has nothing to do with the plate's own, so nothing can be learned from it.
        matrix, size = placement(painted.image, corners), canvas.shape[1::-1]
        cv2.warpPerspective(
            painted.image, matrix, size, dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )
        double = reads_two_lines(self.config.alphabet) and painted.rows == 2
        return PlateSample(canvas, corners, painted.text, painted.colour, "drawn", double)

    def _no_plate(self, rng: np.random.Generator) -> PlateSample:
        """Lettering of another kind, or some part of a picture without plates."""
        if self.backgrounds and rng.random() < 0.5:
            image = self.backgrounds[rng.integers(len(self.backgrounds))]
            # A detector does not find plates in plain road or sky.
            corners = max((_anywhere(image, rng) for _ in range(PLACES)), key=lambda place: _contrast(image, place))
        else:
            sign, cover = self.signs.draw(rng)
            image, corners = self._canvas(sign, rng)
            paste_plate(image, sign, corners, rng, rng.uniform(0.45, 1.1), cover)
        # In use, what is narrow enough is looked at as one of two rows as well.
        narrow = reads_two_lines(self.config.alphabet) and may_have_two_lines(corners)
        return PlateSample(image, corners, "", None, "drawn", narrow and rng.random() < 0.5)

    def _canvas(self, drawn: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Some background, and the corners (4, 2) in it where `drawn` comes to lie."""
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
        cut_height, cut_width = min(height, picture.shape[0]), min(width, picture.shape[1])
        top = rng.integers(picture.shape[0] - cut_height + 1)
        left = rng.integers(picture.shape[1] - cut_width + 1)
        cut = picture[top : top + cut_height, left : left + cut_width]
        return cv2.resize(cut, (width, height)) if cut.shape[:2] != (height, width) else cut.copy()

    def _view(self, sample: PlateSample, rng: np.random.Generator) -> np.ndarray:
        """The plate cut out by jittered corners or by its upright box, at a random distance, and degraded."""
        full_height, full_width = self.config.img_height, self.config.img_width
        corners = sample.corners
        if rng.random() < 0.2 * self.strength:
            box = corners_to_box(corners)
            corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]], np.float32)
            if rng.random() < 0.3:  # cut out by hand, with plenty around
                corners = widened(corners, rng.uniform(0, 0.15), rng.uniform(0, 0.25))
        corners = self._jitter(corners, rng)
        height = full_height
        if rng.random() < 0.5 * self.strength:
            height = round(float(np.exp(rng.uniform(np.log(0.25), np.log(1.3)))) * full_height)
        width = round(height * full_width / full_height)
        plate = cut_out(sample.image, corners, sample.double, height, width)
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
        """Corners as a detector finds them: each off by itself, and all of them shifted and scaled together."""
        # Now and then a detector is far off: on plates that fill the picture, or are seen from far aside.
        amount = self.strength * (rng.uniform(1.6, 2.6) if rng.random() < 0.12 else rng.uniform(0.2, 1.6))
        across = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
        down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
        single = rng.normal(0, 1, (4, 2)) * (0.012, 0.045)
        shift = rng.normal(0, 1, 2) * (0.012, 0.04)
        # A plate that is cut too wide loses less than one that is cut too narrow.
        growth = rng.normal((0.011, 0.03), (0.015, 0.05))
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        moves = (single + shift + signs * growth) * amount
        moved: np.ndarray = (corners + moves[:, :1] * across + moves[:, 1:] * down).astype(np.float32)
        return moved


def _anywhere(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Corners (4, 2) of something shaped like a plate, its centre anywhere in `image`."""
    room = np.asarray(image.shape[1::-1], np.float32)
    widest = max(SMALLEST_CUT, min(LARGEST_CUT, 0.6 * float(room[0])))
    width = float(np.exp(rng.uniform(np.log(SMALLEST_CUT), np.log(widest))))
    corners = plate_corners(width, width / rng.uniform(1.5, 5), random_pose(rng), rng)
    placed: np.ndarray = corners + rng.uniform(0.1, 0.9, 2).astype(np.float32) * room
    return placed


def _contrast(image: np.ndarray, corners: np.ndarray) -> float:
    """Spread of the grey levels within the corners' box, as far as it lies in `image`."""
    left, top, right, bottom = np.maximum(0, corners_to_box(corners)).astype(int)
    part = image[top : bottom + 1, left : right + 1]
    return float(part.std()) if part.size else 0.0
