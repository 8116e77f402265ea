"""`maskocr`: train the network that reads plates, in up to three phases."""

from __future__ import annotations

import argparse
import sys

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import ALPHABET
from alpr_app.data.labels import read_data_folder
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plate_design import PlatesFile
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli.run_options import (
    Formatter,
    add_run_options,
    add_shape_options,
    cache_limit,
    refuse_other_shape,
    say_what_begins_anew,
    shape_of,
    train,
)
from alpr_app.train.reader.masked_pretraining import MaskedStrips, MaskedTask
from alpr_app.train.reader.plates import NO_DATA, WRONG_CROPS, prepare_plates
from alpr_app.train.reader.task import ReaderTask, ReaderWithCTC
from alpr_app.train.trainer.loop import Task
from alpr_app.train.trainer.pretrained import load_matching, pretrained_reader, with_fields, with_plates_of

SHAPE = {
    "img_height": "height of the rectified plate in pixels",
    "img_width": "width of the rectified plate in pixels",
    "patch_size": "width of a vertical strip in pixels; each becomes one token",
    "overlap": "pixels by which a strip reaches into its neighbours",
    "embed_dim": "width of the transformer",
    "num_heads": "attention heads; embed_dim is a multiple of them",
    "num_encoder_layers": "layers that look at the strips",
    "num_decoder_layers": "layers in which the character queries look at the encoded strips",
    "max_length": "characters a plate at most, unless --plates says it",
}
DROPOUT = {
    "dropout": "share of a layer's output left out while training",
    "emb_dropout": "share of the tokens' values left out while training",
}
PHASES = {
    "masked": "paint hidden strips of plates, without texts",
    "frozen": "read, with the encoder as it is",
    "all": "read",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("maskocr", help="train the reader", formatter_class=Formatter)
    add_run_options(parser, batch_size=64, start_lr=1e-3, needs_data=False)
    phases = "; ".join(f"{name}: {text}" for name, text in PHASES.items())
    parser.add_argument("--phase", choices=PHASES, default="all", help=f"what is learned. {phases}")
    parser.add_argument("--plain_strips", action="store_true", help="leave the convolutional stem out, as in the paper")
    parser.add_argument("--aug_strength", type=float, default=1.0, help="of all disturbances; 0 is none")
    add_shape_options(parser, ReaderConfig(), SHAPE | DROPOUT)

    def run(args: argparse.Namespace) -> int:
        if args.dataset_path is None and args.plates is None:
            parser.error("the following arguments are required: --dataset_path, or --plates to draw all plates")
        return train(args, make_task)

    parser.set_defaults(run=run)


def start(args: argparse.Namespace, kind: PlatesFile | None) -> tuple[ReaderConfig, ReaderWithCTC | None]:
    """The shape of the reader, and the network that --start_from names, made ready for plates of that kind."""
    special = {} if kind is None else kind.reader_fields()
    shape, dropout = shape_of(args, SHAPE), shape_of(args, DROPOUT)
    if args.start_from is None:
        stem = {"stem_channels": ()} if args.plain_strips else {}
        return with_fields(ReaderConfig(), shape | dropout | special | stem), None
    network = pretrained_reader(args.start_from, **dropout)
    if args.reshape:
        reshaped = ReaderWithCTC(with_fields(network.reader.config, shape))
        say_what_begins_anew(args.start_from, load_matching(reshaped, network))
        network = reshaped
    before = network.reader.config
    refuse_other_shape(shape, with_fields(before, special), args.start_from)
    if args.plain_strips and before.stem_channels:
        raise UsageError(f"--plain_strips: {args.start_from}, which the run begins with, has a stem")
    config = with_fields(before, special)
    if kind is None and not set(ALPHABET) <= set(config.alphabet):
        raise UsageError(f"{args.start_from}: reads other plates than Chinese ones; name their kind with --plates")
    if kind is not None and config != before:
        network = with_plates_of(network, config)
        said = f"{args.start_from}: made for other plates; all but the heads that spell {kind.name} ones is kept"
        print(f"alpr_app.train: {said}", file=sys.stderr)
    return config, network


def make_task(args: argparse.Namespace) -> Task:
    if args.phase == "frozen" and args.start_from is None:
        raise UsageError("--phase frozen needs an encoder that was trained before: name its run with --start_from")
    kind = None if args.plates is None else read_plates_file(args.plates)
    config, network = start(args, kind)
    if kind is None and config.max_length < ReaderConfig().max_length:
        raise UsageError(f"--max_length {config.max_length}: Chinese plates have up to {ReaderConfig().max_length}")
    painter = make_painter(kind, args.glyphs, args.templates)
    data = NO_DATA if args.dataset_path is None else read_data_folder(args.dataset_path)
    limit = cache_limit(args)
    plates = prepare_plates(
        config,
        data,
        painter,
        args.drawn_share,
        args.aug_strength,
        WRONG_CROPS,
        args.seed,
        limit,
        args.validate_most,
    )
    if kind is not None:
        plates.description["plates"] = kind.name
    if args.phase == "masked":
        masked = MaskedStrips(config)
        if network is not None:
            masked.encoder.load_state_dict(network.reader.encoder.state_dict())
        return MaskedTask(masked, plates)
    network = network or ReaderWithCTC(config)
    if args.phase == "frozen":
        network.freeze_encoder()
    return ReaderTask(network, plates)
