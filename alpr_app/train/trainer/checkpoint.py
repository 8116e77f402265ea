"""Checkpoints of a run: written whole or not at all, read without running code from them."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from alpr_app.core.errors import AlprError, first_line, reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.bounded_parsing import shown
from alpr_app.data.run_folder import MOST_COUNTED

# Said by torch of a file that names functions or classes other than its own harmless ones.
_CODE = ("GLOBAL", "unrecognized function", "Can only build", "Can only create")
_DAMAGED = "the checkpoint is damaged; delete it or start afresh"
# What torch's reader raises of a damaged file: it trusts what it reads.
_BROKEN = (
    *(OSError, RuntimeError, EOFError, ValueError, LookupError, AttributeError, TypeError, AssertionError),
    *(ArithmeticError, MemoryError, ImportError, struct.error, zipfile.BadZipFile),
)


class CheckpointError(AlprError):
    """A checkpoint that cannot be written or read; the message names the file and the remedy."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` to `path` atomically: the earlier file stays until the new one is complete.

    Raises:
        CheckpointError: the file cannot be written.
    """
    content = io.BytesIO()
    torch.save(state, content)
    try:
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise CheckpointError(
            f"{path}: the checkpoint was not written ({reason(error)}); the earlier one is kept"
        ) from error


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
    process has it.

    What it holds under `network` and, if it is there, `average` are tensors by name. Raises CheckpointError for what is
    no checkpoint, damaged or of another run, and for one that would run code: that is never opened.
    """
    if content is None and not path.is_file():
        remedy = "give the folder of a run that has validated once" if description is None else "leave --resume out"
        raise CheckpointError(f"{path}: no such checkpoint; {remedy}")
    state = _opened(path, read_checkpoint(path) if content is None else content)
    fault = _fault(state)
    if fault:
        raise CheckpointError(f"{path}: this is no checkpoint of a run ({fault})")
    if description is not None and state["description"] != description:
        names = differences(state["description"], description)
        raise CheckpointError(f"{path}: belongs to a run with other settings: {names}")
    checked: dict[str, Any] = state
    return checked


def _opened(path: Path, content: bytes) -> Any:
    """What torch finds in a file. Nothing in it is run: only tensors, numbers, texts and what holds them are made."""
    try:
        _check_stored(content)
        with warnings.catch_warnings():
            # Of damaged ones torch would have us report to its makers what it found.
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # Torch's own words advise to open it all the same.
        if any(word in str(error) for word in _CODE):
            raise CheckpointError(
                f"{path}: this checkpoint holds code; it was not opened. Use one that a run here has written"
            ) from None
        raise CheckpointError(f"{path}: {_DAMAGED}") from None
    except _BROKEN as error:
        raise CheckpointError(f"{path}: {_DAMAGED}") from error


def _check_stored(content: bytes) -> None:
    """Raises BadZipFile for an archive with compressed parts: torch writes none, and a small one could unfold to any
    size."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                raise zipfile.BadZipFile


def _fault(state: Any) -> str:
    """What a checkpoint lacks that every one has; empty if it lacks nothing."""
    if not isinstance(state, dict):
        return "it holds no parts by name"
    for name in ("network", "description"):
        if not isinstance(state.get(name), dict):
            return f"its part '{name}' is missing or damaged"
    for name in ("network", "average"):
        weights = state.get(name, {})
        if not isinstance(weights, dict) or not all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in weights.items()
        ):
            return f"its part '{name}' holds something else than weights"
    step, metrics = state.get("step", 0), state.get("metrics", {})
    if type(step) is not int or not 0 <= step <= MOST_COUNTED:
        return "its part 'step' is no count of steps"
    if not isinstance(metrics, dict) or not all(
        isinstance(name, str) and isinstance(value, int | float) for name, value in metrics.items()
    ):
        return "its part 'metrics' holds something else than figures"
    return ""


def samples_seen(path: Path, state: dict[str, Any]) -> int:
    """How many samples the run whose checkpoint at `path` is `state` had seen. Raises CheckpointError."""
    run = state["description"].get("run")
    batch_size = run.get("batch_size") if isinstance(run, dict) else None
    if "step" not in state or type(batch_size) is not int or not 0 < batch_size <= MOST_COUNTED:
        raise CheckpointError(f"{path}: does not say how many samples it has seen; it is damaged, or of no run")
    seen: int = state["step"] * batch_size
    return seen


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Raises CheckpointError for whatever goes wrong while a run takes over what the checkpoint at `path` holds: in a
    sound one of the same run, all of it is there and fits."""
    try:
        yield
    except _BROKEN as error:
        raise CheckpointError(f"{path}: does not fit this run ({first_line(error)}); {_DAMAGED}") from error


def check_shapes(optimizer: torch.optim.Optimizer) -> None:
    """Raises ValueError if the optimiser, whose state has been taken over, holds figures of other shapes than its
    parameters'."""
    for parameter, figures in optimizer.state.items():
        for name, value in figures.items():
            if isinstance(value, Tensor) and value.ndim and value.shape != parameter.shape:
                raise ValueError(f"the optimiser's '{name}' is {tuple(value.shape)}, not {tuple(parameter.shape)}")


def differences(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The names of what two runs' descriptions do not have in common."""
    flat = []
    for description in (first, second):
        run = description.get("run", {})
        flat.append({**description, **(run if isinstance(run, dict) else {})})
    names = [name for name in {**flat[0], **flat[1]} if flat[0].get(name) != flat[1].get(name)]
    return ", ".join(shown(name)[1:-1] for name in names if name != "run")
