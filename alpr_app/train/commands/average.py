"""`average`: the mean of bundles' weights as a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.train.averaging import average_bundles
from alpr_app.train.commands.run_options import published_command


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("average", help="make a model bundle of the mean of several ones' weights")
    said = "bundles of one kind and shape, of runs that went on from one another"
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help=said)
    parser.add_argument("--output", type=Path, required=True, metavar="NAME", help="models/NAME of the bundle")
    parser.add_argument("--scores", type=Path, metavar="F", help="figures written by alpr eval --json, to go with it")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    info = average_bundles(args.bundles, args.output, published_command(args.arguments), args.scores)
    print(f"{info.weights}: mean of {len(args.bundles)}, {info.kind}, {info.parameters / 1e6:.2f} M parameters")
    return 0
