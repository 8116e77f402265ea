"""Makes an `alpr_dataset.csv` from the labels of other programs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import order_corners
from alpr_app.data.file_types import PICTURE_SUFFIXES
from alpr_app.data.label_csv import MAXIMUM_COORDINATE, STATES, TABLE_NAME, write_table, written

COLUMNS = ("file", "split", "subset", "text", "colour", "rows", "box", "corners", "state")


@dataclass
class Problems:
    """What could not be converted.

    Attributes:
        lines: One line for each thing.
        notes: Number of things that the target format has no place for, by description.
    """

    lines: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, line: str) -> None:
        self.lines.append(line)


def is_text(*values: str) -> bool:
    """Whether all of these can be written as UTF-8: a JSON file or a file name may hold half a character."""
    try:
        "".join(values).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class Shape:
    """One shape that another program has drawn.

    Attributes:
        label: Its label or the name of its class.
        points: (N, 2) in pixels; four for a plate.
        text, colour, state: Those of the plate; empty if unknown.
        rows: Lines of characters, `1` or `2`, or empty.
        fault: Why it cannot be converted; empty if it can.
    """

    label: str
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    text: str = ""
    colour: str = ""
    rows: str = ""
    state: str = ""
    fault: str = ""

    def find_fault(self) -> str:
        """Why the shape is not the label of a plate; empty if it is."""
        if self.fault:
            return self.fault
        if not is_text(self.label, self.text, self.colour):
            return "has a text that cannot be written as UTF-8"
        if self.points.shape != (4, 2):
            return f"has {len(self.points)} points where a plate has four corners"
        if not (np.abs(self.points) <= MAXIMUM_COORDINATE).all():
            return "has a coordinate beyond any picture"
        if self.rows not in ("", "1", "2"):
            return f"has '{self.rows}' rows of characters where a plate has 1 or 2"
        if self.state and self.state not in STATES:
            return f"has the state '{self.state}', not one of {', '.join(STATES)}"
        try:
            order_corners(self.points.astype(np.float32))
        except ValueError as error:
            return str(error)
        return ""


@dataclass(frozen=True, eq=False)
class ImportedPicture:
    """The labels of one picture.

    Attributes:
        source: Where they are, for messages.
        path: The picture.
        shapes: All shapes in it.
        split, subset: Those of the picture; empty if unknown.
        checked: A person has confirmed that there is no other plate.
    """

    source: str
    path: Path
    shapes: tuple[Shape, ...] = ()
    split: str = ""
    subset: str = ""
    checked: bool = False


@dataclass(frozen=True)
class ImportOptions:
    """How labels are imported.

    Attributes:
        labels: Labels of the shapes that are plates; empty if all are.
        split: Split of pictures whose labels state none; may be empty.
        text_from_label: The label of a shape is the text of the plate.
    """

    labels: Collection[str] = ()
    split: str = ""
    text_from_label: bool = False


@dataclass
class ImportReport:
    """Numbers of imported pictures and plates, of shapes left out by their label, and of pictures without labels."""

    pictures: int = 0
    plates: int = 0
    other_shapes: int = 0
    unlabelled: int = 0


def import_labels(
    imported: Iterable[ImportedPicture], folder: Path, options: ImportOptions, problems: Problems
) -> ImportReport:
    """Write the `alpr_dataset.csv` of `folder`.

    A picture with a shape that cannot be converted is left out as a whole, because training would take that plate for
    background.

    Args:
        imported: The labels.
        folder: The folder of pictures.
        options: How they are imported.
        problems: Receives a line for each thing that cannot be converted.

    Raises:
        AlprError: There is a table already, nothing can be imported, or shapes have several labels and the options do
            not say which of them are plates.
        LabelError: The table cannot be written.
    """
    table = folder / TABLE_NAME
    # A link without a target counts too.
    if os.path.lexists(table):
        raise AlprError(f"{table}: there are labels already; move them away to import others")
    pictures = list(imported)
    _check_labels(pictures, options)
    report = ImportReport()
    rows: list[dict[str, str]] = []
    seen: dict[Path, str] = {}
    for picture in pictures:
        key = Path(os.path.normpath(picture.path))
        if key in seen:
            problems.add(f"{picture.source}: labels {picture.path} again, which {seen[key]} does; the first ones count")
            continue
        seen[key] = picture.source
        if not is_text(str(picture.path), picture.subset):
            problems.add(f"{picture.source}: the name of its picture or subset cannot be written as UTF-8; rename it")
            continue
        # A shape without a label is damaged, and could be a plate.
        plates = [shape for shape in picture.shapes if not options.labels or shape.label in (*options.labels, "")]
        report.other_shapes += len(picture.shapes) - len(plates)
        faults = [(number, fault) for number, shape in enumerate(plates, start=1) if (fault := shape.find_fault())]
        for number, fault in faults:
            problems.add(
                f"{picture.source}: shape {number} ('{plates[number - 1].label}') {fault}; the picture is left out"
            )
        if faults:
            continue
        rows += _rows(picture, plates, folder, options)
        report.pictures += 1
        report.plates += len(plates)
    if not rows:
        first = f"; {problems.lines[0]}" if problems.lines else ""
        raise AlprError(f"{folder}: no labels could be imported{first}")
    report.unlabelled = _count_unlabelled(folder, seen)
    write_table(table, rows, COLUMNS)
    return report


def _check_labels(pictures: Sequence[ImportedPicture], options: ImportOptions) -> None:
    counts = Counter(shape.label for picture in pictures for shape in picture.shapes if shape.label)
    found = ", ".join(f"{name} ({count})" for name, count in counts.most_common(10))
    if len(counts) > 1 and not options.labels and not options.text_from_label:
        raise AlprError(
            f"shapes have several labels, {found}; name those that are plates with --label, "
            "or take the texts of plates from them with --text_from label"
        )
    missing = [name for name in options.labels if name not in counts]
    if missing and pictures:
        raise AlprError(f"--label {missing[0]}: no shape has this label; there are {found or 'no shapes'}")


def _rows(
    picture: ImportedPicture, plates: Sequence[Shape], folder: Path, options: ImportOptions
) -> list[dict[str, str]]:
    name = Path(os.path.relpath(picture.path, folder)).as_posix()
    row = {"file": name, "split": picture.split or options.split, "subset": picture.subset}
    checked = "checked" if picture.checked else ""
    if not plates:
        return [row | {"state": checked}]
    return [
        row
        | {
            "text": " ".join((plate.label if options.text_from_label else plate.text).split()),
            "colour": plate.colour,
            "rows": plate.rows,
            "corners": written(order_corners(plate.points.astype(np.float32))),
            "state": plate.state or checked,
        }
        for plate in plates
    ]


def _count_unlabelled(folder: Path, labelled: Collection[Path]) -> int:
    pictures = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    return sum(Path(os.path.normpath(path)) not in labelled for path in pictures)
