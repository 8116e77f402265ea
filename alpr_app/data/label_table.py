"""Edits of a label table that lose nothing: rows that an edit does not touch keep their bytes, unknown columns keep
their values, and undoing every edit gives back the file to the byte.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.label_csv import COLUMNS, LabelError

# The byte order mark that spreadsheet programs write.
_MARK = "\ufeff"


@dataclass(frozen=True)
class TableRow:
    """One row of a table.

    Attributes:
        values: The values by column, of unknown columns too.
        surplus: Values that belong to no named column.
        raw: The row as it is in the file, with its end of line; None for a new or changed row.
    """

    values: Mapping[str, str]
    surplus: tuple[str, ...] = ()
    raw: str | None = None

    def changed(self, **values: str) -> TableRow:
        """Return the row with other values in these columns; itself if they are the same already."""
        if all(self.values.get(name, "") == value for name, value in values.items()):
            return self
        return TableRow({**self.values, **values}, self.surplus)


@dataclass(frozen=True)
class _Header:
    """The first line. columns: their names, empty for a column without one. raw: the line as it is in the file."""

    columns: tuple[str, ...]
    raw: str


@dataclass
class _File:
    """The content of the file as it was read or written last; None if there is no file."""

    content: bytes | None = None


@dataclass(frozen=True)
class Edit:
    """What one call of `EditableTable.replace` has changed, for `undo` and `redo`."""

    before: Mapping[int, tuple[TableRow, ...]]
    after: Mapping[int, tuple[TableRow, ...]]
    header_before: _Header | None
    header_after: _Header | None


class TableChangedError(LabelError):
    """Another program has changed a table since it was read, so that it is not written over."""


@dataclass
class EditableTable:
    """An `alpr_dataset.csv` in memory. `read` makes one.

    Attributes:
        path: The file.
        new_columns: The columns that the table gets if it has no header yet.
    """

    path: Path
    new_columns: tuple[str, ...] = COLUMNS
    _header: _Header | None = None
    _mark: str = ""
    # Each line of the file, and each picture added since, has a slot of rows, so that no edit moves another one.
    _slots: list[tuple[TableRow, ...]] = field(default_factory=list)
    _by_picture: dict[str, list[int]] = field(default_factory=dict)
    _file: _File = field(default_factory=lambda: _File())

    @classmethod
    def read(cls, path: Path) -> EditableTable:
        """Read a table; one that does not exist is empty.

        Raises:
            LabelError: The file cannot be read, is no CSV file in UTF-8, or lacks the column `file`.
        """
        return cls._parse(path, _content(path))

    @classmethod
    def _parse(cls, path: Path, content: bytes | None) -> EditableTable:
        if content is None:
            return cls(path)
        try:
            text = content.decode("utf-8")
            lines = list(_raw_rows(text.removeprefix(_MARK)))
        except (UnicodeDecodeError, csv.Error) as error:
            raise LabelError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such") from error
        _check_end(path, lines)
        columns, raw = lines[0] if lines else ([], "")
        if "file" not in columns:
            raise LabelError(f"{path}: the column 'file' is missing; it has {columns}")
        mark = _MARK if text.startswith(_MARK) else ""
        table = cls(path, _header=_Header(tuple(columns), raw), _mark=mark, _file=_File(content))
        for values, raw in lines[1:]:
            table._append(_row(table._header.columns if table._header else (), values, raw))
        return table

    @property
    def columns(self) -> tuple[str, ...]:
        """The named columns."""
        return tuple(name for name in self._header.columns if name) if self._header else ()

    def pictures(self) -> list[str]:
        """The pictures that have rows, as keys for the other methods, in the order of the file."""
        return [name for name in self._by_picture if name and self.rows(name)]

    def rows(self, picture: str) -> list[TableRow]:
        """The rows of a picture, in the order of the file. picture: its path relative to the table's folder."""
        return [row for slot in self._by_picture.get(picture_key(picture), ()) for row in self._slots[slot]]

    def replace(self, picture: str, rows: Sequence[TableRow]) -> Edit:
        """Replace all rows of a picture. No rows remove it from the table; rows of a picture that has none are added.

        A row that the picture has already keeps its bytes. Columns that the table lacks are added to its header.

        Args:
            picture: Its path relative to the table's folder.
            rows: The new rows, from `rows`, `TableRow.changed` or made anew. Their value of `file` may be left out.
        """
        key = picture_key(picture)
        rows = [row if picture_key(row.values.get("file", "")) == key else row.changed(file=picture) for row in rows]
        header = self._header
        self.add_columns([name for row in rows for name, value in row.values.items() if value or name == "file"])
        slots = self._by_picture.setdefault(key, [])
        if not slots:
            slots.append(len(self._slots))
            self._slots.append(())
        # The last slot holds the rows that exceed the number of slots.
        parts = [tuple(rows[index : index + 1]) for index in range(len(slots) - 1)] + [tuple(rows[len(slots) - 1 :])]
        before = {slot: self._slots[slot] for slot in slots}
        edit = Edit(before, dict(zip(slots, parts, strict=True)), header, self._header)
        self.redo(edit)
        return edit

    def undo(self, edit: Edit) -> None:
        """Take back the last edit that has not been taken back."""
        self._apply(edit.before, edit.header_before)

    def redo(self, edit: Edit) -> None:
        """Make the edit again that was taken back last."""
        self._apply(edit.after, edit.header_after)

    def add_columns(self, names: Sequence[str]) -> None:
        """Add those of these columns that the table lacks; a new table gets the usual ones with them. Rows that are not
        edited end before them."""
        known = self.columns or self.new_columns
        missing = [name for name in dict.fromkeys(names) if name not in known]
        if not names or (self._header is not None and not missing):
            return
        if self._header is None:
            columns, end = known, "\r\n"
        else:
            # A value beyond the header must not become one of a new column.
            longest = max((_width(self._header.columns, row) for slot in self._slots for row in slot), default=0)
            columns = self._header.columns + ("",) * (longest - len(self._header.columns))
            end = _end_of(self._header.raw)
        self._header = _Header((*columns, *missing), _written((*columns, *missing), end or "\r\n"))

    def content(self) -> bytes | None:
        """The content of the file; None if there should be none, because nothing has been added to a new table.

        Raises:
            LabelError: A text or a file name cannot be written as UTF-8.
        """
        if self._header is None:
            return None
        end = _end_of(self._header.raw) or "\r\n"
        lines = [self._header.raw]
        for slot in self._slots:
            for row in slot:
                # The last line of the file may have had no end.
                if not lines[-1].endswith(("\n", "\r")):
                    lines[-1] += end
                lines.append(_written(self._fields(row), end) if row.raw is None else row.raw)
        try:
            return (self._mark + "".join(lines)).encode("utf-8")
        except UnicodeEncodeError as error:
            raise LabelError(
                f"{self.path}: {error.object[error.start : error.end]!r} cannot be written as UTF-8; rename the picture"
            ) from error

    def snapshot(self) -> EditableTable:
        """Return a copy that another thread may save while this table is edited; both know what the file holds."""
        return replace(self, _slots=list(self._slots))

    def as_on_disk(self) -> EditableTable:
        """Return the table without the edits since it was read or saved."""
        return self._parse(self.path, self._file.content)

    def has_same_file(self, other: EditableTable) -> bool:
        """Whether both tables know the same content of their file."""
        return self._file.content == other._file.content

    @property
    def changed_on_disk(self) -> bool:
        """Whether another program has changed the file since it was read or saved. Raises LabelError."""
        return _content(self.path) != self._file.content

    def save(self) -> None:
        """Write the table, all or nothing. A table that has become empty again as it was before it existed is removed.

        Raises:
            TableChangedError: Another program has changed the file since it was read.
            LabelError: The file cannot be written.
        """
        content = self.content()
        if self.changed_on_disk:
            raise TableChangedError(f"{self.path}: another program has changed it; read it again and repeat the edit")
        if content == self._file.content:
            return
        try:
            if content is None:
                self.path.unlink()
            else:
                write_atomically(self.path, content)
        except OSError as error:
            raise LabelError(
                f"{self.path}: cannot be written ({reason(error)}); make room or choose another folder"
            ) from error
        self._file.content = content

    def _append(self, row: TableRow) -> None:
        key = picture_key(row.values["file"]) if row.values.get("file") else ""
        self._by_picture.setdefault(key, []).append(len(self._slots))
        self._slots.append((row,))

    def _apply(self, slots: Mapping[int, tuple[TableRow, ...]], header: _Header | None) -> None:
        self._header = header
        for slot, rows in slots.items():
            self._slots[slot] = rows

    def _fields(self, row: TableRow) -> list[str]:
        assert self._header is not None
        surplus = iter(row.surplus)
        fields = [row.values.get(name, "") if name else next(surplus, "") for name in self._header.columns]
        return [*fields, *surplus]


def picture_key(name: str) -> str:
    """Return the one form of a picture's path relative to its table, however it is written."""
    return os.path.normpath(name.replace("\\", "/"))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({reason(error)})") from error


def _raw_rows(text: str) -> Iterator[tuple[list[str], str]]:
    """The fields of each row, with the characters that it was read from."""
    consumed: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            consumed.append(line)
            yield line

    for fields in csv.reader(lines()):
        yield fields, "".join(consumed)
        consumed.clear()


def _check_end(path: Path, lines: Sequence[tuple[list[str], str]]) -> None:
    """Raise LabelError if the last row ends within quotation marks, because an added row would become part of it."""
    try:
        list(csv.reader([lines[-1][1]] if lines else [], strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise LabelError(f"{path}: the quotation mark in the last row is not closed; close it") from error


def _row(columns: Sequence[str], fields: Sequence[str], raw: str) -> TableRow:
    named = [(name, value) for name, value in zip(columns, fields, strict=False) if name]
    unnamed = [value for name, value in zip(columns, fields, strict=False) if not name]
    return TableRow(dict(named), (*unnamed, *fields[len(columns) :]), raw)


def _width(columns: Sequence[str], row: TableRow) -> int:
    """The number of columns that a row of the file takes, if it has surplus values."""
    unnamed = columns.count("")
    return len(columns) + max(0, len(row.surplus) - unnamed)


def _written(fields: Sequence[str], end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerow(fields)
    return text.getvalue()


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
