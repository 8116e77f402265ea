"""Which cameras there are: on Linux as the system names them, elsewhere by trying the first few numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from alpr_app.data.streams import Capture
from alpr_app.viewer.workers.live import open_capture
from alpr_app.viewer.workers.threads import BackgroundTask, noop

# Numbers that are tried where no list is to be had.
PROBED_NUMBERS = 5
SYSTEM_LIST = Path("/sys/class/video4linux")
DEVICES = Path("/dev")


@dataclass(frozen=True)
class Camera:
    """number: by which it is opened. name: what the system calls it."""

    number: int
    name: str


def list_linux_cameras(system: Path = SYSTEM_LIST, devices: Path = DEVICES) -> tuple[Camera, ...]:
    """Those of Linux: every /dev/videoN that gives pictures, with its name from /sys. None of them is opened."""
    cameras = []
    for device in devices.glob("video*"):
        match = re.fullmatch(r"video(\d+)", device.name)
        # A webcam has a second device that gives only data about its pictures.
        if match is None or _read_line(system / device.name / "index") not in ("", "0"):
            continue
        name = _read_line(system / device.name / "name")
        # Many drivers say everything twice: "Webcam: Webcam".
        first, _, rest = name.partition(": ")
        cameras.append(Camera(int(match[1]), first if first == rest else name))
    return tuple(sorted(cameras, key=lambda camera: camera.number))


def _read_line(path: Path) -> str:
    """The one line in `path`; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def probe_cameras(
    busy: int | None = None, capture: Callable[[int | str], Capture] = open_capture
) -> tuple[Camera, ...]:
    """Those of the first few numbers that can be opened. busy: one that is open already and cannot be twice."""
    return tuple(Camera(number, "") for number in range(PROBED_NUMBERS) if number == busy or _opens(number, capture))


def _opens(number: int, capture: Callable[[int | str], Capture]) -> bool:
    try:
        opened = capture(number)
    except (cv2.error, OSError):
        return False
    try:
        return opened.isOpened()
    finally:
        opened.release()


def find_cameras(busy: int | None = None) -> tuple[Camera, ...]:
    """What there is; opening cameras to try them takes seconds."""
    return list_linux_cameras() if sys.platform.startswith("linux") else probe_cameras(busy)


class CameraList(BackgroundTask[tuple[Camera, ...]]):
    """result: what there was when it was looked last. A driver may hold up the looking. find: takes the number of the
    camera that is open."""

    def __init__(
        self,
        wake: Callable[[], None] = noop,
        find: Callable[[int | None], tuple[Camera, ...]] = find_cameras,
    ) -> None:
        super().__init__("alpr-cameras", wake)
        self._find = find

    def refresh(self, busy: int | None = None) -> None:
        """Look again; busy: the camera that is open."""
        self.start(lambda: self._find(busy))
