"""Results as a folder of Parquet files: typed columns, one row per picture or frame as in JSON lines.

Each file appears under its name when it is complete, and holds whole entries only. Its footer carries the digests of
the entries, so that a run can be continued from the files alone, on one machine or on many.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import MissingPackage, reason
from alpr_app.data.journal import Done, OutputError, digest_of

if TYPE_CHECKING:
    import pyarrow

    from alpr_app.data.result_writers import FileResult, Record

# A file is completed after so many pictures or so much time: more are read again after an interruption.
PART_PICTURES = 10_000
PART_SECONDS = 300.0
# Rows of an entry that is not complete yet, as of a long video, beyond which they are written out.
_WAITING_ROWS = 2_000
_KEYS, _SETTINGS, _FAILED = b"alpr.entries", b"alpr.settings", b"alpr.failed"
_DIGEST_DIGITS = 32


def schema() -> pyarrow.Schema:
    """Return the columns. All but `file` may be null. Raises MissingPackage."""
    try:
        import pyarrow
    except ImportError as error:
        raise MissingPackage("Parquet needs the package pyarrow: pip install 'alpr-app[parquet]'") from error
    text, number, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    reals = pyarrow.list_(real)
    plate = {
        **{"text": text, "confidence": real, "characters": reals},
        "alternatives": pyarrow.list_(pyarrow.struct({"text": text, "confidence": real})),
        **{"colour": text, "fits_format": pyarrow.bool_(), "kind": text, "score": real},
        **{"box": reals, "corners": pyarrow.list_(reals)},
    }
    columns = {
        **{"file": text, "frame": number, "time_ms": real, "error": text},
        **{"track": number, "seen": number, "first_ms": real, "last_ms": real},
        **{"width": number, "height": number, "plates": pyarrow.list_(pyarrow.struct(plate))},
        "ms": pyarrow.struct({"detect": real, "read": real}),
    }
    return pyarrow.schema([pyarrow.field(name, kind, nullable=name != "file") for name, kind in columns.items()])


def as_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a JSON object of `FileResult.to_dict`."""
    row = dict(record)
    for name in ("file", "error"):
        if name in row:
            # File names need not be valid text.
            row[name] = row[name].encode("utf-8", "backslashreplace").decode()
    if "plates" in row:
        row["plates"] = [_plate_row(plate) for plate in row["plates"]]
    return row


def _plate_row(plate: Mapping[str, Any]) -> dict[str, Any]:
    alternatives = [{"text": text, "confidence": confidence} for text, confidence in plate["alternatives"]]
    return {**plate, "alternatives": alternatives}


class PartWriter:
    """One file of the folder, under a hidden name until it is complete. Raises OutputError."""

    def __init__(self, path: Path) -> None:
        from pyarrow.parquet import ParquetWriter

        self.path = path
        # Readers of Parquet folders ignore hidden files.
        self._hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._schema = schema()
        try:
            self._writer = ParquetWriter(self._hidden, self._schema, compression="zstd")
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {reason(error)}") from error

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as `as_row` makes them."""
        import pyarrow

        try:
            self._writer.write_table(pyarrow.Table.from_pylist(list(rows), self._schema))
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {reason(error)}") from error

    def complete(self, keys: Sequence[str], settings: str, failed: bool) -> None:
        """Give the file its name. keys: those of the entries in it, see `Frame.key`."""
        footer = {
            _KEYS: "".join(digest_of(key).hex() for key in keys),
            _SETTINGS: _digest_of_settings(settings),
            _FAILED: str(int(failed)),
        }
        try:
            self._writer.add_key_value_metadata(footer)
            self._writer.close()
            with self._hidden.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self._hidden, self.path)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {reason(error)}") from error

    def discard(self) -> None:
        """Remove the file unless it is complete."""
        with suppress(OSError):
            self._writer.close()
        self._hidden.unlink(missing_ok=True)


def _digest_of_settings(settings: str) -> str:
    return sha256(settings.encode("utf-8", "surrogatepass")).hexdigest()


class Parts:
    """The complete files in a folder of results.

    Attributes:
        done: The entries in them.
        failed: Whether one of these failed.

    Raises:
        OutputError: The folder cannot be made or is of a run with other settings, or is not empty and `resume` False.
        MissingPackage: pyarrow is not installed.
    """

    def __init__(self, folder: Path, settings: str, resume: bool) -> None:
        schema()
        self.folder, self.failed = folder, False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            names = sorted(path.name for path in folder.iterdir())
            if names and not resume:
                remedy = "name another one, or continue the run in it with --resume"
                raise OutputError(f"{folder}: there are files in this folder; {remedy}")
            self.remove_unfinished()
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written: {reason(error)}") from error
        self.names = [name for name in names if name.startswith("part-") and name.endswith(".parquet")]
        for name in self.names:
            footer = self._footer(name)
            if footer[_SETTINGS].decode() != _digest_of_settings(settings):
                remedy = "continue with those, or name another folder"
                raise OutputError(f"{folder}: was begun with other models or options; {remedy}")
            self.failed = self.failed or footer[_FAILED] == b"1"
        self.done = Done(self._digests())

    def remove_unfinished(self) -> None:
        """Remove files that were not completed: their writers were killed. Raises OSError."""
        for path in self.folder.glob(".part-*.part"):
            path.unlink(missing_ok=True)

    def _footer(self, name: str) -> dict[bytes, bytes]:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_metadata

        path = self.folder / name
        try:
            footer: dict[bytes, bytes] = read_metadata(path).metadata or {}
        except (OSError, ArrowException) as error:
            raise OutputError(f"{path}: a damaged file; remove it, and its pictures are read again") from error
        if not {_KEYS, _SETTINGS, _FAILED} <= footer.keys():
            raise OutputError(f"{path}: not a file of this program; name another folder")
        return footer

    def _digests(self) -> Iterator[bytes]:
        for name in self.names:
            text = self._footer(name)[_KEYS].decode()
            for start in range(0, len(text), _DIGEST_DIGITS):
                yield bytes.fromhex(text[start : start + _DIGEST_DIGITS])


class ParquetFolder:
    """A folder of Parquet files as an `Output`; `settings` and `resume` as for `open_output`."""

    def __init__(self, folder: Path, settings: str, resume: bool) -> None:
        self._parts, self._settings = Parts(folder, settings, resume), settings
        self._folder, self._number = folder, self._next_number()
        self._part: PartWriter | None = None
        # Of the entries in the current file, and of the entry that is not complete yet.
        self._rows: list[dict[str, Any]] = []
        self._keys: list[str] = []
        self._open_rows: list[dict[str, Any]] = []
        self._mixed = self._part_failed = False
        self._begun = monotonic()

    def _next_number(self) -> int:
        numbers = [name[len("part-") : -len(".parquet")] for name in self._parts.names]
        # Files written on a cluster have longer names, of digits and letters.
        own = (int(number) for number in numbers if number.isdecimal() and len(number) < 16)
        return 1 + max(own, default=-1)

    @property
    def failed(self) -> bool:
        return self._parts.failed or self._part_failed

    @property
    def done(self) -> Done:
        return self._parts.done

    def write(self, result: FileResult | Record) -> None:
        self._open_rows.append(as_row(result.to_dict()))
        if len(self._open_rows) >= _WAITING_ROWS:
            self._mixed = True
            self._write_out(self._rows + self._open_rows)
            self._rows, self._open_rows = [], []

    def commit(self, key: str, failed: bool) -> None:
        self._rows += self._open_rows
        self._open_rows, self._mixed = [], False
        self._keys.append(key)
        self._part_failed = self._part_failed or failed
        if len(self._rows) >= _WAITING_ROWS:
            self._write_out(self._rows)
            self._rows = []
        if len(self._keys) >= PART_PICTURES or monotonic() - self._begun > PART_SECONDS:
            self._complete()

    def _write_out(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if self._part is None:
            self._part = PartWriter(self._folder / f"part-{self._number:05d}.parquet")
        self._part.write(rows)

    def _complete(self) -> None:
        """Complete the current file, if any entry is."""
        if self._keys:
            self._write_out(self._rows)
            assert self._part is not None
            self._part.complete(self._keys, self._settings, self._part_failed)
            self._parts.failed = self.failed
            self._number += 1
        elif self._part is not None:
            self._part.discard()
        self._part, self._rows, self._keys, self._part_failed = None, [], [], False
        self._begun = monotonic()

    def __enter__(self) -> ParquetFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None or not (self._mixed or isinstance(error, OutputError)):
                # What follows the last complete entry is read again.
                self._complete()
        finally:
            if self._part is not None:
                self._part.discard()
            if kind is not None:
                with suppress(OSError):
                    # Fails unless it is empty.
                    self._folder.rmdir()
