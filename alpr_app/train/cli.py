"""The training module's command line."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from alpr_app.bundle import load_detector, load_reader
from alpr_app.detector import DetectorConfig
from alpr_app.errors import AlprError
from alpr_app.labels import read_data_folder
from alpr_app.reader import ReaderConfig
from alpr_app.train.checkpoint import CheckpointError
from alpr_app.train.loop import Run
from alpr_app.train.options import RunOptions

READER_OPTIONS = {
    "img_height": "height of the rectified plate in pixels",
    "img_width": "width of the rectified plate in pixels",
    "patch_size": "width of a vertical strip in pixels; each becomes one token",
    "overlap": "pixels by which a strip reaches into its neighbours",
    "embed_dim": "width of the transformer",
    "num_heads": "attention heads; embed_dim is a multiple of them",
    "num_encoder_layers": "layers that look at the strips",
    "num_decoder_layers": "layers in which the character queries look at the encoded strips",
    "max_length": "characters a plate at most",
    "dropout": "share of a layer's output left out while training",
    "emb_dropout": "share of the tokens' values left out while training",
}

DETECTOR_OPTIONS = {
    "stem_channels": "of two convolutions before stride 4, or of one over 4 x 4 pixels",
    "stage_channels": "at strides 8, 16 and 32",
    "stage_blocks": "residual blocks at strides 8, 16 and 32",
    "wide_stages": "1 for a stage of depthwise blocks with a wide kernel, else 0",
    "neck_channels": "of the BiFPN",
    "neck_repeats": "passes of the BiFPN",
    "head_blocks": "convolutions before the outputs",
    "separable": "1 for depthwise and pointwise convolutions in neck and head, 0 for full ones",
}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m alpr_app.train", description="Train the detector and the reader.")
    commands = parser.add_subparsers(dest="command", required=True)
    reader = commands.add_parser("maskocr", help="train the reader", formatter_class=_Formatter)
    _add_shared_options(reader, batch_size=64, start_lr=1e-3)
    config = ReaderConfig()
    for name, text in READER_OPTIONS.items():
        default = getattr(config, name)
        reader.add_argument(f"--{name}", type=type(default), default=default, metavar="N", help=text)
    reader.add_argument("--plain_strips", action="store_true", help="leave the convolutional stem out, as in the paper")
    reader.add_argument("--aug_strength", type=float, default=1.0, help="of all disturbances; 0 is none")
    detector = commands.add_parser("detector", help="train the detector", formatter_class=_Formatter)
    _add_shared_options(detector, batch_size=16, start_lr=1e-3)
    detector.add_argument("--long_side", type=int, default=DetectorConfig().long_side, help="of the input in use")
    shape = DetectorConfig()
    for name, text in DETECTOR_OPTIONS.items():
        default = getattr(shape, name)
        if isinstance(default, tuple):
            kind, count = type(default[0]), "+" if name == "stem_channels" else len(default)
        else:
            kind, count = type(default), None
        read = _flag if kind is bool else kind
        detector.add_argument(f"--{name}", type=read, nargs=count, default=default, metavar="N", help=text)
    detector.add_argument("--crop_size", type=int, default=352, help="square input in training, a multiple of 32")
    export = commands.add_parser("export", help="make a model bundle of a run's best checkpoint")
    export.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    export.add_argument("--output", type=Path, required=True, metavar="NAME", help="models/NAME of the bundle")
    export.add_argument("--scores", type=Path, metavar="F", help="figures written by alpr eval --json, to go with it")
    export.add_argument("--last", action="store_true", help="of the newest checkpoint, not of the best by validation")
    export.add_argument("--long_side", type=int, help="of a detector's input in use, if other than in training")
    samples = commands.add_parser("samples", help="draw the sample scenes of assets/samples")
    samples.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder, made if missing")
    samples.add_argument("--seed", type=int, default=1, help="other cars, plates and light (default: 1)")
    return parser


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"0 or 1, not '{text}'")
    return text == "1"


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults, but none where there is nothing to show."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        hidden = action.default is None or action.default is False
        return action.help if hidden else super()._get_help_string(action)


def _add_shared_options(parser: argparse.ArgumentParser, batch_size: int, start_lr: float) -> None:
    parser.add_argument("--dataset_path", type=Path, required=True, metavar="DIR", help="labelled pictures")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the run's folder, made if missing")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--samples", type=int, default=1_000_000, help="training samples to see in all")
    parser.add_argument("--batch_size", type=int, default=batch_size, help="samples a step")
    parser.add_argument("--start_lr", type=float, default=start_lr, help="highest learning rate")
    parser.add_argument("--min_lr", type=float, default=1e-5, help="learning rate at the end")
    parser.add_argument("--drawn_share", type=float, default=0.5, help="share of drawn plates among the samples")
    parser.add_argument("--glyphs", type=Path, metavar="DIR", help="pictures of characters to draw plates with")
    parser.add_argument("--templates", type=Path, metavar="DIR", help="pictures of blank plates to draw on")
    parser.add_argument("--num_workers", type=int, default=1, help="processes that make samples")
    parser.add_argument("--threads", type=int, help="processor threads for the network")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument(
        "--start_from",
        type=Path,
        metavar="NAME",
        help="bundle to begin with: its weights, and its shape for the options",
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, samples and dropout")
    parser.add_argument("--validate_samples", type=int, default=40_000, help="validate every so many samples")
    parser.add_argument("--checkpoint_minutes", type=float, default=4.0, help="minutes between checkpoints")


def run_options(args: argparse.Namespace) -> RunOptions:
    """The options that both networks share, out of the command line."""
    names = (
        "output",
        "samples",
        "batch_size",
        "start_lr",
        "min_lr",
        "seed",
        "num_workers",
        "threads",
        "device",
    )
    names += ("checkpoint_minutes", "validate_samples", "start_from")
    return RunOptions(**{name: getattr(args, name) for name in names})


def _reader_task(args: argparse.Namespace, options: RunOptions):
    from alpr_app.train.draw.plates import PlatePainter
    from alpr_app.train.label_faults import WRONG_CROPS
    from alpr_app.train.maskocr import ReaderTask

    if args.start_from is not None:
        config = load_reader(args.start_from)[0].config
    else:
        shared = {name: getattr(args, name) for name in ReaderConfig.__dataclass_fields__ if hasattr(args, name)}
        config = ReaderConfig(**shared, **({"stem_channels": ()} if args.plain_strips else {}))
    data = read_data_folder(args.dataset_path)
    painter = PlatePainter(args.glyphs, args.templates)
    return ReaderTask(config, data, options, painter, args.drawn_share, args.aug_strength, WRONG_CROPS)


def _detector_task(args: argparse.Namespace, options: RunOptions):
    from alpr_app.train.detector import DetectorTask
    from alpr_app.train.draw.plates import PlatePainter

    data = read_data_folder(args.dataset_path)
    painter = PlatePainter(args.glyphs, args.templates)
    if args.start_from is not None:
        config = replace(load_detector(args.start_from)[0].config, long_side=args.long_side)
    else:
        shape = {name: getattr(args, name) for name in DETECTOR_OPTIONS}
        shape = {name: tuple(value) if isinstance(value, list) else value for name, value in shape.items()}
        config = DetectorConfig(long_side=args.long_side, **shape)
    return DetectorTask(config, data, options, painter, args.crop_size, args.drawn_share)


def published_command(arguments: list[str]) -> str:
    """The command as it goes into the bundle: of every path only the last part, because the folders above it are
    nobody else's."""
    shown = [Path(argument).name if "/" in argument or "\\" in argument else argument for argument in arguments]
    return " ".join(["python -m alpr_app.train", *map(shlex.quote, shown)])


def _train(args: argparse.Namespace, arguments: list[str]) -> int:
    options = run_options(args)
    task = (_reader_task if args.command == "maskocr" else _detector_task)(args, options)
    run = Run(task, options)
    if args.resume:
        run.resume()
    elif run.last_path.exists():
        raise CheckpointError(f"{run.last_path}: there is a run already; add --resume or choose another --output")
    else:
        (options.output / "command.txt").write_text(published_command(arguments) + "\n", encoding="utf-8")
    if run.train():
        return 0
    print("alpr_app.train: stopped; go on with --resume", file=sys.stderr)
    return 130


def _export(args: argparse.Namespace) -> None:
    from alpr_app.train.export import export_run

    info = export_run(args.run, args.output, args.scores, args.long_side, args.last)
    print(f"{info.weights}: {info.kind}, {info.parameters / 1e6:.2f} M parameters, {info.size / 1e6:.1f} MB")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 failed with one line on stderr, 2 wrong use, 130 stopped by Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    args = build_parser().parse_args(arguments)
    try:
        if args.command == "export":
            _export(args)
        elif args.command == "samples":
            from alpr_app.train.draw.samples import write_samples

            write_samples(args.output, args.seed)
        else:
            return _train(args, arguments)
    except (AlprError, OSError, ValueError) as error:
        print(f"alpr_app.train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("alpr_app.train: interrupted; go on from the last checkpoint with --resume", file=sys.stderr)
        return 130
    return 0
