"""What comes of a picture: its plates, and how long each stage took."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpr_app.core.plate import Plate


@dataclass(frozen=True)
class Timings:
    """How long the stages took, in milliseconds a picture."""

    letterbox_ms: float = 0.0
    detector_ms: float = 0.0
    decode_ms: float = 0.0
    closer_ms: float = 0.0
    rectify_ms: float = 0.0
    reader_ms: float = 0.0

    @property
    def detect_ms(self) -> float:
        """Finding the plates: from the picture to their corners."""
        return self.letterbox_ms + self.detector_ms + self.decode_ms + self.closer_ms

    @property
    def read_ms(self) -> float:
        """Reading them: from the corners to the texts."""
        return self.rectify_ms + self.reader_ms


# The names of the stages, in the order in which they come.
STAGES = tuple(field.name.removesuffix("_ms") for field in fields(Timings))


@dataclass(frozen=True)
class Result:
    """plates: best first, by their score."""

    plates: list[Plate]
    timings: Timings
