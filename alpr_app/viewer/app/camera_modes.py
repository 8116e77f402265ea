"""The wanted mode of each camera, which the settings remember."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from alpr_app.data.camera_mode import CameraMode
from alpr_app.data.videos import Capture
from alpr_app.viewer.app.settings import with_camera
from alpr_app.viewer.app.state import State
from alpr_app.viewer.workers.cameras import CameraList, camera_key
from alpr_app.viewer.workers.live import LiveSource


class CameraModes:
    """Knows in which mode to open each camera.

    Args:
        state: State of the window.
        cameras: The list of cameras, for their names.
        capture: Opens a source; takes `mode` for cameras of which another mode than the driver's choice is wanted.
    """

    def __init__(self, state: State, cameras: CameraList, capture: Callable[..., Capture]) -> None:
        self._state, self._cameras, self._capture = state, cameras, capture

    def wanted(self, address: int | str) -> CameraMode:
        """The wanted mode of a camera; the driver's choice for other sources."""
        if not isinstance(address, int):
            return CameraMode()
        return self._state.settings.cameras.get(self._key(address), CameraMode())

    def choose(self, mode: CameraMode, number: int, live: LiveSource | None = None) -> None:
        """Remember the wanted mode of a camera; if it is the source `live`, open it again in this mode."""
        if mode == self.wanted(number):
            return
        self._state.settings = with_camera(self._state.settings, self._key(number), mode)
        if live is not None:
            live.reopen(self.capture_of(number))

    def capture_of(self, address: int | str) -> Callable[[int | str], Capture]:
        """What opens a source, a camera in its wanted mode."""
        mode = self.wanted(address)
        return partial(self._capture, mode=mode) if mode != CameraMode() else self._capture

    def _key(self, number: int) -> str:
        return camera_key(number, self._cameras.result or ())
