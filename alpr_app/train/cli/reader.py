"""`maskocr`: train the network that reads plates, the reader, in up to three phases.

`train` (run_options.py) carries the command out: it calls `make_task` here for the network, the samples and the losses
(reader/task.py or reader/masked_pretraining.py), and hands them to the loop (trainer/loop.py).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import ALPHABET, MAXIMUM_LENGTH, reads_chinese
from alpr_app.data.labels import read_data_folder
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plate_design import PlatesFile
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli.parsers import Commands, add_config_options, given_config_fields
from alpr_app.train.cli.run_options import (
    add_run_options,
    cache_limit,
    check_same_shape,
    report_new_parameters,
    train,
    warn,
)
from alpr_app.train.datasets.dataset_checks import describe_assumed_splits
from alpr_app.train.reader.masked_pretraining import MaskedStrips, MaskedTask
from alpr_app.train.reader.plates import NO_DATA, WRONG_CROPS, prepare_plates
from alpr_app.train.reader.task import ReaderTask, ReaderWithCTC
from alpr_app.train.reader.teacher import Teacher
from alpr_app.train.trainer.loop import Task
from alpr_app.train.trainer.pretrained import (
    adapted_to_plates,
    load_matching,
    present_plates,
    pretrained_reader,
    trained_reader,
    with_classes_of,
    with_fields,
)

# The length of readers made before there were longer plates than those of new-energy cars; they can still be trained.
NEW_ENERGY_LENGTH = 8
# Help texts of the options for fields of ReaderConfig. Dropout may differ from that of --start_from.
SHAPE_OPTIONS = {
    "img_height": "height of the rectified plate in pixels",
    "img_width": "width of the rectified plate in pixels",
    "patch_size": "width of a vertical strip in pixels; each strip becomes one token",
    "overlap": "pixels by which a strip reaches into its neighbours",
    "embed_dim": "width of the transformer",
    "num_heads": "attention heads; embed_dim must be a multiple of them",
    "num_encoder_layers": "layers of the encoder, which sees the strips",
    "num_decoder_layers": "layers of the decoder, in which the character queries attend to the encoded strips",
    "max_length": "maximum number of characters on a plate; --plates sets its own",
}
DROPOUT_OPTIONS = {
    "dropout": "dropout in the layers of the transformer",
    "emb_dropout": "dropout of the tokens",
}
PHASES = {
    "masked": "pre-train the encoder by painting hidden strips of plates, without texts",
    "frozen": "train to read with the encoder frozen",
    "all": "train everything to read",
}


def add_maskocr(commands: Commands) -> None:
    parser = commands.add("maskocr", help="train the reader")
    add_run_options(parser, batch_size=64, needs_data=False)
    phases = "; ".join(f"{name}: {text}" for name, text in PHASES.items())
    parser.add_argument("--phase", choices=PHASES, default="all", help=phases)
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="NAME",
        help="run or bundle of a reader whose probabilities are learned besides the texts, such as a larger one's",
    )
    parser.add_argument("--plain_strips", action="store_true", help="omit the convolutional stem, as in the paper")
    parser.add_argument("--aug_strength", type=float, default=1.0, help="strength of the augmentation; 0 for none")
    add_config_options(parser, ReaderConfig(), SHAPE_OPTIONS | DROPOUT_OPTIONS)

    def run(args: argparse.Namespace) -> int:
        if args.dataset_path is None and args.plates is None:
            parser.error("the following arguments are required: --dataset_path, or --plates to draw all plates")
        return train(args, make_task)

    parser.set_defaults(run=run)


def make_network(args: argparse.Namespace, plates: PlatesFile | None) -> tuple[ReaderConfig, ReaderWithCTC | None]:
    """The config of the reader, and the network of --start_from adapted to `plates`; None for a new network."""
    plates_fields = {} if plates is None else plates.reader_fields()
    shape, dropout = given_config_fields(args, SHAPE_OPTIONS), given_config_fields(args, DROPOUT_OPTIONS)
    if args.start_from is None:
        stem = {"stem_channels": ()} if args.plain_strips else {}
        return with_fields(ReaderConfig(), shape | dropout | plates_fields | stem), None
    network = pretrained_reader(args.start_from, **dropout)
    if args.reshape:
        before = network.reader.config
        chinese = plates is None and reads_chinese(before.alphabet)
        reshaped = ReaderWithCTC(with_fields(before, (present_plates(before) if chinese else {}) | shape))
        report_new_parameters(args.start_from, load_matching(reshaped, with_classes_of(reshaped, network)))
        added = reshaped.reader.config.alphabet[len(before.alphabet) :]
        if added:
            print(f"alpr_app.train: {args.start_from}: learns the characters {added}", file=sys.stderr)
        network = reshaped
    before = network.reader.config
    config = with_fields(before, plates_fields)
    check_same_shape(shape, config, args.start_from)
    if args.plain_strips and before.stem_channels:
        raise UsageError(f"--plain_strips: {args.start_from}, which the run starts from, has a stem")
    if plates is None:
        if not reads_chinese(config.alphabet):
            raise UsageError(f"{args.start_from}: reads other plates than Chinese ones; name them with --plates")
        missing = "".join(character for character in ALPHABET if character not in config.alphabet)
        if missing and not args.resume:
            print(
                f"alpr_app.train: {args.start_from}: cannot spell {missing}; plates with them are not drawn. --reshape "
                "gives the reader today's alphabet and length",
                file=sys.stderr,
            )
    if plates is not None and config != before:
        network = adapted_to_plates(network, config)
        message = f"{args.start_from}: made for other plates; all weights but the heads that spell {plates.name} plates"
        print(f"alpr_app.train: {message} are loaded", file=sys.stderr)
    return config, network


def make_task(args: argparse.Namespace) -> Task:
    """The network with its samples, losses and validation, from the parsed command line."""
    if args.phase == "frozen" and args.start_from is None:
        raise UsageError("--phase frozen needs a trained encoder: name its run with --start_from")
    if args.phase == "masked" and args.teacher is not None:
        raise UsageError("--teacher: no texts are learned with --phase masked; leave one of them out")
    plates_file = None if args.plates is None else read_plates_file(args.plates)
    config, network = make_network(args, plates_file)
    if plates_file is None and config.max_length < NEW_ENERGY_LENGTH:
        raise UsageError(f"--max_length {config.max_length}: Chinese plates have up to {MAXIMUM_LENGTH}")
    painter = make_painter(plates_file, args.glyphs, args.templates, config.alphabet, config.max_length)
    data = NO_DATA if args.dataset_path is None else read_data_folder(args.dataset_path)
    warn(describe_assumed_splits(data))
    plates = prepare_plates(
        config,
        data,
        painter,
        args.drawn_share,
        args.aug_strength,
        WRONG_CROPS,
        args.seed,
        cache_limit(args),
        args.validate_most,
    )
    if args.dataset_path is not None and "drawn" in plates.validation:
        warn("no labelled plate has the split val: drawn plates are validated on")
    if plates_file is not None:
        plates.description["plates"] = plates_file.name
    if args.phase == "masked":
        masked = MaskedStrips(config)
        if network is not None:
            masked.encoder.load_state_dict(network.reader.encoder.state_dict())
        return MaskedTask(masked, plates)
    network = network or ReaderWithCTC(config)
    if args.phase == "frozen":
        network.freeze_encoder()
    teacher = None if args.teacher is None else Teacher(trained_reader(args.teacher), config)
    return ReaderTask(network, plates, teacher)
