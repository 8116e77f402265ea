"""`alpr bench`: how large the models are, and how long each stage takes on this computer."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr_app.commands.options import add_model_options, count, fraction, make_alpr
from alpr_app.errors import AlprError, reason
from alpr_app.timings import STAGES

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.bundle import BundleInfo
    from alpr_app.pipeline import ALPR

WARM_UP_FRAMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames", type=count, default=300, metavar="N", help="pictures to time (default: 300)")
    parser.add_argument(
        "--image",
        type=Path,
        metavar="F",
        help="picture to read over and over, or folder of which the first N are read once (default: a sample)",
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument(
        "--viewer", action="store_true", help="measure the desktop program instead: frames, idling, camera to screen"
    )
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures as JSON too")
    add_model_options(parser)


def _picture(path: Path | None) -> tuple[Path, np.ndarray]:
    """The picture to time and its file: the one given or the first of the folder given, else the first sample."""
    from alpr_app.pictures import PICTURE_SUFFIXES, read_picture
    from alpr_app.resources import SAMPLES
    from alpr_app.sources import entries, frames

    if path is not None and path.is_dir():
        first = next(frames(entries([str(path)])))
        return Path(first.file), first.load()

    if path is None:
        samples = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []
        path = next((sample for sample in samples if sample.suffix in PICTURE_SUFFIXES), None)
    if path is None:
        raise AlprError("there are no sample pictures; name one with --image")
    return path, read_picture(path)


def _model(info: BundleInfo, config: Any, height: int, width: int) -> dict[str, Any]:
    """Size and cost of a network for one input of height x width."""
    from alpr_app.bundle import KINDS
    from alpr_app.cost import gigaflop

    return {
        "file": info.weights.name,
        "sha256": info.sha256,
        "parameters": info.parameters,
        "input": [height, width],
        "gflop": round(gigaflop(KINDS[info.kind][0], config, height, width), 3),
    }


def _images(path: Path | None, image: np.ndarray, most: int) -> Iterable[np.ndarray]:
    """What is timed: `image` over and over, or each of a folder's pictures once. Raises AlprError for a broken one."""
    from alpr_app.sources import entries, frames

    if path is None or not path.is_dir():
        return repeat(image, most)
    return (frame.load() for frame in islice(frames(entries([str(path)])), most))


def _stages(alpr: ALPR, warm_up: np.ndarray, images: Iterable[np.ndarray]) -> dict[str, Any]:
    """p50, p95 and mean of every stage in milliseconds, how many pictures it were and how many plates were read."""
    import numpy as np

    for _ in range(WARM_UP_FRAMES):
        alpr.analyse(warm_up)
    rows, plates = [], 0
    for image in images:
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

    from alpr_app.machine import cores, processor

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
    from alpr_app.geometry import Letterbox

    path, image = _picture(args.image)
    runs = []
    for threads in [args.threads] if args.threads else [1, 2]:
        alpr = make_alpr(args, threads)
        runs.append({"threads": threads} | _stages(alpr, image, _images(args.image, image, args.frames)))
    height, width = image.shape[:2]
    canvas = Letterbox.for_long_side(height, width, alpr.detector_config.long_side).canvas
    reader = alpr.reader_config
    return {
        **_machine(),
        "backend": alpr.backend,
        "device": alpr.device,
        "picture": {"file": path.name, "width": width, "height": height},
        "folder": args.image.name if args.image and args.image.is_dir() else None,
        "frames": runs[0]["pictures"],
        "detector": _model(alpr.detector_info, alpr.detector_config, *canvas),
        "reader": _model(alpr.reader_info, reader, reader.img_height, reader.img_width),
        "runs": runs,
    }


def measure_viewer(args: argparse.Namespace) -> dict[str, Any]:
    """The figures of the desktop program, as they go into the JSON. Raises AlprError where it cannot be drawn."""
    # Only here: what draws windows need not be there for anything else.
    from alpr_app.pictures import quiet_opencv
    from alpr_app.viewer.bench import measure as measure_window
    from alpr_app.viewer.models import ModelChoice

    quiet_opencv()
    path, image = _picture(args.image)
    choice = ModelChoice(
        args.detector_model, args.ocr_model, args.ocr_config, args.device, args.backend, args.threads, args.score
    )
    figures = measure_window(choice, path, image, args.frames)
    height, width = image.shape[:2]
    picture = {"file": path.name, "width": width, "height": height}
    return {**_machine(), "picture": picture, "frames": args.frames, "viewer": figures}


def _head(figures: dict[str, Any]) -> list[str]:
    picture = figures["picture"]
    timed = f"{picture['file']}, {picture['width']} x {picture['height']}, {figures['frames']} times"
    if figures.get("folder"):
        timed = f"{figures['frames']} pictures of {figures['folder']}, each once"
    return [
        f"{figures['processor']}, {figures['cores']} cores; {figures['system']}",
        f"Python {figures['python']}, torch {figures['torch']}, OpenCV {figures['opencv']}",
        timed,
    ]


def table(figures: dict[str, Any]) -> str:
    """The figures to read."""
    lines = [*_head(figures), f"backend {figures['backend']} on {figures['device']}", ""]
    for name in ("detector", "reader"):
        model = figures[name]
        height, width = model["input"]
        lines.append(
            f"{name:9} {model['file']}: {model['parameters'] / 1e6:.2f} M parameters, "
            f"{model['gflop']:.2f} GFLOP at {width} x {height}"
        )
    runs = figures["runs"]
    heads = "".join(f"{run['threads']} thread{'s' if run['threads'] > 1 else ''}".rjust(26) for run in runs)
    lines += ["", "ms a picture" + heads, "            " + "       p50     p95    mean" * len(runs)]
    for stage in (*STAGES, "whole"):
        times = [run["stages_ms"][stage] for run in runs]
        columns = (f"{time['p50']:10.2f}{time['p95']:8.2f}{time['mean']:8.2f}" for time in times)
        lines.append(f"{stage:12}" + "".join(columns))
    lines.append(f"plates read {runs[0]['plates'] / runs[0]['pictures']:10.2f} a picture")
    return "\n".join(lines)


def run(args: argparse.Namespace) -> int:
    from alpr_app.files import write_atomically

    if args.viewer:
        from alpr_app.viewer.bench import table as window_table

        figures = measure_viewer(args)
        print("\n".join([*_head(figures), *window_table(figures["viewer"])]))
    else:
        figures = measure(args)
        print(table(figures))
    if args.json:
        try:
            write_atomically(args.json, (json.dumps(figures, ensure_ascii=False, indent=1) + "\n").encode())
        except OSError as error:
            raise AlprError(f"{args.json}: cannot be written: {reason(error)}") from error
    return 0
