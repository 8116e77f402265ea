"""`alpr bench`: how large the models are, and how long each stage takes on this computer."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import AlprError, UsageError, printable
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
    """The pictures to time.

    Attributes:
        path, image: The first one.
        title: Describes all of them.
        images: All of them, to be iterated once; an unreadable one raises AlprError.
    """

    path: Path
    image: np.ndarray
    title: str
    images: Iterable[np.ndarray]

    @property
    def first(self) -> dict[str, Any]:
        """Name and size in pixels of the first picture, for the JSON."""
        height, width = self.image.shape[:2]
        return {"file": self.path.name, "width": width, "height": height}


def timed_pictures(path: Path | None, maximum: int) -> TimedPictures:
    """Return the pictures to time.

    Args:
        path: A picture, which is repeated; a folder, whose pictures are used once; or None for the sample scenes, which
            have one size and one plate each.
        maximum: Number of pictures; a folder may have fewer.

    Raises:
        AlprError: There are no pictures, or the first cannot be read.
    """
    from alpr_app.data.images import read_picture
    from alpr_app.data.sources import entries, frames

    if path is None:
        scenes = sorted(file for file in SAMPLES.glob("*.jpg") if is_ccpd_name(file))
        if not scenes:
            raise AlprError("there are no sample pictures; name one with --image")
        images = [read_picture(scene) for scene in scenes]
        title = f"{len(scenes)} sample scenes in turn, {_size(images[0])}, {maximum} times"
        return TimedPictures(scenes[0], images[0], title, islice(cycle(images), maximum))
    if not path.is_dir():
        image = read_picture(path)
        return TimedPictures(path, image, f"{path.name}, {_size(image)}, {maximum} times", repeat(image, maximum))
    first = next(frames(entries([str(path)])))
    once = (frame.load() for frame in islice(frames(entries([str(path)])), maximum))
    return TimedPictures(Path(first.file), first.load(), f"pictures of {path.name}, each once", once)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


WARM_UP_FRAMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--frames", type=count, default=300, metavar="N", help="number of pictures to time (default: 300)"
    )
    parser.add_argument(
        "--image",
        type=Path,
        metavar="F",
        help="picture to read repeatedly, or folder whose first N pictures are read once (default: sample scenes)",
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument(
        "--viewer", action="store_true", help="measure the desktop program instead: frame times, idle load, latency"
    )
    parser.add_argument(
        "--engines", action="store_true", help="compare all engines that are installed, in turns and in one table"
    )
    parser.add_argument("--json", type=Path, metavar="F", help="also write the figures as JSON")
    add_model_options(parser)


def _model(info: BundleInfo, config: Any, height: int, width: int) -> dict[str, Any]:
    """Return size and cost of a network for one input of height x width."""
    return {
        "file": info.weights.name,
        "sha256": info.sha256,
        "parameters": info.parameters,
        "input": [height, width],
        "gflop": _gflop(info.kind, config, height, width),
    }


def _gflop(kind: str, config: Any, height: int, width: int) -> float | None:
    """Return the operations for one picture in 10^9; None without torch, which counts them."""
    if find_spec("torch") is None:
        return None
    from alpr_app.networks.building import NETWORKS
    from alpr_app.runtime.torch_engine import gigaflop

    return round(gigaflop(NETWORKS[kind], config, height, width), 3)


def _stages(alpr: ALPR, timed: TimedPictures) -> dict[str, Any]:
    """Return p50, p95 and mean of every stage in milliseconds, and the numbers of pictures and plates."""
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
    """Return the system that the figures were measured on."""
    import cv2

    from alpr_app.runtime.system_info import cores, processor, version_of

    return {
        "processor": processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": version_of("torch"),
        "opencv": cv2.__version__,
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the models, and return all figures for the JSON."""
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
    """Measure the desktop program, and return its figures for the JSON. Raises AlprError if it cannot be drawn.

    A separate process draws and measures, so that the command line does not depend on GUI packages.
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
    """Format the figures of the desktop program as lines."""
    names = {
        "still_frame_ms": "frame, nothing changes",
        "live_frame_ms": "frame, live picture",
        "capture_to_overlay_ms": "capture to overlay",
        "sheet_frame_ms": "frame, sheet scrolls",
    }
    width, height = figures["window"]
    plates = "1 plate" if figures["plates"] == 1 else f"{figures['plates']} plates"
    lines = [
        f"window {width} x {height} with {plates}, drawn by {figures['opengl']}",
        f"models: {figures['backend']}",
        f"toolkit: {figures['toolkit']}, imported in {figures['toolkit_import_ms']:.0f} ms, "
        f"first frame after {figures['first_frame_ms']:.0f} ms",
        "",
        f"{'ms':26}{'p50':>8}{'p95':>8}",
    ]
    lines += [f"{title:26}{figures[name]['p50']:8.2f}{figures[name]['p95']:8.2f}" for name, title in names.items()]
    lines.append(f"{'live pictures a second':26}{figures['read_rate']:8.1f} read of {figures['camera_rate']:.0f}")
    lines.append(f"{'plates on the sheet':26}{figures['sheet_plates']:8,}")
    lines.append(f"{'idle':26}{100 * figures['idle_core_share']:8.1f} % of a core")
    return lines


def _head(figures: dict[str, Any]) -> list[str]:
    return [
        f"{figures['processor']}, {figures['cores']} cores; {figures['system']}",
        f"Python {figures['python']}, torch {figures['torch']}, OpenCV {figures['opencv']}",
        printable(figures["timed"]),
    ]


def table(figures: dict[str, Any]) -> str:
    """Format the figures."""
    lines = [*_head(figures), f"backend {figures['backend']} on {figures['device']}", ""]
    for name in ("detector", "reader"):
        model = figures[name]
        height, width = model["input"]
        cost = "" if model["gflop"] is None else f"{model['gflop']:.2f} GFLOP "
        size = f"{model['parameters'] / 1e6:.2f} M parameters"
        lines.append(f"{name:9} {printable(model['file'])}: {size}, {cost}at {width} x {height}")
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
    """Return the user's pictures that are timed, if any."""
    from alpr_app.data.labels import picture_files

    if named is None:
        return []
    return picture_files(named) if named.is_dir() else [named]


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.atomic_files import refuse_inputs

    if args.json:
        refuse_inputs(args.json, [*_pictures(args.image), *model_files(args)])
    if args.engines and (args.viewer or args.backend != "auto"):
        raise UsageError(f"--engines compares all of them; leave {'--viewer' if args.viewer else '--backend'} out")
    if args.engines:
        from alpr_app.cli.bench_engines import compare, engines_table

        timed = timed_pictures(args.image, args.frames)
        compared = compare(args, timed.images)
        figures = {**_machine(), "timed": timed.title, "picture": timed.first, **compared}
        print("\n".join([*_head(figures), *engines_table(compared)]))
    elif args.viewer:
        figures = measure_viewer(args)
        print("\n".join([*_head(figures), *viewer_table(figures["viewer"])]))
    else:
        figures = measure(args)
        print(table(figures))
    if args.json:
        write_json(args.json, figures)
    return 0
