"""`detector`: train the network that finds plates."""

from __future__ import annotations

import argparse

from alpr_app.data.labels import read_data_folder
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli.run_options import (
    Formatter,
    add_crop_size,
    add_run_options,
    add_shape_options,
    cache_limit,
    crop_size_of,
    refuse_other_shape,
    say_what_begins_anew,
    shape_of,
    train,
)
from alpr_app.train.detector.task import DetectorTask
from alpr_app.train.trainer.pretrained import load_matching, pretrained_detector, with_fields

INPUT = {"long_side": "of the input in use, in pixels"}
SHAPE = {
    "stem_channels": "of two convolutions before stride 4, or of one over 4 x 4 pixels",
    "stage_channels": "at strides 8, 16 and 32",
    "stage_blocks": "residual blocks at strides 8, 16 and 32",
    "wide_stages": "1 for a stage of depthwise blocks with a wide kernel, else 0",
    "neck_channels": "of the BiFPN",
    "neck_repeats": "passes of the BiFPN",
    "head_blocks": "convolutions before the outputs",
    "separable": "1 for depthwise and pointwise convolutions in neck and head, 0 for full ones",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("detector", help="train the detector", formatter_class=Formatter)
    add_run_options(parser, batch_size=16, start_lr=1e-3)
    config = DetectorConfig()
    add_shape_options(parser, config, INPUT)
    add_crop_size(parser)
    add_shape_options(parser, config, SHAPE, many=("stem_channels",))
    parser.set_defaults(run=lambda args: train(args, make_task))


def start(args: argparse.Namespace) -> Detector:
    """The network that --start_from names, or a new one of the given shape."""
    if args.start_from is None:
        return Detector(with_fields(DetectorConfig(), shape_of(args, INPUT | SHAPE)))
    begun = pretrained_detector(args.start_from)
    if not args.reshape:
        refuse_other_shape(shape_of(args, SHAPE), begun.config, args.start_from)
    network = Detector(with_fields(begun.config, shape_of(args, INPUT | SHAPE)))
    anew = load_matching(network, begun)
    if args.reshape:
        say_what_begins_anew(args.start_from, anew)
    return network


def make_task(args: argparse.Namespace) -> DetectorTask:
    network = start(args)
    data = read_data_folder(args.dataset_path)
    kind = None if args.plates is None else read_plates_file(args.plates)
    painter = make_painter(kind, args.glyphs, args.templates)
    limit = cache_limit(args)
    size = crop_size_of(args)
    task = DetectorTask(network, data, painter, size, args.drawn_share, args.seed, limit, args.validate_most)
    if kind is not None:
        task.description["plates"] = kind.name
    return task
