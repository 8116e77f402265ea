"""Plates of two rows (rears of lorries, trailers; 440 x 220 mm after GA 36-2018): their rows side by side are a plate
of one row, which the reader reads as any other."""

from __future__ import annotations

import math

import cv2
import numpy as np

from alpr_app.core.geometry import rectify
from alpr_app.core.plate import reads_chinese

# Plates of one row are 3.1 times as wide as high or more, of two rows 2 times; both look narrower from aside.
WIDEST = 2.5
# Top, bottom, left, right of the rows as shares of the plate, and how much of the width the upper one is given.
UPPER = (0.04, 0.375, 0.2, 0.8)
LOWER = (0.375, 0.94, 0.03, 0.97)
UPPER_SHARE = 0.3


def reads_two_lines(alphabet: str) -> bool:
    """Whether a reader with this alphabet reads plates whose rows are laid out as here: Chinese ones."""
    return reads_chinese(alphabet)


def may_have_two_lines(corners: np.ndarray) -> bool:
    """Whether a plate with these ordered corners (4, 2) is narrow enough for two rows."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(corners, np.float64).tolist()
    width = math.dist(top_left, top_right) + math.dist(bottom_left, bottom_right)
    height = math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)
    return width < WIDEST * height


def side_by_side(image: np.ndarray, corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """The plate at ordered `corners` (4, 2), its upper row left of its lower one: height x width x 3 uint8.

    Raises ValueError for corners without area.
    """
    # Twice as high as the reader's input, so that each row is cut out at about its full height.
    plate = rectify(image, corners, 2 * height, width, ordered=True)
    split = round(UPPER_SHARE * width)
    return np.hstack([_row(plate, UPPER, height, split), _row(plate, LOWER, height, width - split)])


def _row(plate: np.ndarray, shares: tuple[float, float, float, float], height: int, width: int) -> np.ndarray:
    top, bottom = (round(share * plate.shape[0]) for share in shares[:2])
    left, right = (round(share * plate.shape[1]) for share in shares[2:])
    return cv2.resize(plate[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA)
