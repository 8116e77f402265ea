"""`detector`: train the network that finds plates.

`train` (run_options.py) carries the command out: it calls `make_task` here for the network, the samples and the losses
(detector/task.py), and hands them to the loop (trainer/loop.py).
"""

from __future__ import annotations

import argparse
from functools import partial

from alpr_app.data.labels import read_data_folder
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli.parsers import Commands, add_config_options, given_config_fields
from alpr_app.train.cli.run_options import (
    add_crop_size,
    add_run_options,
    cache_limit,
    check_same_shape,
    crop_size,
    report_new_parameters,
    train,
    warn,
)
from alpr_app.train.datasets.dataset_checks import describe_assumed_splits
from alpr_app.train.detector.task import DetectorTask
from alpr_app.train.trainer.pretrained import load_matching, pretrained_detector, with_fields

# Help texts of the options for fields of DetectorConfig. The input's size may differ from that of --start_from.
INPUT_OPTIONS = {"long_side": "longer side of the input in use, in pixels"}
SHAPE_OPTIONS = {
    "stem_channels": "channels of two convolutions before stride 4, or of a single one over 4 x 4 pixels",
    "stage_channels": "channels at strides 8, 16 and 32",
    "stage_blocks": "residual blocks at strides 8, 16 and 32",
    "wide_stages": "1 for a stage of depthwise blocks with a wide kernel, else 0",
    "neck_channels": "channels of the neck, a BiFPN",
    "neck_repeats": "number of passes of the BiFPN",
    "head_blocks": "convolutions before the outputs",
    "separable": "1 for depthwise separable convolutions in neck and head, 0 for full ones",
}


def add_detector(commands: Commands) -> None:
    parser = commands.add("detector", help="train the detector")
    add_run_options(parser, batch_size=16)
    config = DetectorConfig()
    add_config_options(parser, config, INPUT_OPTIONS)
    add_crop_size(parser)
    add_config_options(parser, config, SHAPE_OPTIONS, any_length=("stem_channels",))
    parser.set_defaults(run=partial(train, make_task=make_task))


def make_network(args: argparse.Namespace) -> Detector:
    """The network of --start_from, or a new one of the given shape."""
    given = given_config_fields(args, INPUT_OPTIONS | SHAPE_OPTIONS)
    if args.start_from is None:
        return Detector(with_fields(DetectorConfig(), given))
    pretrained = pretrained_detector(args.start_from)
    if not args.reshape:
        check_same_shape(given_config_fields(args, SHAPE_OPTIONS), pretrained.config, args.start_from)
    network = Detector(with_fields(pretrained.config, given))
    new_parameters = load_matching(network, pretrained)
    if args.reshape:
        report_new_parameters(args.start_from, new_parameters)
    return network


def make_task(args: argparse.Namespace) -> DetectorTask:
    """The network with its samples, losses and validation, from the parsed command line."""
    network = make_network(args)
    data = read_data_folder(args.dataset_path)
    warn(describe_assumed_splits(data))
    plates = None if args.plates is None else read_plates_file(args.plates)
    painter = make_painter(plates, args.glyphs, args.templates)
    task = DetectorTask(
        network,
        data,
        painter,
        crop_size(args),
        args.drawn_share,
        args.seed,
        cache_limit(args),
        args.validate_most,
    )
    if not any(task.validation.values()):
        warn("no labelled plate has the split val: nothing is validated on, and best.pt holds the newest weights")
    if plates is not None:
        task.description["plates"] = plates.name
    return task
