"""`export`: a run's checkpoint as a model bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.train.export import export_run


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("export", help="make a model bundle of a run's best checkpoint")
    parser.add_argument("folder", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--output", type=Path, required=True, metavar="NAME", help="models/NAME of the bundle")
    parser.add_argument("--scores", type=Path, metavar="F", help="figures written by alpr eval --json, to go with it")
    parser.add_argument("--last", action="store_true", help="of the newest checkpoint, not of the best by validation")
    parser.add_argument("--long_side", type=int, help="of a detector's input in use, if other than in training")
    parser.add_argument(
        "--calibrate",
        type=Path,
        metavar="DATA",
        help="make a reader's confidences true on the val split of this folder",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    info = export_run(args.folder, args.output, args.scores, args.long_side, args.last, args.calibrate)
    print(f"{info.weights}: {info.kind}, {info.parameters / 1e6:.2f} M parameters, {info.size / 1e6:.1f} MB")
    return 0
