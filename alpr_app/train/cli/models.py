"""The commands around models: `preview`, `report`, `test`, `estimate`, `speed`, `export`, `average` and `kinds`."""

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
from alpr_app.pipeline.options import add_model_options, count, make_alpr
from alpr_app.runtime.system_info import cores, processor
from alpr_app.synth.plates.painters import PlatePainter, make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli import detector, reader
from alpr_app.train.cli.parsers import Commands, add_config_options, given_config_fields
from alpr_app.train.cli.run_options import add_crop_size, add_plate_options, crop_size, published_command
from alpr_app.train.detector.dataset import SceneDataset, load_scenes
from alpr_app.train.reader.plates import NO_DATA, prepare_plates
from alpr_app.train.reports.kinds import kind_sheet, kind_table, read_kinds
from alpr_app.train.reports.mistakes import plate_sheet, scene_sheet
from alpr_app.train.reports.plots import Confusions, plot_reliability, require_matplotlib
from alpr_app.train.reports.report import MAXIMUM_MISTAKES, write_mistakes, write_report
from alpr_app.train.trainer.batches import evenly_spaced
from alpr_app.train.trainer.estimate import estimate, mean_picture_bytes, measure_speed
from alpr_app.train.trainer.export import average_bundles, export_run
from alpr_app.train.trainer.pretrained import with_fields

# Pictures loaded for a preview: enough for a varied sheet; loading all of a large set would take minutes.
PREVIEW_PICTURES = 200


def add_preview(commands: Commands) -> None:
    parser = commands.add("preview", help="write a sheet of training samples as PNG")
    parser.add_argument("network", choices=("detector", "maskocr"), help="network whose samples are shown")
    parser.add_argument("--dataset_path", type=Path, metavar="DIR", help="folder of labelled pictures")
    parser.add_argument("--output", type=Path, required=True, metavar="F", help="PNG file to write")
    parser.add_argument("--count", type=int, default=24, help="number of samples")
    parser.add_argument("--drawn_share", type=float, default=0.5, help="share of samples with drawn plates, 0 to 1")
    parser.add_argument("--aug_strength", type=float, default=1.0, help="strength of the reader's augmentation")
    add_crop_size(parser)
    add_plate_options(parser)
    parser.add_argument("--seed", type=int, default=0, help="random seed of the samples")
    parser.set_defaults(run=run_preview)


def run_preview(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise UsageError(f"--count must be 1 or more, not {args.count}")
    if args.dataset_path is None and (args.plates is None or args.network == "detector"):
        raise UsageError("--dataset_path is missing; only maskocr with --plates needs no labelled pictures")
    data = NO_DATA if args.dataset_path is None else read_data_folder(args.dataset_path)
    plates_file = None if args.plates is None else read_plates_file(args.plates)
    painter = make_painter(plates_file, args.glyphs, args.templates)
    if args.network == "maskocr":
        plates = prepare_plates(
            with_fields(ReaderConfig(), {} if plates_file is None else plates_file.reader_fields()),
            data,
            painter,
            args.drawn_share,
            args.aug_strength,
            seed=args.seed,
            limit=0,
            maximum=1,
        )
        picture = plate_sheet(plates.dataset, args.count)
    else:
        pictures = [picture for picture in data.pictures if picture.plates and picture.split == "train"]
        scenes = load_scenes(evenly_spaced(pictures, PREVIEW_PICTURES))
        plate_free = load_scenes(evenly_spaced(list(data.of_split("train").negatives), PREVIEW_PICTURES))
        dataset = SceneDataset(scenes, plate_free, painter, crop_size(args), args.seed, args.drawn_share)
        picture = scene_sheet(dataset, args.count)
    write_picture(args.output, picture)
    print(f"{args.output}: {args.count} samples")
    return 0


def add_report(commands: Commands) -> None:
    parser = commands.add("report", help="write curves, mistakes and figures of a run into its folder")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of the run, which may be in progress")
    parser.add_argument(
        "--dataset_path", type=Path, metavar="DIR", help="also show the worst mistakes on its val split"
    )
    parser.add_argument(
        "--most", type=int, default=MAXIMUM_MISTAKES, metavar="N", help="maximum number of mistakes to show"
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


def add_test(commands: Commands) -> None:
    parser = commands.add("test", help="measure models on labelled pictures, by subset and by CCPD's rules")
    command.add_arguments(parser, needs_data=False)
    parser.add_argument("--model_path", dest="ocr_model", metavar="F", help="same as --ocr_model")
    parser.add_argument("--model_config", dest="ocr_config", metavar="F", help="same as --ocr_config")
    parser.add_argument("--confusions", type=Path, metavar="F", help="plot the confused characters, as PNG")
    parser.add_argument(
        "--reliability", type=Path, metavar="F", help="plot how often readings of each confidence are right, as PNG"
    )
    parser.set_defaults(run=run_test)


def run_test(args: argparse.Namespace) -> int:
    if args.confusions or args.reliability:
        # Fail before the measurement, which takes time.
        require_matplotlib()
    if args.data is None:
        args.data, args.split = assets.SAMPLES, "all"
        message = "measured on the sample scenes that come with the program; to measure on a folder: test DATA"
        print(f"alpr_app.train: {message}", file=sys.stderr)
    confusions, reliability = Confusions(), CalibrationMetrics()
    status = command.run(args, confusions, reliability)
    if args.confusions:
        confusions.plot(args.confusions)
        left_out = f", {confusions.unequal} readings of another length left out" if confusions.unequal else ""
        print(f"\n{args.confusions}: characters of {confusions.plates} plates, read at the labelled corners{left_out}")
    if args.reliability:
        plot_reliability(reliability, args.reliability)
        print(f"\n{args.reliability}: confidences for {reliability.plates} plates")
    return status


# Pictures whose decoded size is measured for an estimate.
MEASURED_PICTURES = 100


def add_estimate(commands: Commands) -> None:
    parser = commands.add("estimate", help="estimate time and memory for more pictures from a measured run")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a run on this machine")
    parser.add_argument(
        "--dataset_path",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of labelled pictures like those to train on",
    )
    parser.add_argument("--pictures", type=int, default=200_000, help="number of pictures to estimate for")
    parser.add_argument("--epochs", type=float, default=5.0, help="passes over the pictures")
    parser.set_defaults(run=run_estimate)


def run_estimate(args: argparse.Namespace) -> int:
    pictures = [picture for picture in read_data_folder(args.dataset_path).pictures if picture.plates]
    if not pictures:
        raise UsageError(f"{args.dataset_path}: holds no whole pictures with plates")
    size = mean_picture_bytes(load_scenes(evenly_spaced(pictures, MEASURED_PICTURES)))
    found = estimate(args.folder, args.pictures, args.epochs, size)
    print(f"{args.pictures} pictures, {args.epochs:g} passes: {found.samples} samples")
    print(f"time        {found.hours:.1f} h at {found.samples_per_s:.0f} samples/s, measured in {args.folder.name}")
    print(f"waiting     {100 * found.waiting_share:.0f} % of the time was spent waiting for data")
    if found.memory_gb is not None:
        print(f"memory      {found.memory_gb:.1f} GB used by the run's main process")
    print(f"cache       {found.decoded_gb:.0f} GB would hold all decoded pictures; --cache_gb sets how much is kept")
    return 0


def add_speed(commands: Commands) -> None:
    parser = commands.add("speed", help="time a network of a given shape before it is trained")
    kinds = Commands(parser, dest="kind")
    for name, config, shape in (
        ("detector", DetectorConfig(), detector.INPUT_OPTIONS | detector.SHAPE_OPTIONS),
        ("maskocr", ReaderConfig(), reader.SHAPE_OPTIONS),
    ):
        kind = kinds.add(name, help=f"shape by the options of {name}")
        kind.add_argument("--runs", type=count, default=300, metavar="N", help="number of timed runs")
        kind.add_argument("--threads", type=count, default=1, metavar="N", help="processor threads")
        add_config_options(kind, config, shape, any_length=("stem_channels",))
        kind.set_defaults(run=run_speed, config=type(config), shape=shape)


def run_speed(args: argparse.Namespace) -> int:
    speed = measure_speed(with_fields(args.config(), given_config_fields(args, args.shape)), args.runs, args.threads)
    height, width = speed.size
    print(f"{processor()}, {cores()} cores, {args.threads} in use; {width} x {height}, {args.runs} runs")
    print(f"{speed.parameters / 1e6:.2f} M parameters, {speed.gflop:.2f} GFLOP")
    for backend, (best, median) in speed.milliseconds.items():
        print(f"{backend:5}  {best:.2f} ms at the 5th percentile, {median:.2f} ms median")
    return 0


def add_export(commands: Commands) -> None:
    parser = commands.add("export", help="make a model bundle from a run's best checkpoint")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of the run")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="NAME", help="bundle to write, such as models/NAME"
    )
    parser.add_argument("--scores", type=Path, metavar="F", help="figures of alpr eval --json to store in the bundle")
    parser.add_argument(
        "--last", action="store_true", help="export the newest checkpoint instead of the best by validation"
    )
    parser.add_argument("--long_side", type=int, help="longer side of a detector's input in use, if not as in training")
    parser.add_argument(
        "--calibrate",
        type=Path,
        metavar="DATA",
        help="calibrate a reader's confidences on the val split of this folder",
    )
    parser.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    info = export_run(args.folder, args.output, args.scores, args.long_side, args.last, args.calibrate)
    print(f"{info.weights}: {info.kind}, {info.parameters / 1e6:.2f} M parameters, {info.size / 1e6:.1f} MB")
    return 0


def add_kinds(commands: Commands) -> None:
    parser = commands.add("kinds", help="draw one plate of every Chinese kind, and print what the models read")
    parser.add_argument("--output", type=Path, required=True, metavar="F", help="the sheet to write, as PNG")
    parser.add_argument("--seed", type=int, default=0, help="random seed of texts and drawing")
    add_model_options(parser)
    parser.set_defaults(run=run_kinds, score=0.0)


def run_kinds(args: argparse.Namespace) -> int:
    drawn = read_kinds(make_alpr(args), PlatePainter(), args.seed)
    write_picture(args.output, kind_sheet(drawn))
    print(kind_table(drawn))
    return 0


def add_average(commands: Commands) -> None:
    parser = commands.add("average", help="make a model bundle from the mean weights of several bundles")
    help_text = "bundles of one kind and shape, from runs that started from one another"
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help=help_text)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="NAME", help="bundle to write, such as models/NAME"
    )
    parser.add_argument("--scores", type=Path, metavar="F", help="figures of alpr eval --json to store in the bundle")
    parser.set_defaults(run=run_average)


def run_average(args: argparse.Namespace) -> int:
    info = average_bundles(args.bundles, args.output, published_command(args.arguments), args.scores)
    print(f"{info.weights}: mean of {len(args.bundles)}, {info.kind}, {info.parameters / 1e6:.2f} M parameters")
    return 0
