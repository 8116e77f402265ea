"""Labels from the `alpr_dataset.csv` files of a folder: read on a thread, each picture's lines understood when they are
request for, because a table may have a hundred thousand."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alpr_app.data.label_csv import TABLE_NAME, LabelError, place, read_rows
from alpr_app.data.labels import LabelledPlate
from alpr_app.evaluation.ground_truth import GroundTruth, Label
from alpr_app.viewer.workers.threads import LatestValue, Worker, noop

# Of a line, only these are kept.
_COLUMNS = ("text", "box", "corners")


@dataclass(frozen=True)
class LabelTable:
    """Where lines come from. has_positions: whether it says where plates are; if not, every picture is one already."""

    path: Path
    has_positions: bool


Line = tuple[LabelTable, int, dict[str, str]]
"""The table, the number of the line in it, and the line by its columns."""


class Labels:
    """folder: that the names begin from. lines: by name, in the tables' order. problems: what is wrong with tables that
    cannot be used, a line each."""

    def __init__(
        self, folder: str = "", lines: Mapping[str, Sequence[Line]] | None = None, problems: Sequence[str] = ()
    ) -> None:
        self.folder, self.problems = folder, list(problems)
        self._lines: Mapping[str, Sequence[Line]] = lines or {}
        self._parsed: dict[str, GroundTruth | None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def ground_truth(self, name: str) -> GroundTruth | None:
        """What the tables say of a picture; None if they say nothing of use."""
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
    """Raises LabelError naming the line that cannot be used."""
    labels = [_label(*line) for line in lines]
    readable = tuple(label for label in labels if label is not None and label.text)
    illegible = tuple(label for label in labels if label is not None and not label.text)
    # Where nobody has read a plate, nothing can be said of what the models read.
    return None if illegible and not readable else GroundTruth(readable, illegible)


def _label(table: LabelTable, number: int, row: dict[str, str]) -> Label | None:
    """The plate of a line; None if the line says that there is none."""
    text, corners = row.get("text", "").strip(), place(row, table.path, number)
    if corners is None:
        if table.has_positions and text:
            raise LabelError(f"{table.path}, row {number}: '{text}' has neither box nor corners")
        if not table.has_positions and not text:
            raise LabelError(f"{table.path}, row {number}: neither text nor place of a plate")
        return Label(text) if text else None
    try:
        return Label(text, LabelledPlate.of(corners, text).corners)
    except ValueError as error:
        raise LabelError(f"{table.path}, row {number}: {error}") from error


@dataclass
class _TableCollector:
    lines: dict[str, list[Line]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, folder: str, inside: str) -> None:
        """Read the table in the folder `inside` of `folder`, if there is one."""
        path = Path(folder, inside, TABLE_NAME)
        if not path.is_file():
            return
        try:
            rows = read_rows(path, ("file",))
        except (LabelError, OSError) as error:
            self.problems.append(str(error))
            return
        table = LabelTable(path, bool(rows) and bool({"box", "corners"} & rows[0].keys()))
        for number, row in enumerate(rows, start=2):
            name = os.path.normpath(os.path.join(inside, row["file"].replace("\\", "/")))
            line = {column: row[column] for column in _COLUMNS if row.get(column)}
            self.lines.setdefault(name, []).append((table, number, line))


def read_tables(folder: str, names: Sequence[str]) -> Labels:
    """The labels of the tables in `folder` and in the folders of the pictures `names`, ways from there."""
    collector = _TableCollector()
    for inside in sorted({os.path.dirname(name) for name in names} | {""}):
        collector.add(folder, inside)
    return Labels(folder, collector.lines, collector.problems)


class LabelTableReader(Worker):
    """Reads the tables of one folder after the other; what has not been begun when another is request for is left out.
    found: the labels of the one that was request for last."""

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        self.labels: LatestValue[Labels] = LatestValue(wake)
        self._request: tuple[str, Sequence[str]] | None = None
        super().__init__("alpr-tables")

    def request(self, folder: str, names: Sequence[str]) -> None:
        """Read the tables of `folder`, with its pictures `names`."""
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
            labels = read_tables(*request)
            with self._changed:
                if self._request is None:
                    self.labels.put(labels)
