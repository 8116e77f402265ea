"""`speed`: how fast a network of some shape would be, before it is trained."""

from __future__ import annotations

import argparse

from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.pipeline.options import count
from alpr_app.runtime.system_info import cores, processor
from alpr_app.train.commands import detector, maskocr
from alpr_app.train.commands.run_options import add_shape_options, shape_of
from alpr_app.train.shapes import with_fields
from alpr_app.train.speed import measure_speed


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("speed", help="time a network of some shape, before it is trained")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, config, shape in (
        ("detector", DetectorConfig(), detector.INPUT | detector.SHAPE),
        ("maskocr", ReaderConfig(), maskocr.SHAPE),
    ):
        kind = kinds.add_parser(name, help=f"of the {name}'s options")
        kind.add_argument("--runs", type=count, default=300, metavar="N", help="how often it runs (default: 300)")
        kind.add_argument("--threads", type=count, default=1, metavar="N", help="processor threads (default: 1)")
        add_shape_options(kind, config, shape, many=("stem_channels",))
        kind.set_defaults(run=run, config=type(config), shape=shape)


def run(args: argparse.Namespace) -> int:
    speed = measure_speed(with_fields(args.config(), shape_of(args, args.shape)), args.runs, args.threads)
    height, width = speed.size
    print(f"{processor()}, {cores()} cores, {args.threads} in use; {width} x {height}, {args.runs} times")
    print(f"{speed.parameters / 1e6:.2f} M parameters, {speed.gflop:.2f} GFLOP")
    for backend, (best, median) in speed.milliseconds.items():
        print(f"{backend:5}  {best:.2f} ms in the best of 20 runs, {median:.2f} ms in half of them")
    return 0
