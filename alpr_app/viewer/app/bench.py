"""Measures the speed of the window on this computer without a display: `alpr bench --viewer`."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, process_time, sleep
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.startup import enter
from alpr_app.data.images import quiet_opencv, read_picture
from alpr_app.pipeline.options import ModelChoice
from alpr_app.runtime.system_info import peak_memory
from alpr_app.viewer.app.main import without_package
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.app.settings import Settings
from alpr_app.viewer.text.language import ENGLISH
from alpr_app.viewer.toolkit.offscreen import Offscreen
from alpr_app.viewer.workers.images import stamp_of
from alpr_app.viewer.workers.recogniser import FAILED

if TYPE_CHECKING:
    from alpr_app.viewer.app.layout import WindowLayout
    from alpr_app.viewer.workers.recogniser import Analyser

SIZE = (1280, 720)
CAMERA_RATE = 30.0
IDLE_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
# Plates on the contact sheet that is scrolled, and the rows that each frame moves.
SHEET_PLATES = 10_000
SHEET_STEP = 1.0
# The first frames upload glyphs and pictures to the graphics card.
WARM_UP_FRAMES = 10
# Frame period of the window on a screen without vertical synchronisation.
SHORTEST_FRAME = 1 / 60


class StandInCamera:
    """A camera that repeats one picture, slightly changed from frame to frame.

    Args:
        image: H x W x 3 uint8 RGB.
        rate: Frames per second.

    Attributes:
        times: When each frame was handed over, in seconds of the monotonic clock.
    """

    def __init__(self, image: np.ndarray, rate: float = CAMERA_RATE) -> None:
        self._image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        self._period, self._due = 1 / rate, monotonic()
        self.times: list[float] = []

    def isOpened(self) -> bool:
        return True

    def set(self, prop: int, value: float) -> bool:
        return False

    def get(self, prop: int) -> float:
        return 1 / self._period

    def read(self) -> tuple[bool, np.ndarray]:
        self._due = max(self._due + self._period, monotonic())
        sleep(max(0.0, self._due - monotonic()))
        image = self._image.copy()
        image[0, 0] = len(self.times) % 251
        self.times.append(monotonic())
        return True, image

    def release(self) -> None:
        """Do nothing: there is no device to release."""


class _Bench:
    """The window as `Window` runs it, drawn off screen; `wake_event` ends its sleep."""

    def __init__(
        self, screen: Offscreen, frame: WindowLayout, program: ViewerProgram, wake_event: threading.Event
    ) -> None:
        self.screen, self.frame, self.program, self.wake_event = screen, frame, program, wake_event

    def draw(self) -> float:
        """Draw one frame completely; returns its duration in milliseconds."""
        started = perf_counter()
        self.screen.clear()
        self.frame.draw(SIZE, 1 / 60)
        self.screen.finish()
        return 1000 * (perf_counter() - started)

    def wait_until(self, holds: Callable[[], object], what: str) -> None:
        deadline = monotonic() + PATIENCE_SECONDS
        while not holds():
            if self.program.recogniser.status.state == FAILED:
                raise AlprError(self.program.recogniser.status.detail)
            if monotonic() > deadline:
                raise AlprError(f"{what} did not come within {PATIENCE_SECONDS:.0f} s; nothing is measured")
            sleep(0.02)
            self.program.collect()

    def measure_still_frames(self, frames: int) -> list[float]:
        """Draw frames in which nothing changes; returns the milliseconds of each."""
        for _ in range(WARM_UP_FRAMES):
            self.draw()
        return [self.draw() for _ in range(frames)]

    def measure_idle_load(self, seconds: float) -> float:
        """The share of one core that all threads together use while nothing happens."""
        self.wake_event.clear()
        started, cpu = monotonic(), process_time()
        while (left := started + seconds - monotonic()) > 0:
            self.wake_event.wait(min(left, self.program.sleep_seconds()))
            self.wake_event.clear()
            self.draw()
        return (process_time() - cpu) / (monotonic() - started)

    def measure_sheet(self, frames: int) -> list[float]:
        """Scroll the contact sheet, whose crops are cut out of the pictures meanwhile; returns the milliseconds of each
        frame."""
        contact_sheet, inputs = self.program.contact_sheet, self.frame.context.ui.inputs
        contact_sheet.toggle()
        self.wait_until(lambda: contact_sheet.sheet is not None, "the contact sheet")
        inputs.move(SIZE[0] / 2, SIZE[1] / 2)
        drawn = []
        for number in range(WARM_UP_FRAMES + frames):
            before = monotonic()
            if number >= WARM_UP_FRAMES:
                inputs.wheel(0, -SHEET_STEP)
            drawn.append(self.draw())
            sleep(max(0.0, SHORTEST_FRAME - (monotonic() - before)))
        contact_sheet.toggle()
        return drawn[WARM_UP_FRAMES:]

    def measure_live(self, camera: StandInCamera, frames: int) -> tuple[list[float], list[float], float]:
        """Show the camera until `frames` of its frames have been read.

        Returns:
            The milliseconds of each frame from the camera to its drawn plates, the milliseconds of each drawing, and
            the number of frames read per second.
        """
        state = self.program.state
        latencies: list[float] = []
        drawn: list[float] = []
        assert state.recognition is not None
        key, started = state.recognition.key, monotonic()
        while len(latencies) < frames and monotonic() - started < PATIENCE_SECONDS:
            self.wake_event.wait(self.program.sleep_seconds())
            self.wake_event.clear()
            before = monotonic()
            drawn.append(self.draw())
            if state.recognition is not None and state.recognition.key != key:
                key = state.recognition.key
                latencies.append(1000 * (monotonic() - camera.times[int(key.rpartition("#")[2]) - 1]))
            sleep(max(0.0, SHORTEST_FRAME - (monotonic() - before)))
        if not latencies:
            raise AlprError("no frame of the stand-in camera was read; nothing is measured")
        return latencies, drawn, len(latencies) / (monotonic() - started)


def measure(
    choice: ModelChoice,
    picture: Path,
    image: np.ndarray,
    frames: int,
    idle_seconds: float = IDLE_SECONDS,
    make: Callable[[], Analyser] | None = None,
) -> dict[str, Any]:
    """Measure all figures of the window.

    Args:
        choice: The models.
        picture: File of `image`, which is shown with its plates.
        image: H x W x 3 uint8 RGB.
        frames: Number of frames to measure.
        idle_seconds: Duration of the idle measurement.
        make: Replaces the models in tests.

    Returns:
        The figures by name; times in milliseconds. `first_frame_ms` begins with the import of the toolkit and ends with
        the first frame drawn, while the models are loaded.

    Raises:
        OffscreenError: Nothing can be drawn on this computer.
        AlprError: A package is missing, or a model cannot be used.
    """
    with Offscreen(*SIZE) as screen:
        try:
            from alpr_app.viewer.app.layout import WindowLayout
            from alpr_app.viewer.toolkit.binding import load_toolkit
            from alpr_app.viewer.toolkit.textures import Textures
            from alpr_app.viewer.toolkit.theme import theme

            started = perf_counter()
            toolkit = load_toolkit()
            imported = perf_counter()
        except ImportError as error:
            raise AlprError(without_package(error)) from error
        camera, wake_event = StandInCamera(image), threading.Event()
        with ExitStack() as cleanup:
            program = ViewerProgram(
                choice,
                Settings(language=ENGLISH),
                wake=wake_event.set,
                make=make,
                capture=lambda address: camera,
            )
            cleanup.callback(program.close)
            ui = toolkit(theme(program.state.settings.theme, False))
            cleanup.callback(ui.close)
            ui.attach_renderer()
            textures = Textures()
            cleanup.callback(textures.close)
            bench = _Bench(screen, WindowLayout(program, ui, textures), program, wake_event)
            bench.draw()
            first_drawn = perf_counter()
            figures = _figures(bench, camera, picture, frames, idle_seconds)
    memory = peak_memory()
    return figures | {
        "toolkit": toolkit.name,
        "toolkit_import_ms": round(1000 * (imported - started), 1),
        "first_frame_ms": round(1000 * (first_drawn - started), 1),
        "peak_memory_gb": None if memory is None else round(memory, 3),
    }


def _figures(bench: _Bench, camera: StandInCamera, picture: Path, frames: int, idle_seconds: float) -> dict[str, Any]:
    program = bench.program
    with TemporaryDirectory() as folder:
        # In a folder of its own: its neighbours would be read as well.
        program.open(shutil.copy(picture, folder))
        bench.wait_until(lambda: program.state.recognition is not None, "the first picture's plates")
        plates = len(program.state.plates)
        still = bench.measure_still_frames(frames)
        idle = bench.measure_idle_load(idle_seconds)
        camera.times.clear()
        program.open(0)
        bench.wait_until(lambda: program.state.recognition is not None, "the camera's first plates")
    latencies, live, rate = bench.measure_live(camera, frames)
    sheet = _measure_sheet(bench, picture, frames)
    return {
        "window": list(SIZE),
        "opengl": bench.screen.renderer,
        "backend": program.recogniser.status.detail,
        "plates": plates,
        "still_frame_ms": _percentiles(still),
        "live_frame_ms": _percentiles(live),
        "capture_to_overlay_ms": _percentiles(latencies),
        "sheet_frame_ms": _percentiles(sheet),
        "sheet_plates": SHEET_PLATES,
        "camera_rate": CAMERA_RATE,
        "read_rate": round(rate, 1),
        "idle_core_share": round(idle, 4),
    }


def _measure_sheet(bench: _Bench, picture: Path, frames: int) -> list[float]:
    """Scroll a contact sheet of SHEET_PLATES plates, each in a file of its own."""
    program, state = bench.program, bench.program.state
    with TemporaryDirectory() as folder:
        first = Path(folder, f"0{picture.suffix}")
        shutil.copy(picture, first)
        for number in range(1, SHEET_PLATES):
            first.with_stem(str(number)).hardlink_to(first)
        program.open(folder)
        bench.wait_until(
            lambda: len(state.image_list.names) == SHEET_PLATES and not state.scanning, "the list of pictures"
        )
        bench.wait_until(lambda: state.recognition is not None, "the first picture's plates")
        recognition = state.recognition
        assert recognition is not None
        # One plate for each picture, without its crop.
        recognition = recognition.without_crops()
        recognition = replace(recognition, plates=recognition.plates[:1])
        for name in state.image_list.names:
            path = str(Path(folder, name))
            state.image_list.add(name, replace(recognition, key=path, stamp=stamp_of(path)))
        return bench.measure_sheet(frames)


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{part}": round(float(np.percentile(values, part)), 2) for part in (50, 95)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m alpr_app.viewer.app.bench REQUEST`, as `alpr bench --viewer` does in a process of its own.

    REQUEST is JSON with `choice` (the fields of a ModelChoice), `picture` (a path) and `frames`. Prints the figures as
    JSON, or {"error": one line} with exit status 2.
    """
    wanted = json.loads((sys.argv[1:] if argv is None else argv)[0])
    try:
        quiet_opencv()
        image = read_picture(wanted["picture"])
        figures = measure(ModelChoice(**wanted["choice"]), Path(wanted["picture"]), image, wanted["frames"])
    except AlprError as error:
        print(json.dumps({"error": str(error)}))
        return 2
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    enter("alpr")
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # `alpr bench` prints the message.
        sys.exit(130)
