"""The command line of the training: one module of `alpr_app.train.cli` holds each group of commands.

`detector` is in `detector.py`, `maskocr` in `reader.py`; each command sets `run`, the function that carries it out.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

from alpr_app.core.errors import AlprError, print_error, reason
from alpr_app.core.native_libraries import quiet_libraries
from alpr_app.train.cli import convert, datasets, detector, models, reader
from alpr_app.train.cli.parsers import Commands, config_arguments

PROGRAM = "alpr_app.train"
# These commands name damaged pictures themselves. In the others, messages of torch and of drivers may matter.
SILENCED_COMMANDS = ("extract_plates", "validate_dataset", "label", "convert", "test", "robustness_set", "hard_copies")
# In the order of --help.
COMMANDS = (
    datasets.add_create_dataset,
    datasets.add_extract_plates,
    datasets.add_validate_dataset,
    datasets.add_label,
    convert.add_convert,
    datasets.add_draw,
    models.add_preview,
    detector.add_detector,
    reader.add_maskocr,
    models.add_report,
    models.add_test,
    datasets.add_robustness_set,
    models.add_estimate,
    models.add_speed,
    models.add_export,
    models.add_average,
    models.add_kinds,
    datasets.add_samples,
)


def build_parser() -> tuple[argparse.ArgumentParser, Commands]:
    """The parser of the whole command line, and the commands in it."""
    parser = argparse.ArgumentParser(prog="python -m alpr_app.train", description="Train the detector and the reader.")
    commands = Commands(parser)
    for add_command in COMMANDS:
        add_command(commands)
    return parser, commands


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse a command line, with the options of its --config file before its own, so that its own win.

    Raises:
        ConfigError: the config file cannot be used.
    """
    parser, commands = build_parser()
    # The file may hold required options, so it is read before the other options are parsed.
    config_parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    config_parser.add_argument("--config", type=Path)
    path = config_parser.parse_known_args(arguments)[0].config
    if path is not None and arguments[0] in commands.parsers:
        name, *rest = arguments
        rest = config_parser.parse_known_args(rest)[1]
        arguments = [name, *config_arguments(path, commands.parsers[name]), *rest]
    args = parser.parse_args(arguments)
    args.arguments = arguments
    return args


def main(argv: list[str] | None = None) -> int:
    """Run a command and return the exit status: 0 done, 1 failed with one line on stderr, 2 wrong usage, 130 stopped by
    Ctrl-C.

    Wrong options, files and machines raise AlprError or OSError. Any other exception is a bug of this program and keeps
    its traceback.
    """
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        with quiet_libraries() if args.command in SILENCED_COMMANDS else nullcontext():
            status: int = args.run(args)
            return status
    except AlprError as error:
        print_error(error, PROGRAM)
        return 1
    except OSError as error:
        print_error(f"{error.filename}: {reason(error)}" if error.filename else reason(error), PROGRAM)
        return 1
    except KeyboardInterrupt:
        print_error("interrupted", PROGRAM)
        return 130
