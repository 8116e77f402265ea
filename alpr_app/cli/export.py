"""`alpr export`: a model as an ONNX file, for programs that do not use this one."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.core.errors import AlprError, printable, reason


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="detector or reader for the shipped one, or a bundle, NAME.safetensors"
    )
    parser.add_argument("out", type=Path, metavar="F.onnx", help="the file to write")


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.atomic_files import write_atomically
    from alpr_app.networks.bundle import KINDS, load_bundle
    from alpr_app.runtime.onnx_export import export_onnx

    if args.out.suffix.lower() != ".onnx":
        raise AlprError(f"{args.out}: the file must end in .onnx")
    network, info = load_bundle(args.model) if args.model in KINDS else load_bundle(None, args.model)
    exported = export_onnx(network, info.kind)
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out, exported)
    except OSError as error:
        raise AlprError(f"{args.out}: cannot be written: {reason(error)}") from error
    model = f"{info.kind} {info.name} {info.sha256[:12]}"
    print(printable(f"{args.out}: images (batch, height, width, 3) uint8 RGB in, {model}"))
    return 0
