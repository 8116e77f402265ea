"""Plates of two lines (rears of lorries, trailers; 440 x 220 mm after GA 36-2018): put side by side, their lines form a
plate of one line, which the reader reads like any other."""

from __future__ import annotations

import math

import cv2
import numpy as np

from alpr_app.core.geometry import rectify
from alpr_app.core.plate import reads_chinese

# Plates of one line are at least 3.1 times as wide as high, plates of two lines twice; from the side both look
# narrower.
MAXIMUM_ASPECT = 2.5
# Top, bottom, left, right of the two lines as shares of the plate, and the share of the result's width that the upper
# line takes.
UPPER = (0.04, 0.375, 0.2, 0.8)
LOWER = (0.375, 0.94, 0.03, 0.97)
UPPER_SHARE = 0.3


def reads_two_lines(alphabet: str) -> bool:
    """Whether a reader with this alphabet reads plates whose lines are laid out as here, which Chinese ones are."""
    return reads_chinese(alphabet)


def may_have_two_lines(corners: np.ndarray) -> bool:
    """Whether a plate with these ordered corners (4, 2) is narrow enough to have two lines."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(corners, np.float64).tolist()
    width = math.dist(top_left, top_right) + math.dist(bottom_left, bottom_right)
    height = math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)
    return width < MAXIMUM_ASPECT * height


def side_by_side(image: np.ndarray, corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the plate at ordered `corners` (4, 2) with its upper line left of its lower one: height x width x 3 uint8.

    Raises:
        ValueError: The corners span no area.
    """
    # Twice as high as the reader's input, so that each line is cut out at about its full height.
    plate = rectify(image, corners, 2 * height, width, ordered=True)
    split = round(UPPER_SHARE * width)
    return np.hstack([_line(plate, UPPER, height, split), _line(plate, LOWER, height, width - split)])


def _line(plate: np.ndarray, shares: tuple[float, float, float, float], height: int, width: int) -> np.ndarray:
    top, bottom = (round(share * plate.shape[0]) for share in shares[:2])
    left, right = (round(share * plate.shape[1]) for share in shares[2:])
    return cv2.resize(plate[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA)
