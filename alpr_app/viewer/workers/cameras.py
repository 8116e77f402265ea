"""Lists the cameras of the computer: on Linux by their system names, elsewhere by trying the first few numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from alpr_app.data.videos import Capture
from alpr_app.viewer.workers.live import open_capture
from alpr_app.viewer.workers.threads import BackgroundTask, noop

# Camera numbers that are tried on systems that offer no list.
PROBED_NUMBERS = 5
SYSTEM_LIST = Path("/sys/class/video4linux")
DEVICES = Path("/dev")


@dataclass(frozen=True)
class Camera:
    """A camera of this computer.

    Attributes:
        number: Number that opens it.
        name: Name given by the system; empty if unknown.
    """

    number: int
    name: str


def list_linux_cameras(system: Path = SYSTEM_LIST, devices: Path = DEVICES) -> tuple[Camera, ...]:
    """List every /dev/videoN of Linux that delivers pictures, with its name from /sys; no camera is opened."""
    cameras = []
    for device in devices.glob("video*"):
        match = re.fullmatch(r"video(\d+)", device.name)
        # A webcam has a second device that delivers only metadata.
        if match is None or _read_line(system / device.name / "index") not in ("", "0"):
            continue
        cameras.append(Camera(int(match[1]), _plain_name(system / device.name)))
    return tuple(sorted(cameras, key=lambda camera: camera.number))


def _plain_name(device: Path) -> str:
    """Name of a camera from its folder in /sys; empty if there is none."""
    name = _read_line(device / "name")
    # Many drivers repeat the name: "Webcam: Webcam".
    first, _, rest = name.partition(": ")
    return first if first == rest else name


def camera_key(number: int, cameras: tuple[Camera, ...] = (), system: Path = SYSTEM_LIST) -> str:
    """The name by which the mode of a camera is remembered: that given by the system, because numbers change when
    cameras are plugged in; else its number. cameras: the list, if there is one already."""
    name = next((camera.name for camera in cameras if camera.number == number), "")
    return name or _plain_name(system / f"video{number}") or f"camera {number}"


def _read_line(path: Path) -> str:
    """The only line of the file `path`; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def probe_cameras(
    busy: int | None = None, capture: Callable[[int | str], Capture] = open_capture
) -> tuple[Camera, ...]:
    """List the first few camera numbers that can be opened. `busy` is in use and would not open a second time."""
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
    """List the cameras; outside Linux this opens each one, which takes seconds."""
    return list_linux_cameras() if sys.platform.startswith("linux") else probe_cameras(busy)


class CameraList(BackgroundTask[tuple[Camera, ...]]):
    """Finds cameras in the background, because a driver may block.

    Args:
        wake: Called when the list is complete.
        find: Lists cameras; takes the number of the camera in use, or None.

    Attributes:
        result: Cameras found by the last search; None before the first one has finished.
    """

    def __init__(
        self,
        wake: Callable[[], None] = noop,
        find: Callable[[int | None], tuple[Camera, ...]] = find_cameras,
    ) -> None:
        super().__init__("alpr-cameras", wake)
        self._find = find

    def refresh(self, busy: int | None = None) -> None:
        """Search again; `busy` is the number of the camera in use."""
        self.start(lambda: self._find(busy))
