"""The detector's training samples: augmented views of labelled pictures, all of one size, with pasted drawn plates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypedDict

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.geometry import LETTERBOX_GREY, box_iou, corners_to_box, widened
from alpr_app.data.labels import LabelledPicture, read_labelled
from alpr_app.synth.plates.glyphs import SignPainter
from alpr_app.synth.plates.painters import Painter
from alpr_app.train.augment.annotations import annotate
from alpr_app.train.augment.camera import camera_augment
from alpr_app.train.augment.paste import paint_out, paste_plate, plate_corners, random_pose
from alpr_app.train.trainer.batches import SampleCache, Samples

# Pictures are cached no larger, to save memory; a view never enlarges a plate by much.
LARGEST_SIDE = 800
MAXIMUM_PLATES = 16
MAXIMUM_IGNORED = 8
SMALLEST_PLATE, LARGEST_PLATE = 16.0, 400.0
USUAL_PLATE_HEIGHT = 30.0
MOSAIC_SHARE = 0.35
# Rows and columns of a mosaic, and their probabilities: the more, the smaller the plates.
MOSAIC_CELLS, MOSAIC_CHANCES = (2, 3, 4), (0.5, 0.3, 0.2)
SIGN_SHARE = 0.3
PLATE_FREE_SHARE = 0.12
# Share of pictures whose plates are replaced by drawn ones, and of these by plates of two rows.
REPAINTED_SHARE, REPAINTED_TWO_ROWS = 0.5, 0.25
# Share of pictures whose plates are painted out, so that the detector does not learn to find plates by the car alone.
BARE_SHARE = 0.06
# Probability at strength 1 that another program has drawn boxes into a picture.
ANNOTATED_SHARE = 0.1
SMALLEST_VISIBLE = 0.85
# Standard deviations of a view's rotation in degrees, its shear, and the logarithm of its stretch: seen from in front,
# from far aside, and by a tilted camera; and their probabilities.
VIEWS = ((4.0, 0.06, 0.07), (16.0, 0.25, 0.2), (28.0, 0.08, 0.08))
VIEW_CHANCES = (0.7, 0.15, 0.15)
# Share of views that are foreshortened, as from near or above, and the most by which their scale changes from centre to
# edge.
FORESHORTENED_SHARE, MOST_FORESHORTENED = 0.3, 0.35


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with its labels.

    Attributes:
        image: H x W x 3 uint8 RGB.
        plates: Corners of the plates in pixels, (M, 4, 2).
        ignored: Boxes in pixels, (K, 4), that are neither plate nor background.
    """

    image: np.ndarray
    plates: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2), np.float32))
    ignored: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))


def load_scene(picture: LabelledPicture) -> Scene:
    """Load a picture with its labels, scaled down if it is large. Raises PictureError."""
    image = read_labelled(picture.path)
    scale = min(1.0, LARGEST_SIDE / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    plates = np.array([plate.corners for plate in picture.plates], np.float32).reshape(-1, 4, 2) * scale
    ignored = np.zeros((0, 4), np.float32) if picture.ignored is None else picture.ignored * scale
    return Scene(image, plates.astype(np.float32), ignored.astype(np.float32))


def load_scenes(pictures: Sequence[LabelledPicture], limit: float = math.inf) -> SampleCache[LabelledPicture, Scene]:
    """The pictures at training size, cached in memory up to `limit` bytes."""
    return SampleCache(pictures, load_scene, lambda scene: scene.image.nbytes, limit)


def _slenderness(image: np.ndarray) -> float:
    """Return how many times as wide as high an image is."""
    return float(image.shape[1] / image.shape[0])


def transform_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points (..., 2) by a homography (3, 3)."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    projected: np.ndarray = (moved[..., :2] / moved[..., 2:]).astype(np.float32)
    return projected


def foreshortening(size: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random homography (3, 3) of a view that leaves its centre in place.

    Args:
        size: Width and height of the view.
        outline: Corners (4, 2) of the picture in the view, all of which stay in front of the camera.
        rng: Source of random numbers.
    """
    slope = 2 * rng.uniform(-MOST_FORESHORTENED, MOST_FORESHORTENED, 2) / size
    nearest = float(((outline - size / 2) @ slope).min())
    slope *= min(1.0, -0.7 / nearest) if nearest < 0 else 1.0
    homography = np.eye(3)
    homography[2] = [*slope, 1 - slope @ size / 2]
    homography[:2] += np.outer(size / 2, homography[2] - (0, 0, 1))
    return homography


class SceneSample(TypedDict):
    """One training sample.

    Attributes:
        image: H x W x 3 uint8 RGB.
        plates: Corners in pixels, (MAXIMUM_PLATES, 4, 2), of which the first `count` are plates.
        count: Number of plates.
        ignored: Boxes in pixels, (MAXIMUM_IGNORED, 4), padded with boxes without area.
    """

    image: np.ndarray
    plates: np.ndarray
    count: int
    ignored: np.ndarray


class SceneDataset(Samples):
    """An endless dataset: sample `index` depends on (seed, index) alone, so that a run can be resumed exactly.

    Args:
        scenes: Labelled pictures.
        plate_free: Pictures without plates.
        painter: Draws plates.
        size: Height and width of the samples in pixels.
        seed: Random seed of the samples.
        drawn_share: Share of samples with drawn plates, 0 to 1.
        strength: Strength of the camera augmentation.

    Raises:
        UsageError: there are no labelled pictures.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        plate_free: Sequence[Scene],
        painter: Painter,
        size: tuple[int, int],
        seed: int,
        drawn_share: float = 0.5,
        strength: float = 0.6,
    ) -> None:
        if not scenes:
            raise UsageError("there are no labelled pictures to train on")
        self.scenes, self.plate_free, self.painter = scenes, plate_free, painter
        self.signs = SignPainter(painter.issues)
        self.size, self.seed, self.drawn_share, self.strength = size, seed, drawn_share, strength

    @property
    def labelled(self) -> int:
        """Number of labelled pictures; one pass over them is an epoch."""
        return len(self.scenes)

    def __getitem__(self, index: int) -> SceneSample:
        rng = np.random.default_rng((self.seed, index))
        scene = self._mosaic(rng) if rng.random() < MOSAIC_SHARE else self._view(rng, *self.size)
        if rng.random() < SIGN_SHARE * self.drawn_share:
            self._add_signs(scene, rng)
        if rng.random() < self.drawn_share:
            scene = self._paste(scene, rng)
        image = camera_augment(scene.image, rng, self.strength, plate_height=USUAL_PLATE_HEIGHT)
        if rng.random() < ANNOTATED_SHARE * self.strength:
            image = image.copy()
            annotate(image, corners_to_box(scene.plates), rng)
        plates = np.zeros((MAXIMUM_PLATES, 4, 2), np.float32)
        ignored = np.zeros((MAXIMUM_IGNORED, 4), np.float32)
        count = min(len(scene.plates), MAXIMUM_PLATES)
        plates[:count] = scene.plates[:count]
        # Plates beyond the maximum number are ignored.
        boxes = np.concatenate([scene.ignored, corners_to_box(scene.plates[count:])])[:MAXIMUM_IGNORED]
        ignored[: len(boxes)] = boxes
        return {"image": image, "plates": plates, "count": count, "ignored": ignored}

    def _mosaic(self, rng: np.random.Generator) -> Scene:
        """A grid of views: many small plates in one picture, and unusual edges."""
        cells = int(rng.choice(MOSAIC_CELLS, p=MOSAIC_CHANCES))
        edges = []
        for side in self.size:
            shares = np.cumsum(rng.uniform(0.7, 1.3, cells))
            edges.append([0, *(int(side * share) for share in shares[:-1] / shares[-1]), side])
        image = np.empty((*self.size, 3), np.uint8)
        plates, ignored = [], []
        for top, bottom in pairwise(edges[0]):
            for left, right in pairwise(edges[1]):
                part = self._view(rng, bottom - top, right - left)
                image[top:bottom, left:right] = part.image
                plates.append(part.plates + np.array([left, top], np.float32))
                ignored.append(part.ignored + np.array([left, top, left, top], np.float32))
        return Scene(image, np.concatenate(plates), np.concatenate(ignored))

    def _view(self, rng: np.random.Generator, height: int, width: int) -> Scene:
        """A picture rotated, scaled, shifted and perhaps mirrored into height x width."""
        empty = bool(self.plate_free) and rng.random() < PLATE_FREE_SHARE
        source = self.plate_free if empty else self.scenes
        scene = source[int(rng.integers(len(source)))]
        if len(scene.plates):
            if rng.random() < BARE_SHARE * self.drawn_share:
                scene = Scene(paint_out(scene.image, scene.plates), ignored=scene.ignored)
            elif rng.random() < REPAINTED_SHARE * self.drawn_share:
                scene = self._repaint(scene, rng)
        matrix, scale = self._matrix(scene, rng, height, width)
        image, shrunk = scene.image, 1
        # warpAffine samples single pixels: average first, as the letterbox does in use.
        while scale * shrunk < 0.5:
            image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            shrunk *= 2
        # The matrix counts from pixel edges, OpenCV from pixel centres.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        centred = np.linalg.inv(half) @ matrix @ np.diag([shrunk, shrunk, 1.0]) @ half
        grey = (LETTERBOX_GREY,) * 3
        view = cv2.warpPerspective(image, centred, (width, height), flags=cv2.INTER_LINEAR, borderValue=grey)
        plates = transform_points(matrix, scene.plates)
        if np.linalg.det(matrix) < 0:  # mirrored: left and right corners swap
            plates = plates[:, [1, 0, 3, 2]]
        corners = scene.ignored[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        return self._clip(view, plates, corners_to_box(transform_points(matrix, corners)))

    def _matrix(self, scene: Scene, rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, float]:
        """A homography (3, 3) from picture to view, and its scale, which is log-uniform in the plate's width."""
        picture_height, picture_width = scene.image.shape[:2]
        # At much lower scales most of the view would be grey; small plates come from mosaics.
        fill = max(width / picture_width, height / picture_height)
        low, high = 0.8 * fill, 3.0 * fill
        focus = np.array([rng.uniform(0, picture_width), rng.uniform(0, picture_height)])
        if len(scene.plates):
            plate = scene.plates[rng.integers(len(scene.plates))]
            plate_width = max(1.0, float(np.ptp(plate[:, 0])))
            largest = max(SMALLEST_PLATE, min(LARGEST_PLATE, 0.85 * width))
            random_scale = float(np.exp(rng.uniform(np.log(SMALLEST_PLATE), np.log(largest)))) / plate_width
            scale = min(max(random_scale, low), largest / plate_width)
            focus = plate.mean(axis=0)
        else:
            scale = rng.uniform(low, high)
        # A rotation with a shear resembles a plate far aside, of which one pair of edges stays upright.
        angle, shear, stretch = rng.normal(0, VIEWS[rng.choice(len(VIEWS), p=VIEW_CHANCES)])
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        angle, stretch = np.deg2rad(angle), np.exp(stretch)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = rotation @ np.array([[scale * stretch, shear * scale], [0, scale / stretch]])
        linear = linear @ np.diag([mirror, 1.0])
        size = np.array([width, height])
        shift = size * rng.uniform(0.08, 0.92, 2) - linear @ focus
        outline = np.array([[0, 0], [picture_width, 0], [picture_width, picture_height], [0, picture_height]])
        outline = outline @ linear.T
        if rng.random() < 0.85:  # mostly narrow grey edges, as in use
            ends = np.stack([-outline.min(axis=0), size - outline.max(axis=0)])
            shift = np.clip(shift, ends.min(axis=0), ends.max(axis=0))
        matrix = np.vstack([np.column_stack([linear, shift]), (0, 0, 1)])
        if rng.random() < FORESHORTENED_SHARE:
            matrix = foreshortening(size, outline + shift, rng) @ matrix
        return matrix, scale

    def _clip(self, view: np.ndarray, plates: np.ndarray, ignored: np.ndarray) -> Scene:
        """Drop plates outside the view; those that are partly cut off are ignored."""
        boxes = corners_to_box(plates)
        limit = np.array([view.shape[1], view.shape[0]] * 2, np.float32)
        inside = np.clip(boxes, 0, limit)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        visible = (inside[:, 2:] - inside[:, :2]).prod(axis=1) / np.maximum(area, 1e-6)
        small = (boxes[:, 2] - boxes[:, 0]) < 0.6 * SMALLEST_PLATE
        whole = (visible >= SMALLEST_VISIBLE) & ~small
        partial = (visible > 0.02) & ~whole
        return Scene(view, plates[whole], np.concatenate([np.clip(ignored, 0, limit), inside[partial]]))

    def _repaint(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """Replace each plate by a drawn one: all of one row, or all of two and accordingly higher."""
        image = scene.image.copy()
        two_rows = rng.random() < REPAINTED_TWO_ROWS
        repainted = []
        for corners in scene.plates:
            left, top, right, bottom = corners_to_box(corners).astype(int)
            part = image[max(0, top) : bottom, max(0, left) : right]
            light = float(np.clip((part.mean() if part.size else 100) / 115, 0.35, 1.15))
            # A little larger, to cover the real plate.
            grown = corners.mean(axis=0) + (corners - corners.mean(axis=0)) * 1.02
            plate = self.painter.random_plate(rng, rows=1)
            if two_rows:
                higher = self.painter.random_plate(rng, rows=2)
                # There may be no plates of two rows, or no others.
                if higher.rows > plate.rows:
                    grown = widened(grown, 0.0, (_slenderness(plate.image) / _slenderness(higher.image) - 1) / 2)
                    plate = higher
            paste_plate(image, plate.image, grown, rng, light)
            repainted.append(grown)
        return Scene(image, np.stack(repainted), scene.ignored)

    def _free_corners(
        self, scene: Scene, plates: list[np.ndarray], shape: float, rng: np.random.Generator
    ) -> np.ndarray | None:
        """Random corners of an object `shape` times as wide as high; None if they touch a label or leave the view."""
        room = np.asarray(self.size[::-1], np.float32)
        width = float(np.exp(rng.uniform(np.log(SMALLEST_PLATE), np.log(0.6 * room[0]))))
        corners = plate_corners(width, width / shape, random_pose(rng), rng)
        corners += rng.uniform(0.02, 0.98, 2).astype(np.float32) * room
        box = corners_to_box(corners)
        taken = np.concatenate([corners_to_box(np.asarray(plates, np.float32).reshape(-1, 4, 2)), scene.ignored])
        grown = box + np.array([-4, -4, 4, 4], np.float32)
        free = box.min() >= 0 and (box[2:] <= room).all() and not box_iou(grown[None], taken).any()
        return corners if free else None

    def _paste(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """Paste one to three drawn plates."""
        image, plates = scene.image, list(scene.plates)
        for _ in range(rng.integers(1, 4)):
            plate = self.painter.random_plate(rng).image
            corners = self._free_corners(scene, plates, plate.shape[1] / plate.shape[0], rng)
            if corners is not None:
                paste_plate(image, plate, corners, rng, rng.uniform(0.45, 1.1))
                plates.append(corners)
        return Scene(image, np.asarray(plates, np.float32).reshape(-1, 4, 2), scene.ignored)

    def _add_signs(self, scene: Scene, rng: np.random.Generator) -> None:
        """Paste one to three signs, lettering that is not a plate, into the scene's picture in place."""
        for _ in range(rng.integers(1, 4)):
            sign, cover = self.signs.draw(rng)
            corners = self._free_corners(scene, list(scene.plates), sign.shape[1] / sign.shape[0], rng)
            if corners is not None:
                paste_plate(scene.image, sign, corners, rng, rng.uniform(0.45, 1.1), cover)
