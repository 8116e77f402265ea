"""Plates before and after they are drawn, and the application of their characters: ink of random weight, painted on and
embossed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class PlannedPlate:
    """A plate that is drawn later.

    Attributes:
        text: Its text.
        colour: Its colour.
        width: Width in mm.
        height: Height in mm.
        draw: Draws it seen straight on: H x W x 3 uint8 RGB, one pixel per millimetre.
        rows: Number of rows of characters, 1 or 2.
    """

    text: str
    colour: str
    width: int
    height: int
    draw: Callable[[np.random.Generator], np.ndarray]
    rows: int = 1


@dataclass(frozen=True, eq=False)
class PaintedPlate:
    """A drawn plate.

    Attributes:
        image: The plate seen straight on, H x W x 3 uint8 RGB, one pixel per millimetre.
        text: Its text.
        colour: Its colour.
        rows: Number of rows of characters, 1 or 2.
    """

    image: np.ndarray
    text: str
    colour: str
    rows: int


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def vary_weight(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make the ink on a canvas, height x width uint8, slightly thinner or bolder, and soften it."""
    weight = rng.uniform(-0.9, 0.7)
    changed = cv2.erode(canvas, _CROSS) if weight < 0 else cv2.dilate(canvas, _CROSS)
    canvas = cv2.addWeighted(canvas, 1 - abs(weight), changed, abs(weight), 0)
    return cv2.GaussianBlur(canvas, (3, 3), 0.6)


def paint(ink: np.ndarray, blank: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Blend two pictures: `ink` where the mask (uint8) is 255, `blank` where it is 0."""
    share = mask.astype(np.float32) * np.float32(1 / 255)
    return cv2.blendLinear(ink, blank, share, 1 - share)


def emboss(plate: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> None:
    """Emboss the characters in place: their upper edges are lit, their lower edges in shade."""
    depth = rng.uniform(0, 0.22)
    slope = cv2.Sobel(mask, cv2.CV_16S, 0, 1, ksize=3, scale=-0.25 * depth)
    relief = cv2.GaussianBlur(slope, (3, 3), 0)
    cv2.add(plate, cv2.merge([relief] * 3), plate, dtype=cv2.CV_8U)
