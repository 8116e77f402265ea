"""The JSON beside a bundle's weights: read strictly, so that a model is either what it says or refused.

Every field must be there and no other, those of the config each of its own type, and scores must be figures as
`alpr eval --json` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alpr_app.core.errors import AlprError, reason
from alpr_app.data.bounded_parsing import ContentError, read_json, shown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# The kinds of networks, and the names of their shipped bundles.
SHIPPED = {"detector": "detector", "reader": "maskocr"}
FORMAT = 1
_FIELDS = ("kind", "format", "config", "scores", "command", "sha256")
# Hash of the ONNX file beside the weights, if there is one; the same for its copy in 8 bits, with its own figures.
_OPTIONAL_FIELDS = ("onnx", "int8")
_INT8_FIELDS = {"sha256": str, "scores": dict, "command": str}

Config = TypeVar("Config", bound="DataclassInstance")


def _as_type_of(default: Any, value: Any, name: str) -> Any:
    """Convert `value` to the type of `default`; a list becomes a tuple. Raises ValueError for any other type."""
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
    """Make a config from the values in a bundle.

    Defaults only provide the types: missing fields are not filled in, because a default may change while the weights do
    not.

    Args:
        config_class: A dataclass whose fields all have defaults.
        values: The object in the JSON.

    Raises:
        ValueError: A field is missing, unknown or of another type; the message names it.
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


# Groups and figures without which the tables of a part cannot be made.
_GROUPS = {"scenes": {"micro"}}
_NAMES = {"scenes": {"plates"}, "confidence": {"readings", "precision", "recall"}}


def check_scores(scores: dict[str, Any]) -> None:
    """Raise ValueError unless all `figures` are parts with groups, each of numbers with the same names."""
    for figures in _figures(scores):
        if not isinstance(figures, dict):
            raise ValueError("'figures' must be an object")
        for part, groups in figures.items():
            _check_part(part, groups)


def _figures(scores: dict[str, Any]) -> Iterator[Any]:
    for name, value in scores.items():
        if name == "figures":
            yield value
        elif isinstance(value, dict):
            yield from _figures(value)


def _check_part(part: str, groups: Any) -> None:
    if not isinstance(groups, dict) or not groups or not all(isinstance(values, dict) for values in groups.values()):
        raise ValueError("a part of 'figures' must be an object of objects")
    names = next(iter(groups.values())).keys()
    for values in groups.values():
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
        if not names or values.keys() != names or not numbers:
            raise ValueError("each group of 'figures' must have the same names, of numbers")
    if _GROUPS.get(part, set()) - groups.keys() or _NAMES.get(part, set()) - names:
        raise ValueError("'figures' lack entries that their tables need")


def read_scores(path: Path) -> dict[str, Any]:
    """Read the figures of `alpr eval --json`. Raises BundleError for anything else."""
    remedy = "write it with alpr eval --json"
    try:
        scores = read_json(path)
    except OSError as error:
        raise BundleError(f"{path}: cannot be opened: {reason(error)}; {remedy}") from error
    except ContentError as error:
        raise BundleError(f"{path}: {error}; {remedy}") from error
    if not isinstance(scores, dict):
        raise BundleError(f"{path}: holds no figures; {remedy}")
    return scores


def description_text(content: dict[str, Any]) -> str:
    """The text of the JSON that holds `content`."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


class BundleError(AlprError):
    """A model cannot be used or saved; the message names the file and the remedy."""


def read_description(kind: str | None, path: Path) -> dict[str, Any]:
    """Read and check the JSON of a bundle, except its config.

    Args:
        kind: detector, reader, or None for either.
        path: The JSON.

    Raises:
        BundleError: It is missing, damaged, of a newer format or of another kind.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise BundleError(f"{path}: cannot be opened: {reason(error)}") from error
    except ContentError as error:
        raise BundleError(f"{path}: damaged, {error}; copy it again") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path}: damaged, this does not describe a model; copy it again")
    version = content.get("format")
    # Checked first, because a newer format may have other fields.
    if isinstance(version, int) and version > FORMAT:
        raise BundleError(f"{path}: format {version}, this program knows up to {FORMAT}; update the program")
    for name in _FIELDS:
        if name not in content:
            raise BundleError(f"{path}: '{name}' is missing; copy the file again or save the model again")
    unknown = sorted(set(content) - {*_FIELDS, *_OPTIONAL_FIELDS})
    if unknown:
        raise BundleError(f"{path}: {shown(unknown[0])} is unknown; it describes a model with {', '.join(_FIELDS)}")
    if version != FORMAT:
        raise BundleError(f"{path}: format {shown(version)} is unknown; save the model again")
    for name in ("sha256", "onnx"):
        if not isinstance(content.get(name, ""), str):
            raise BundleError(f"{path}: damaged, '{name}' must be a text; copy the file again")
    if not isinstance(content["scores"], dict) or not isinstance(content["command"], str):
        raise BundleError(f"{path}: damaged, 'scores' must be an object and 'command' a text; copy the file again")
    int8 = content.get("int8")
    if int8 is not None and (
        not isinstance(int8, dict)
        or int8.keys() != _INT8_FIELDS.keys()
        or not all(isinstance(int8[name], kind) for name, kind in _INT8_FIELDS.items())
    ):
        raise BundleError(f"{path}: damaged, 'int8' must hold {', '.join(_INT8_FIELDS)}; copy the file again")
    try:
        check_scores(content["scores"])
        check_scores(int8["scores"] if int8 else {})
    except ValueError as error:
        raise BundleError(f"{path}: damaged scores, {error}; copy the file again") from error
    wanted = list(SHIPPED) if kind is None else [kind]
    if content["kind"] not in wanted:
        raise BundleError(f"{path}: describes a {shown(content['kind'])} where a {' or '.join(wanted)} is needed")
    return content
