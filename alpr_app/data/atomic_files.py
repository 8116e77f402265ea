"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from alpr_app.core.errors import AlprError, reason


def _standard_stream(path: Path) -> int | None:
    """The descriptor of this process's standard output or error, if `path` is the ordinary file that it goes to."""
    for descriptor in (1, 2):
        # There need not be such a descriptor.
        with suppress(OSError):
            if path.is_file() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
    return None


def is_stream(path: Path) -> bool:
    """Whether `path` can only be written to: a device, a pipe, or the file that the standard output goes to, under any
    name (/dev/stdout). What took its place would not reach those who read there."""
    return (path.exists() and not path.is_file()) or _standard_stream(path) is not None


def open_stream(path: Path) -> BinaryIO:
    """A path for which `is_stream` holds, to be written to. Raises OSError."""
    descriptor = _standard_stream(path)
    # Opened anew, it would begin at its start, over what is there already.
    return path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


def behind_links(path: Path) -> Path:
    """The file that is to be replaced when `path` is written: of a symbolic link what it leads to, there or not."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def is_same_file(path: Path, other: Path) -> bool:
    """Whether both are one file, under whatever names: links of either kind included."""
    try:
        return os.path.samestat(path.stat(), other.stat())
    except (OSError, ValueError):
        return False


def refuse_inputs(target: Path, inputs: Iterable[Path]) -> None:
    """Raises AlprError if `target` is one of the `inputs`, under whatever name: what is read is never written over."""
    if not target.exists():
        return
    for path in inputs:
        if is_same_file(target, path):
            raise AlprError(f"{target}: this is '{path}', which is read here; name another file")


def refuse_link(path: Path) -> None:
    """Raises AlprError if `path` is a symbolic link: what is written there would lie elsewhere, perhaps over an
    original."""
    if path.is_symlink():
        raise AlprError(f"{path}: this is a link, which may lead to an original; remove it or name another folder")


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there. Raises AlprError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlprError(f"{folder}: cannot be made: {reason(error)}") from error


def append_whole(file: BinaryIO, data: bytes) -> None:
    """Put `data` behind all that an ordinary file, opened without a buffer, holds: the whole of it or, where there is
    no room for that, nothing. Raises OSError."""
    end = file.seek(0, os.SEEK_END)
    try:
        while data:
            data = data[file.write(data) :]
    except OSError:
        with suppress(OSError):
            file.truncate(end)
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` into `path`, or where it leads as a symbolic link. Until all of it is on the disk, an earlier file of
    that name stays as it is.

    Raises OSError, having removed what was written so far.
    """
    if is_stream(path):
        with open_stream(path) as file:
            file.write(data)
        return
    path = behind_links(path)
    # In the same folder, because only within one file system is a rename one step. The name is short: a long
    # name that is just allowed must not become too long.
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
