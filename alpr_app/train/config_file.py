"""Options out of a TOML file: the same names as on the command line, which wins."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from alpr_app.core.errors import AlprError
from alpr_app.data.bounded_parsing import ContentError, read_toml, shown


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
