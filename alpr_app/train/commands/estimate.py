"""`estimate`: time and memory of a larger training, from a run that was measured."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.core.errors import UsageError
from alpr_app.data.labels import read_data_folder
from alpr_app.train.cached import spread
from alpr_app.train.commands.run_options import Formatter
from alpr_app.train.estimate import bytes_a_picture, estimate
from alpr_app.train.scene_dataset import load_scenes

MEASURED_PICTURES = 100


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "estimate", help="time and memory on more pictures, by a measured run", formatter_class=Formatter
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a run on this machine")
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="pictures like those to come")
    parser.add_argument("--pictures", type=int, default=200_000, help="how many there would be")
    parser.add_argument("--epochs", type=float, default=5.0, help="rounds over them")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    pictures = [picture for picture in read_data_folder(args.dataset_path).pictures if picture.plates]
    if not pictures:
        raise UsageError(f"{args.dataset_path}: holds no whole pictures with plates")
    size = bytes_a_picture(load_scenes(spread(pictures, MEASURED_PICTURES)))
    found = estimate(args.folder, args.pictures, args.epochs, size)
    print(f"{args.pictures} pictures, {args.epochs:g} rounds: {found.samples} samples")
    print(f"time        {found.hours:.1f} h at {found.samples_per_s:.0f} samples/s, measured in {args.folder.name}")
    print(f"waiting     {100 * found.waiting_share:.0f} % of the time was spent waiting for data")
    if found.memory_gb is not None:
        print(f"memory      {found.memory_gb:.1f} GB were taken by the run's own process")
    print(f"cache       {found.decoded_gb:.0f} GB would hold all decoded pictures; --cache_gb says how many are kept")
    return 0
