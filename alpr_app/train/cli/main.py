"""The training module's command line, with options from a TOML file: the same names as on the command line, which
wins.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from alpr_app.core.errors import AlprError, print_error, reason
from alpr_app.core.native_libraries import quiet_libraries
from alpr_app.data.bounded_parsing import ContentError, read_toml, shown
from alpr_app.train.cli import datasets, detector, models, reader


class ConfigError(AlprError):
    """A config file that cannot be used; the message names the file and the key."""


def config_arguments(path: Path, parser: argparse.ArgumentParser) -> list[str]:
    """The options in `path` as arguments for `parser`, to be put before those of the command line.

    A list gives several values; true switches an option on, false leaves it off. Raises ConfigError for a missing or
    broken file and for a key that is no option of `parser`.
    """
    try:
        values = read_toml(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ContentError as error:
        raise ConfigError(f"{path}: {error}") from error
    actions = {option.removeprefix("--"): action for action in parser._actions for option in action.option_strings}
    arguments: list[str] = []
    for name, value in values.items():
        if name not in actions or name in ("help", "config"):
            raise ConfigError(f"{path}: {shown(name)} is no option of {parser.prog.split()[-1]}; --help lists them")
        arguments += _arguments(path, name, value, actions[name])
    return arguments


def _arguments(path: Path, name: str, value: Any, action: argparse.Action) -> list[str]:
    if isinstance(value, dict):
        raise ConfigError(f"{path}: '{name}' is a table; write options without tables")
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ConfigError(f"{path}: '{name}' is switched on by true and off by false, not by {shown(value)}")
        return [f"--{name}"] if value else []
    items = value if isinstance(value, list) else [value]
    return [f"--{name}", *(str(int(item)) if isinstance(item, bool) else str(item) for item in items)]


PROGRAM = "alpr_app.train"
# These say themselves which pictures are damaged. Of the others it may matter what torch and drivers print.
QUIET = ("extract_plates", "validate_dataset", "label", "test", "robustness_set", "hard_copies")
COMMANDS = (
    datasets.add_create_dataset,
    datasets.add_extract_plates,
    datasets.add_validate_dataset,
    datasets.add_label,
    datasets.add_draw,
    models.add_preview,
    detector.add,
    reader.add,
    models.add_report,
    models.add_test,
    datasets.add_robustness_set,
    models.add_estimate,
    models.add_speed,
    models.add_export,
    models.add_average,
    datasets.add_samples,
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m alpr_app.train", description="Train the detector and the reader.")
    # An abbreviated --config would be an option like any other, and its file not be read.
    whole_names = partial(argparse.ArgumentParser, allow_abbrev=False)
    # Whatever makes parsers will do; the types know classes only.
    commands = parser.add_subparsers(  # type: ignore[call-overload]
        dest="command", required=True, metavar="COMMAND", parser_class=whole_names
    )
    for add_command in COMMANDS:
        add_command(commands)
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line, with the options of its --config before its own. Raises ConfigError."""
    parser = build_parser()
    # The config file may hold options that are required: it has to be read before the rest is judged.
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config", type=Path)
    path = first.parse_known_args(arguments)[0].config
    assert parser._subparsers is not None
    (action,) = parser._subparsers._group_actions
    assert isinstance(action, argparse._SubParsersAction)
    commands: dict[str, argparse.ArgumentParser] = action.choices
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
