"""Which models read and how they are run: as options of a command line, and as a value to make the pipeline from."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alpr_app.runtime.backends import BACKENDS, DEVICES

if TYPE_CHECKING:
    from alpr_app.pipeline.alpr import ALPR


# The window finds everything above this score once; its slider then only selects.
FLOOR = 0.3
TILE_CHOICES = ("off", "auto")


@dataclass(frozen=True)
class ModelChoice:
    """Which models to use, and how to run them.

    Attributes:
        detector, reader, reader_config: Paths; None for the shipped ones.
        device, backend, threads: As for `ALPR`.
        floor: Lowest score that is found at all.
        tiles: As for `ALPR`.
        version: Distinguishes models that replace each other at the same path; empty for stable ones.
    """

    detector: str | None = None
    reader: str | None = None
    reader_config: str | None = None
    device: str = "auto"
    backend: str = "auto"
    threads: int | None = None
    floor: float = FLOOR
    version: str = ""
    tiles: str = "off"

    def make(self) -> ALPR:
        """Make the pipeline. Importing torch and loading models takes seconds. Raises BundleError or EngineError."""
        import cv2

        from alpr_app.pipeline.alpr import ALPR

        if self.threads is not None:
            # OpenCV does letterbox and rectification.
            cv2.setNumThreads(self.threads)
        return ALPR(
            self.detector,
            self.reader,
            self.device,
            self.backend,
            self.threads,
            self.floor,
            reader_config=self.reader_config,
            tiles=self.tiles,
        )


def fraction(text: str) -> float:
    """Parse a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def count(text: str) -> int:
    """Parse a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def number(text: str) -> int:
    """Parse a whole number from 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return value


def seconds(text: str) -> float:
    """Parse a positive time in seconds."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add options for the models and how to run them."""
    group = parser.add_argument_group("models")
    group.add_argument(
        "--detector_model", "--detector-model", metavar="F", help="detector bundle, NAME.safetensors (default: shipped)"
    )
    group.add_argument(
        "--ocr_model", "--ocr-model", metavar="F", help="reader bundle, NAME.safetensors (default: the shipped one)"
    )
    group.add_argument("--ocr_config", "--ocr-config", metavar="F", help="the reader's JSON, if it is not beside it")
    group.add_argument("--device", choices=DEVICES, default="auto", help="default: CUDA if there is any, else cpu")
    group.add_argument(
        "--backend",
        choices=BACKENDS,
        default="auto",
        help="default: onnx on the processor if installed, else torch. Faster, with slightly different results: "
        "onnx-int8 (reader in 8 bits), openvino-bf16 (bfloat16)",
    )
    group.add_argument("--threads", type=count, metavar="N", help="processor threads of the networks (default: all)")
    group.add_argument(
        "--tiles",
        choices=TILE_CHOICES,
        default="off",
        help="auto: also search large pictures in overlapping tiles, which finds plates from 60 pixels wide and takes "
        "much longer (default: off)",
    )


def make_alpr(args: argparse.Namespace, threads: int | None = None) -> ALPR:
    """Make the pipeline that `args` ask for. threads: overrides `args.threads`. Raises BundleError or EngineError."""
    import cv2

    from alpr_app.pipeline.alpr import ALPR

    threads = threads or args.threads
    if threads is not None:
        # OpenCV does letterbox and rectification.
        cv2.setNumThreads(threads)
    return ALPR(
        args.detector_model,
        args.ocr_model,
        args.device,
        args.backend,
        threads,
        args.score,
        reader_config=args.ocr_config,
        tiles=args.tiles,
    )


def model_files(args: argparse.Namespace) -> list[Path]:
    """Return both files of either model that `args` ask for. Raises BundleError if one is missing."""
    from alpr_app.networks.bundle import find_bundle

    return [*find_bundle("detector", args.detector_model), *find_bundle("reader", args.ocr_model, args.ocr_config)]


def identity_of(args: argparse.Namespace) -> str:
    """Return what distinguishes the models that `args` ask for and how they are run. Raises BundleError."""
    from alpr_app import __version__

    # A bundle's JSON holds the hash of its weights.
    models = [path.read_text("utf-8", "replace") for path in model_files(args) if path.suffix == ".json"]
    tiles = () if args.tiles == "off" else ("tiles", args.tiles)
    return repr((__version__, models, args.backend, args.device, args.score, *tiles))
