"""The front, back or side of a car as a relief: maps of depth, colour, gloss and emitted light."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict, Unpack

import cv2
import numpy as np

Points = list[tuple[float, float]]
Colour = tuple[float, float, float]
# Depth of pixels that are not part of the relief: deeper than any car.
OUTSIDE = 6.0


class PaintOptions(TypedDict, total=False):
    """Options of `Surface.paint`."""

    gloss: float | None
    depth: float
    glow: Colour | None
    bevel: float
    alpha: float
    width: float


def colour_of(values: Iterable[float]) -> Colour:
    """A colour from its three components."""
    red, green, blue = map(float, values)
    return red, green, blue


def linear(colour: Colour | np.ndarray) -> np.ndarray:
    """Convert a display colour, 0 to 255, to linear light, 0 to 1, with a gamma of 2."""
    return (np.asarray(colour, np.float32) / 255) ** 2


def mirrored(points: Points) -> Points:
    """The same shape on the other side of the car."""
    return [(-x, y) for x, y in points]


def symmetric(points: Points) -> Points:
    """A closed symmetric shape from its right half, given from the upper middle to the lower middle."""
    return points + mirrored(points)[::-1]


@dataclass
class Surface:
    """Maps of a relief.

    Attributes:
        left: Left end in metres; columns run to the right.
        top: Upper end in metres; rows run down.
        scale: Pixels per metre.
        depth: Metres behind the foremost point, (H, W); `OUTSIDE` where there is no car.
        albedo: Linear colour, (3, H, W).
        gloss: Share of light that is reflected at normal incidence, (H, W).
        glow: Emitted light, (3, H, W); None if there is none.
    """

    left: float
    top: float
    scale: float
    depth: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    glow: np.ndarray | None = None

    @classmethod
    def blank(cls, half_width: float, height: float, scale: float, colour: Colour, gloss: float) -> Surface:
        """A flat surface of one colour from the road to `height` metres."""
        shape = round(height * scale), round(2 * half_width * scale)
        colours = np.empty((3, *shape), np.float32)
        colours[:] = linear(colour)[:, None, None]
        return cls(-half_width, height, scale, np.zeros(shape, np.float32), colours, np.full(shape, gloss, np.float32))

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x (1, W) and y (H, 1) of the pixel centres in metres."""
        height, width = self.depth.shape
        x = self.left + (np.arange(width, dtype=np.float32) + 0.5) / self.scale
        y = self.top - (np.arange(height, dtype=np.float32) + 0.5) / self.scale
        return x[None], y[:, None]

    def inside(self) -> np.ndarray:
        """Where the car is, (H, W) bool; shapes painted outside the outline do not count."""
        return self.depth < OUTSIDE - 1

    def carried_on(self) -> np.ndarray:
        """The depth map, extended a little past the outline, so that edges have no false slope."""
        inside = self.inside()
        near = cv2.dilate(np.where(inside, self.depth, np.float32(-1)), np.ones((25, 25), np.uint8))
        return np.where(inside, self.depth, np.where(near >= 0, near, np.float32(OUTSIDE)))

    def to_metres(self) -> np.ndarray:
        """The matrix (3, 3) from coordinates from pixel edges to (x, y) in metres."""
        return np.array([[1 / self.scale, 0, self.left], [0, -1 / self.scale, self.top], [0, 0, 1]])

    def _pixels(self, points: Points) -> np.ndarray:
        return (np.array(points, np.float32) - (self.left, self.top)) * (self.scale, -self.scale)

    def _region(self, pixels: np.ndarray, margin: float) -> tuple[slice, slice] | None:
        height, width = self.depth.shape
        low = np.maximum(np.floor(pixels.min(axis=0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(pixels.max(axis=0) + margin), (width, height)).astype(int)
        if (high <= low).any():
            return None
        return slice(low[1], high[1]), slice(low[0], high[0])

    def paint(
        self,
        points: Points,
        colour: Colour | None = None,
        *,
        gloss: float | None = None,
        depth: float = 0,
        glow: Colour | None = None,
        corner: float = 0.012,
        bevel: float = 0.006,
        alpha: float = 1,
        width: float = 0,
        mirror: bool = False,
    ) -> None:
        """Paint a polygon, or a line of `width` metres through `points`, on each of the given maps.

        Args:
            depth: Metres inwards, negative for outwards, with an edge of `bevel`.
            corner: Radius of the corners.
            mirror: Whether to paint on the other side of the car too.
        """
        for shape in (points, mirrored(points)) if mirror else (points,):
            pixels = self._pixels(shape)
            soft = max(corner, 0.0) * self.scale
            region = self._region(pixels, 3 * max(soft, bevel * self.scale) + width * self.scale + 3)
            if region is None:
                continue
            mask = self._mask(pixels, region, soft, width * self.scale) * np.float32(alpha)
            self._blend(region, mask, colour, gloss, glow)
            if depth:
                edge = cv2.GaussianBlur(mask, (0, 0), max(bevel * self.scale, 0.5))
                self.depth[region] += edge * np.float32(depth)

    def _mask(self, pixels: np.ndarray, region: tuple[slice, slice], soft: float, width: float) -> np.ndarray:
        rows, columns = region
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        local = np.round((pixels - (columns.start, rows.start)) * 16).astype(np.int32)
        if width:
            cv2.polylines(mask, [local], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
            return mask.astype(np.float32) * np.float32(min(1, width) / 255)
        cv2.fillPoly(mask, [local], 255, cv2.LINE_AA, 4)
        mask = mask.astype(np.float32) * np.float32(1 / 255)
        if soft > 0.7:
            # Blurring and sharpening makes corners round and edges one pixel soft.
            mask = cv2.GaussianBlur(mask, (0, 0), soft)
            mask = np.clip((mask - 0.5) * np.float32(2 * soft) + 0.5, 0, 1)
        return mask

    def _blend(
        self,
        region: tuple[slice, slice],
        mask: np.ndarray,
        colour: Colour | None,
        gloss: float | None,
        glow: Colour | None,
    ) -> None:
        targets: list[tuple[np.ndarray, np.float32]] = []
        if colour is not None:
            targets += zip(self.albedo, linear(colour), strict=True)
        if gloss is not None:
            targets.append((self.gloss, np.float32(gloss)))
        if glow is not None and self.glow is None:
            self.glow = np.zeros_like(self.albedo)
        if self.glow is not None and (glow is not None or colour is not None):
            targets += zip(self.glow, linear(glow or (0, 0, 0)), strict=True)
        for plane, value in targets:
            part = plane[region]
            part += (value - part) * mask

    def disc(
        self,
        x: float,
        y: float,
        radius: float,
        colour: Colour | None = None,
        *,
        squash: float = 1,
        mirror: bool = False,
        **options: Unpack[PaintOptions],
    ) -> None:
        """Paint a filled circle, or an ellipse `squash` times as high, with the options of `paint`."""
        angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        ring = [(x + radius * np.cos(a), y + radius * squash * np.sin(a)) for a in angles]
        self.paint(ring, colour, corner=0, mirror=mirror, **options)

    def write(
        self,
        words: str,
        x: float,
        y: float,
        height: float,
        face: cv2.FontFace,
        colour: Colour,
        gloss: float,
        depth: float = -0.003,
    ) -> None:
        """Paint letters `height` metres high from the left end x on the baseline y."""
        size = max(6, round(height * self.scale * 1.35))
        ink = np.zeros((size * 2, size * (len(words) + 1), 3), np.uint8)
        cv2.putText(ink, words, (size // 4, round(size * 1.4)), (255, 255, 255), face, size)
        left, top, width, rows = cv2.boundingRect(ink[:, :, 0])
        column = round((x - self.left) * self.scale)
        row = round((self.top - y) * self.scale) - rows
        region = slice(row, row + rows), slice(column, column + width)
        if self.depth[region].shape != (rows, width) or row < 0 or column < 0:
            return
        mask = ink[top : top + rows, left : left + width, 0].astype(np.float32) / 255
        self._blend(region, mask, colour, gloss, None)
        self.depth[region] += mask * np.float32(depth)
