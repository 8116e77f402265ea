"""Checkpoints of a run: written atomically, and read without running any code in them."""

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
from alpr_app.data.run_folder import MAXIMUM_COUNTED

# Words of torch's error for a file that refers to functions or classes other than its own harmless ones.
_CODE_ERRORS = ("GLOBAL", "unrecognized function", "Can only build", "Can only create")
_DAMAGED = "the checkpoint is damaged; delete it or start a new run"
# torch trusts the content of a file: a damaged one makes it raise any of these.
_LOADING_ERRORS = (
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
    """The bytes of a checkpoint, to send to other processes, perhaps on other machines."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no such checkpoint on the machine of the first process (--node_rank 0); start the run without "
            "--resume, or number the machines as before"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {reason(error)}") from error


def load_checkpoint(
    path: Path, description: dict[str, Any] | None = None, content: bytes | None = None
) -> dict[str, Any]:
    """Read and check a checkpoint.

    Args:
        path: The file, which messages name.
        description: If given, the settings of the run that resumes: the checkpoint must have the same.
        content: The bytes of the file, where another process has read it.

    Returns:
        The content by name. `network` and, if present, `average` hold tensors by name.

    Raises:
        CheckpointError: the file is missing, damaged, of another run, or contains code, which is never run.
    """
    if content is None and not path.is_file():
        remedy = "give the folder of a run that has validated once" if description is None else "leave --resume out"
        raise CheckpointError(f"{path}: no such checkpoint; {remedy}")
    state = _unpickled(path, read_checkpoint(path) if content is None else content)
    fault = _fault(state)
    if fault:
        raise CheckpointError(f"{path}: this is not a checkpoint of a run ({fault})")
    if description is not None and state["description"] != description:
        names = differences(state["description"], description)
        raise CheckpointError(f"{path}: belongs to a run with other settings: {names}")
    checked: dict[str, Any] = state
    return checked


def _unpickled(path: Path, content: bytes) -> Any:
    """Unpickle a checkpoint. No code in it is run: only tensors, numbers, strings and their containers are made."""
    try:
        _check_stored(content)
        with warnings.catch_warnings():
            # For damaged files torch asks to report an issue.
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # The message of torch advises to load it all the same.
        if any(word in str(error) for word in _CODE_ERRORS):
            raise CheckpointError(
                f"{path}: this checkpoint contains code and was not opened; use one that a run here has written"
            ) from None
        raise CheckpointError(f"{path}: {_DAMAGED}") from None
    except _LOADING_ERRORS as error:
        raise CheckpointError(f"{path}: {_DAMAGED}") from error


def _check_stored(content: bytes) -> None:
    """Raise BadZipFile for an archive with compressed parts: torch writes none, and a small one could expand to any
    size."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                raise zipfile.BadZipFile


def _fault(state: Any) -> str:
    """Why this is not the content of a checkpoint; empty if it is."""
    if not isinstance(state, dict):
        return "it holds no named parts"
    for name in ("network", "description"):
        if not isinstance(state.get(name), dict):
            return f"its part '{name}' is missing or damaged"
    for name in ("network", "average"):
        weights = state.get(name, {})
        if not isinstance(weights, dict) or not all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in weights.items()
        ):
            return f"its part '{name}' holds other things than weights"
    step, metrics = state.get("step", 0), state.get("metrics", {})
    if type(step) is not int or not 0 <= step <= MAXIMUM_COUNTED:
        return "its part 'step' is not a number of steps"
    if not isinstance(metrics, dict) or not all(
        isinstance(name, str) and isinstance(value, int | float) for name, value in metrics.items()
    ):
        return "its part 'metrics' holds other things than figures"
    return ""


def samples_seen(path: Path, state: dict[str, Any]) -> int:
    """The number of samples a run had seen when it wrote the checkpoint `state` to `path`. Raises CheckpointError."""
    run = state["description"].get("run")
    batch_size = run.get("batch_size") if isinstance(run, dict) else None
    if "step" not in state or type(batch_size) is not int or not 0 < batch_size <= MAXIMUM_COUNTED:
        raise CheckpointError(f"{path}: does not say how many samples it has seen; it is damaged or not of a run")
    seen: int = state["step"] * batch_size
    return seen


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Turn any error while a run loads the checkpoint at `path` into a CheckpointError: in an undamaged checkpoint of
    the same run everything fits."""
    try:
        yield
    except _LOADING_ERRORS as error:
        raise CheckpointError(f"{path}: does not fit this run ({first_line(error)}); {_DAMAGED}") from error


def check_shapes(optimizer: torch.optim.Optimizer) -> None:
    """Check a loaded optimiser. Raises ValueError if its state has other shapes than its parameters."""
    for parameter, figures in optimizer.state.items():
        for name, value in figures.items():
            if isinstance(value, Tensor) and value.ndim and value.shape != parameter.shape:
                raise ValueError(f"the optimiser's '{name}' is {tuple(value.shape)}, not {tuple(parameter.shape)}")


def differences(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The names of the settings in which the descriptions of two runs differ, comma-separated."""
    flat = []
    for description in (first, second):
        run = description.get("run", {})
        flat.append({**description, **(run if isinstance(run, dict) else {})})
    names = [name for name in {**flat[0], **flat[1]} if flat[0].get(name) != flat[1].get(name)]
    return ", ".join(shown(name)[1:-1] for name in names if name != "run")
