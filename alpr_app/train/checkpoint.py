"""Checkpoints of a run: written whole or not at all, read without running code from them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from alpr_app.errors import AlprError, reason


class CheckpointError(AlprError):
    """A checkpoint that cannot be written or read; the message names the file and the remedy."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` beside `path`, then put it in its place: the earlier file stays until the new one is whole."""
    part = path.with_name(path.name + ".part")
    try:
        torch.save(state, part)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        raise CheckpointError(f"{path}: the checkpoint was not written ({error}); the earlier one is kept") from error


def read_checkpoint(path: Path) -> bytes:
    """The content of a checkpoint's file, to be given to other processes, perhaps on other machines."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        said = "no such checkpoint on the machine of the first process (--node_rank 0)"
        raise CheckpointError(
            f"{path}: {said}; start the run without --resume, or number the machines as before"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {reason(error)}") from error


def load_checkpoint(
    path: Path, description: dict[str, Any] | None = None, content: bytes | None = None
) -> dict[str, Any]:
    """Read a checkpoint; with `description`, only one of a run that has the same. content: of the file, where another
    process has it."""
    if content is None and not path.is_file():
        remedy = "give the folder of a run that has validated once" if description is None else "leave --resume out"
        raise CheckpointError(f"{path}: no such checkpoint; {remedy}")
    try:
        state = torch.load(path if content is None else io.BytesIO(content), map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError, ValueError) as error:
        raise CheckpointError(f"{path}: the checkpoint is damaged ({error}); delete it or start afresh") from error
    if not isinstance(state, dict) or "network" not in state or "description" not in state:
        raise CheckpointError(f"{path}: this is no checkpoint of a run")
    if description is not None and state["description"] != description:
        names = differences(state["description"], description)
        raise CheckpointError(f"{path}: belongs to a run with other settings: {names}")
    return state


def differences(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The names of what two runs' descriptions do not have in common."""
    flat = [{**description, **description.get("run", {})} for description in (first, second)]
    names = [name for name in {**flat[0], **flat[1]} if flat[0].get(name) != flat[1].get(name)]
    return ", ".join(name for name in names if name != "run")
