"""Stand-ins for the pipeline and for cameras, and helpers that wait for threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from builders import LACKING

from alpr_app.core.errors import AlprError
from alpr_app.core.plate import Plate
from alpr_app.core.result import Timings
from alpr_app.data.images import write_picture
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.text import language
from alpr_app.viewer.toolkit.binding import chosen_binding, make_toolkit
from alpr_app.viewer.toolkit.offscreen import Offscreen, OffscreenError
from alpr_app.viewer.toolkit.theme import DARK
from tests.builders import make_plate

WINDOW_SIZE = (1280, 720)


TIMINGS = Timings(1.0, 20.0, 1.0, 0.0, 1.0, 5.0)


@dataclass(frozen=True)
class FakeResult:
    plates: list[Plate]
    timings: Timings = TIMINGS


@dataclass
class FakeAlpr:
    """Finds `plates` in every picture after `seconds`; raises for pictures whose first pixel is `poison`."""

    plates: list[Plate] = field(default_factory=lambda: [make_plate()])
    seconds: float = 0.0
    poison: int = -1
    calls: int = 0
    backend: str = "fake"
    device: str = "cpu"

    def analyse(self, image: np.ndarray) -> FakeResult:
        self.calls += 1
        sleep(self.seconds)
        if image[0, 0, 0] == self.poison:
            raise RuntimeError("a poisoned picture")
        return FakeResult(self.plates)


class FakeCapture:
    """A camera that follows `script`, one step per read; the last step repeats for ever.

    Steps: `new` (another frame), `same` (the last frame again), `fail`, `nothing` and `empty` (success without a
    picture), `raise`, `hang`.
    """

    def __init__(self, script: list[str], opens: bool = True, fps: float = 200.0) -> None:
        self.script, self.opens, self.fps = script, opens, fps
        self.number, self.released = 0, threading.Event()

    def isOpened(self) -> bool:
        return self.opens

    def get(self, prop: int) -> float:
        return self.fps

    def set(self, prop: int, value: float) -> bool:
        return False

    def read(self) -> tuple[bool, np.ndarray | None]:
        sleep(0.002)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if step == "fail":
            return False, None
        if step == "raise":
            raise cv2.error("the driver has gone")
        if step in ("nothing", "empty"):
            return True, None if step == "nothing" else np.zeros((0, 0, 3), np.uint8)
        if step == "hang":
            self.released.wait(5)
            return False, None
        self.number += step == "new"
        image = np.zeros((24, 32, 3), np.uint8)
        image[0, 0] = self.number % 251
        image[-1, -1] = 255
        return True, image

    def release(self) -> None:
        self.released.set()


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the tests independent of the language of the computer."""
    monkeypatch.setattr(language, "system_language", lambda: language.ENGLISH)
    language.choose_language(language.ENGLISH)


@pytest.fixture(scope="session")
def fakes() -> SimpleNamespace:
    """The stand-ins of this file."""
    return SimpleNamespace(Alpr=FakeAlpr, Capture=FakeCapture, plate=make_plate)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Waits until `holds` is true; fails with `what` if that takes longer than `seconds`."""

    def wait(holds: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        deadline = monotonic() + seconds
        while not holds():
            assert monotonic() < deadline, f"waited in vain: {what}"
            sleep(0.005)

    return wait


@pytest.fixture
def program(until: Callable[..., None]) -> Iterator[Callable[..., ViewerProgram]]:
    """Makes programs without a window; each is closed at the end, and no thread may be left."""
    made: list[ViewerProgram] = []

    def make(alpr: FakeAlpr | None = None, **options: object) -> ViewerProgram:
        alpr = alpr or FakeAlpr()
        made.append(ViewerProgram(ModelChoice(), make=lambda: alpr, **options))
        return made[-1]

    yield make
    for one in made:
        one.close(5)
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("alpr-")], "all threads to end")


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], None]:
    """Ends a test that lacks a system package: skipped on a developer's machine, failed in CI."""

    def lack(what: str) -> None:
        if os.environ.get("CI") == "true":
            pytest.fail(what)
        pytest.skip(LACKING + what)

    return lack


@pytest.fixture(scope="session")
def few_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures 1.png to 12.png, a hidden one, a damaged one and a text file."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(1, 13):
        image = np.full((60, 80, 3), 8 * number, np.uint8)
        write_picture(folder / f"{number}.png", image)
    write_picture(folder / ".hidden.png", image)
    (folder / "5.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture(scope="session")
def toolkit_installed(lacking):
    """For tests that show a window."""
    try:
        chosen_binding()
    except AlprError as error:
        lacking(str(error))


@pytest.fixture(scope="session")
def screen(lacking, toolkit_installed):
    """A framebuffer to draw on without a display."""
    try:
        made = Offscreen(*WINDOW_SIZE)
    except OffscreenError as error:
        lacking(str(error))
    with made:
        yield made


@pytest.fixture
def window(screen, program, fakes, until):
    """The window and its content; `draw` returns its pixels."""
    from alpr_app.viewer.app.layout import WindowLayout
    from alpr_app.viewer.toolkit.textures import Textures

    ui = make_toolkit(DARK)
    ui.attach_renderer()
    textures = Textures()

    def make(target=None, plates=(), alpr=None, **options):
        viewer = program(alpr or fakes.Alpr(list(plates)), **options)
        frame = WindowLayout(viewer, ui, textures)

        def draw(frames=2):
            for _ in range(frames):
                screen.clear()
                frame.draw(WINDOW_SIZE, 1 / 60)
            while ui.inputs:
                frame.draw(WINDOW_SIZE, 1 / 60)
            return screen.read()

        def click(x, y):
            ui.inputs.move(x, y)
            draw(1)
            ui.inputs.button(0, True)
            ui.inputs.button(0, False)
            draw()

        if target is not None:
            viewer.open(str(target))
            until(lambda: viewer.collect() or viewer.state.recognition is not None, "the picture")
        return SimpleNamespace(viewer=viewer, state=viewer.state, draw=draw, click=click, frame=frame)

    yield make
    textures.close()
    ui.close()


@pytest.fixture(scope="session")
def near() -> Callable[..., np.ndarray]:
    """Where pixels have approximately a colour of the theme: H x W bool."""

    def find(pixels: np.ndarray, colour: tuple[float, ...], tolerance: int = 40) -> np.ndarray:
        wanted = np.int32([round(255 * part) for part in colour[:3]])
        return (np.abs(pixels.astype(np.int32) - wanted) <= tolerance).all(axis=2)

    return find
