"""A plate before it is drawn: a car's holder is as large as the plate that it will carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PlannedPlate:
    """width, height: in mm. draw: gives it seen straight on, RGB uint8, one pixel a millimetre. rows: of its
    characters."""

    text: str
    colour: str
    width: int
    height: int
    draw: Callable[[np.random.Generator], np.ndarray]
    rows: int = 1
