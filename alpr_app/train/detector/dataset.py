"""The detector's training samples: views of labelled pictures, all of one size, with drawn plates put into them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypedDict

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.geometry import LETTERBOX_GREY, box_iou, corners_to_box
from alpr_app.data.labels import LabelledPicture, read_labelled
from alpr_app.synth.plates.glyphs import SignPainter
from alpr_app.synth.plates.painters import Painter
from alpr_app.train.augment.camera import camera_augment
from alpr_app.train.augment.paste import paint_out, paste_plate, plate_corners, random_pose
from alpr_app.train.trainer.batches import SampleCache, Samples

# Pictures are kept no larger: memory, and a plate is never shown larger than in the picture by much.
LARGEST_SIDE = 800
MAXIMUM_PLATES = 16
MAXIMUM_IGNORED = 8
SMALLEST_PLATE, LARGEST_PLATE = 16.0, 400.0
USUAL_PLATE_HEIGHT = 30.0
MOSAIC_SHARE = 0.35
# Rows and columns of a mosaic, and how often: the more, the smaller the plates.
MOSAIC_CELLS, MOSAIC_CHANCES = (2, 3, 4), (0.5, 0.3, 0.2)
SIGN_SHARE = 0.3
PLATE_FREE_SHARE = 0.12
REPAINTED_SHARE = 0.5
# Cars whose plates are painted out: what looks like a plate must not be taken for one because it is on a car.
BARE_SHARE = 0.06
SMALLEST_VISIBLE = 0.85
# Spreads of how a view is turned, in degrees, sheared and, as a logarithm, stretched: as seen from in front, from far
# aside, and by a camera held askew. How often each.
VIEWS = ((4.0, 0.06, 0.07), (16.0, 0.25, 0.2), (28.0, 0.08, 0.08))
VIEW_CHANCES = (0.7, 0.15, 0.15)


@dataclass(frozen=True, eq=False)
class Scene:
    """image: H x W x 3 uint8 RGB. plates: corners (M, 4, 2). ignored: boxes (K, 4)."""

    image: np.ndarray
    plates: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2), np.float32))
    ignored: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))


def load_scene(picture: LabelledPicture) -> Scene:
    """The picture with its labels, scaled down if it is large."""
    image = read_labelled(picture.path)
    scale = min(1.0, LARGEST_SIDE / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    plates = np.array([plate.corners for plate in picture.plates], np.float32).reshape(-1, 4, 2) * scale
    ignored = np.zeros((0, 4), np.float32) if picture.ignored is None else picture.ignored * scale
    return Scene(image, plates.astype(np.float32), ignored.astype(np.float32))


def load_scenes(pictures: Sequence[LabelledPicture], limit: float = math.inf) -> SampleCache[LabelledPicture, Scene]:
    """The pictures at the size they are trained on, kept in memory up to `limit` bytes."""
    return SampleCache(pictures, load_scene, lambda scene: scene.image.nbytes, limit)


def transform(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 2) through an affine matrix (2, 3)."""
    moved: np.ndarray = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


class SceneSample(TypedDict):
    """image: H x W x 3 uint8. plates: corners (MAXIMUM_PLATES, 4, 2), of which the first `count` are of plates.
    ignored: boxes (MAXIMUM_IGNORED, 4); those without area stand for nothing."""

    image: np.ndarray
    plates: np.ndarray
    count: int
    ignored: np.ndarray


class SceneDataset(Samples):
    """An endless set: sample `index` is drawn from (seed, index) alone, so a run can be resumed exactly.

    A sample is a dict: image of `size` (height, width) x 3 uint8, plates (MAXIMUM_PLATES, 4, 2) corners of which the
    first `count` are meant, ignored (MAXIMUM_IGNORED, 4) boxes padded with empty ones.
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
        """How many real pictures there are: a round over them is an epoch."""
        return len(self.scenes)

    def __getitem__(self, index: int) -> SceneSample:
        rng = np.random.default_rng((self.seed, index))
        scene = self._mosaic(rng) if rng.random() < MOSAIC_SHARE else self._view(rng, *self.size)
        if rng.random() < SIGN_SHARE * self.drawn_share:
            self._add_signs(scene, rng)
        if rng.random() < self.drawn_share:
            scene = self._paste(scene, rng)
        image = camera_augment(scene.image, rng, self.strength, plate_height=USUAL_PLATE_HEIGHT)
        plates = np.zeros((MAXIMUM_PLATES, 4, 2), np.float32)
        ignored = np.zeros((MAXIMUM_IGNORED, 4), np.float32)
        count = min(len(scene.plates), MAXIMUM_PLATES)
        plates[:count] = scene.plates[:count]
        # Where there are more plates than places, the rest is neither plate nor background.
        spare = np.concatenate([scene.ignored, corners_to_box(scene.plates[count:])])[:MAXIMUM_IGNORED]
        ignored[: len(spare)] = spare
        return {"image": image, "plates": plates, "count": count, "ignored": ignored}

    def _mosaic(self, rng: np.random.Generator) -> Scene:
        """Views in a grid: many plates in one picture, small ones, and unusual edges."""
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
        """One picture turned, scaled, moved and perhaps mirrored into height x width."""
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
        while scale * shrunk < 0.5:  # warpAffine samples single pixels: average first, as the letterbox does in use
            image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            shrunk *= 2
        # Matrices are in pixel edges; cv2 counts from pixel centres.
        centred = matrix @ np.diag([shrunk, shrunk, 1.0])
        centred[:, 2] += centred[:, :2] @ (0.5, 0.5) - 0.5
        grey = (LETTERBOX_GREY,) * 3
        view = cv2.warpAffine(image, centred, (width, height), flags=cv2.INTER_LINEAR, borderValue=grey)
        plates = transform(matrix, scene.plates)
        if np.linalg.det(matrix[:, :2]) < 0:  # mirrored: what was left is right
            plates = plates[:, [1, 0, 3, 2]]
        corners = scene.ignored[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        return self._clip(view, plates, corners_to_box(transform(matrix, corners)))

    def _matrix(self, scene: Scene, rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, float]:
        """The affine matrix (2, 3) from picture to view, and its scale: log-uniform in the plate's width."""
        picture_height, picture_width = scene.image.shape[:2]
        # Much smaller than what fills the view would show mostly grey; the mosaic is there for small plates.
        fill = max(width / picture_width, height / picture_height)
        low, high = 0.8 * fill, 3.0 * fill
        focus = np.array([rng.uniform(0, picture_width), rng.uniform(0, picture_height)])
        if len(scene.plates):
            plate = scene.plates[rng.integers(len(scene.plates))]
            plate_width = max(1.0, float(np.ptp(plate[:, 0])))
            largest = max(SMALLEST_PLATE, min(LARGEST_PLATE, 0.85 * width))
            wanted = float(np.exp(rng.uniform(np.log(SMALLEST_PLATE), np.log(largest)))) / plate_width
            scale = min(max(wanted, low), largest / plate_width)
            focus = plate.mean(axis=0)
        else:
            scale = rng.uniform(low, high)
        # A turn and a shear together are what a plate far aside looks like: one pair of its edges stays upright.
        angle, shear, stretch = rng.normal(0, VIEWS[rng.choice(len(VIEWS), p=VIEW_CHANCES)])
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        angle, stretch = np.deg2rad(angle), np.exp(stretch)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = rotation @ np.array([[scale * stretch, shear * scale], [0, scale / stretch]])
        linear = linear @ np.diag([mirror, 1.0])
        size = np.array([width, height])
        shift = size * rng.uniform(0.08, 0.92, 2) - linear @ focus
        if rng.random() < 0.85:  # keep grey edges narrow, as they are in use
            outline = np.array([[0, 0], [picture_width, 0], [picture_width, picture_height], [0, picture_height]])
            outline = outline @ linear.T
            ends = np.stack([-outline.min(axis=0), size - outline.max(axis=0)])
            shift = np.clip(shift, ends.min(axis=0), ends.max(axis=0))
        return np.column_stack([linear, shift]), scale

    def _clip(self, view: np.ndarray, plates: np.ndarray, ignored: np.ndarray) -> Scene:
        """Drops plates that are not in the view; what is cut off in part is neither plate nor background."""
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
        """Another plate, of one row like most, where the real one hangs."""
        image = scene.image.copy()
        repainted = []
        for corners in scene.plates:
            left, top, right, bottom = corners_to_box(corners).astype(int)
            part = image[max(0, top) : bottom, max(0, left) : right]
            light = float(np.clip((part.mean() if part.size else 100) / 115, 0.35, 1.15))
            # Plates are hung on plates: a little larger hides the one beneath.
            grown = corners.mean(axis=0) + (corners - corners.mean(axis=0)) * 1.02
            paste_plate(image, self.painter.random_plate(rng, rows=1).image, grown, rng, light)
            repainted.append(grown)
        return Scene(image, np.stack(repainted), scene.ignored)

    def _place(
        self, scene: Scene, plates: list[np.ndarray], shape: float, rng: np.random.Generator
    ) -> np.ndarray | None:
        """Corners of something `shape` times as wide as high, anywhere over nothing that is labelled; None if the
        chance place is taken."""
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
        """One to three drawn plates."""
        image, plates = scene.image, list(scene.plates)
        for _ in range(rng.integers(1, 4)):
            plate = self.painter.random_plate(rng).image
            corners = self._place(scene, plates, plate.shape[1] / plate.shape[0], rng)
            if corners is not None:
                paste_plate(image, plate, corners, rng, rng.uniform(0.45, 1.1))
                plates.append(corners)
        return Scene(image, np.asarray(plates, np.float32).reshape(-1, 4, 2), scene.ignored)

    def _add_signs(self, scene: Scene, rng: np.random.Generator) -> None:
        """One to three signs onto the scene's picture in place: lettering that is to be left alone."""
        for _ in range(rng.integers(1, 4)):
            sign, cover = self.signs.draw(rng)
            corners = self._place(scene, list(scene.plates), sign.shape[1] / sign.shape[0], rng)
            if corners is not None:
                paste_plate(scene.image, sign, corners, rng, rng.uniform(0.45, 1.1), cover)
