"""A stand-in for cv2.VideoCapture with a camera behind it that answers as V4L2 drivers do."""

from __future__ import annotations

from time import sleep
from typing import ClassVar

import cv2
import numpy as np


class FakeDriver:
    """A camera with sizes that depend on the format; `opened` lists how it was opened.

    A size that it does not have becomes the nearest smaller one; `set` reports success all the same, as V4L2 does.
    Only one program at a time can open it.
    """

    SIZES: ClassVar = {"YUYV": [(640, 480)], "MJPG": [(640, 480), (1280, 720), (1920, 1080)]}
    RATES: ClassVar = {"YUYV": (15.0, 30.0), "MJPG": (30.0, 60.0)}

    def __init__(self) -> None:
        self.opened: list[tuple[int, ...]] = []
        self.in_use = 0
        self.most_in_use = 0

    def __call__(self, *arguments: int) -> FakeCamera:
        """Open it, as cv2.VideoCapture(number) or cv2.VideoCapture(number, library)."""
        self.opened.append(arguments)
        return FakeCamera(self, *arguments)


class FakeCamera:
    def __init__(self, driver: FakeDriver, number: int, library: int = cv2.CAP_V4L2) -> None:
        self._driver, self._library = driver, library
        self._format, self._wanted, self._rate = "YUYV", (640, 480), 30.0
        self._open = number == 0 and not driver.in_use
        driver.in_use += self._open
        driver.most_in_use = max(driver.most_in_use, driver.in_use)
        self._count = 0

    def isOpened(self) -> bool:
        return self._open

    def getBackendName(self) -> str:
        return cv2.videoio_registry.getBackendName(self._library)

    @property
    def _size(self) -> tuple[int, int]:
        fitting = [size for size in self._driver.SIZES[self._format] if size[0] <= self._wanted[0]]
        return max(fitting, default=self._driver.SIZES[self._format][0])

    def set(self, prop: int, value: float) -> bool:
        if prop == cv2.CAP_PROP_FOURCC:
            wanted = int(value).to_bytes(4, "little").decode()
            # Another format resets the size.
            self._format, self._wanted = (wanted if wanted in self._driver.SIZES else self._format), (640, 480)
        elif prop == cv2.CAP_PROP_FRAME_WIDTH:
            self._wanted = (int(value), self._wanted[1])
        elif prop == cv2.CAP_PROP_FRAME_HEIGHT:
            self._wanted = (self._wanted[0], int(value))
        elif prop == cv2.CAP_PROP_FPS:
            self._rate = min(self._driver.RATES[self._format], key=lambda rate: abs(rate - value))
        return True

    def get(self, prop: int) -> float:
        if prop == cv2.CAP_PROP_FOURCC:
            return float(cv2.VideoWriter.fourcc(*self._format))
        sides = {cv2.CAP_PROP_FRAME_WIDTH: self._size[0], cv2.CAP_PROP_FRAME_HEIGHT: self._size[1]}
        return float({cv2.CAP_PROP_FPS: self._rate, **sides}.get(prop, 0.0))

    def read(self) -> tuple[bool, np.ndarray | None]:
        if not self._open:
            return False, None
        sleep(0.005)
        self._count += 1
        image = np.zeros((*self._size[::-1], 3), np.uint8)
        image[0, 0] = self._count % 251
        image[-1, -1] = 255
        return True, image

    def release(self) -> None:
        self._driver.in_use -= self._open
        self._open = False
