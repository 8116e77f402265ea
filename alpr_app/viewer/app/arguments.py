"""The command line of the desktop program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from alpr_app import __version__
from alpr_app.core.errors import print_error
from alpr_app.data.assets import SAMPLES
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
    add_model_options(parser)
    return parser.parse_args(argv)


def model_choice(args: argparse.Namespace) -> ModelChoice:
    """The models chosen on the command line."""
    floor = FLOOR if args.score is None else min(FLOOR, args.score)
    return ModelChoice(
        args.detector_model, args.ocr_model, args.ocr_config, args.device, args.backend, args.threads, floor
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
