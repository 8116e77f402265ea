"""Argparse for the training commands: subcommands by name, options made from the fields of dataclasses, and options
read from a TOML file.
"""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from alpr_app.core.errors import AlprError
from alpr_app.data.bounded_parsing import ContentError, read_toml, shown


class ConfigError(AlprError):
    """A config file that cannot be used; the message names the file and the key."""


class CommandParser(argparse.ArgumentParser):
    """The parser of one command. Its help shows defaults.

    Options cannot be abbreviated: an abbreviated --config would be accepted, but its file would not be read.

    Attributes:
        options: The options by name, without the leading dashes.
    """

    def __init__(self, **settings: Any) -> None:
        self.options: dict[str, argparse.Action] = {}
        super().__init__(**{**settings, "allow_abbrev": False})

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:
        """As in argparse; a default that the help does not mention is appended to it."""
        default, help_text = settings.get("default"), settings.get("help")
        hidden = default is None or default is False or default == argparse.SUPPRESS
        if help_text and not hidden and "(default: " not in help_text:
            settings["help"] = f"{help_text} (default: %(default)s)"
        action = super().add_argument(*names, **settings)
        self.options.update((name.removeprefix("--"), action) for name in action.option_strings)
        return action


class Commands:
    """The subcommands of a parser.

    Attributes:
        parsers: The parser of each command, by its name and its aliases.
    """

    def __init__(self, parser: argparse.ArgumentParser, dest: str = "command") -> None:
        self.parsers: dict[str, CommandParser] = {}
        self._subparsers = parser.add_subparsers(
            dest=dest, required=True, metavar=dest.upper(), parser_class=CommandParser
        )

    def add(self, name: str, help: str, aliases: tuple[str, ...] = ()) -> CommandParser:
        """Add a command and return its parser, to which options are added."""
        parser = self._subparsers.add_parser(name, help=help, aliases=aliases)
        self.parsers.update(dict.fromkeys((name, *aliases), parser))
        return parser


def add_field_options(parser: CommandParser, options: type[Any], **defaults: Any) -> None:
    """Add an option for each field of a dataclass that has a help text.

    The option has the name, type and default of its field; a bool becomes a switch. The field's metadata holds the help
    text and may hold further settings of `add_argument`, such as choices. `defaults` are for fields without one.
    """
    types = get_type_hints(options)
    for item in fields(options):
        if "help" not in item.metadata:
            continue
        # `Path | None` is read as a Path.
        kind = next(iter(get_args(types[item.name])), types[item.name])
        default = defaults.get(item.name) if item.default is MISSING else item.default
        parsing = {"action": "store_true"} if kind is bool else {"type": kind, "default": default}
        parser.add_argument(f"--{item.name}", **{**parsing, **item.metadata})


def zero_or_one(text: str) -> bool:
    """Parse 0 or 1."""
    if text not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"0 or 1, not '{text}'")
    return text == "1"


def add_config_options(
    parser: CommandParser, config: object, help_texts: dict[str, str], any_length: tuple[str, ...] = ()
) -> None:
    """Add options for fields of a network's config, with the defaults of `config` in their help texts.

    An option that is not given is None: the field stays as in the network that the run starts from. Fields in
    `any_length` take any number of values, other tuples as many as they have.
    """
    for name, help_text in help_texts.items():
        default = getattr(config, name)
        is_tuple = isinstance(default, tuple)
        kind = type(default[0] if is_tuple else default)
        parser.add_argument(
            f"--{name}",
            type=zero_or_one if kind is bool else kind,
            nargs=("+" if name in any_length else len(default)) if is_tuple else None,
            metavar="N",
            help=f"{help_text} (default: {as_typed(default)})",
        )


def given_config_fields(args: argparse.Namespace, help_texts: dict[str, str]) -> dict[str, Any]:
    """The fields of `add_config_options` that were given on the command line."""
    given = {name: getattr(args, name) for name in help_texts if getattr(args, name) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def as_typed(value: object) -> str:
    """A value of a config as it is typed on the command line."""
    return " ".join(str(int(item)) for item in value) if isinstance(value, tuple) else str(value)


def config_arguments(path: Path, parser: CommandParser) -> list[str]:
    """The options in a TOML file as command-line arguments for `parser`.

    A list gives several values; true switches an option on, false leaves it off.

    Raises:
        ConfigError: the file is missing or broken, or a key is not an option of `parser`.
    """
    try:
        values = read_toml(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ContentError as error:
        raise ConfigError(f"{path}: {error}") from error
    arguments: list[str] = []
    for name, value in values.items():
        if name not in parser.options or name in ("help", "config"):
            command = parser.prog.split()[-1]
            raise ConfigError(f"{path}: {shown(name)} is not an option of {command}; --help lists them")
        arguments += _arguments(path, name, value, parser.options[name])
    return arguments


def _arguments(path: Path, name: str, value: Any, option: argparse.Action) -> list[str]:
    if isinstance(value, dict):
        raise ConfigError(f"{path}: '{name}' is a table; write options without tables")
    if option.nargs == 0:
        if not isinstance(value, bool):
            raise ConfigError(f"{path}: '{name}' must be true or false, not {shown(value)}")
        return [f"--{name}"] if value else []
    items = value if isinstance(value, list) else [value]
    return [f"--{name}", *(str(int(item)) if isinstance(item, bool) else str(item) for item in items)]
