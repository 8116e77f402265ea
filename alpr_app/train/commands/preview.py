"""`preview`: a sheet of training samples as the networks see them."""

from __future__ import annotations

import argparse
from pathlib import Path

from alpr_app.core.errors import UsageError
from alpr_app.data.images import write_picture
from alpr_app.data.labels import read_data_folder
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cached import spread
from alpr_app.train.commands.run_options import Formatter, add_crop_size, crop_size_of
from alpr_app.train.preview import plate_sheet, scene_sheet
from alpr_app.train.reader_plates import NO_DATA, prepare_plates
from alpr_app.train.scene_dataset import SceneDataset, load_scenes
from alpr_app.train.shapes import with_fields

# Enough for a sheet that shows many of them; loading all of a large set would take minutes.
MOST_PICTURES = 200


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("preview", help="training samples on a sheet, as PNG", formatter_class=Formatter)
    parser.add_argument("network", choices=("detector", "maskocr"), help="whose samples")
    parser.add_argument("--dataset_path", type=Path, metavar="DIR", help="labelled pictures")
    parser.add_argument("--plates", metavar="F", help="other plates than Chinese ones: a TOML file, or a name")
    parser.add_argument("--output", type=Path, required=True, metavar="F", help="the sheet, a PNG")
    parser.add_argument("--count", type=int, default=24, help="samples on the sheet")
    parser.add_argument("--drawn_share", type=float, default=0.5, help="share of drawn plates")
    parser.add_argument("--aug_strength", type=float, default=1.0, help="of the reader's disturbances")
    add_crop_size(parser)
    parser.add_argument("--glyphs", type=Path, metavar="DIR", help="pictures of characters to draw plates with")
    parser.add_argument("--templates", type=Path, metavar="DIR", help="pictures of blank plates to draw on")
    parser.add_argument("--seed", type=int, default=0, help="other samples")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise UsageError(f"--count must be 1 or more, not {args.count}")
    if args.dataset_path is None and (args.plates is None or args.network == "detector"):
        raise UsageError("--dataset_path is missing; only maskocr with --plates does without labelled pictures")
    data = NO_DATA if args.dataset_path is None else read_data_folder(args.dataset_path)
    kind = None if args.plates is None else read_plates_file(args.plates)
    painter = make_painter(kind, args.glyphs, args.templates)
    if args.network == "maskocr":
        plates = prepare_plates(
            with_fields(ReaderConfig(), {} if kind is None else kind.reader_fields()),
            data,
            painter,
            args.drawn_share,
            args.aug_strength,
            seed=args.seed,
            limit=0,
            most=1,
        )
        picture = plate_sheet(plates.dataset, args.count)
    else:
        pictures = [picture for picture in data.pictures if picture.plates and picture.split == "train"]
        scenes = load_scenes(spread(pictures, MOST_PICTURES))
        free = load_scenes(spread(list(data.of_split("train").negatives), MOST_PICTURES))
        dataset = SceneDataset(scenes, free, painter, crop_size_of(args), args.seed, args.drawn_share)
        picture = scene_sheet(dataset, args.count)
    write_picture(args.output, picture)
    print(f"{args.output}: {args.count} samples")
    return 0
