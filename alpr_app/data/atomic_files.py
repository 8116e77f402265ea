"""Files that are written whole or not at all, and never over what is read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from alpr_app.core.errors import AlprError, reason


def _standard_stream(path: Path) -> int | None:
    """Return the descriptor of standard output or error if `path` is the ordinary file it is redirected to."""
    for descriptor in (1, 2):
        # The descriptor may be closed.
        with suppress(OSError):
            if path.is_file() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
    return None


def is_stream(path: Path) -> bool:
    """Whether `path` must be written to in place: a device, a pipe, or the file that standard output is redirected to,
    under any name (/dev/stdout). A file that replaced it would not reach its readers."""
    return (path.exists() and not path.is_file()) or _standard_stream(path) is not None


def open_stream(path: Path) -> BinaryIO:
    """Open a path for which `is_stream` holds, for writing. Raises OSError."""
    descriptor = _standard_stream(path)
    # Opening the path again would start at its beginning and overwrite earlier output.
    return path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


def resolve_link(path: Path) -> Path:
    """Return the file to replace when `path` is written: the target of a symbolic link, whether or not it exists."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def is_same_file(path: Path, other: Path) -> bool:
    """Whether both paths name one file, through links of either kind too."""
    try:
        return os.path.samestat(path.stat(), other.stat())
    except (OSError, ValueError):
        return False


def refuse_inputs(target: Path, inputs: Iterable[Path]) -> None:
    """Raise AlprError if `target` is one of the `inputs` under any name: inputs are never overwritten."""
    if not target.exists():
        return
    for path in inputs:
        if is_same_file(target, path):
            raise AlprError(f"{target}: this is '{path}', which is read here; name another file")


def refuse_link(path: Path) -> None:
    """Raise AlprError if `path` is a symbolic link: writing through it might overwrite an original elsewhere."""
    if path.is_symlink():
        raise AlprError(f"{path}: this is a link, which may lead to an original; remove it or name another folder")


def make_folder(folder: Path) -> None:
    """Make a folder unless it exists. Raises AlprError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlprError(f"{folder}: cannot be made: {reason(error)}") from error


def append_whole(file: BinaryIO, data: bytes) -> None:
    """Append `data` to an ordinary file that was opened without a buffer: all of it, or nothing if there is no room.
    Raises OSError."""
    end = file.seek(0, os.SEEK_END)
    try:
        while data:
            data = data[file.write(data) :]
    except OSError:
        with suppress(OSError):
            file.truncate(end)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for the new content of `path`. It replaces `path`, or the target of that symbolic link, in one step
    when the block ends and everything is on the disk. Until then, and if the block raises, an earlier file stays as it
    is. A device or a pipe is written to directly.

    Raises:
        OSError: The file cannot be written; what was written so far is removed.
    """
    with _Replacement(path) as replacement:
        yield replacement.file
        replacement.finish()
        replacement.take_place()
        replacement.sync_folder()


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the content of `path` by `data`, as `replacing` does. Raises OSError."""
    with replacing(path) as file:
        file.write(data)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Replace several files that belong together, each as `replacing` does, but none before all are on the disk: a full
    disk leaves all earlier files.

    Raises:
        OSError: One cannot be written; `filename` says which.
    """
    with ExitStack() as parts:
        replacements = []
        for path, data in contents.items():
            try:
                replacement = parts.enter_context(_Replacement(path))
                replacement.file.write(data)
                replacement.finish()
            except OSError as error:
                raise OSError(error.errno, error.strerror or str(error), str(path)) from error
            replacements.append(replacement)
        for replacement in replacements:
            replacement.take_place()
        for replacement in replacements:
            replacement.sync_folder()


class _Replacement:
    """The new content of one file on its way to the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path if is_stream(path) else resolve_link(path)
        # In the same folder, because a rename is atomic only within one file system. A fixed short name, because adding
        # to a name of maximum length would exceed it.
        self._part = None if is_stream(path) else self._path.with_name(f".{secrets.token_hex(6)}.part")
        self.file: BinaryIO = open_stream(path) if self._part is None else self._part.open("xb")

    def __enter__(self) -> _Replacement:
        return self

    def finish(self) -> None:
        """Write everything to the disk."""
        self.file.flush()
        if self._part is not None:
            os.fsync(self.file.fileno())
        self.file.close()

    def take_place(self) -> None:
        if self._part is not None:
            os.replace(self._part, self._path)

    def sync_folder(self) -> None:
        """Write the rename to the disk too, on systems that can open folders."""
        if self._part is None:
            return
        with suppress(OSError):
            descriptor = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def __exit__(self, *error: object) -> None:
        # Both have no effect after success.
        with suppress(OSError):
            self.file.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)
