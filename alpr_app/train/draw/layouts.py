"""Where things stand on a plate, in mm after GA 36-2018, and which layout belongs to a text."""

from __future__ import annotations

from dataclasses import dataclass

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import LETTERS
from alpr_app.train.draw.glyphs import GREEN, LOWER, STANDARD, UPPER

HEIGHT, WIDTH, GREEN_WIDTH = 140, 440, 480
DOUBLE_HEIGHT = 220
CELL_TOP = 25


@dataclass(frozen=True)
class Cell:
    """Left upper corner of a character, and the lettering it is written in (see `glyphs.CELLS`)."""

    left: int
    top: int = CELL_TOP
    lettering: str = STANDARD


@dataclass(frozen=True)
class Layout:
    """Cells in reading order, centre (x, y) of the dot or emblem, overall size."""

    cells: tuple[Cell, ...]
    dot: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT


def _single(before_dot: int) -> Layout:
    """Seven cells of 45 mm, 12 mm apart, with 34 mm for the dot after the first `before_dot` of them."""
    lefts = [15 + 57 * place + (22 if place >= before_dot else 0) for place in range(7)]
    return Layout(tuple(Cell(left) for left in lefts), (lefts[before_dot] - 17, 70))


def _double() -> Layout:
    """Rear of lorries, and trailers: two wide characters above five tall ones."""
    upper = [Cell(left, 15, UPPER) for left in (110, 250)]
    lower = [Cell(27 + 80 * place, 90, LOWER) for place in range(5)]
    return Layout((*upper, *lower), (220, 45), height=DOUBLE_HEIGHT)


_GREEN_LEFTS = (15, 69, 161, 213, 265, 317, 369, 421)
_GREEN = Layout(tuple(Cell(left, lettering=GREEN) for left in _GREEN_LEFTS), (136.5, 70), GREEN_WIDTH)
LAYOUTS = {
    "blue": _single(2),
    "yellow": _single(2),
    "yellow_double": _double(),
    "white": _single(1),
    "black": _single(2),
    "black_embassy": _single(4),
    "green": _GREEN,
    "green_truck": _GREEN,
}


def style_of(text: str, colour: str, rows: int = 1) -> str:
    """Which blank belongs to a text: its colour, but lorries of new energy, embassies and two rows have their own.

    Raises UsageError for two rows in another colour than yellow.
    """
    if rows == 2:
        if colour != "yellow":
            raise UsageError(f"'{text}': only yellow plates have two rows, not {colour} ones")
        return "yellow_double"
    if colour == "green" and text[-1] in LETTERS:
        return "green_truck"
    if colour == "black" and text[0] == "使":
        return "black_embassy"
    return colour
