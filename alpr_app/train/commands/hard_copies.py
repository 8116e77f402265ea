"""`hard_copies`: labelled pictures at night, in rain, far away, tilted: to measure, not to train."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from alpr_app.data.label_csv import SPLITS
from alpr_app.data.labels import read_data_folder
from alpr_app.train.commands.run_options import Formatter
from alpr_app.train.hard_copies import ALL_KINDS, write_hard_copies


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "hard_copies", help="harder copies of labelled pictures, to measure by", formatter_class=Formatter
    )
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="labelled pictures")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder a kind is made in it")
    parser.add_argument("--kinds", nargs="+", choices=ALL_KINDS, default=ALL_KINDS, help="which")
    parser.add_argument("--split", choices=SPLITS, default="val", help="of the pictures")
    parser.add_argument("--seed", type=int, default=0, help="other chance details")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    pictures = [picture for picture in read_data_folder(args.dataset_path).pictures if not picture.by_machine]
    chosen = [picture for picture in pictures if picture.split == args.split]
    count = write_hard_copies(
        chosen,
        args.output,
        args.kinds,
        args.seed,
        lambda items, kind: tqdm(items, desc=kind, leave=False, disable=None),
    )
    print(f"{args.output}: {count} pictures; measure with: alpr eval {args.output} --split {args.split}")
    return 0
