"""The commands around datasets: `create_dataset`, `extract_plates`, `validate_dataset`, `label`, `robustness_set`,
`draw` and `samples`.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from alpr_app.core.errors import AlprError, UsageError, print_error
from alpr_app.data.label_csv import SPLITS, TABLE_NAME, LabelError
from alpr_app.data.labels import read_data_folder
from alpr_app.networks.bundle import load_reader
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.pipeline.options import add_model_options, fraction, make_alpr
from alpr_app.synth.scenes.samples import write_samples
from alpr_app.train.cli.parsers import Commands
from alpr_app.train.cli.run_options import add_plate_options
from alpr_app.train.datasets.ccpd_dataset import (
    SPLIT_FOLDERS,
    SPLIT_RULES,
    find_folders,
    hard_texts,
    read_split_lists,
    write_labels,
)
from alpr_app.train.datasets.dataset_checks import KINDS, check_data, describe_assumed_splits
from alpr_app.train.datasets.drawn_folder import Drawing, draw_folder
from alpr_app.train.datasets.extract_plates import CropOptions, extract_plates
from alpr_app.train.datasets.labelling import label_pictures
from alpr_app.train.datasets.robustness_set import ALL_KINDS, KIND_CHOICES, write_robustness_set
from alpr_app.train.reports.plots import plot_counts


def add_create_dataset(commands: Commands) -> None:
    parser = commands.add("create_dataset", help="write alpr_dataset.csv into every ccpd_* folder")
    parser.add_argument(
        "--dataset_path", type=Path, required=True, metavar="DIR", help="folder of CCPD2019 or CCPD2020"
    )
    parser.add_argument(
        "--split_lists", type=Path, metavar="DIR", help="folder of CCPD's own lists: train.txt, val.txt, test.txt"
    )
    parser.add_argument(
        "--split",
        choices=SPLIT_RULES,
        default="usual",
        help="how to split without lists. usual: ccpd_base is train, except for a tenth of its plates, which is val; "
        "seed: ccpd_base is train and ccpd_weather val; everything else is test; train: everything is train",
    )
    parser.add_argument(
        "--val_hard",
        type=int,
        default=0,
        metavar="N",
        help="keep N plates apart for validation, as the subset val_hard, chosen from blurred, dark, bright and tilted "
        "pictures and from other provinces than 皖 (default: none)",
    )
    parser.set_defaults(run=run_create_dataset)


def run_create_dataset(args: argparse.Namespace) -> int:
    folders = find_folders(args.dataset_path)
    splits = read_split_lists(args.split_lists) if args.split_lists else None
    kept_apart = hard_texts(folders, args.val_hard)
    print(f"{'':20}" + "".join(f"{name:>10}" for name in (*SPLIT_FOLDERS, "bad names")))
    for folder in folders:
        report = write_labels(
            folder,
            splits,
            lambda paths, name: tqdm(paths, desc=name, leave=False, disable=None),
            args.split,
            kept_apart,
        )
        counts = [report.splits[name] for name in SPLIT_FOLDERS]
        print(f"{report.folder:20}" + "".join(f"{count:10}" for count in (*counts, report.skipped)))
        if report.kept:
            print(f"{folder / TABLE_NAME}: the labels of {report.kept} pictures differ from their names and are kept")
        for example in report.examples:
            print(f"alpr_app.train: {folder}: skipped {example}", file=sys.stderr)
        if report.skipped > len(report.examples):
            print(f"alpr_app.train: {folder}: and {report.skipped - len(report.examples)} more", file=sys.stderr)
    return 0


def add_extract_plates(commands: Commands) -> None:
    parser = commands.add("extract_plates", help="crop the plates of labelled pictures, at 48 x 192")
    parser.add_argument("--ccpd_dir", type=Path, required=True, metavar="DIR", help="folder with ccpd_* folders")
    parser.add_argument("--categories", nargs="+", metavar="NAME", help="base, ccpd_blur, ... (default: all)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder for plates_NAME_48 (default: --ccpd_dir)")
    parser.add_argument("--num_workers", type=int, default=os.cpu_count() or 1, help="number of processes")
    parser.add_argument("--box", action="store_true", help="crop the upright box instead of the quadrilateral")
    parser.add_argument("--margin", type=float, default=0.0, help="margin around the plate, as a share of its height")
    parser.add_argument(
        "--jitter",
        type=float,
        default=0.0,
        help="random shift of each corner, as a share of the height",
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed of the jitter")
    parser.set_defaults(run=run_extract_plates)


def run_extract_plates(args: argparse.Namespace) -> int:
    folders = {folder.name.removeprefix("ccpd_"): folder for folder in find_folders(args.ccpd_dir)}
    # Categories are named like the folders, with or without ccpd_.
    categories = [name.removeprefix("ccpd_") for name in args.categories or folders]
    unknown = [name for name in categories if name not in folders]
    if unknown:
        raise LabelError(f"{args.ccpd_dir}: holds no ccpd_{unknown[0]}; it holds {', '.join(folders)}")
    crop_options = CropOptions(args.box, args.margin, args.jitter, args.seed)
    failed = False
    for name in dict.fromkeys(categories):
        pictures = [picture for picture in read_data_folder(folders[name]).pictures if picture.plates]
        if not pictures:
            print(f"ccpd_{name}: no plates with a text")
            continue
        target = (args.output or args.ccpd_dir) / f"plates_{name}_48"
        show = partial(tqdm, total=len(pictures), desc=name, unit="picture", leave=False, disable=None)
        count, broken = extract_plates(pictures, target, crop_options, args.num_workers, show)
        print(f"{target}: {count} plates")
        for line in broken:
            failed = True
            print(f"alpr_app.train: skipped {line}", file=sys.stderr)
    if failed:
        raise AlprError("some pictures could not be read and were skipped, see above")
    return 0


def add_validate_dataset(commands: Commands) -> None:
    parser = commands.add("validate_dataset", help="check labelled pictures before training on them")
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="folder of labelled pictures")
    parser.add_argument("--plot", type=Path, metavar="F", help="plot the first characters and lengths, as PNG")
    parser.add_argument("--most", type=int, default=10, metavar="N", help="maximum number of faults listed per kind")
    parser.add_argument(
        "--reader", type=Path, metavar="NAME", help="check against the alphabet and length of this bundle"
    )
    parser.set_defaults(run=run_validate_dataset)


def run_validate_dataset(args: argparse.Namespace) -> int:
    config = ReaderConfig() if args.reader is None else load_reader(args.reader)[0].config
    data = read_data_folder(args.dataset_path)
    total = len(data.pictures) + len(data.negatives)
    show = partial(tqdm, total=total, desc="pictures", leave=False, disable=None)
    findings = check_data(data, config.alphabet, config.max_length, show)
    for split, count in sorted(findings.pictures.items()):
        print(f"{split:6} {count:8} pictures {findings.plates[split]:8} plates")
    assumed = describe_assumed_splits(data)
    if assumed:
        print(f"note: {assumed}")
    if findings.unreadable:
        print(f"note: {findings.unreadable} plates are marked as unreadable; training and measuring leave them out")
    if "val" not in findings.plates:
        print("note: no plate has the split val; a training would have nothing to be judged by")
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
        raise AlprError(f"{args.dataset_path}: {faults} faults, see above; correct or remove them before training")
    return 0


def add_label(commands: Commands) -> None:
    parser = commands.add("label", help="label pictures with the models, to train on")
    parser.add_argument("folder", type=Path, metavar="DIR", help=f"folder of pictures; {TABLE_NAME} is written into it")
    parser.add_argument(
        "--confidence", type=fraction, default=0.95, help="minimum confidence of readings that become labels"
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="minimum score of a detected plate")
    parser.add_argument("--split", choices=SPLITS, default="train", help="split of the labels")
    parser.add_argument(
        "--keep_doubtful", action="store_true", help="label doubtful plates without a text, to be typed by hand"
    )
    add_model_options(parser)
    parser.set_defaults(run=run_label)


def run_label(args: argparse.Namespace) -> int:
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
            print_error(f"{table}: holds the labels so far; the same command continues from there", "alpr_app.train")
        raise
    for problem in report.broken:
        print(f"alpr_app.train: skipped {problem}", file=sys.stderr)
    untyped = f", {report.untyped} more to be typed" if args.keep_doubtful else ""
    print(f"{table}: {report.plates} plates in {report.labelled} pictures{untyped}")
    print(f"skipped: {report.doubtful} pictures with a doubtful plate, {report.empty} without any plate")
    return 1 if report.broken else 0


def add_robustness_set(commands: Commands) -> None:
    # hard_copies is its earlier name.
    parser = commands.add(
        "robustness_set", help="make harder copies of labelled pictures, to measure on", aliases=("hard_copies",)
    )
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="folder of labelled pictures")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder in which each kind gets a folder"
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=KIND_CHOICES,
        default=ALL_KINDS,
        help="kinds of copies (default: all but mosaic, which are pictures of 12000 x 9000 pixels)",
    )
    parser.add_argument("--split", choices=SPLITS, default="val", help="split of the pictures")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the copies")
    parser.set_defaults(run=run_robustness_set)


def run_robustness_set(args: argparse.Namespace) -> int:
    pictures = [picture for picture in read_data_folder(args.dataset_path).pictures if not picture.by_machine]
    chosen = [picture for picture in pictures if picture.split == args.split]
    count = write_robustness_set(
        chosen,
        args.output,
        args.kinds,
        args.seed,
        lambda items, kind: tqdm(items, desc=kind, leave=False, disable=None),
    )
    print(f"{args.output}: {count} pictures; measure with: alpr eval {args.output} --split {args.split}")
    return 0


def add_draw(commands: Commands) -> None:
    parser = commands.add("draw", help="draw labelled pictures")
    parser.add_argument(
        "kind", choices=("scenes", "plates"), help="scenes: whole pictures with cars; plates: single plates"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new folder to write")
    parser.add_argument("--count", type=int, default=100, help="number of pictures")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the pictures")
    parser.add_argument(
        "--aug_strength", type=float, default=1.0, help="strength of the camera augmentation of single plates"
    )
    add_plate_options(parser)
    parser.add_argument("--num_workers", type=int, default=os.cpu_count() or 1, help="number of processes")
    parser.set_defaults(run=run_draw)


def run_draw(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise UsageError(f"--count must be 1 or more, not {args.count}")
    drawing = Drawing(args.kind, args.seed, args.aug_strength, args.plates, args.glyphs, args.templates)
    show = partial(tqdm, total=args.count, desc=args.kind, unit="picture", leave=False, disable=None)
    plates = draw_folder(args.output, args.count, drawing, args.num_workers, show)
    print(f"{args.output}: {args.count} pictures, {plates} plates")
    return 0


def add_samples(commands: Commands) -> None:
    parser = commands.add("samples", help="draw the sample scenes of assets/samples")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write, made if missing")
    parser.add_argument("--seed", type=int, default=1, help="random seed of cars, plates and light")
    parser.set_defaults(run=run_samples)


def run_samples(args: argparse.Namespace) -> int:
    write_samples(args.output, args.seed)
    return 0
