"""`draw`: plates and scenes from the generator, as a labelled folder."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from tqdm import tqdm

from alpr_app.core.errors import UsageError
from alpr_app.train.commands.run_options import Formatter
from alpr_app.train.draw.folder import Drawing, draw_folder


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("draw", help="draw labelled pictures, as many as you like", formatter_class=Formatter)
    parser.add_argument("kind", choices=("scenes", "plates"), help="whole pictures with cars, or single plates")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--count", type=int, default=100, help="pictures")
    parser.add_argument("--seed", type=int, default=0, help="other pictures")
    parser.add_argument("--aug_strength", type=float, default=1.0, help="of what the camera does to single plates")
    parser.add_argument("--plates", metavar="F", help="other plates than Chinese ones: a TOML file, or a name")
    parser.add_argument("--glyphs", type=Path, metavar="DIR", help="pictures of characters to draw plates with")
    parser.add_argument("--templates", type=Path, metavar="DIR", help="pictures of blank plates to draw on")
    parser.add_argument("--num_workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise UsageError(f"--count must be 1 or more, not {args.count}")
    drawing = Drawing(args.kind, args.seed, args.aug_strength, args.plates, args.glyphs, args.templates)
    show = partial(tqdm, total=args.count, desc=args.kind, unit="picture", leave=False, disable=None)
    plates = draw_folder(args.output, args.count, drawing, args.num_workers, show)
    print(f"{args.output}: {args.count} pictures, {plates} plates")
    return 0
