"""Where things are: letterbox and its exact inverse, intersection over union, corner order, plate homography."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

PLATE_HEIGHT, PLATE_WIDTH = 48, 192
LETTERBOX_GREY = 114
# A picture may be scaled down by this share more than it was asked for, so that less of the canvas is grey.
MOST_LESS = 0.06
SMALLEST_AREA = 1e-3
# A plate whose one pair of sides is so many times longer than the other stands on a long side. Seen so far aside that
# its short sides are the longer ones by as much, nobody could read it.
ELONGATED = 1.6


def shrink(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """`image` at height x width, averaged where it shrinks so that thin strokes stay.

    Halvings, each the mean of four pixels, then linear interpolation over the rest: as smooth as cv2's area averaging
    at a fraction of its time. Enlarging is plain linear interpolation.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_LINEAR)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _whole(side: int, multiple: int) -> int:
    """`side` in whole multiples: rounded down where that takes no more than `MOST_LESS` off it, else up."""
    below = side // multiple * multiple
    return below if side * (1 - MOST_LESS) <= below else below + multiple


@dataclass(frozen=True)
class Letterbox:
    """A picture scaled with its aspect kept into a canvas of the network's size; the rest is grey.

    scale: canvas pixels a picture pixel, across and down: the two differ by the rounding to whole pixels.
    left, top: where the scaled picture begins. content, canvas: (height, width).
    """

    scale: tuple[float, float]
    left: int
    top: int
    content: tuple[int, int]
    canvas: tuple[int, int]

    @classmethod
    def fit(cls, height: int, width: int, canvas: tuple[int, int]) -> Letterbox:
        """The letterbox that puts a picture of height x width in the middle of `canvas` (height, width)."""
        scale = min(canvas[0] / height, canvas[1] / width)
        content = (
            min(canvas[0], max(1, round(height * scale))),
            min(canvas[1], max(1, round(width * scale))),
        )
        left, top = (canvas[1] - content[1]) // 2, (canvas[0] - content[0]) // 2
        return cls((content[1] / width, content[0] / height), left, top, content, canvas)

    @classmethod
    def for_long_side(cls, height: int, width: int, long_side: int, multiple: int = 32) -> Letterbox:
        """The canvas of whole multiples for a picture whose longer side is to have `long_side` pixels.

        The canvas' shorter side is rounded down if the picture gets only a little smaller by that: what is grey in the
        canvas takes the network as long as what is picture.
        """
        scale = long_side / max(height, width)
        down, across = (_whole(max(1, round(side * scale)), multiple) for side in (height, width))
        return cls.fit(height, width, (down, across))

    def apply(self, image: np.ndarray) -> np.ndarray:
        """The canvas, H x W x 3 uint8, with `image` in it. `image` itself is not changed."""
        scaled = shrink(image, *self.content)
        below, right = self.canvas[0] - self.content[0] - self.top, self.canvas[1] - self.content[1] - self.left
        if not any((self.top, below, self.left, right)):
            return scaled
        grey = (LETTERBOX_GREY,) * 3
        return cv2.copyMakeBorder(scaled, self.top, below, self.left, right, cv2.BORDER_CONSTANT, value=grey)

    def to_canvas(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the picture, in pixels of the canvas."""
        shift = np.array([self.left, self.top], np.float32)
        return np.asarray(points, np.float32) * np.asarray(self.scale, np.float32) + shift

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the canvas, in pixels of the picture: the inverse of `to_canvas`."""
        shift = np.array([self.left, self.top], np.float32)
        return (np.asarray(points, np.float32) - shift) / np.asarray(self.scale, np.float32)


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of `first` (N, 4) with every one of `second` (M, 4): (N, M).

    Boxes are left, top, right, bottom in pixels; an empty box overlaps with nothing.
    """
    first = np.asarray(first, np.float32).reshape(-1, 4)
    second = np.asarray(second, np.float32).reshape(-1, 4)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - intersection
    overlaps: np.ndarray = intersection / np.maximum(union, 1e-9)
    return overlaps


def corners_to_box(corners: np.ndarray) -> np.ndarray:
    """The upright box (..., 4) around corners (..., 4, 2)."""
    corners = np.asarray(corners, np.float32)
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)


def quadrilateral_area(corners: np.ndarray) -> float:
    """Area of corners (4, 2) that go round, in square pixels: positive if clockwise on the screen (shoelace)."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = np.asarray(corners, np.float64).tolist()
    area: float = 0.5 * ((x1 - x3) * (y2 - y4) - (x2 - x4) * (y1 - y3))
    return area


def picture_corners(image: np.ndarray) -> np.ndarray:
    """The corners (4, 2) float32 of a picture that is a plate as a whole, in the order of `Plate.corners`."""
    height, width = image.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def corner_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Mean distance in pixels of corners (4, 2) from their counterparts."""
    return float(np.linalg.norm(np.asarray(first, np.float32) - np.asarray(second, np.float32), axis=1).mean())


def order_corners(points: np.ndarray) -> np.ndarray:
    """Four points in any order as top-left, top-right, bottom-right, bottom-left: (4, 2) float32.

    The plate is taken to stand upright to within 90 degrees. If no pair of sides is much longer, as when it is seen
    from far aside, directions decide, and it is taken to stand upright to within 45. Raises ValueError unless there
    are four points that span an area.
    """
    points = np.asarray(points, np.float32)
    if points.shape != (4, 2):
        raise ValueError(f"four corners (4, 2) are needed, not an array of shape {points.shape}")
    centred = points - points.mean(axis=0)
    # Clockwise on the screen, because y points down.
    ring = points[np.argsort(np.arctan2(centred[:, 1], centred[:, 0]))]
    if not quadrilateral_area(ring) > SMALLEST_AREA:
        raise ValueError(f"the four corners {points.tolist()} span no area")
    sides = np.roll(ring, -1, axis=0) - ring
    lengths = np.maximum(np.linalg.norm(sides, axis=1), 1e-9)
    directions = sides[:, 0] / lengths
    # Of a side and the one opposite, the top runs to the right and the bottom to the left.
    rightward = directions - np.roll(directions, -2)
    pairs = lengths + np.roll(lengths, -2)
    rightward[ELONGATED * pairs < np.roll(pairs, -1)] = -np.inf
    return np.roll(ring, -int(rightward.argmax()), axis=0)


def widened(corners: np.ndarray, across: float, down: float) -> np.ndarray:
    """Ordered corners (4, 2) moved outward on every side: by `across` of the width, by `down` of the height."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(corners, np.float32)
    width = across * 0.5 * (top_right - top_left + bottom_right - bottom_left)
    height = down * 0.5 * (bottom_left - top_left + bottom_right - top_right)
    moves = np.array([-width - height, width - height, width + height, height - width], np.float32)
    return np.asarray(corners, np.float32) + moves


def homography(corners: np.ndarray, height: int = PLATE_HEIGHT, width: int = PLATE_WIDTH) -> np.ndarray:
    """The 3 x 3 matrix that takes ordered plate corners (4, 2) to an upright picture of height x width.

    Corners are pixel edges, as boxes are: (0, 0) is the outer corner of the first pixel. cv2 counts from pixel
    centres, hence the half pixel.
    """
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return cv2.getPerspectiveTransform(np.asarray(corners, np.float32) - 0.5, target - 0.5)


def placement(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The 3 x 3 matrix that puts the whole of `picture` at ordered corners (4, 2), for cv2: the inverse of
    `homography`."""
    return cv2.getPerspectiveTransform(picture_corners(picture) - 0.5, np.asarray(corners, np.float32) - 0.5)


def rectify(
    image: np.ndarray,
    corners: np.ndarray,
    height: int = PLATE_HEIGHT,
    width: int = PLATE_WIDTH,
    ordered: bool = False,
) -> np.ndarray:
    """The plate at `corners` (4, 2) seen straight on: height x width x 3 uint8.

    corners: in any order, or with `ordered` as `Plate.corners` are; the order then says which way up the plate is.
    A plate much larger than the target is averaged, not merely sampled. Raises ValueError for corners without area.
    """
    if not ordered:
        corners = order_corners(corners)
    top_left, top_right, _, bottom_left = np.asarray(corners, np.float64).tolist()
    factor = int(min(math.dist(top_left, top_right) / width, math.dist(top_left, bottom_left) / height))
    factor = max(1, min(factor, 8))
    matrix = homography(corners, height * factor, width * factor)
    plate = cv2.warpPerspective(
        image, matrix, (width * factor, height * factor), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return plate if factor == 1 else cv2.resize(plate, (width, height), interpolation=cv2.INTER_AREA)
