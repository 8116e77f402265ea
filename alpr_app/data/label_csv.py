"""The label table of a folder, `alpr_dataset.csv`: one row per plate, paths relative to the table's folder.

    file      the picture; several rows may name the same one
    split     train, val or test; train if empty
    subset    name under which results are counted; the folder's if empty
    text      what the plate says; empty if unknown
    colour    of the plate: blue, yellow, green, white, black; empty if unknown
    rows      lines of characters: 2 if one is above the other; 1 if empty
    box       left top right bottom in pixels, separated by spaces
    corners   x y of top left, top right, bottom right, bottom left; those of the box if empty
    state     unreadable: the plate is there, but its text and its finding count for nothing; checked: a person has
              confirmed the row, which otherwise counts like any other; empty if neither

All columns but `file` are optional, and others are ignored. A row with neither text nor position is a picture without
plates; in a table without positions (only `file` and `text`), every picture is itself a plate.

Coordinates are pixels of the picture as shown, with its EXIF orientation applied, as `alpr read` prints them; for
pictures with CCPD names they are pixels as stored.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from alpr_app.core.errors import AlprError
from alpr_app.data.atomic_files import write_atomically

TABLE_NAME = "alpr_dataset.csv"
COLUMNS = ("file", "split", "subset", "text", "colour", "box", "corners")
# Larger than any coordinate in a picture.
MAXIMUM_COORDINATE = 1e6
SPLITS = ("train", "val", "test")
UNREADABLE, CHECKED = "unreadable", "checked"
STATES = (UNREADABLE, CHECKED)


class LabelError(AlprError):
    """A data folder or a label is unusable; the message names the file and the remedy."""


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read the rows of a CSV file by the names in its header. Raises LabelError if one of `columns` is missing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise LabelError(f"{path}: the column '{missing[0]}' is missing; it has {reader.fieldnames}")
            return [{name: value or "" for name, value in row.items() if name} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such") from error


def file_in(folder: Path, name: str) -> Path:
    """Return the path of a picture that a table names. Tables written on Windows may contain backslashes."""
    path = folder / name
    # os.path, because pathlib raises for names too long for any file.
    return folder / name.replace("\\", "/") if "\\" in name and not os.path.exists(path) else path


def numbers(text: str, count: int, path: Path, row: int) -> np.ndarray:
    """Parse `count` numbers separated by spaces. Raises LabelError naming file and row."""
    try:
        values = np.array([float(value) for value in text.split()])
    except ValueError:
        raise LabelError(f"{path}, row {row}: '{text}' holds something that is not a number") from None
    if len(values) != count:
        raise LabelError(f"{path}, row {row}: '{text}' holds {len(values)} numbers where {count} belong")
    # NaN compares as false and fails too.
    if not (np.abs(values) <= MAXIMUM_COORDINATE).all():
        raise LabelError(f"{path}, row {row}: '{text}' holds a number beyond any picture")
    return values.astype(np.float32)


def written(values: ArrayLike) -> str:
    """Format a box or corners for the table: pixels to one decimal, separated by spaces."""
    return " ".join(f"{value:.1f}" for value in np.ravel(values))


def place(row: dict[str, str], path: Path, number: int) -> np.ndarray | None:
    """Return the corners (4, 2) of a row as written, else those of its box, else None. Raises LabelError."""
    if row.get("corners", "").strip():
        return numbers(row["corners"], 8, path, number).reshape(4, 2)
    if row.get("box", "").strip():
        left, top, right, bottom = numbers(row["box"], 4, path, number)
        if left >= right or top >= bottom:
            raise LabelError(f"{path}, row {number}: the box '{row['box']}' has no area; it is left top right bottom")
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return None


def split_of(row: dict[str, str], path: Path, number: int) -> str:
    """Return the split of a row. Raises LabelError for an unknown one."""
    split = row.get("split", "").strip() or "train"
    if split not in SPLITS:
        raise LabelError(f"{path}, row {number}: there is no split '{split}', only {', '.join(SPLITS)}")
    return split


def rows_of(row: dict[str, str], path: Path, number: int) -> int:
    """Return the number of lines of characters of a row's plate. Raises LabelError unless it is 1 or 2."""
    rows = row.get("rows", "").strip() or "1"
    if rows not in ("1", "2"):
        raise LabelError(f"{path}, row {number}: a plate has 1 row of characters or 2, not '{rows}'")
    return int(rows)


def state_of(row: dict[str, str], path: Path, number: int) -> str:
    """Return the state of a row, empty if it has none. Raises LabelError for an unknown one."""
    state = row.get("state", "").strip()
    if state and state not in STATES:
        raise LabelError(f"{path}, row {number}: there is no state '{state}', only {', '.join(STATES)}, or none")
    return state


def write_table(path: Path, rows: Iterable[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> None:
    """Write rows with these columns, all or none. Raises LabelError if the file cannot be written."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_atomically(path, text.getvalue().encode("utf-8"))
    except OSError as error:
        raise LabelError(f"{path}: cannot be written ({error.strerror}); make room or choose another folder") from error
