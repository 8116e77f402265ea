"""Opens a camera in a chosen mode: size, rate, format and capture library. Drivers grant what they can."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import cv2

from alpr_app.data.camera_mode import MAXIMUM_RATE, CameraMode
from alpr_app.data.frame import SourceError
from alpr_app.data.videos import Capture

# Capture libraries of the systems. Industrial cameras have others, which need settings of their own.
_LIBRARIES = ("V4L2", "GSTREAMER", "DSHOW", "MSMF", "AVFOUNDATION")


@cache
def camera_backends() -> tuple[str, ...]:
    """Names of the capture libraries that this OpenCV can use for cameras."""
    names = [cv2.videoio_registry.getBackendName(number) for number in cv2.videoio_registry.getCameraBackends()]
    return tuple(name for name in names if name in _LIBRARIES)


def open_camera(number: int, mode: CameraMode | None = None) -> Capture:
    """Open a camera and ask for `mode`. It may be closed still (`isOpened`), and grant another mode (`actual_mode`).

    Raises:
        SourceError: This OpenCV does not have the capture library.
    """
    mode = mode or CameraMode()
    if not mode.backend:
        capture = cv2.VideoCapture(number)
    elif mode.backend in camera_backends():
        capture = cv2.VideoCapture(number, getattr(cv2, f"CAP_{mode.backend}"))
    else:
        available = ", ".join(camera_backends()) or "none"
        raise SourceError(f"camera {number}: {mode.backend} is not available; there is {available}")
    if capture.isOpened():
        _ask(capture, mode)
    return capture


def _ask(capture: Any, mode: CameraMode) -> None:
    """Set the properties of `mode`. The format comes first, because many sizes exist in one format only; drivers refuse
    or change what they do not have."""
    if mode.format:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*mode.format))
    if mode.width and mode.height:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, mode.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, mode.height)
    if mode.rate:
        capture.set(cv2.CAP_PROP_FPS, mode.rate)


def actual_mode(capture: Capture, size: tuple[int, int]) -> CameraMode:
    """The mode that a camera runs in. size: width and height of its frames, which count more than what drivers say."""
    letters = int(max(0.0, capture.get(cv2.CAP_PROP_FOURCC))) & 0xFFFFFFFF
    text = letters.to_bytes(4, "little").decode("ascii", errors="replace").upper()
    rate = capture.get(cv2.CAP_PROP_FPS)
    name = getattr(capture, "getBackendName", None)
    return CameraMode(
        *size,
        rate=round(rate, 2) if 0 < rate < MAXIMUM_RATE else 0.0,
        format=text if re.fullmatch(r"[0-9A-Z]{4}", text) else "",
        backend=name() if name is not None else "",
    )
