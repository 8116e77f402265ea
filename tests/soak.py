"""The window in use for long, drawn off screen: folders, pictures, videos and cameras are opened, stepped through,
exported and left again, in windows of many sizes, lap after lap. What it holds (memory, threads, textures, open files)
is measured at the end of each lap and must not grow.

    python -m tests.soak --minutes 60
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import cv2
import numpy as np

from alpr_app.core.plate import Plate
from alpr_app.core.result import Timings
from alpr_app.data.assets import SAMPLES
from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.data.run_folder import About, write_about
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.commands import COMMANDS, press
from alpr_app.viewer.app.image_list import SORT_ORDERS
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.toolkit.offscreen import Offscreen, OffscreenError
from alpr_app.viewer.workers.export import ExportWorker
from alpr_app.viewer.workers.recogniser import FAILED, READY

LARGEST = (1100, 720)
SIZES = ((1100, 720), (900, 700), (640, 720), (640, 420), (1000, 500))
# Frames after which a texture that is no longer drawn has been deleted.
FRAMES_AT_REST = 130
PATIENCE_SECONDS = 60.0
# The share of laps at the beginning that does not count: libraries fill their pools, caches reach their limits.
WARM_UP = 0.4
# What the least of the last third of the others may have more than the least of the first. Memory goes up and down by
# some tens of megabytes from lap to lap; the more laps there are, the less of that is left.
MOST_GROWTH = {"memory_mb": 24.0, "threads": 0.0, "textures": 2.0, "files": 1.0}
NOISE_MB = 300.0


@dataclass(frozen=True)
class Held:
    """What the process holds. memory_mb: resident; 0 where the system does not tell. files: open ones, likewise."""

    memory_mb: float
    threads: int
    textures: int
    files: int


def steady_memory() -> None:
    """Has the C library keep one pool for all threads and give large pieces back, so that what is measured is held."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(ctypes.c_int(-8), ctypes.c_int(1))
        libc.mallopt(ctypes.c_int(-3), ctypes.c_int(2**18))


def held(textures: int) -> Held:
    """What the process holds now, after it has given back what it can."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    memory, files = 0.0, 0
    with suppress(OSError):
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        files = len(os.listdir("/proc/self/fd"))
    return Held(memory, threading.active_count(), textures, files)


class Camera:
    """A camera whose frames change, and that fails now and then: it must be opened again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._image = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8)
        self._number = 0

    def isOpened(self) -> bool:
        return self._random.random() > 0.1

    def get(self, prop: int) -> float:
        return 100.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        sleep(0.01)
        self._number += 1
        if self._number > 20 and self._random.random() < 0.02:
            return False, None
        image = np.roll(self._image, 3 * self._number, axis=1)
        return True, image

    def release(self) -> None:
        """Nothing is held."""


class Analyser:
    """Stands in for the models: finds a plate or two in every picture, and fails in some."""

    backend, device = "stand-in", "cpu"

    def analyse(self, image: np.ndarray) -> Any:
        # The same for all frames of a camera, whose picture only moves: one car, not hundreds.
        number = int(image.sum())
        if number % 97 == 0:
            raise RuntimeError("a picture that cannot be read")
        texts = [f"皖A{(number + 31 * index) % 100_000:05d}" for index in range(1 + number % 2)]
        plates = [_plate(text, 20 + 90 * index) for index, text in enumerate(texts)]
        return type("Result", (), {"plates": plates, "timings": Timings(1.0, 2.0, 1.0, 0.0, 1.0, 2.0)})()


def _plate(text: str, left: float) -> Plate:
    corners = ((left, 30.0), (left + 60, 30.0), (left + 60, 46.0), (left, 46.0))
    crop = np.full((48, 192, 3), sum(map(ord, text)) % 251, np.uint8)
    return Plate(
        text, 0.97, (0.97,) * 7, (("", 0.001),) * 7, "blue", 0.9, (left, 30.0, left + 60, 46.0), corners, crop, True
    )


def write_folders(root: Path) -> None:
    """Labelled and unlabelled pictures, a damaged one, folders within, a video and a training run."""
    rng = np.random.default_rng(0)
    box, corners = (20, 30, 80, 46), ((20, 30), (80, 30), (80, 46), (20, 46))
    for number in range(40):
        folder = root / "pictures" / ("", "north", "south/far")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        image = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC)
        name = f"{number}.png" if number % 2 else format_name(Annotation(f"皖A{number:05d}", box, corners), ".png")
        write_picture(folder / name, image)
    (root / "pictures" / "damaged.jpg").write_bytes(b"no picture")
    lines = ["file,text,corners", *(f"{number}.png,皖A{number:05d},20 30 80 30 80 46 20 46" for number in (3, 9))]
    (root / "pictures" / "alpr_dataset.csv").write_text("\n".join(lines), encoding="utf-8")
    video = cv2.VideoWriter(str(root / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 50, (160, 120))
    for number in range(30):
        video.write(np.full((120, 160, 3), 8 * number, np.uint8))
    video.release()
    run = root / "run"
    run.mkdir()
    write_about(run, About("reader", 100, 8, "exact", 10, {"samples": 800}, {}, {}, ["maskocr"], "/"))
    (run / "train.csv").write_text("step,loss,samples_per_s\n" + "".join(f"{n},{1 / n},50\n" for n in range(1, 90)))
    (run / "val.csv").write_text("step,exact\n" + "".join(f"{n},{n / 100}\n" for n in range(1, 90)))


class Soak:
    """One window that is used as people do, only faster. root: the folders. draw: draws one frame."""

    def __init__(self, program: ViewerProgram, root: Path, draw: Callable[[tuple[int, int]], None], seed: int) -> None:
        self.program, self.root, self._draw = program, root, draw
        self._random = random.Random(seed)
        self.frames = 0

    def draw(self, frames: int = 1) -> None:
        """Draw frames, each perhaps in another size of the window."""
        for _ in range(frames):
            self._draw(self._random.choice(SIZES) if self._random.random() < 0.2 else LARGEST)
            self.frames += 1

    def until(self, holds: Callable[[], object], what: str) -> None:
        deadline = monotonic() + PATIENCE_SECONDS
        while not holds():
            self.draw()
            if self.program.recogniser.status.state == FAILED:
                raise SystemExit(f"soak: the models cannot be used: {self.program.recogniser.status.detail}")
            if monotonic() > deadline:
                raise SystemExit(f"soak: {what} did not come within {PATIENCE_SECONDS:.0f} s")

    def lap(self) -> None:
        """Once through all that the window can show, and back to the beginning."""
        for act in (self.folder, self.picture, self.commands, self.whole, self.video, self.live, self.run, self.models):
            act()
        self.rest()

    def folder(self) -> None:
        """Step through a folder and those within, in all orders."""
        program, state = self.program, self.program.state
        program.open(str(self.root / "pictures"))
        self.until(lambda: not state.scanning and state.recognition is not None, "a folder")
        program.rescan(self._random.random() < 0.5)
        for order in SORT_ORDERS:
            program.navigator.sort(order)
            for by in (1, 1, 3, -1, 10, -10):
                program.step(by)
                self.draw(2)
        state.image_list.filter("1", "all")
        self.draw(2)
        state.image_list.filter("", "all")
        for name in ("north", "south", "south/far"):
            program.show_folder(str(self.root / "pictures" / name))
            self.draw(3)

    def picture(self) -> None:
        """Open single files: a picture, a damaged one, one that is not there."""
        program, state = self.program, self.program.state
        for path in (self.root / "pictures" / "3.png", self.root / "pictures" / "damaged.jpg", self.root / "gone"):
            program.open(str(path))
            self.draw(3)
        if SAMPLES.is_dir():
            program.open(str(SAMPLES))
            self.until(lambda: state.recognition is not None, "a sample")
            self.draw(3)

    def commands(self) -> None:
        """Press every key that stands for something, twice."""
        for command in COMMANDS:
            for _ in range(2):
                press(self.program, command.keys[0], CONTROL if command.control else 0)
                self.draw(2)
        press(self.program, "Escape")
        self.program.state.change(show_browser=True, show_plates=True, show_tree=True)

    def whole(self) -> None:
        """Read a whole folder, sum it up, export it."""
        program, state = self.program, self.program.state
        program.open(str(self.root / "pictures"))
        self.until(lambda: not state.scanning, "a list")
        program.read_all(True)
        self.until(lambda: len(state.image_list.records) == len(state.image_list.names), "the whole folder")
        for key, control in (("U", 0), ("E", 0), ("E", CONTROL), ("U", 0)):
            press(program, key, control)
            self.draw(4)
        self.until(lambda: not program.export_worker.busy, "the exports")

    def video(self) -> None:
        """Play a video, hold it, step, play it again."""
        self._watch(str(self.root / "film.avi"))

    def live(self) -> None:
        """Watch cameras that fail now and then."""
        for number in range(2):
            self._watch(number)

    def _watch(self, target: str | int) -> None:
        program, state = self.program, self.program.state
        program.open(target)
        self.until(lambda: state.image_item is not None or state.live_status.state == "waiting", "a live picture")
        self.draw(10)
        program.play()
        for _ in range(3):
            program.step(1)
            self.draw(2)
        program.play()
        for key in ("S", "E", "R"):
            press(program, key)
            self.draw(4)

    def run(self) -> None:
        """Watch a training run and leave it."""
        self.program.open(str(self.root / "run"))
        self.draw(8)
        self.program.state.run_open = False

    def models(self) -> None:
        """Run the models otherwise."""
        self.program.choose_models(threads=1 + (self.program.choice.threads or 1) % 2)
        self.until(lambda: self.program.recogniser.status.state == READY, "the models")

    def rest(self) -> None:
        """The same state at the end of every lap."""
        program, state = self.program, self.program.state
        press(program, "Escape")
        program.open(str(self.root / "pictures" / "north"))
        self.until(lambda: not state.scanning and state.recognition is not None, "a folder")
        self.until(
            lambda: not program.export_worker.busy and all(one.close(0) for one in program._closing), "what was left"
        )
        program._closing.clear()
        for _ in range(FRAMES_AT_REST):
            self._draw(LARGEST)
        state.messages.clear()


def laps(minutes: float, stand_in: bool, seed: int = 0, least: int = 2) -> Iterator[Held]:
    """What is held at the end of each lap, for so many minutes and so many laps at least. Raises OffscreenError."""
    with TemporaryDirectory() as place, Offscreen(*LARGEST) as screen, ExitStack() as opened:
        # Only now: the way to OpenGL has to be chosen before they are imported.
        from alpr_app.viewer.app.layout import WindowLayout
        from alpr_app.viewer.toolkit.binding import make_toolkit
        from alpr_app.viewer.toolkit.textures import Textures
        from alpr_app.viewer.toolkit.theme import theme

        root = Path(place)
        write_folders(root)
        seeds = iter(range(10**9))
        program = ViewerProgram(
            ModelChoice(threads=1),
            make=Analyser if stand_in else None,
            capture=lambda address: Camera(next(seeds)) if isinstance(address, int) else cv2.VideoCapture(address),
        )
        opened.callback(program.close)
        program.export_worker = ExportWorker(folder=root / "kept")
        ui = make_toolkit(theme(program.state.settings.theme, False))
        opened.callback(ui.close)
        ui.attach_renderer()
        textures = Textures()
        opened.callback(textures.close)
        frame = WindowLayout(program, ui, textures)

        def draw(size: tuple[int, int]) -> None:
            screen.clear()
            ui.inputs.move(size[0] * 0.3, size[1] * 0.4)
            frame.draw(size, 1 / 60)

        soak = Soak(program, root, draw, seed)
        began, count = monotonic(), 0
        while count < least or monotonic() - began < 60 * minutes:
            soak.lap()
            count += 1
            for kept in (root / "kept").glob("*"):
                if kept.is_file():
                    kept.unlink()
            yield held(len(textures._slots))


def growth(found: Sequence[Held]) -> dict[str, float]:
    """By how much the least of the last third is above the least of the first, of the laps that count."""
    counted = found[int(WARM_UP * len(found)) :]
    third = max(1, len(counted) // 3)
    return {
        item.name: min(getattr(one, item.name) for one in counted[-third:])
        - min(getattr(one, item.name) for one in counted[:third])
        for item in fields(Held)
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if nothing grows, 1 if something does, 3 if nothing can be drawn here."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, metavar="M", help="how long (default: 1)")
    parser.add_argument("--laps", type=int, default=6, metavar="N", help="so many laps at least (default: 6)")
    parser.add_argument("--stand_in", action="store_true", help="with a stand-in for the models, which is faster")
    parser.add_argument("--seed", type=int, default=0, help="of what is done in which size of the window")
    args = parser.parse_args(argv)
    steady_memory()
    found: list[Held] = []
    began = monotonic()
    print("lap   minutes   memory MB   threads   textures   files", flush=True)
    try:
        for number, one in enumerate(laps(args.minutes, args.stand_in, args.seed, max(2, args.laps)), start=1):
            found.append(one)
            print(
                f"{number:3} {(monotonic() - began) / 60:9.1f} {one.memory_mb:11.1f} {one.threads:9} {one.textures:10} "
                f"{one.files:7}",
                flush=True,
            )
    except OffscreenError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 3
    grown, limits = growth(found), dict(MOST_GROWTH)
    limits["memory_mb"] += NOISE_MB / len(found)
    print("growth: " + ", ".join(f"{name} {value:+.1f}" for name, value in grown.items()))
    bad = [name for name, value in grown.items() if value > limits[name]]
    if bad:
        print(f"soak: {' and '.join(bad)} grew by more than is allowed", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
