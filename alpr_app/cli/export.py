"""`alpr export`: a model as an ONNX file, beside its bundle for this program, or anywhere for others."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from alpr_app.core.errors import AlprError, UsageError, printable, reason

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.networks.bundle import Bundle

# Pictures that a network is calibrated on, evenly distributed over the folder.
CALIBRATION_PICTURES = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="detector or reader for the shipped one, or a bundle, NAME.safetensors"
    )
    parser.add_argument(
        "out",
        type=Path,
        nargs="?",
        metavar="F.onnx",
        help="the file to write for other programs; without it NAME.onnx is written beside the bundle, so that reading "
        "with ONNX Runtime or OpenVINO needs no torch",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write NAME.int8.onnx beside the bundle instead: the network in 8 bits, which is faster on processors "
        "with instructions for it and used there without being asked for",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="folder of ordinary pictures with cars, on which --int8 measures the ranges of the network's numbers; a "
        "few hundred, none that you measure the accuracy on",
    )
    parser.add_argument(
        "--scores", type=Path, metavar="F", help="figures of alpr eval --backend onnx-int8 --json to store with --int8"
    )


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.atomic_files import write_atomically
    from alpr_app.networks.bundle import CONFIGS, keep_onnx, open_bundle
    from alpr_app.runtime.onnx_export import export_onnx

    _check(args)
    bundle = open_bundle(args.model) if args.model in CONFIGS else open_bundle(None, args.model)
    info = bundle.info
    model = f"{info.kind} {info.name} {info.sha256[:12]}"
    if args.int8:
        path = _write_int8(bundle, args)
        print(printable(f"{path}: {model} in 8 bits; its hash is in {bundle.json.name}"))
        return 0
    exported = export_onnx(bundle.network(), info.kind, split=args.out is not None)
    if args.out is None:
        path = keep_onnx(bundle, exported)
        print(printable(f"{path}: {model}, for ONNX Runtime and OpenVINO; its hash is in {bundle.json.name}"))
        return 0
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out, exported)
    except OSError as error:
        raise AlprError(f"{args.out}: cannot be written: {reason(error)}") from error
    print(printable(f"{args.out}: images (batch, height, width, 3) uint8 RGB in, {model}"))
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise AlprError if options do not go together."""
    if args.out is not None and args.out.suffix.lower() != ".onnx":
        raise AlprError(f"{args.out}: the file must end in .onnx")
    if args.int8 and args.calibration is None:
        raise UsageError("--int8 needs pictures to calibrate on: name their folder with --calibration DIR")
    if args.int8 and args.out is not None:
        raise UsageError(f"{args.out}: --int8 writes beside the bundle; leave the file name out")
    for name in ("calibration", "scores"):
        if getattr(args, name) is not None and not args.int8:
            raise UsageError(f"--{name} is for --int8")


def _write_int8(bundle: Bundle, args: argparse.Namespace) -> Path:
    """Quantise the network on the pictures of a folder and write it beside the bundle. Returns its path."""
    from alpr_app.networks.bundle import keep_int8
    from alpr_app.networks.bundle_description import read_scores
    from alpr_app.pipeline.calibration import network_inputs
    from alpr_app.runtime.onnx_files import onnx_model
    from alpr_app.runtime.quantization import int8_model

    scores = {} if args.scores is None else {"evaluation": read_scores(args.scores)}
    info = bundle.info
    samples = network_inputs(info.kind, info.weights, _calibration_pictures(args.calibration))
    if not samples:
        raise AlprError(f"{args.calibration}: no plate was found in its pictures; name a folder of pictures with cars")
    model = int8_model(onnx_model(bundle), info.kind, samples)
    return keep_int8(bundle, model, scores, f"alpr export {info.name} --int8 --calibration {args.calibration.name}")


def _calibration_pictures(folder: Path) -> Iterator[np.ndarray]:
    from alpr_app.data.images import read_picture
    from alpr_app.data.labels import picture_files

    try:
        files = picture_files(folder)
    except OSError as error:
        raise AlprError(f"{folder}: cannot be opened: {reason(error)}") from error
    if not files:
        raise AlprError(f"{folder}: there are no pictures in this folder to calibrate on")
    step = max(1.0, len(files) / CALIBRATION_PICTURES)
    chosen = [files[int(index * step)] for index in range(min(len(files), CALIBRATION_PICTURES))]
    for file in tqdm(chosen, unit=" pictures", leave=False, disable=None):
        yield read_picture(file)
