"""`alpr export`: a model as an ONNX file, beside its bundle for this program, or anywhere for others."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.core.errors import AlprError, printable, reason


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


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.atomic_files import write_atomically
    from alpr_app.networks.bundle import CONFIGS, keep_onnx, open_bundle
    from alpr_app.runtime.onnx_export import export_onnx

    if args.out is not None and args.out.suffix.lower() != ".onnx":
        raise AlprError(f"{args.out}: the file must end in .onnx")
    bundle = open_bundle(args.model) if args.model in CONFIGS else open_bundle(None, args.model)
    info = bundle.info
    model = f"{info.kind} {info.name} {info.sha256[:12]}"
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
