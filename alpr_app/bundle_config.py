"""A config dataclass from what JSON gives: every field, no other, each of its own type."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from alpr_app.data.bounded_parsing import shown

Config = TypeVar("Config")


def _as_type_of(default: Any, value: Any, name: str) -> Any:
    """`value` as the type that `default` has; a list becomes a tuple. Raises ValueError if it is another
    type."""
    if isinstance(default, tuple):
        if not isinstance(value, list):
            raise ValueError(f"'{name}' must be a list, not {shown(value)}")
        return tuple(_as_type_of(default[0], item, name) for item in value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"'{name}' must be a {type(default).__name__}, not {shown(value)}")
    return value


def config_from_dict(config_class: type[Config], values: Any) -> Config:
    """The config that `values` describe; `config_class` is a dataclass whose fields all have defaults.

    The defaults only say the types: a missing field is not filled in, because a default may change while the
    weights do not. Raises ValueError naming the field.
    """
    if not isinstance(values, dict):
        raise ValueError(f"'config' must be an object, not {shown(values)}")
    defaults = {item.name: item.default for item in fields(config_class)}
    origin = "the model was saved by another version of the program"
    for name in sorted(defaults.keys() - values.keys()):
        raise ValueError(f"'config' lacks '{name}'; {origin}")
    for name in sorted(values.keys() - defaults.keys()):
        raise ValueError(f"'config' has the unknown {shown(name)}; {origin}")
    return config_class(**{name: _as_type_of(default, values[name], name) for name, default in defaults.items()})
