"""Where the results of `alpr read` go: files that an interrupted run can continue, Parquet folders, and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import is_stream
from alpr_app.data.journal import Done, Journal, OutputError
from alpr_app.data.result_writers import FileResult, OutputFile, Record, WriteRecord, csv_rows, json_lines, part_of


class Output(Protocol):
    """Where results go. An entry is a picture, a video or a stream; its results are complete when it is committed."""

    @property
    def failed(self) -> bool:
        """Whether an entry that was committed failed, in earlier parts of the run too."""

    @property
    def done(self) -> Done:
        """The entries that an earlier part of this run has committed; see `Frame.key`."""

    def write(self, result: FileResult | Record) -> None:
        """Write one result. Raises OutputError."""

    def commit(self, key: str, failed: bool) -> None:
        """Record that all results of an entry are written. Raises OutputError."""


class PlainOutput:
    """An output that cannot be continued: a table, a pipe."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self._write, self.failed, self.done = write, False, Done()

    def write(self, result: FileResult | Record) -> None:
        self._write(result)

    def commit(self, key: str, failed: bool) -> None:
        self.failed = self.failed or failed


class _JournalledFile:
    """A growing file of results with its journal."""

    def __init__(self, stream: OutputFile, write: WriteRecord, journal: Journal) -> None:
        self._stream, self._write, self._journal = stream, write, journal
        self.done = journal.done

    @property
    def failed(self) -> bool:
        return self._journal.failed

    def write(self, result: FileResult | Record) -> None:
        self._write(result)

    def commit(self, key: str, failed: bool) -> None:
        self._journal.add(key, self._stream.length, failed)


def working_files(path: Path) -> tuple[Path, ...]:
    """Return all files that are written while results for `path` grow."""
    part = part_of(path)
    return path, part, _journal_of(part)


def _journal_of(part: Path) -> Path:
    return part.with_name(part.name + ".journal")


FORMATS = ("jsonl", "csv", "parquet")
_TEXT_FORMATS = {".jsonl": json_lines, ".csv": csv_rows}


def suffix_of(path: Path, file_format: str | None) -> str:
    """Return the suffix that stands for the format of `path`: that of `file_format`, or its own."""
    return f".{file_format}" if file_format else path.suffix.lower()


@contextmanager
def open_output(
    path: Path, settings: str = "", resume: bool = False, file_format: str | None = None
) -> Iterator[Output]:
    """Open a file for results, or a folder of Parquet files.

    Args:
        path: The file or folder.
        settings: Everything that decides what is written for an entry, apart from the entry.
        resume: Whether to continue an interrupted run with the same settings.
        file_format: One of FORMATS; None for that of the suffix.

    Raises:
        OutputError: It cannot be written or continued.
    """
    suffix = suffix_of(path, file_format)
    if suffix == ".parquet":
        from alpr_app.data.parquet_results import ParquetFolder

        with ParquetFolder(path, settings, resume) as folder:
            yield folder
        return
    streamed = is_stream(path) and not path.is_dir()
    if suffix not in _TEXT_FORMATS and not streamed:
        raise OutputError(
            f"{path}: results go to a file that ends in .jsonl or .csv, or a folder that ends in .parquet"
        )
    write = _TEXT_FORMATS.get(suffix, json_lines)
    if streamed or path.is_dir():
        if resume:
            raise OutputError(f"{path}: only a file can be continued; name one with --out")
        with OutputFile(path) as stream:
            yield PlainOutput(write(stream))
    else:
        with _journalled(path, write, settings, resume) as output:
            yield output


@contextmanager
def _journalled(path: Path, write: Callable[..., WriteRecord], settings: str, resume: bool) -> Iterator[Output]:
    part = part_of(path)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {reason(error)}") from error
    journal = Journal(_journal_of(part), part, path, settings, resume)
    try:
        with OutputFile(path, journal.length) as stream:
            yield _JournalledFile(stream, write(stream, journal.length > 0), journal)
    finally:
        # An interrupted run without results has no part, and nothing to continue.
        if part.exists() and not part.is_symlink():
            journal.close()
        else:
            journal.remove()


def is_complete(path: Path) -> bool:
    """Whether the results for `path` were completed by an earlier run, so that there is nothing to continue."""
    part = part_of(path)
    return path.is_file() and not part.exists()
