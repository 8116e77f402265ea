"""Results as files: JSON lines, CSV that spreadsheets open as intended, and a table to read."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TextIO
from unicodedata import east_asian_width

from alpr_app.core.errors import AlprError, print_error, printable, reason
from alpr_app.data.atomic_files import append_whole, is_stream, open_stream, resolve_link, write_atomically
from alpr_app.data.journal import OutputError

if TYPE_CHECKING:
    from alpr_app.core.plate import Plate
    from alpr_app.core.result import Result
    from alpr_app.core.tracking import Track
    from alpr_app.data.sources import Frame


__all__ = ["FileResult", "OutputError", "OutputFile", "Sheet", "Write", "csv_rows", "json_lines", "part_of", "table"]

# Without it, Excel assumes the system's legacy encoding.
BYTE_ORDER_MARK = "\ufeff"
# A cell that begins with one of these is a formula, which may do harm (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Text(Protocol):
    """A stream that text can be written to."""

    def write(self, text: str, /) -> object: ...


class Sheet:
    """Writes CSV rows: texts in quotes, numbers without. Control characters are escaped, so that every row is one line;
    a text that would be a formula gets a leading apostrophe, which spreadsheets do not show."""

    def __init__(self, stream: Text, columns: Iterable[str], continued: bool = False) -> None:
        self._rows = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        if not continued:
            stream.write(BYTE_ORDER_MARK)
            self.row(columns)

    def row(self, cells: Iterable[object]) -> None:
        """Write one row."""
        self._rows.writerow([_cell(value) if isinstance(value, str) else value for value in cells])


def _cell(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown


TRACK_COLUMNS = ("track", "seen", "first_ms", "last_ms")


@dataclass(frozen=True)
class FileResult:
    """The result of one frame, with the picture's (width, height), or the error. track: the car that this result is
    about, in the frame in which it was read best."""

    frame: Frame
    size: tuple[int, int] = (0, 0)
    result: Result | None = None
    error: AlprError | None = None
    track: Track | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this frame. Frames of videos also carry number and time, pages their number, cars
        when they were seen."""
        record: dict[str, Any] = {"file": self.frame.file}
        if self.frame.number is not None:
            record["frame"] = self.frame.number
        if self.frame.time_ms is not None:
            record["time_ms"] = round(self.frame.time_ms, 1)
        if self.result is None:
            return record | {"error": str(self.error)}
        if self.track is not None:
            record |= dict(zip(TRACK_COLUMNS, self.track_values(), strict=True))
        timings = self.result.timings
        return record | {
            "width": self.size[0],
            "height": self.size[1],
            "plates": [plate.to_dict() for plate in self.result.plates],
            "ms": {"detect": round(timings.detect_ms, 2), "read": round(timings.read_ms, 2)},
        }

    def track_values(self) -> tuple[int | float | None, ...]:
        """Return the values of `TRACK_COLUMNS`: the car's number, number of frames, first and last time."""
        track = self.track
        if track is None:
            return (None,) * len(TRACK_COLUMNS)
        return track.number, track.count, round(1000 * track.first, 1), round(1000 * track.until, 1)


class OutputFile:
    """Text that replaces `path` once it is complete. Until then it grows line by line in PATH.part, so that a run can
    be followed; if the run ends early, that part stays, and so does an earlier `path`. A stream (`is_stream`) is
    written to directly.

    Args:
        path: The file.
        keep: Continue PATH.part after so many bytes, and cut off the rest; 0 begins again.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        self.path = path
        self._target = resolve_link(path)
        self.part = None if is_stream(path) else part_of(path)
        if self.part is not None and self.part.is_symlink():
            raise OutputError(f"{self.part}: this is a link; remove it or name another file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open_stream(path) if self.part is None else _create(self.part, keep)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {reason(error)}") from error

    def write(self, text: str) -> None:
        """Append a whole line; if there is no room for all of it, nothing is written."""
        # File names need not be valid text: invalid parts become escapes that JSON can read back.
        data = text.encode("utf-8", errors="backslashreplace")
        try:
            if self.part is None:
                self._file.write(data)
                self._file.flush()
            else:
                append_whole(self._file, data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {reason(error)}") from error

    @property
    def length(self) -> int:
        """The number of bytes written."""
        return self._file.tell()

    def __enter__(self) -> OutputFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            if self.part is not None and kind is None:
                os.replace(self.part, self._target)
        except OSError as failure:
            # Closing a stream repeats a failed write; the first error has been reported already.
            if kind is None:
                self._keep_part()
                raise OutputError(f"{self.path}: cannot be written: {reason(failure)}") from failure
        if kind is not None:
            self._keep_part()

    def _keep_part(self) -> None:
        """Tell where the results written so far are, if there are any."""
        if self.part is None or not self.part.exists():
            return
        if self.part.stat().st_size:
            print_error(f"what was read so far is in {self.part}")
        else:
            self.part.unlink()


def part_of(path: Path) -> Path:
    """Return the file in which the content of `path` grows until it is complete."""
    target = resolve_link(path)
    return target.with_name(target.name + ".part")


def _create(part: Path, keep: int) -> FileIO:
    """Open a file without a buffer after its first `keep` bytes. If none are kept, an earlier file is unlinked, not
    truncated: it may have other names."""
    if keep:
        file = part.open("r+b", buffering=0)
        file.truncate(keep)
        file.seek(keep)
        return file
    part.unlink(missing_ok=True)
    return part.open("xb", buffering=0)


class Recorded(Protocol):
    """A result as a JSON object."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of one frame, as `FileResult` does."""


@dataclass(frozen=True)
class Record:
    """A result that another process has turned into a JSON object."""

    content: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return self.content


Write = Callable[[FileResult], None]
WriteRecord = Callable[[Recorded], None]


# The column of alternatives reads 8:0.0123 -:0.0004 and so on, one entry per character.
NO_CHARACTER = "-"
MARK_LEGEND = (
    "? behind a text: plates of this colour and layout are not issued with such a text, or its province is a guess"
)
CSV_COLUMNS = (
    *("file", "frame", "width", "height", "text", "confidence", "characters", "alternatives", "colour"),
    *("fits_format", "score", "left", "top", "right", "bottom"),
    *("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "detect_ms", "read_ms"),
    *TRACK_COLUMNS,
    # After all columns that there were before.
    "kind",
)


def json_lines(stream: OutputFile, continued: bool = False) -> WriteRecord:
    """Write one JSON object per line, one line per picture."""

    def write(result: Recorded) -> None:
        stream.write(json.dumps(result.to_dict(), ensure_ascii=False) + "\n")

    return write


def csv_rows(stream: OutputFile, continued: bool = False) -> WriteRecord:
    """Write one row per plate; pictures without plates and unreadable ones have none."""
    sheet = Sheet(stream, CSV_COLUMNS, continued)

    def write(result: Recorded) -> None:
        record = result.to_dict()
        for plate in record.get("plates", ()):
            sheet.row(_cells(record, plate))

    return write


def plate_cells(result: FileResult, plate: Plate) -> tuple[object, ...]:
    """Return the cells of CSV_COLUMNS for one plate of `result`, which is no error."""
    return _cells(result.to_dict(), plate.to_dict())


def _cells(record: Mapping[str, Any], plate: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        *(record["file"], record.get("frame"), record["width"], record["height"], plate["text"], plate["confidence"]),
        " ".join(map(str, plate["characters"])),
        " ".join(f"{guess or NO_CHARACTER}:{confidence}" for guess, confidence in plate["alternatives"]),
        *(plate["colour"], plate["fits_format"], plate["score"], *plate["box"]),
        *(side for corner in plate["corners"] for side in corner),
        *(record["ms"]["detect"], record["ms"]["read"], *(record.get(column) for column in TRACK_COLUMNS)),
        plate["kind"],
    )


def write_json(path: Path, figures: dict[str, Any]) -> None:
    """Write figures to a file, all or nothing. Raises OutputError."""
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    try:
        # The name of a folder need not be valid text.
        write_atomically(path, text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {reason(error)}") from error


def _padded(text: str, width: int) -> str:
    # Chinese characters take two columns of a terminal.
    return text + " " * (width - sum(2 if east_asian_width(character) in "WF" else 1 for character in text))


@contextmanager
def table(stream: TextIO | None = None) -> Iterator[Write]:
    """Print one line per plate, with the file last because its length varies; and a legend if any text is marked."""
    out = sys.stdout if stream is None else stream
    marked = False
    print("plate       sure   colour  score  box                      file", file=out)

    def write(result: FileResult) -> None:
        nonlocal marked
        if result.result is None:
            return
        file = printable(result.frame.file)
        if result.track is not None:
            track = result.track
            file += f" {track.first:.1f} to {track.until:.1f} s, {track.count} times"
        elif result.frame.number is not None:
            file += f" #{result.frame.number}"
        for plate in result.result.plates:
            box = " ".join(f"{side:.0f}" for side in plate.box)
            sure = f"{100 * plate.confidence:5.1f}%"
            text = _padded(printable(plate.marked_text) or "?", 11)
            marked |= plate.doubtful
            print(f"{text} {sure} {plate.colour:7} {plate.score:5.2f}  {box:24} {file}", file=out)
        if not result.result.plates:
            print(f"{_padded('-', 51)} {file}", file=out)

    yield write
    if marked:
        print(MARK_LEGEND, file=out)
