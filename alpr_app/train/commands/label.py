"""`label`: labels for pictures that have none, made by models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from alpr_app.core.errors import complain
from alpr_app.data.label_csv import SPLITS, TABLE_NAME
from alpr_app.pipeline.options import add_model_options, fraction, make_alpr
from alpr_app.train.commands.run_options import Formatter
from alpr_app.train.labelling import label_pictures


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("label", help="label pictures by models, to train on", formatter_class=Formatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help=f"pictures; {TABLE_NAME} is written beside them")
    parser.add_argument("--confidence", type=fraction, default=0.95, help="of readings that become labels")
    parser.add_argument("--score", type=fraction, default=0.5, help="plates below it are taken for none")
    parser.add_argument("--split", choices=SPLITS, default="train", help="what the labels are for")
    parser.add_argument(
        "--keep_doubtful", action="store_true", help="label doubtful plates without a text, to be typed by hand"
    )
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    alpr, table = make_alpr(args), args.folder / TABLE_NAME
    try:
        report = label_pictures(
            alpr,
            args.folder,
            args.confidence,
            args.split,
            args.keep_doubtful,
            lambda paths: tqdm(paths, leave=False, disable=None),
        )
    except KeyboardInterrupt:
        if table.exists():
            complain(f"{table}: what has been labelled so far; the same command goes on from there", "alpr_app.train")
        raise
    for problem in report.broken:
        print(f"alpr_app.train: left out: {problem}", file=sys.stderr)
    typing = f", {report.untyped} more to be typed" if args.keep_doubtful else ""
    print(f"{table}: {report.plates} plates in {report.labelled} pictures{typing}")
    print(f"left out: {report.doubtful} pictures with a doubtful plate, {report.empty} without any plate")
    return 1 if report.broken else 0
