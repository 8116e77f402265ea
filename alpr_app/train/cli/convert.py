"""The command `convert`: labels from and to the formats of other programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from alpr_app.core.errors import AlprError, UsageError, print_error
from alpr_app.data.label_csv import SPLITS, TABLE_NAME
from alpr_app.data.labels import read_data_folder
from alpr_app.train.cli.parsers import Commands
from alpr_app.train.formats.coco import read_coco, write_coco
from alpr_app.train.formats.exporting import ExportedPicture, exported_pictures, make_new_folder
from alpr_app.train.formats.importing import ImportOptions, Problems, import_labels
from alpr_app.train.formats.shape_json import read_shape_json, write_labelme, write_x_anylabeling
from alpr_app.train.formats.yolo import read_yolo, write_yolo

PROGRAM = "alpr_app.train"
FORMATS = ("yolo", "yolo-obb", "x-anylabeling", "coco", "labelme")
READERS = {
    "yolo": read_yolo,
    "yolo-obb": read_yolo,
    "x-anylabeling": read_shape_json,
    "coco": read_coco,
    "labelme": read_shape_json,
}


def add_convert(commands: Commands) -> None:
    parser = commands.add("convert", help="convert labels from and to the formats of other programs")
    parser.add_argument(
        "direction",
        choices=("import", "export"),
        help=f"import: write {TABLE_NAME} from labels of another program; export: write a data folder's labels for one",
    )
    parser.add_argument("format", choices=FORMATS, help="yolo: with four keypoints; yolo-obb: with four corners")
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="import: folder of labels, for coco a file; export: data folder",
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="export: new folder to write; yolo also copies the pictures into it"
    )
    parser.add_argument("--link", action="store_true", help="export to yolo: symbolic links instead of copies")
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help=f"import: folder of pictures, into which {TABLE_NAME} is written (default: the folder of the labels)",
    )
    parser.add_argument(
        "--label", nargs="+", default=(), metavar="NAME", help="import: labels or classes of the shapes that are plates"
    )
    parser.add_argument(
        "--text_from",
        choices=("description", "label"),
        default="description",
        help="import: where the text of a plate is; description: where each format has a place for it",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        help="import: split of pictures whose labels state none; export: this split only (default: all)",
    )
    parser.set_defaults(run=run_convert)


def run_convert(args: argparse.Namespace) -> int:
    problems = Problems()
    try:
        if args.direction == "import":
            _import(args, problems)
        else:
            _export(args, problems)
    finally:
        for line in problems.lines:
            print_error(f"not converted: {line}", PROGRAM)
    for description, count in problems.notes.items():
        if count:
            print(f"note: {args.format} has no place for {count} {description}")
    if problems.lines:
        print(f"{len(problems.lines)} not converted, see above", file=sys.stderr)
    return 1 if problems.lines else 0


def _import(args: argparse.Namespace, problems: Problems) -> None:
    if args.output is not None or args.link:
        raise UsageError("--output and --link are for export; import writes into the folder of --pictures")
    if args.format == "coco" and not args.source.is_file():
        raise AlprError(f"{args.source}: no such file; name the JSON file of COCO")
    if args.format != "coco" and not args.source.is_dir():
        raise AlprError(f"{args.source}: no such folder")
    folder: Path = args.pictures or (args.source.parent if args.format == "coco" else args.source)
    if not folder.is_dir():
        raise AlprError(f"{folder}: no such folder")
    options = ImportOptions(tuple(args.label), args.split or "", args.text_from == "label")
    imported = READERS[args.format](args.source, folder, problems)
    report = import_labels(tqdm(imported, unit="picture", leave=False, disable=None), folder, options, problems)
    print(f"{folder / TABLE_NAME}: {report.plates} plates in {report.pictures} pictures")
    if report.other_shapes:
        print(f"note: {report.other_shapes} shapes have other labels and are left out")
    if report.unlabelled:
        print(f"note: {report.unlabelled} other pictures of the folder have no labels and are not in the table")


def _export(args: argparse.Namespace, problems: Problems) -> None:
    if args.output is None:
        raise UsageError("--output is missing; export needs a new folder to write")
    if args.pictures is not None or args.label or args.text_from != "description":
        raise UsageError("--pictures, --label and --text_from are for import")
    if args.link and not args.format.startswith("yolo"):
        raise UsageError("--link is for yolo, the only format that takes the pictures with it")
    data = read_data_folder(args.source, lambda error: problems.add(str(error)))
    data = data.of_split(args.split) if args.split else data
    make_new_folder(args.output)
    total = len(data.pictures) + len(data.negatives)
    track = _progress(total)
    exported = exported_pictures(data, args.source, problems, track)
    count = _write(args, exported, problems)
    print(f"{args.output}: labels of {count} pictures")


def _progress(total: int) -> Callable[..., Any]:
    return lambda items: tqdm(items, total=total, unit="picture", leave=False, disable=None)


def _write(args: argparse.Namespace, exported: Iterator[ExportedPicture], problems: Problems) -> int:
    if args.format.startswith("yolo"):
        return write_yolo(exported, args.output, args.format == "yolo-obb", args.link, problems)
    write = {"x-anylabeling": write_x_anylabeling, "coco": write_coco, "labelme": write_labelme}[args.format]
    return write(exported, args.output, problems)
