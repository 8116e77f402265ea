"""Boxes and names that other programs have drawn into a picture, as in screenshots and pictures from papers."""

from __future__ import annotations

import cv2
import numpy as np

# Most standard deviations by which a side of a box is off, in heights of the plate.
LOOSENESS = 0.12
WORDS = ("plate", "license", "car", "LP 0.98", "0.87", "conf 0.91", "ID 12")


def annotate(image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator) -> None:
    """Draw frames around most of the boxes, and around something else now and then, in place.

    Args:
        image: H x W x 3 uint8 RGB.
        boxes: Left, top, right, bottom of the plates in pixels, (N, 4).
        rng: Source of random numbers.
    """
    colour = tuple(map(int, rng.choice([0, 255], 3) if rng.random() < 0.7 else rng.integers(0, 256, 3)))
    # As thick as in a picture of full size that was made smaller, or thicker.
    thickness = int(rng.integers(1, 4))
    named = rng.random() < 0.4
    for left, top, right, bottom in boxes:
        if rng.random() < 0.9:
            off = rng.normal(0, 1, 4).clip(-2, 2) * LOOSENESS * rng.random() * (bottom - top)
            _frame(image, np.array([left, top, right, bottom]) + off, colour, thickness, named, rng)
    if rng.random() < 0.4:
        height, width = image.shape[:2]
        corners = rng.uniform(0, 1, (2, 2)) * (width, height)
        _frame(image, np.concatenate([corners.min(axis=0), corners.max(axis=0)]), colour, thickness, named, rng)


def _frame(
    image: np.ndarray,
    box: np.ndarray,
    colour: tuple[int, ...],
    thickness: int,
    named: bool,
    rng: np.random.Generator,
) -> None:
    left, top, right, bottom = box.round().astype(int).tolist()
    cv2.rectangle(image, (left, top), (right, bottom), colour, thickness)
    if not named:
        return
    words = WORDS[rng.integers(len(WORDS))]
    scale = rng.uniform(0.25, 0.6)
    (width, height), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    ink = colour
    if rng.random() < 0.5:
        cv2.rectangle(image, (left, top - height - 4), (left + width, top), colour, -1)
        ink = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
    cv2.putText(image, words, (left, top - 3), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
