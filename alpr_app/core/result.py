"""The result of one picture: its plates, and how long each stage took."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpr_app.core.plate import Plate


@dataclass(frozen=True)
class Timings:
    """Duration of each stage, in milliseconds per picture."""

    letterbox_ms: float = 0.0
    detector_ms: float = 0.0
    decode_ms: float = 0.0
    closer_ms: float = 0.0
    rectify_ms: float = 0.0
    reader_ms: float = 0.0

    @property
    def detect_ms(self) -> float:
        """From the picture to the corners of its plates."""
        return self.letterbox_ms + self.detector_ms + self.decode_ms + self.closer_ms

    @property
    def read_ms(self) -> float:
        """From the corners to the texts."""
        return self.rectify_ms + self.reader_ms


# The names of the stages, in their order.
STAGES = tuple(field.name.removesuffix("_ms") for field in fields(Timings))


@dataclass(frozen=True)
class Result:
    """The plates of a picture, best score first, and how long finding and reading them took."""

    plates: list[Plate]
    timings: Timings
