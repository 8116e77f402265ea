"""Geometry of pictures and plates: letterbox and its inverse, intersection over union, corner order, homography."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

PLATE_HEIGHT, PLATE_WIDTH = 48, 192
LETTERBOX_GREY = 114
# A picture may be scaled down by this share more than requested, so that less of the canvas is grey.
MAXIMUM_REDUCTION = 0.06
# Up to this reduction, linear interpolation alone is enough: in 3,402 hard copies at 2.5, halving first made no
# difference to what is found and read, and took twice the time.
LINEAR_REDUCTION = 2.6
SMALLEST_AREA = 1e-3
# If one pair of sides is this many times longer than the other, the plate stands on a long side. A view so oblique that
# the short sides appear longer by this factor is illegible.
ELONGATED = 1.6


def shrink(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize `image` to height x width, averaging where it shrinks much so that thin strokes survive.

    Halves the picture repeatedly, each pixel the mean of four, and interpolates linearly over the rest: nearly as
    smooth as cv2's area averaging at a fraction of its time. Enlarging is plain linear interpolation.
    """
    while min(image.shape[0] / height, image.shape[1] / width) > LINEAR_REDUCTION:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_LINEAR)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _to_multiple(side: int, multiple: int) -> int:
    """Round `side` to a multiple: down if that removes no more than `MAXIMUM_REDUCTION`, else up."""
    below = side // multiple * multiple
    return below if side * (1 - MAXIMUM_REDUCTION) <= below else below + multiple


@dataclass(frozen=True)
class Letterbox:
    """A picture scaled into a canvas of the network's size with its aspect ratio kept; the rest is grey.

    Attributes:
        scale: Canvas pixels per picture pixel, across and down; they differ by the rounding to whole pixels.
        left, top: Position of the scaled picture in the canvas, in pixels.
        content: (height, width) of the scaled picture.
        canvas: (height, width) of the canvas.
    """

    scale: tuple[float, float]
    left: int
    top: int
    content: tuple[int, int]
    canvas: tuple[int, int]

    @classmethod
    def fit(cls, height: int, width: int, canvas: tuple[int, int]) -> Letterbox:
        """Centre a picture of height x width in `canvas` (height, width)."""
        scale = min(canvas[0] / height, canvas[1] / width)
        content = (
            min(canvas[0], max(1, round(height * scale))),
            min(canvas[1], max(1, round(width * scale))),
        )
        left, top = (canvas[1] - content[1]) // 2, (canvas[0] - content[0]) // 2
        return cls((content[1] / width, content[0] / height), left, top, content, canvas)

    @classmethod
    def for_long_side(cls, height: int, width: int, long_side: int, multiple: int = 32) -> Letterbox:
        """Choose a canvas of whole multiples for a picture whose longer side is scaled to `long_side` pixels.

        The shorter side of the canvas is rounded down if that makes the picture only a little smaller, because grey
        pixels cost the network as much time as any others.
        """
        scale = long_side / max(height, width)
        down, across = (_to_multiple(max(1, round(side * scale)), multiple) for side in (height, width))
        return cls.fit(height, width, (down, across))

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the canvas, H x W x 3 uint8, with `image` in it. `image` itself is not changed."""
        scaled = shrink(image, *self.content)
        below, right = self.canvas[0] - self.content[0] - self.top, self.canvas[1] - self.content[1] - self.left
        if not any((self.top, below, self.left, right)):
            return scaled
        grey = (LETTERBOX_GREY,) * 3
        return cv2.copyMakeBorder(scaled, self.top, below, self.left, right, cv2.BORDER_CONSTANT, value=grey)

    def to_canvas(self, points: np.ndarray) -> np.ndarray:
        """Convert points (..., 2) from picture pixels to canvas pixels."""
        shift = np.array([self.left, self.top], np.float32)
        return np.asarray(points, np.float32) * np.asarray(self.scale, np.float32) + shift

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Convert points (..., 2) from canvas pixels to picture pixels: the inverse of `to_canvas`."""
        shift = np.array([self.left, self.top], np.float32)
        return (np.asarray(points, np.float32) - shift) / np.asarray(self.scale, np.float32)


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union of every box of `first` (N, 4) with every box of `second` (M, 4): (N, M).

    Boxes are left, top, right, bottom in pixels; an empty box overlaps nothing.
    """
    first = np.asarray(first, np.float32).reshape(-1, 4)
    second = np.asarray(second, np.float32).reshape(-1, 4)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    # Much faster for a few boxes than `clip` and `prod`.
    sides = np.maximum(high - low, 0)
    intersection = sides[..., 0] * sides[..., 1]
    areas = [
        np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0) for boxes in (first, second)
    ]
    union = areas[0][:, None] + areas[1][None, :] - intersection
    overlaps: np.ndarray = intersection / np.maximum(union, 1e-9)
    return overlaps


def corners_to_box(corners: np.ndarray) -> np.ndarray:
    """Return the axis-aligned box (..., 4) around corners (..., 4, 2)."""
    corners = np.asarray(corners, np.float32)
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)


def quadrilateral_area(corners: np.ndarray) -> float:
    """Return the signed area of a quadrilateral (4, 2) in square pixels, positive if clockwise on screen (shoelace)."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = np.asarray(corners, np.float64).tolist()
    area: float = 0.5 * ((x1 - x3) * (y2 - y4) - (x2 - x4) * (y1 - y3))
    return area


def picture_corners(image: np.ndarray) -> np.ndarray:
    """Return the corners (4, 2) float32 of a whole picture, in the order of `Plate.corners`."""
    height, width = image.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def corner_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mean distance in pixels between corresponding corners (4, 2)."""
    return float(np.linalg.norm(np.asarray(first, np.float32) - np.asarray(second, np.float32), axis=1).mean())


# Indices of the next and of the opposite corner or side.
_NEXT, _OPPOSITE = np.array([1, 2, 3, 0]), np.array([2, 3, 0, 1])


def order_corners(points: np.ndarray) -> np.ndarray:
    """Order four points as top-left, top-right, bottom-right, bottom-left: (4, 2) float32.

    The plate is assumed to be upright to within 90 degrees. If neither pair of sides is much longer than the other, as
    in an oblique view, directions decide, and the plate is assumed to be upright to within 45 degrees.

    Raises:
        ValueError: There are not four points, or they span no area.
    """
    points = np.asarray(points, np.float32)
    if points.shape != (4, 2):
        raise ValueError(f"four corners (4, 2) are needed, not an array of shape {points.shape}")
    centred = points - points.mean(axis=0)
    # Clockwise on the screen, because y points down.
    ring = points[np.argsort(np.arctan2(centred[:, 1], centred[:, 0]))]
    if not quadrilateral_area(ring) > SMALLEST_AREA:
        raise ValueError(f"the four corners {points.tolist()} span no area")
    # Indexing is several times as fast as `roll` and `norm` for four points.
    sides = ring[_NEXT] - ring
    lengths = np.maximum(np.sqrt((sides * sides).sum(axis=1)), 1e-9)
    directions = sides[:, 0] / lengths
    # Of two opposite sides, the top runs to the right and the bottom to the left.
    rightward = directions - directions[_OPPOSITE]
    pairs = lengths + lengths[_OPPOSITE]
    rightward[ELONGATED * pairs < pairs[_NEXT]] = -np.inf
    start = int(rightward.argmax())
    return np.concatenate([ring[start:], ring[:start]])


def widened(corners: np.ndarray, across: float, down: float) -> np.ndarray:
    """Move ordered corners (4, 2) outward on every side: by `across` of the width and `down` of the height."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(corners, np.float32)
    width = across * 0.5 * (top_right - top_left + bottom_right - bottom_left)
    height = down * 0.5 * (bottom_left - top_left + bottom_right - top_right)
    moves = np.array([-width - height, width - height, width + height, height - width], np.float32)
    return np.asarray(corners, np.float32) + moves


def homography(corners: np.ndarray, height: int = PLATE_HEIGHT, width: int = PLATE_WIDTH) -> np.ndarray:
    """Return the 3 x 3 matrix that maps ordered plate corners (4, 2) to an upright picture of height x width.

    Corners are pixel edges, like boxes: (0, 0) is the outer corner of the first pixel. cv2 counts from pixel centres,
    hence the half pixel.
    """
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return cv2.getPerspectiveTransform(np.asarray(corners, np.float32) - 0.5, target - 0.5)


def placement(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the 3 x 3 matrix, for cv2, that maps the whole of `picture` to ordered corners (4, 2): the inverse of
    `homography`."""
    return cv2.getPerspectiveTransform(picture_corners(picture) - 0.5, np.asarray(corners, np.float32) - 0.5)


def rectify(
    image: np.ndarray,
    corners: np.ndarray,
    height: int = PLATE_HEIGHT,
    width: int = PLATE_WIDTH,
    ordered: bool = False,
) -> np.ndarray:
    """Return the plate at `corners` seen straight on: height x width x 3 uint8.

    A plate much larger than the target is averaged, not merely sampled.

    Args:
        image: H x W x 3 uint8.
        corners: (4, 2) in any order; with `ordered`, in the order of `Plate.corners`, which then says which way up the
            plate is.
        height, width: Size of the result in pixels.
        ordered: Trust the order of `corners`.

    Raises:
        ValueError: The corners span no area.
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
