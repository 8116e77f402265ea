"""The command line of the desktop program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from alpr_app import __version__
from alpr_app.core.errors import print_error
from alpr_app.data.assets import SAMPLES
from alpr_app.data.camera_mode import FORMATS, MAXIMUM_RATE, MAXIMUM_SIDE
from alpr_app.pipeline.options import FLOOR, ModelChoice, add_model_options, fraction
from alpr_app.viewer.text.language import LANGUAGES

PROGRAM = "alpr_viewer"
DEFAULT_SIZE = (1440, 900)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line instead of the whole usage."""
        print_error(f"{message} (--help lists what there is)", PROGRAM)
        sys.exit(2)


def _size(text: str) -> tuple[int, int]:
    """Parse 1280x720."""
    width, _, height = text.lower().partition("x")
    size = int(width), int(height)
    if not all(320 <= side <= 16384 for side in size):
        raise argparse.ArgumentTypeError(f"{text}: each side may have 320 to 16384 pixels")
    return size


def _scale(text: str) -> float:
    value = float(text)
    if not 0.6 <= value <= 3:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.6 and 3")
    return value


def _camera_rate(text: str) -> float:
    value = float(text)
    if not 0 < value <= MAXIMUM_RATE:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {MAXIMUM_RATE:g}")
    return value


def _camera_size(text: str) -> tuple[int, int]:
    """Parse 1280x720."""
    width, _, height = text.lower().partition("x")
    size = int(width), int(height)
    if not all(16 <= side <= MAXIMUM_SIDE for side in size):
        raise argparse.ArgumentTypeError(f"{text}: each side may have 16 to {MAXIMUM_SIDE} pixels")
    return size


def _add_camera_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("camera", "remembered for each camera; the driver may grant something else")
    group.add_argument("--camera_size", "--camera-size", type=_camera_size, metavar="WxH", help="size of its frames")
    group.add_argument("--camera_rate", "--camera-rate", type=_camera_rate, metavar="X", help="frames per second")
    group.add_argument(
        "--camera_format",
        "--camera-format",
        type=str.upper,
        choices=FORMATS,
        help="format in which it sends frames; MJPG allows large frames at full rate over USB",
    )
    group.add_argument(
        "--camera_backend",
        "--camera-backend",
        type=str.upper,
        metavar="NAME",
        help="capture library: V4L2, GSTREAMER, DSHOW, MSMF or AVFOUNDATION, whichever this OpenCV has",
    )


def camera_wishes(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of a `CameraMode` that are given on the command line."""
    width, height = args.camera_size or (None, None)
    wishes = {"width": width, "height": height, "rate": args.camera_rate}
    wishes |= {"format": args.camera_format, "backend": args.camera_backend}
    return {name: value for name, value in wishes.items() if value is not None}


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; wrong ones end the process with status 2."""
    parser = _Parser(prog=PROGRAM, description="Browse folders, watch cameras, and examine every licence plate.")
    parser.add_argument("--version", action="version", version=f"alpr {__version__}")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--image_folder", "--image-folder", metavar="DIR", help="folder of pictures, or one of them")
    source.add_argument(
        "--camera", type=int, metavar="N", help="camera by number (default: 0 if nothing else is given)"
    )
    source.add_argument("--source", metavar="PATH_OR_URL", help="folder, picture, video file, HTTP or RTSP address")
    parser.add_argument("--run", metavar="DIR", help="watch the training run in this folder")
    parser.add_argument("--score", type=fraction, help="minimum score of the plates shown (default: as last time)")
    parser.add_argument(
        "--confidence", type=fraction, help="minimum confidence of the plates shown (default: as last time)"
    )
    parser.add_argument("--recursive", action="store_true", default=None, help="include subfolders")
    parser.add_argument(
        "--theme", choices=("dark", "light"), help="colours of the window (default: as last time, at first dark)"
    )
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        help="language of the window (default: as last time, at first that of the system)",
    )
    parser.add_argument(
        "--ui_scale", "--ui-scale", type=_scale, metavar="X", help="scale of text and controls, 0.6 to 3"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window or of the screenshot")
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE", help="write the window as a picture, without any display, and exit"
    )
    _add_camera_options(parser)
    add_model_options(parser)
    args = parser.parse_args(argv)
    if camera_wishes(args) and not isinstance(initial_target(args), int):
        parser.error("--camera_size, --camera_rate, --camera_format and --camera_backend are for cameras: --camera N")
    return args


def model_choice(args: argparse.Namespace) -> ModelChoice:
    """The models chosen on the command line."""
    floor = FLOOR if args.score is None else min(FLOOR, args.score)
    return ModelChoice(
        *(args.detector_model, args.ocr_model, args.ocr_config, args.device, args.backend, args.threads),
        floor=floor,
        tiles=args.tiles,
    )


def initial_target(args: argparse.Namespace) -> str | int:
    """What to open first: a path, an address or the number of a camera."""
    if args.image_folder is not None:
        folder: str = args.image_folder
        return folder
    if args.source is not None:
        return int(args.source) if args.source.isdecimal() else args.source
    if args.run is not None and args.camera is None and SAMPLES.is_dir():
        # Pictures to try the model of the run on.
        return str(SAMPLES)
    return args.camera or 0


def chosen_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings given on the command line."""
    settings = {
        name: getattr(args, name) for name in ("score", "confidence", "recursive", "theme", "language", "ui_scale")
    }
    return {name: value for name, value in (settings | {"window": args.size}).items() if value is not None}
