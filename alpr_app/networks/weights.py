"""Weights before they are put into a network: what a safetensors file says of them at its head, and what is wrong with
them. Nothing is built and no weights are read for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from alpr_app.data.bounded_parsing import JSON_BYTES, ContentError, parse_json, shown

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class Shaped(Protocol):
    """What of a tensor is compared."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> torch.dtype: ...


@dataclass(frozen=True)
class Described:
    """A tensor as a file's head describes it."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def read_head(data: bytes) -> dict[str, Described]:
    """The tensors that the content of a safetensors file holds, by name. Raises ContentError."""
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= min(JSON_BYTES, len(data) - 8):
        raise ContentError("its first bytes are not those of one")
    try:
        content = parse_json(data[8 : 8 + length].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ContentError("its head is no text") from error
    if not isinstance(content, dict):
        raise ContentError("its head describes nothing")
    content.pop("__metadata__", None)
    return {name: _described(name, value) for name, value in content.items()}


def _described(name: str, value: object) -> Described:
    said = value if isinstance(value, dict) else {}
    shape, kind = said.get("shape"), said.get("dtype")
    sides = tuple(shape) if isinstance(shape, list) and all(type(side) is int for side in shape) else None
    if sides is None or not isinstance(kind, str) or kind not in _TYPES:
        raise ContentError(f"its head does not say what {shown(name)} is")
    return Described(sides, _TYPES[kind])


def misfit(found: Mapping[str, Shaped], expected: Mapping[str, Shaped]) -> str:
    """In one line, what of the weights `found` does not belong to a network whose weights are named, shaped and typed
    as those `expected`; empty if all fits."""
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


def not_numbers(weights: Mapping[str, Tensor]) -> str:
    """The name of the first of `weights` that holds NaN or infinity; empty if none does."""
    return next((name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())), "")
