"""The commands around models: `preview`, `report`, `test`, `estimate`, `speed`, `export`, `average`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alpr_app.core.errors import UsageError
from alpr_app.data import assets
from alpr_app.data.images import write_picture
from alpr_app.data.labels import read_data_folder
from alpr_app.evaluation import command
from alpr_app.evaluation.calibration_metrics import CalibrationMetrics
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.pipeline.options import count
from alpr_app.runtime.system_info import cores, processor
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli import detector, reader
from alpr_app.train.cli.run_options import (
    Formatter,
    add_crop_size,
    add_shape_options,
    crop_size_of,
    published_command,
    shape_of,
)
from alpr_app.train.detector.dataset import SceneDataset, load_scenes
from alpr_app.train.reader.plates import NO_DATA, prepare_plates
from alpr_app.train.reports.mistakes import plate_sheet, scene_sheet
from alpr_app.train.reports.plots import Confusions, plot_reliability, require_matplotlib
from alpr_app.train.reports.report import MOST_MISTAKES, write_mistakes, write_report
from alpr_app.train.trainer.batches import spread
from alpr_app.train.trainer.estimate import bytes_a_picture, estimate, measure_speed
from alpr_app.train.trainer.export import average_bundles, export_run
from alpr_app.train.trainer.pretrained import with_fields

# Enough for a sheet that shows many of them; loading all of a large set would take minutes.
MOST_PICTURES = 200


def add_preview(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    parser.set_defaults(run=run_preview)


def run_preview(args: argparse.Namespace) -> int:
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


def add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("report", help="curves, mistakes and figures of a run, into its folder")
    parser.add_argument("folder", type=Path, metavar="RUN", help="the run's folder; the run may still go on")
    parser.add_argument("--dataset_path", type=Path, metavar="DIR", help="show the worst mistakes on its val split too")
    parser.add_argument(
        "--most", type=int, default=MOST_MISTAKES, metavar="N", help=f"mistakes to show (default: {MOST_MISTAKES})"
    )
    parser.set_defaults(run=run_report)


def run_report(args: argparse.Namespace) -> int:
    if args.most < 1:
        raise UsageError(f"--most must be 1 or more, not {args.most}")
    data = mistakes = None
    if args.dataset_path is not None:
        data = read_data_folder(args.dataset_path)
        mistakes = write_mistakes(args.folder, data, args.most)
        print(f"{args.folder / 'mistakes.png'}: {mistakes.wrong} mistakes on {mistakes.plates} plates")
    print(write_report(args.folder, data, mistakes))
    return 0


def add_test(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("test", help="measure models on labelled pictures, by subset and by CCPD's rules")
    command.add_arguments(parser, needs_data=False)
    parser.add_argument("--model_path", dest="ocr_model", metavar="F", help="the same as --ocr_model")
    parser.add_argument("--model_config", dest="ocr_config", metavar="F", help="the same as --ocr_config")
    parser.add_argument("--confusions", type=Path, metavar="F", help="which characters are taken for which, as a PNG")
    parser.add_argument("--reliability", type=Path, metavar="F", help="how often sure readings are right, as a PNG")
    parser.set_defaults(run=run_test)


def run_test(args: argparse.Namespace) -> int:
    if args.confusions or args.reliability:
        # Now, not after all has been measured.
        require_matplotlib()
    if args.data is None:
        args.data, args.split = assets.SAMPLES, "all"
        said = "measured on the sample scenes that come with the program; name a folder for more: test DATA"
        print(f"alpr_app.train: {said}", file=sys.stderr)
    confusions, reliability = Confusions(), CalibrationMetrics()
    status = command.run(args, confusions, reliability)
    if args.confusions:
        confusions.plot(args.confusions)
        left_out = f", {confusions.unequal} of another length left out" if confusions.unequal else ""
        print(f"\n{args.confusions}: characters of {confusions.plates} plates, read where the labels say{left_out}")
    if args.reliability:
        plot_reliability(reliability, args.reliability)
        print(f"\n{args.reliability}: confidences of {reliability.plates} plates")
    return status


MEASURED_PICTURES = 100


def add_estimate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "estimate", help="time and memory on more pictures, by a measured run", formatter_class=Formatter
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a run on this machine")
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="pictures like those to come")
    parser.add_argument("--pictures", type=int, default=200_000, help="how many there would be")
    parser.add_argument("--epochs", type=float, default=5.0, help="rounds over them")
    parser.set_defaults(run=run_estimate)


def run_estimate(args: argparse.Namespace) -> int:
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


def add_speed(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("speed", help="time a network of some shape, before it is trained")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, config, shape in (
        ("detector", DetectorConfig(), detector.INPUT | detector.SHAPE),
        ("maskocr", ReaderConfig(), reader.SHAPE),
    ):
        kind = kinds.add_parser(name, help=f"of the {name}'s options")
        kind.add_argument("--runs", type=count, default=300, metavar="N", help="how often it runs (default: 300)")
        kind.add_argument("--threads", type=count, default=1, metavar="N", help="processor threads (default: 1)")
        add_shape_options(kind, config, shape, many=("stem_channels",))
        kind.set_defaults(run=run_speed, config=type(config), shape=shape)


def run_speed(args: argparse.Namespace) -> int:
    speed = measure_speed(with_fields(args.config(), shape_of(args, args.shape)), args.runs, args.threads)
    height, width = speed.size
    print(f"{processor()}, {cores()} cores, {args.threads} in use; {width} x {height}, {args.runs} times")
    print(f"{speed.parameters / 1e6:.2f} M parameters, {speed.gflop:.2f} GFLOP")
    for backend, (best, median) in speed.milliseconds.items():
        print(f"{backend:5}  {best:.2f} ms in the best of 20 runs, {median:.2f} ms in half of them")
    return 0


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("export", help="make a model bundle of a run's best checkpoint")
    parser.add_argument("folder", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--output", type=Path, required=True, metavar="NAME", help="models/NAME of the bundle")
    parser.add_argument("--scores", type=Path, metavar="F", help="figures written by alpr eval --json, to go with it")
    parser.add_argument("--last", action="store_true", help="of the newest checkpoint, not of the best by validation")
    parser.add_argument("--long_side", type=int, help="of a detector's input in use, if other than in training")
    parser.add_argument(
        "--calibrate",
        type=Path,
        metavar="DATA",
        help="make a reader's confidences true on the val split of this folder",
    )
    parser.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    info = export_run(args.folder, args.output, args.scores, args.long_side, args.last, args.calibrate)
    print(f"{info.weights}: {info.kind}, {info.parameters / 1e6:.2f} M parameters, {info.size / 1e6:.1f} MB")
    return 0


def add_average(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("average", help="make a model bundle of the mean of several ones' weights")
    said = "bundles of one kind and shape, of runs that went on from one another"
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help=said)
    parser.add_argument("--output", type=Path, required=True, metavar="NAME", help="models/NAME of the bundle")
    parser.add_argument("--scores", type=Path, metavar="F", help="figures written by alpr eval --json, to go with it")
    parser.set_defaults(run=run_average)


def run_average(args: argparse.Namespace) -> int:
    info = average_bundles(args.bundles, args.output, published_command(args.arguments), args.scores)
    print(f"{info.weights}: mean of {len(args.bundles)}, {info.kind}, {info.parameters / 1e6:.2f} M parameters")
    return 0
