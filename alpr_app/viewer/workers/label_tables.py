"""Labels from the `alpr_dataset.csv` files of a folder. A thread reads the tables; the rows of a picture are parsed on
demand, because a table may have a hundred thousand rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

from alpr_app.data.label_csv import TABLE_NAME, UNREADABLE, LabelError, place, read_rows, state_of
from alpr_app.data.labels import LabelledPlate
from alpr_app.evaluation.ground_truth import GroundTruth, Label, label_text_of
from alpr_app.viewer.workers.label_places import LabelPlaces
from alpr_app.viewer.workers.threads import LatestValue, Worker, noop

# Only these columns of a row are kept.
_COLUMNS = ("text", "box", "corners", "state")
# Names parsed without a pause.
_PAUSE_AFTER = 200


@dataclass(frozen=True)
class LabelTable:
    """A label table.

    Attributes:
        path: The CSV file.
        has_positions: Whether it has positions of plates; if not, each picture is the crop of one plate.
    """

    path: Path
    has_positions: bool


Line = tuple[LabelTable, int, dict[str, str]]
"""The table, the line number in it, and the values by column."""


class Labels:
    """The labels of a folder.

    Attributes:
        folder: Folder that the names of pictures are relative to.
        problems: One line for each table or row that cannot be used.
        texts: Texts of the labelled pictures, from tables and names, as they are written.
        corrected: Pictures whose rows have been replaced since the tables were read.
    """

    def __init__(
        self,
        folder: str = "",
        lines: dict[str, Sequence[Line]] | None = None,
        problems: Sequence[str] = (),
        texts: dict[str, str] | None = None,
    ) -> None:
        self.folder, self.problems = folder, list(problems)
        self._lines: dict[str, Sequence[Line]] = lines or {}
        self.texts: dict[str, str] = texts or {}
        self.corrected: set[str] = set()
        self._parsed: dict[str, GroundTruth | None] = {}

    def set_lines(self, name: str, lines: Sequence[Line]) -> None:
        """Replace the rows of a picture, because the user has corrected them; without any, its name is its label."""
        self._parsed.pop(name, None)
        if lines:
            self._lines[name] = lines
        else:
            self._lines.pop(name, None)
        text = ", ".join(_readable_texts(lines)) if lines else label_text_of(name)
        if text:
            self.texts[name] = text
        else:
            self.texts.pop(name, None)
        self.corrected.add(name)

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    @property
    def has_labels(self) -> bool:
        """Whether any picture of the folder is labelled."""
        return bool(self._lines or self.texts)

    def ground_truth(self, name: str) -> GroundTruth | None:
        """The ground truth of a picture according to the tables; None if they have none."""
        if name not in self._lines:
            return None
        if name not in self._parsed:
            try:
                self._parsed[name] = _ground_truth(self._lines[name])
            except LabelError as error:
                self._parsed[name] = None
                self.problems.append(str(error))
        return self._parsed[name]


def _ground_truth(lines: Sequence[Line]) -> GroundTruth | None:
    """Raises LabelError naming the row that cannot be used."""
    labels = [_label(*line) for line in lines]
    readable = tuple(label for label in labels if label is not None and label.text)
    illegible = tuple(label for label in labels if label is not None and not label.text)
    if readable:
        # The crop of an unreadable plate has no position to compare with.
        illegible = tuple(label for label in illegible if label.corners is not None)
    # A picture with illegible plates only says nothing about the reader.
    return None if illegible and not readable else GroundTruth(readable, illegible)


def _label(table: LabelTable, number: int, row: dict[str, str]) -> Label | None:
    """The plate of a row, without its text if it is unreadable; None if the row says that the picture has no plate."""
    text, corners = row.get("text", "").strip(), place(row, table.path, number)
    state = state_of(row, table.path, number)
    if corners is None:
        if table.has_positions and (text or state == UNREADABLE):
            raise LabelError(f"{table.path}, row {number}: '{text or state}' has neither box nor corners")
        if not table.has_positions and not text and state != UNREADABLE:
            raise LabelError(f"{table.path}, row {number}: neither text nor place of a plate")
    text = "" if state == UNREADABLE else text
    if corners is None:
        return Label(text) if text or state == UNREADABLE else None
    try:
        return Label(text, LabelledPlate.of(corners, text).corners)
    except ValueError as error:
        raise LabelError(f"{table.path}, row {number}: {error}") from error


@dataclass
class _TableCollector:
    lines: dict[str, Sequence[Line]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, folder: str, inside: str) -> None:
        """Read the table in the subfolder `inside` of `folder`, if there is one."""
        for file, line in self._read(Path(folder, inside, TABLE_NAME)):
            name = os.path.normpath(os.path.join(inside, file.replace("\\", "/")))
            self.lines[name] = [*self.lines.get(name, ()), line]

    def override(self, folder: str, table: Path) -> None:
        """Read a table that lies elsewhere and has precedence for the pictures of `folder` that it names."""
        prefix, own = os.path.join(os.path.realpath(folder), ""), os.path.realpath(table.parent)
        found: dict[str, list[Line]] = {}
        for file, line in self._read(table):
            path = os.path.normpath(os.path.join(own, file.replace("\\", "/")))
            if path.startswith(prefix):
                found.setdefault(path[len(prefix) :], []).append(line)
        self.lines |= found

    def _read(self, path: Path) -> Iterator[tuple[str, Line]]:
        """The name and the values of each row of a table; nothing if it does not exist or cannot be used."""
        if not path.is_file():
            return
        try:
            rows = read_rows(path, ("file",))
        except (LabelError, OSError) as error:
            self.problems.append(str(error))
            return
        table = LabelTable(path, bool(rows) and bool({"box", "corners"} & rows[0].keys()))
        for number, row in enumerate(rows, start=2):
            yield row["file"], line_of(table, number, row)


def line_of(table: LabelTable, number: int, row: Mapping[str, str]) -> Line:
    """A row of a table, without columns that say nothing about a plate."""
    return table, number, {column: row[column] for column in _COLUMNS if row.get(column)}


def read_tables(folder: str, names: Sequence[str], places: LabelPlaces | None = None) -> Labels:
    """Read the labels of `names`, which are relative to `folder`: from tables in it and in their subfolders, from
    tables elsewhere, which have precedence, and from the names themselves."""
    collector = _TableCollector()
    inside = sorted({os.path.dirname(name) for name in names} | {""})
    for part in inside:
        collector.add(folder, part)
    try:
        for place in places.tables_elsewhere(folder, inside) if places is not None else ():
            collector.override(folder, place.table)
    except LabelError as error:
        collector.problems.append(str(error))
    return Labels(folder, collector.lines, collector.problems, _label_texts(names, collector.lines))


def _label_texts(names: Sequence[str], lines: Mapping[str, Sequence[Line]]) -> dict[str, str]:
    texts = {}
    for number, name in enumerate(names):
        if number % _PAUSE_AFTER == 0:
            # Lets the window draw while a long list is parsed.
            sleep(0)
        # A table has precedence over the name.
        rows = lines.get(name)
        text = ", ".join(_readable_texts(rows)) if rows else label_text_of(name)
        if text:
            texts[name] = text
    return texts


def _readable_texts(lines: Sequence[Line]) -> list[str]:
    return [row["text"] for _, _, row in lines if row.get("text") and row.get("state", "").strip() != UNREADABLE]


class LabelTableReader(Worker):
    """A thread that reads the tables of one folder at a time; a newer request replaces one that has not been started.

    Args:
        wake: Called when there are labels.
        places: Where labels are kept that do not lie beside their pictures; None if nowhere.

    Attributes:
        labels: Mailbox with the labels of the last folder requested.
    """

    def __init__(self, wake: Callable[[], None] = noop, places: LabelPlaces | None = None) -> None:
        self.labels: LatestValue[Labels] = LatestValue(wake)
        self._places = places
        self._request: tuple[str, Sequence[str]] | None = None
        super().__init__("alpr-tables")

    def request(self, folder: str, names: Sequence[str]) -> None:
        """Read the tables of `folder` for its pictures `names`."""
        with self._changed:
            self._request = folder, names
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._request is not None or self._ended)
                if self._ended or self._request is None:
                    return
                request, self._request = self._request, None
            labels = read_tables(*request, self._places)
            with self._changed:
                if self._request is None:
                    self.labels.put(labels)
