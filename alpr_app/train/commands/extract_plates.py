"""`extract_plates`: plates at 48 x 192 out of CCPD's folders."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from alpr_app.core.errors import AlprError
from alpr_app.data.labels import LabelError, read_data_folder
from alpr_app.train.ccpd_dataset import find_folders
from alpr_app.train.commands.run_options import Formatter
from alpr_app.train.extract import Cut, extract_plates


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "extract_plates", help="cut plates out of labelled pictures, at 48 x 192", formatter_class=Formatter
    )
    parser.add_argument("--ccpd_dir", type=Path, required=True, metavar="DIR", help="folder with ccpd_* folders")
    parser.add_argument("--categories", nargs="+", metavar="NAME", help="base, ccpd_blur, ...; all if not given")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where plates_NAME_48 are made; --ccpd_dir if not")
    parser.add_argument("--num_workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--box", action="store_true", help="by the upright box, not by the corners")
    parser.add_argument("--margin", type=float, default=0.0, help="around the plate, as a share of its height")
    parser.add_argument("--jitter", type=float, default=0.0, help="chance shift of each corner, in the same unit")
    parser.add_argument("--seed", type=int, default=0, help="of the jitter")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    folders = {folder.name.removeprefix("ccpd_"): folder for folder in find_folders(args.ccpd_dir)}
    # As the folders are called, or short.
    wanted = [name.removeprefix("ccpd_") for name in args.categories or folders]
    unknown = [name for name in wanted if name not in folders]
    if unknown:
        raise LabelError(f"{args.ccpd_dir}: there is no ccpd_{unknown[0]}; there are {', '.join(folders)}")
    cut = Cut(args.box, args.margin, args.jitter, args.seed)
    failed = False
    for name in dict.fromkeys(wanted):
        pictures = [picture for picture in read_data_folder(folders[name]).pictures if picture.plates]
        if not pictures:
            print(f"ccpd_{name}: no plates with a text")
            continue
        target = (args.output or args.ccpd_dir) / f"plates_{name}_48"
        show = partial(tqdm, total=len(pictures), desc=name, unit="picture", leave=False, disable=None)
        count, broken = extract_plates(pictures, target, cut, args.num_workers, show)
        print(f"{target}: {count} plates")
        for line in broken:
            failed = True
            print(f"alpr_app.train: left out {line}", file=sys.stderr)
    if failed:
        raise AlprError("some pictures could not be read and are left out, see above")
    return 0
