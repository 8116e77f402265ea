"""`validate_dataset`: what is wrong with labelled data, before hours are spent on it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from alpr_app.core.errors import AlprError
from alpr_app.data.labels import read_data_folder
from alpr_app.networks.bundle import load_reader
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.train.faults import KINDS, check_data
from alpr_app.train.plots import plot_counts


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("validate_dataset", help="check labelled pictures before training on them")
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="labelled pictures")
    parser.add_argument("--plot", type=Path, metavar="F", help="first characters and lengths as a PNG")
    parser.add_argument("--most", type=int, default=10, metavar="N", help="faults named a kind (default: 10)")
    parser.add_argument("--reader", type=Path, metavar="NAME", help="bundle whose alphabet and length are meant")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = ReaderConfig() if args.reader is None else load_reader(args.reader)[0].config
    data = read_data_folder(args.dataset_path)
    total = len(data.pictures) + len(data.negatives)
    show = partial(tqdm, total=total, desc="pictures", leave=False, disable=None)
    findings = check_data(data, config.alphabet, config.max_length, show)
    for split, count in sorted(findings.pictures.items()):
        print(f"{split:6} {count:8} pictures {findings.plates[split]:8} plates")
    for title, counts in (("first characters", findings.provinces), ("lengths", findings.lengths)):
        print(f"{title}: " + "  ".join(f"{name} {count}" for name, count in counts.most_common()))
    if args.plot is not None:
        plot_counts({"first characters": findings.provinces, "lengths": findings.lengths}, args.plot)
    faults = 0
    for kind, text in KINDS.items():
        lines = findings.faults.get(kind, [])
        faults += len(lines) if kind != "order" else 0
        print(f"{len(lines):6} {text}")
        for line in lines[: args.most]:
            print(f"       {line}")
    if faults:
        raise AlprError(f"{args.dataset_path}: {faults} faults, see above; mend or remove them before training")
    return 0
