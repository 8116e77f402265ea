"""A drawn plate by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PaintedPlate:
    """image: seen straight on, H x W x 3 uint8 RGB, one pixel a millimetre. rows: of its characters, 1 or 2."""

    image: np.ndarray
    text: str
    colour: str
    rows: int
