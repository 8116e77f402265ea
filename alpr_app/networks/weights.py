"""Checks of weights before they are loaded into a network, by the header of their safetensors file alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from alpr_app.data.bounded_parsing import JSON_BYTES, ContentError, parse_json, shown

# The types of numbers in a safetensors file.
_TYPES = frozenset(("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"))
# Ends of the names of what a network counts and does not learn.
_NOT_LEARNED = ("running_mean", "running_var", "num_batches_tracked")


class Shaped(Protocol):
    """The properties of a tensor that are compared; types must be named in the same way."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> object: ...


@dataclass(frozen=True)
class Described:
    """A tensor as the header of a file describes it: its shape, and the type of its numbers as in such a file."""

    shape: tuple[int, ...]
    dtype: str


def read_head(data: bytes) -> dict[str, Described]:
    """Read the header of a safetensors file: its tensors by name. Raises ContentError."""
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= min(JSON_BYTES, len(data) - 8):
        raise ContentError("its first bytes are not those of such a file")
    try:
        content = parse_json(data[8 : 8 + length].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ContentError("its header is not text") from error
    if not isinstance(content, dict):
        raise ContentError("its header describes nothing")
    content.pop("__metadata__", None)
    return {name: _described(name, value) for name, value in content.items()}


def _described(name: str, value: object) -> Described:
    description = value if isinstance(value, dict) else {}
    shape, kind = description.get("shape"), description.get("dtype")
    sides = tuple(shape) if isinstance(shape, list) and all(type(side) is int for side in shape) else None
    if sides is None or not isinstance(kind, str) or kind not in _TYPES:
        raise ContentError(f"its header does not say what {shown(name)} is")
    return Described(sides, kind)


def misfit(found: Mapping[str, Shaped], expected: Mapping[str, Shaped]) -> str:
    """Describe in one line the first difference in names, shapes and types between the weights `found` and those that a
    network expects; empty if there is none."""
    for name in sorted(expected.keys() - found.keys()):
        return f"the weights '{name}' are missing"
    for name in sorted(found.keys() - expected.keys()):
        return f"the weights {shown(name)} are unknown"
    for name, tensor in expected.items():
        given = found[name]
        if given.shape != tensor.shape or given.dtype != tensor.dtype:
            return (
                f"'{name}' is {shown(tuple(given.shape))} {given.dtype} where {tuple(tensor.shape)} {tensor.dtype} "
                "belongs"
            )
    return ""


def learned(weights: Mapping[str, Described]) -> int:
    """Return the number of trained weights."""
    return sum(math.prod(tensor.shape) for name, tensor in weights.items() if not name.endswith(_NOT_LEARNED))
