"""The mode of a camera: size, rate, format and capture library, as a value that can be typed, kept and compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

# Formats in which cameras send frames. MJPG is compressed, so that large frames arrive at full rate over USB.
FORMATS = ("MJPG", "YUYV", "NV12", "H264")
MAXIMUM_SIDE, MAXIMUM_RATE = 16384, 1000.0


@dataclass(frozen=True)
class CameraMode:
    """A mode of a camera. As a wish, 0 and empty texts leave the choice to the driver.

    Attributes:
        width, height: In pixels.
        rate: Frames per second.
        format: Four letters such as MJPG.
        backend: Capture library, see `cameras.camera_backends`.
    """

    width: int = 0
    height: int = 0
    rate: float = 0.0
    format: str = ""
    backend: str = ""

    def __str__(self) -> str:
        parts = [f"{self.width} × {self.height}" if self.width and self.height else "", self.format]
        parts += [f"{self.rate:g} per second" if self.rate else "", self.backend]
        return ", ".join(part for part in parts if part)

    def refused(self, actual: CameraMode) -> CameraMode:
        """The part of this wish that a camera in the mode `actual` does not fulfil. What its driver does not tell
        counts as fulfilled."""
        size = self.width and self.height and (self.width, self.height) != (actual.width, actual.height)
        return CameraMode(
            *((self.width, self.height) if size else (0, 0)),
            rate=self.rate if self.rate and actual.rate and abs(self.rate - actual.rate) >= 0.5 else 0.0,
            format=self.format if self.format and actual.format and self.format != actual.format else "",
            backend=self.backend if self.backend and actual.backend and self.backend != actual.backend else "",
        )


def mode_from_dict(content: Mapping[str, object]) -> CameraMode | None:
    """The inverse of `dataclasses.asdict`; None if the content is no mode."""
    mode = asdict(CameraMode()) | {name: content.get(name) for name in asdict(CameraMode())}
    width, height, rate = mode["width"], mode["height"], mode["rate"]
    if not all(type(side) is int and 0 <= side <= MAXIMUM_SIDE for side in (width, height)):
        return None
    if type(rate) not in (int, float) or not 0 <= rate <= MAXIMUM_RATE:
        return None
    if not all(
        isinstance(text, str) and re.fullmatch(r"[A-Z0-9]{0,16}", text) for text in (mode["format"], mode["backend"])
    ):
        return None
    if len(mode["format"]) not in (0, 4):
        return None
    return CameraMode(width, height, float(rate), mode["format"], mode["backend"])
