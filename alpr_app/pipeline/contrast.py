"""Stretched contrast: another try where a picture or a plate has few grey levels, as in near darkness or fog."""

from __future__ import annotations

import cv2
import numpy as np

# Shares of the pixels that may become black and white.
CLIPPED = 0.02
# A range of grey levels from which on stretching would gain nothing.
AMPLE_PICTURE, AMPLE_CROP = 150, 110
# Dark parts gain a little more than bright ones.
GAMMA = 0.9


def stretched(image: np.ndarray, ample: int) -> np.ndarray | None:
    """Stretch the grey levels of a picture to the full range.

    Args:
        image: H x W x 3 uint8.
        ample: Grey levels between dark and bright pixels from which on the picture is good as it is.

    Returns:
        The stretched picture; None if its range is ample, or if it has a single level.
    """
    # Every fourth row and column: the share of a level hardly depends on more.
    step = 4 if image.shape[0] > 200 else 1
    counts = np.bincount(image[::step, ::step].ravel(), minlength=256).cumsum()
    low, high = (int(np.searchsorted(counts, share * counts[-1])) for share in (CLIPPED, 1 - CLIPPED))
    if not 0 < high - low < ample:
        return None
    levels = np.clip((np.arange(256) - low) / (high - low), 0, 1) ** GAMMA * 255
    return cv2.LUT(image, levels.astype(np.uint8))
