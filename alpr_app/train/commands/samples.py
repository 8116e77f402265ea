"""`samples`: draw the sample scenes that come with the project."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.synth.scenes.samples import write_samples


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("samples", help="draw the sample scenes of assets/samples")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder, made if missing")
    parser.add_argument("--seed", type=int, default=1, help="other cars, plates and light (default: 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    write_samples(args.output, args.seed)
    return 0
