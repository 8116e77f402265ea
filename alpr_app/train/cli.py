"""The training module's command line."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from alpr_app.core.errors import AlprError, complain, reason
from alpr_app.core.native_libraries import quiet_libraries
from alpr_app.train.commands import (
    average,
    create_dataset,
    detector,
    draw,
    estimate,
    export,
    extract_plates,
    hard_copies,
    label,
    maskocr,
    preview,
    report,
    samples,
    speed,
    test,
    validate_dataset,
)
from alpr_app.train.config_file import config_arguments

PROGRAM = "alpr_app.train"
# These say themselves which pictures are damaged. Of the others it may matter what torch and drivers print.
QUIET = ("extract_plates", "validate_dataset", "label", "test", "hard_copies")
COMMANDS = (
    create_dataset,
    extract_plates,
    validate_dataset,
    label,
    draw,
    preview,
    detector,
    maskocr,
    report,
    test,
    hard_copies,
    estimate,
    speed,
    export,
    average,
    samples,
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m alpr_app.train", description="Train the detector and the reader.")
    # An abbreviated --config would be an option like any other, and its file not be read.
    whole_names = partial(argparse.ArgumentParser, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=whole_names)
    for command in COMMANDS:
        command.add(commands)
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line, with the options of its --config before its own. Raises ConfigError."""
    parser = build_parser()
    # The config file may hold options that are required: it has to be read before the rest is judged.
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config", type=Path)
    path = first.parse_known_args(arguments)[0].config
    commands = parser._subparsers._group_actions[0].choices
    if path is not None and arguments[0] in commands:
        rest = first.parse_known_args(arguments[1:])[1]
        arguments = [arguments[0], *config_arguments(path, commands[arguments[0]]), *rest]
    args = parser.parse_args(arguments)
    args.arguments = arguments
    return args


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 failed with one line on stderr, 2 wrong use, 130 stopped by Ctrl-C.

    What is wrong with options, files or the machine is an AlprError or an OSError. All else is a fault of this program,
    and is raised: whoever is to mend it needs to see where it comes from.
    """
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        with quiet_libraries() if args.command in QUIET else nullcontext():
            return args.run(args)
    except AlprError as error:
        complain(error, PROGRAM)
        return 1
    except OSError as error:
        complain(f"{error.filename}: {reason(error)}" if error.filename else reason(error), PROGRAM)
        return 1
    except KeyboardInterrupt:
        complain("interrupted", PROGRAM)
        return 130
