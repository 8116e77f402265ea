"""One labelled plate while it is corrected: from a row of a table, from a name or from a reading, and back to a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alpr_app.core.geometry import corners_to_box, order_corners
from alpr_app.core.plate import ALPHABET, COLOURS, Plate, reads_chinese
from alpr_app.core.plate_kinds import fits_format
from alpr_app.data.ccpd import is_ccpd_name, usual_colour
from alpr_app.data.label_csv import CHECKED, UNREADABLE, place, state_of, written
from alpr_app.data.label_table import TableRow
from alpr_app.data.label_text import spelled
from alpr_app.evaluation.ground_truth import ground_truth_of
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import Point

Corners = tuple[Point, ...]
"""Top-left, top-right, bottom-right, bottom-left of the plate as it reads, in pixels of the picture."""

STATE_NAMES = {UNREADABLE: mark("unreadable"), CHECKED: mark("checked")}
# Shortest side of a plate in pixels; below it, neither training nor a reader can use it.
SHORTEST_SIDE = 2.0
# Number of characters of the shortest ordinary plates.
ORDINARY_LENGTH = 7


@dataclass(frozen=True)
class DraftPlate:
    """A plate of the picture that is being corrected.

    Attributes:
        corners: Its corners; None if only its text is known.
        text: Empty if unknown.
        colour: Empty if unknown.
        state: As in the table.
        row: The row that it comes from; None for a new one.
    """

    corners: Corners | None
    text: str = ""
    colour: str = ""
    state: str = ""
    row: TableRow | None = None

    @property
    def unreadable(self) -> bool:
        return self.state == UNREADABLE

    def as_row(self, fresh: Mapping[str, str]) -> TableRow:
        """The row of this plate. fresh: values of a row that is made anew."""
        values = {"text": self.text, "colour": self.colour, "state": self.state}
        if self.row is None:
            row = TableRow({**fresh, **{name: value for name, value in values.items() if value}})
            return row if self.corners is None else row.changed(**_position(self.corners))
        row = self.row.changed(**values)
        known = _corners(self.row)
        if self.corners is None or (known is not None and written(known) == written(self.corners)):
            return row
        # A position that is not moved stays as it is written.
        return row.changed(**_position(self.corners))


def _position(corners: Corners) -> dict[str, str]:
    return {"box": written(corners_to_box(np.asarray(corners, np.float32))), "corners": written(corners)}


def as_points(corners: np.ndarray | Sequence[Sequence[float]]) -> Corners:
    """Corners (4, 2) as points."""
    return tuple((float(x), float(y)) for x, y in corners)


def _corners(row: TableRow) -> Corners | None:
    """The corners of a row, in reading order."""
    found = place(dict(row.values), Path(), 0)
    return None if found is None else as_points(order_corners(found))


def of_rows(rows: Iterable[TableRow]) -> list[DraftPlate]:
    """The plates of a picture's rows; a row that says that there is no plate makes none.

    Raises:
        LabelError: A row is damaged.
        ValueError: The corners of a row span no area.
    """
    plates = []
    for row in rows:
        corners, text = _corners(row), row.values.get("text", "").strip()
        state = state_of(dict(row.values), Path(), 0)
        if corners is not None or text or state == UNREADABLE:
            plates.append(DraftPlate(corners, text, row.values.get("colour", "").strip(), state, row))
    return plates


def of_name(path: str, plates: Sequence[Plate]) -> list[DraftPlate] | None:
    """The plates that a picture's name states; None if it states none. One without a position gets that of the reading
    with its text, or of the only reading."""
    truth = ground_truth_of(path)
    if truth is None:
        return None
    found = []
    for label in truth.labels:
        corners = label.corners
        if corners is None:
            same = [plate for plate in plates if plate.text == label.text]
            likely = same or (plates if len(plates) == 1 else [])
            corners = np.asarray(likely[0].corners, np.float32) if likely else None
        colour = usual_colour(label.text) if is_ccpd_name(path) else ""
        found.append(DraftPlate(None if corners is None else as_points(corners), label.text, colour))
    return found


def of_readings(plates: Sequence[Plate], size: tuple[int, int]) -> list[DraftPlate]:
    """Plates as they were read, as a first guess. size: width and height of the picture."""
    return [
        DraftPlate(
            tuple(clamped(point, size) for point in as_points(plate.corners)),
            plate.text,
            plate.colour if plate.colour in COLOURS else "",
        )
        for plate in plates
    ]


def clamped(point: Point, size: tuple[int, int]) -> Point:
    """The nearest point inside a picture of this width and height."""
    return min(max(point[0], 0.0), float(size[0])), min(max(point[1], 0.0), float(size[1]))


def moved(corners: Corners, delta: Point, size: tuple[int, int]) -> Corners:
    """Move a plate, as far as it stays inside the picture. One that lies partly outside can only be moved inwards."""
    shift = []
    for axis in (0, 1):
        low, high = (
            min(point[axis] for point in corners),
            size[axis] - max(point[axis] for point in corners),
        )
        shift.append(min(max(delta[axis], min(-low, 0.0)), max(high, 0.0)))
    return tuple((x + shift[0], y + shift[1]) for x, y in corners)


def fault(corners: Corners) -> str:
    """Why these corners are no plate; empty if they are one."""
    sides = [np.subtract(corners[(number + 1) % 4], corners[number]) for number in range(4)]
    if min(float(np.hypot(*side)) for side in sides) < SHORTEST_SIDE:
        return tr("Two corners lie on one another")
    turns = [
        float(first[0] * second[1] - first[1] * second[0])
        for first, second in zip(sides, [*sides[1:], sides[0]], strict=True)
    ]
    if all(turn < 0 for turn in turns):
        return tr("The plate is mirrored: its corners run the wrong way round")
    if not all(turn > 0 for turn in turns):
        return tr("The sides cross or fold inwards")
    return ""


def with_corners(plate: DraftPlate, corners: Iterable[Sequence[float]]) -> DraftPlate:
    """`plate` with these corners, in reading order. Raises ValueError if they span no area."""
    return replace(plate, corners=as_points(order_corners(np.array([*corners], np.float32))))


def text_alphabet(alphabet: str) -> str:
    """The characters that a label may have. alphabet: that of the reader in use."""
    # An older reader knows fewer characters than there are on plates.
    return "".join(dict.fromkeys(alphabet + ALPHABET)) if reads_chinese(alphabet) else alphabet


def strange_characters(text: str, alphabet: str) -> str:
    """The characters of `text` that no plate has, each once."""
    strange = [one for one in text if spelled(one + alphabet[0], alphabet) is None]
    return "".join(dict.fromkeys(strange))


def text_remark(plate: DraftPlate, alphabet: str) -> str:
    """What is noticeable about a plate's text, though it is saved; empty if nothing is."""
    text = plate.text
    if not text:
        return tr("No text: the detector learns from this plate, the reader does not")
    if not reads_chinese(alphabet) or fits_format(text, plate.colour or None):
        return ""
    if len(text) < ORDINARY_LENGTH:
        return tr("Incomplete: {count} characters", count=len(text))
    if fits_format(text):
        return tr("No {colour} plate has such a number", colour=tr(plate.colour))
    return tr("No plate that is issued has such a number")
