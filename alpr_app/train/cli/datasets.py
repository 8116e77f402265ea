"""The commands around datasets: `create_dataset`, `extract_plates`, `validate_dataset`, `label`, `robustness_set`,
`draw`, `samples`.
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
from alpr_app.train.cli.run_options import Formatter
from alpr_app.train.datasets.ccpd_dataset import SPLIT_FOLDERS, SPLIT_RULES, find_folders, make_table, read_split_lists
from alpr_app.train.datasets.dataset_checks import KINDS, check_data
from alpr_app.train.datasets.drawn_folder import Drawing, draw_folder
from alpr_app.train.datasets.extract_plates import Cut, extract_plates
from alpr_app.train.datasets.labelling import label_pictures
from alpr_app.train.datasets.robustness_set import ALL_KINDS, write_robustness_set
from alpr_app.train.reports.plots import plot_counts


def add_create_dataset(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    parser.set_defaults(run=run_create_dataset)


def run_create_dataset(args: argparse.Namespace) -> int:
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


def add_extract_plates(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    parser.set_defaults(run=run_extract_plates)


def run_extract_plates(args: argparse.Namespace) -> int:
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


def add_validate_dataset(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("validate_dataset", help="check labelled pictures before training on them")
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="labelled pictures")
    parser.add_argument("--plot", type=Path, metavar="F", help="first characters and lengths as a PNG")
    parser.add_argument("--most", type=int, default=10, metavar="N", help="faults named a kind (default: 10)")
    parser.add_argument("--reader", type=Path, metavar="NAME", help="bundle whose alphabet and length are meant")
    parser.set_defaults(run=run_validate_dataset)


def run_validate_dataset(args: argparse.Namespace) -> int:
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


def add_label(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("label", help="label pictures by models, to train on", formatter_class=Formatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help=f"pictures; {TABLE_NAME} is written beside them")
    parser.add_argument("--confidence", type=fraction, default=0.95, help="of readings that become labels")
    parser.add_argument("--score", type=fraction, default=0.5, help="plates below it are taken for none")
    parser.add_argument("--split", choices=SPLITS, default="train", help="what the labels are for")
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
            print_error(
                f"{table}: what has been labelled so far; the same command goes on from there", "alpr_app.train"
            )
        raise
    for problem in report.broken:
        print(f"alpr_app.train: left out: {problem}", file=sys.stderr)
    typing = f", {report.untyped} more to be typed" if args.keep_doubtful else ""
    print(f"{table}: {report.plates} plates in {report.labelled} pictures{typing}")
    print(f"left out: {report.doubtful} pictures with a doubtful plate, {report.empty} without any plate")
    return 1 if report.broken else 0


def add_robustness_set(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "robustness_set",
        # The name that it had first.
        aliases=["hard_copies"],
        help="harder copies of labelled pictures, to measure by",
        formatter_class=Formatter,
    )
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="labelled pictures")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder a kind is made in it")
    parser.add_argument("--kinds", nargs="+", choices=ALL_KINDS, default=ALL_KINDS, help="which")
    parser.add_argument("--split", choices=SPLITS, default="val", help="of the pictures")
    parser.add_argument("--seed", type=int, default=0, help="other chance details")
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


def add_draw(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    parser.set_defaults(run=run_draw)


def run_draw(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise UsageError(f"--count must be 1 or more, not {args.count}")
    drawing = Drawing(args.kind, args.seed, args.aug_strength, args.plates, args.glyphs, args.templates)
    show = partial(tqdm, total=args.count, desc=args.kind, unit="picture", leave=False, disable=None)
    plates = draw_folder(args.output, args.count, drawing, args.num_workers, show)
    print(f"{args.output}: {args.count} pictures, {plates} plates")
    return 0


def add_samples(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("samples", help="draw the sample scenes of assets/samples")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder, made if missing")
    parser.add_argument("--seed", type=int, default=1, help="other cars, plates and light (default: 1)")
    parser.set_defaults(run=run_samples)


def run_samples(args: argparse.Namespace) -> int:
    write_samples(args.output, args.seed)
    return 0
