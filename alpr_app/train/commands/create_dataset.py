"""`create_dataset`: labels of CCPD's folders as alpr_dataset.csv."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from alpr_app.train.ccpd_dataset import SPLIT_FOLDERS, SPLIT_RULES, find_folders, make_table, read_split_lists


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("create_dataset", help="make alpr_dataset.csv in every ccpd_* folder")
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="CCPD2019 or CCPD2020")
    parser.add_argument(
        "--split_lists", type=Path, metavar="DIR", help="CCPD's own lists: train.txt, val.txt, test.txt"
    )
    parser.add_argument(
        "--split",
        choices=SPLIT_RULES,
        default="usual",
        help="without lists. usual: ccpd_base is for training, but for a tenth of its plates, which is val; "
        "seed: ccpd_base is for training, ccpd_weather is val; all else is for testing (default: usual)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    folders = find_folders(args.dataset_path)
    splits = read_split_lists(args.split_lists) if args.split_lists else None
    print(f"{'':20}" + "".join(f"{name:>10}" for name in (*SPLIT_FOLDERS, "odd names")))
    for folder in folders:
        report = make_table(
            folder, splits, lambda paths, name: tqdm(paths, desc=name, leave=False, disable=None), args.split
        )
        counts = [report.splits[name] for name in SPLIT_FOLDERS]
        print(f"{report.folder:20}" + "".join(f"{count:10}" for count in (*counts, report.odd)))
        for example in report.examples:
            print(f"alpr_app.train: {folder}: left out {example}", file=sys.stderr)
        if report.odd > len(report.examples):
            print(f"alpr_app.train: {folder}: and {report.odd - len(report.examples)} more", file=sys.stderr)
    return 0
