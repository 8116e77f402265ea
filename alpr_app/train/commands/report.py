"""`report`: what came of a run, as pictures and text in its folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.core.errors import UsageError
from alpr_app.data.labels import read_data_folder
from alpr_app.train.report import MOST_MISTAKES, write_mistakes, write_report


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("report", help="curves, mistakes and figures of a run, into its folder")
    parser.add_argument("folder", type=Path, metavar="RUN", help="the run's folder; the run may still go on")
    parser.add_argument("--dataset_path", type=Path, metavar="DIR", help="show the worst mistakes on its val split too")
    parser.add_argument(
        "--most", type=int, default=MOST_MISTAKES, metavar="N", help=f"mistakes to show (default: {MOST_MISTAKES})"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.most < 1:
        raise UsageError(f"--most must be 1 or more, not {args.most}")
    data = mistakes = None
    if args.dataset_path is not None:
        data = read_data_folder(args.dataset_path)
        mistakes = write_mistakes(args.folder, data, args.most)
        print(f"{args.folder / 'mistakes.png'}: {mistakes.wrong} mistakes on {mistakes.plates} plates")
    print(write_report(args.folder, data, mistakes))
    return 0
