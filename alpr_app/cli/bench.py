"""`alpr bench`: how large the models are, and how long each stage takes on this computer."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import AlprError, printable
from alpr_app.core.result import STAGES
from alpr_app.data.assets import SAMPLES
from alpr_app.data.ccpd import is_ccpd_name
from alpr_app.data.result_writers import write_json
from alpr_app.pipeline.options import add_model_options, count, fraction, make_alpr, model_files

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.networks.bundle import BundleInfo
    from alpr_app.pipeline.alpr import ALPR


@dataclass(frozen=True, eq=False)
class TimedPictures:
    """path, image: the first one. title: of all, to read. images: all, as they are to be timed; they can be gone
    through once, and raise AlprError at one that cannot be read."""

    path: Path
    image: np.ndarray
    title: str
    images: Iterable[np.ndarray]

    @property
    def first(self) -> dict[str, Any]:
        """The first one's name and size in pixels, as they go into the JSON."""
        height, width = self.image.shape[:2]
        return {"file": self.path.name, "width": width, "height": height}


def timed_pictures(path: Path | None, most: int) -> TimedPictures:
    """`most` pictures, or fewer where `path` is a folder of fewer. None is the sample scenes: one plate each, all of
    one size. Raises AlprError if there are none, or the first cannot be read."""
    from alpr_app.data.images import read_picture
    from alpr_app.data.sources import entries, frames

    if path is None:
        scenes = sorted(file for file in SAMPLES.glob("*.jpg") if is_ccpd_name(file))
        if not scenes:
            raise AlprError("there are no sample pictures; name one with --image")
        images = [read_picture(scene) for scene in scenes]
        title = f"{len(scenes)} sample scenes in turn, {_size(images[0])}, {most} times"
        return TimedPictures(scenes[0], images[0], title, islice(cycle(images), most))
    if not path.is_dir():
        image = read_picture(path)
        return TimedPictures(path, image, f"{path.name}, {_size(image)}, {most} times", repeat(image, most))
    first = next(frames(entries([str(path)])))
    once = (frame.load() for frame in islice(frames(entries([str(path)])), most))
    return TimedPictures(Path(first.file), first.load(), f"pictures of {path.name}, each once", once)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


WARM_UP_FRAMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames", type=count, default=300, metavar="N", help="pictures to time (default: 300)")
    parser.add_argument(
        "--image",
        type=Path,
        metavar="F",
        help="picture to read over and over, or folder of which the first N are read once (default: sample scenes)",
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument(
        "--viewer", action="store_true", help="measure the desktop program instead: frames, idling, camera to screen"
    )
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures as JSON too")
    add_model_options(parser)


def _model(info: BundleInfo, config: Any, height: int, width: int) -> dict[str, Any]:
    """Size and cost of a network for one input of height x width."""
    from alpr_app.networks.bundle import KINDS
    from alpr_app.runtime.torch_engine import gigaflop

    return {
        "file": info.weights.name,
        "sha256": info.sha256,
        "parameters": info.parameters,
        "input": [height, width],
        "gflop": round(gigaflop(KINDS[info.kind][0], config, height, width), 3),
    }


def _stages(alpr: ALPR, timed: TimedPictures) -> dict[str, Any]:
    """p50, p95 and mean of every stage in milliseconds, how many pictures it were and how many plates were read."""
    import numpy as np

    for _ in range(WARM_UP_FRAMES):
        alpr.analyse(timed.image)
    rows, plates = [], 0
    for image in timed.images:
        result = alpr.analyse(image)
        rows.append(list(asdict(result.timings).values()))
        plates += len(result.plates)
    times = np.array(rows)
    columns = dict(zip(STAGES, times.T, strict=True)) | {"whole": times.sum(axis=1)}
    return {
        "pictures": len(rows),
        "plates": plates,
        "stages_ms": {
            name: {
                **{f"p{part}": round(float(np.percentile(values, part)), 3) for part in (50, 95)},
                "mean": round(float(values.mean()), 3),
            }
            for name, values in columns.items()
        },
    }


def _machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import cv2
    import torch

    from alpr_app.runtime.system_info import cores, processor

    return {
        "processor": processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "opencv": cv2.__version__,
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All figures, as they go into the JSON."""
    from alpr_app.core.geometry import Letterbox

    runs = []
    for threads in [args.threads] if args.threads else [1, 2]:
        timed = timed_pictures(args.image, args.frames)
        alpr = make_alpr(args, threads)
        runs.append({"threads": threads} | _stages(alpr, timed))
    height, width = timed.image.shape[:2]
    canvas = Letterbox.for_long_side(height, width, alpr.detector_config.long_side).canvas
    reader = alpr.reader_config
    return {
        **_machine(),
        "backend": alpr.backend,
        "device": alpr.device,
        "timed": timed.title,
        "picture": timed.first,
        "frames": runs[0]["pictures"],
        "detector": _model(alpr.detector_info, alpr.detector_config, *canvas),
        "reader": _model(alpr.reader_info, reader, reader.img_height, reader.img_width),
        "runs": runs,
    }


def measure_viewer(args: argparse.Namespace) -> dict[str, Any]:
    """The figures of the desktop program, as they go into the JSON. Raises AlprError where it cannot be drawn.

    A process of its own draws and measures it: what draws windows need not be there for anything else.
    """
    timed = timed_pictures(args.image, args.frames)
    choice = {
        "detector": args.detector_model,
        "reader": args.ocr_model,
        "reader_config": args.ocr_config,
        "device": args.device,
        "backend": args.backend,
        "threads": args.threads,
        "floor": args.score,
    }
    wanted = json.dumps({"choice": choice, "picture": str(timed.path), "frames": args.frames})
    command = [sys.executable, "-m", "alpr_app.viewer.app.bench", wanted]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="backslashreplace")
    try:
        figures = json.loads(done.stdout)
    except ValueError as error:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise AlprError(f"the window could not be measured: {last}") from error
    if "error" in figures:
        raise AlprError(figures["error"])
    first = timed.first
    title = f"{first['file']}, {first['width']} x {first['height']}, {args.frames} times"
    return {**_machine(), "timed": title, "picture": first, "frames": args.frames, "viewer": figures}


def viewer_table(figures: dict[str, Any]) -> list[str]:
    """The figures of the desktop program to read, as lines."""
    names = {
        "still_frame_ms": "frame, nothing changes",
        "live_frame_ms": "frame, live picture",
        "capture_to_overlay_ms": "capture to overlay",
    }
    width, height = figures["window"]
    plates = "1 plate" if figures["plates"] == 1 else f"{figures['plates']} plates"
    lines = [
        f"window {width} x {height} with {plates}, drawn by {figures['opengl']}",
        f"models: {figures['backend']}",
        "",
        f"{'ms':26}{'p50':>8}{'p95':>8}",
    ]
    lines += [f"{title:26}{figures[name]['p50']:8.2f}{figures[name]['p95']:8.2f}" for name, title in names.items()]
    lines.append(f"{'live pictures a second':26}{figures['read_rate']:8.1f} read of {figures['camera_rate']:.0f}")
    lines.append(f"{'idle':26}{100 * figures['idle_core_share']:8.1f} % of a core")
    return lines


def _head(figures: dict[str, Any]) -> list[str]:
    return [
        f"{figures['processor']}, {figures['cores']} cores; {figures['system']}",
        f"Python {figures['python']}, torch {figures['torch']}, OpenCV {figures['opencv']}",
        printable(figures["timed"]),
    ]


def table(figures: dict[str, Any]) -> str:
    """The figures to read."""
    lines = [*_head(figures), f"backend {figures['backend']} on {figures['device']}", ""]
    for name in ("detector", "reader"):
        model = figures[name]
        height, width = model["input"]
        lines.append(
            f"{name:9} {printable(model['file'])}: {model['parameters'] / 1e6:.2f} M parameters, "
            f"{model['gflop']:.2f} GFLOP at {width} x {height}"
        )
    runs = figures["runs"]
    heads = "".join(f"{run['threads']} thread{'s' if run['threads'] > 1 else ''}".rjust(26) for run in runs)
    lines += ["", "ms a picture" + heads, "            " + "       p50     p95    mean" * len(runs)]
    for stage in (*STAGES, "whole"):
        times = [run["stages_ms"][stage] for run in runs]
        columns = (f"{time['p50']:10.2f}{time['p95']:8.2f}{time['mean']:8.2f}" for time in times)
        lines.append(f"{stage:12}" + "".join(columns))
    lines.append(f"{runs[0]['plates']} plates in {runs[0]['pictures']} pictures")
    return "\n".join(lines)


def _pictures(named: Path | None) -> list[Path]:
    """The picture that is timed, or those of the folder; none of the user's if none is named."""
    from alpr_app.data.labels import picture_files

    if named is None:
        return []
    return picture_files(named) if named.is_dir() else [named]


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.atomic_files import refuse_inputs

    if args.json:
        refuse_inputs(args.json, [*_pictures(args.image), *model_files(args)])
    if args.viewer:
        figures = measure_viewer(args)
        print("\n".join([*_head(figures), *viewer_table(figures["viewer"])]))
    else:
        figures = measure(args)
        print(table(figures))
    if args.json:
        write_json(args.json, figures)
    return 0
