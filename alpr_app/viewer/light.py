"""Brightness and contrast of the picture on the canvas. Only what is shown changes; what is read does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

# Per cent, each way.
MOST = 100
STEP = 10


@dataclass(frozen=True)
class Light:
    """brightness, contrast: from -100 to 100 per cent; at 0 the picture is shown as it is."""

    brightness: int = 0
    contrast: int = 0

    @property
    def neutral(self) -> bool:
        return self == Light()

    def changed(self, brightness: int = 0, contrast: int = 0) -> Light:
        """By so much more, within the limits."""
        return replace(
            self,
            brightness=min(max(self.brightness + brightness, -MOST), MOST),
            contrast=min(max(self.contrast + contrast, -MOST), MOST),
        )

    def curve(self) -> np.ndarray:
        """What each of the values 0 to 255 is shown as: (256,) uint8."""
        # Contrast is the steepness around the middle: from a quarter, over 1, to four times.
        slope = 4.0 ** (self.contrast / MOST)
        # Brightness is a gamma curve, so that neither black nor white is lost: shadows open without a veil.
        gamma = 4.0 ** (-self.brightness / MOST)
        lit = (np.arange(256, dtype=np.float64) / 255) ** gamma
        return np.uint8(np.clip(255 * ((lit - 0.5) * slope + 0.5), 0, 255).round())

    def applied(self, image: np.ndarray) -> np.ndarray:
        """`image`, H x W x 3 uint8, in this light: the same array if nothing changes, else a new one."""
        return image if self.neutral else cv2.LUT(image, self.curve())

    @property
    def text(self) -> str:
        """Brightness +20 %, contrast -10 %; without what is at 0."""
        parts = [f"{name} {value:+d} %" for name, value in vars(self).items() if value]
        return ", ".join(parts).capitalize()
