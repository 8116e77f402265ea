"""The designs of a plates file: sizes in millimetres, colours, positions of characters, and the patterns of their
texts, such as 'LL-DD LLL'; with the checks of single values of the TOML file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data.bounded_parsing import shown

Check = Callable[[Any], Any]
Colour = tuple[int, int, int]


class PlatesError(AlprError):
    """A plates file that cannot be used; the message names the file and the key."""


def number(low: float, high: float, whole: bool = False) -> Check:
    """A check for a number from `low` to `high`."""

    def check(value: Any) -> float:
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise ValueError(f"a {'whole ' if whole else ''}number from {low} to {high}")
        return value

    return check


def text(value: Any) -> str:
    """Check for a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Check for one text or several."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(item, str) and item.strip() for item in found):
        raise ValueError("a text or a list of texts")
    return tuple(found)


def boolean(value: Any) -> bool:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def one_of(*names: str) -> Check:
    """A check for one of these names."""

    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(" or ".join(names))
        name: str = value
        return name

    return check


def colour(value: Any) -> Colour:
    """Check for #rrggbb, converted to (red, green, blue)."""
    if not isinstance(value, str) or re.fullmatch("#[0-9a-fA-F]{6}", value) is None:
        raise ValueError("a colour such as '#ffcc00'")
    red, green, blue = (int(value[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def colours(value: Any) -> tuple[Colour, ...]:
    """Check for one colour or several."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError("a colour such as '#ffcc00', or a list of colours")
    return tuple(map(colour, found))


def tables(value: Any) -> list[Any]:
    """Check for one table or several, whose content is checked separately."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError("a table or a list of tables")
    return found


def check_table(table: Any, checks: Mapping[str, Check], path: Path, location: str = "") -> dict[str, Any]:
    """Check and convert the values of a table.

    Args:
        table: The table.
        checks: The check of each allowed key.
        path: The file, for messages.
        location: The table's location in the file, for messages.

    Raises:
        PlatesError: a key is unknown or its value invalid; the message names it.
    """
    start = f"{path}: {location}: " if location else f"{path}: "
    if not isinstance(table, dict):
        raise PlatesError(f"{start}this must be a table, not {shown(table)}")
    values = {}
    for key, value in table.items():
        if key not in checks:
            raise PlatesError(f"{start}{shown(key)} is unknown; the known keys are {', '.join(checks)}")
        try:
            values[key] = checks[key](value)
        except ValueError as error:
            raise PlatesError(f"{start}'{key}' must be {error}, not {shown(value)}") from None
    return values


GAP, NEXT_ROW, DASH, DOT, STICKER = " ", "/", "-", "·", "*"
# Marks that are never part of the text. A dash or dot is part of it if the alphabet holds it.
LAYOUT_ONLY = GAP + NEXT_ROW + STICKER
MARKS = DASH + DOT + STICKER

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Pattern:
    """A pattern of texts.

    Attributes:
        written: The pattern as in the file.
        choices: For each of its characters, the texts that may stand in its place.
    """

    written: str
    choices: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, written: str, classes: Classes, alphabet: str) -> Pattern:
        """Parse a pattern. Raises ValueError for a character that is not a class, a mark or in the alphabet."""
        choices = []
        for character in written:
            if character not in classes and character not in alphabet + LAYOUT_ONLY + MARKS:
                raise ValueError(f"'{character}' in the pattern '{written}' is not a class and not in the alphabet")
            choices.append(classes.get(character, (character,)))
            if not choices[-1]:
                raise ValueError(f"'{character}' in the pattern '{written}': the alphabet has no such character")
        return cls(written, tuple(choices))

    @property
    def widest(self) -> str:
        """The widest lettering of this pattern."""
        return "".join(max(texts, key=len) for texts in self.choices)

    def draw(self, rng: np.random.Generator) -> str:
        """A random lettering, in which all texts of a class are equally likely."""
        return "".join(texts[rng.integers(len(texts))] if len(texts) > 1 else texts[0] for texts in self.choices)

    def expression(self, alphabet: str) -> str:
        """A regular expression for the texts, without marks that are not read."""
        read = ([text for text in texts if set(text) <= set(alphabet)] for texts in self.choices)
        return "".join(f"(?:{'|'.join(map(re.escape, texts))})" for texts in read if texts)


def text_of(lettering: str, alphabet: str) -> str:
    """The part of a lettering that is read: its characters in the alphabet."""
    return "".join(character for character in lettering if character in alphabet)


@dataclass(frozen=True)
class Band:
    """A coloured strip at one side with one of several country codes, and optionally a ring of stars."""

    width: float = 44
    side: str = "left"
    colour: Colour = (0, 51, 153)
    ink: Colour = (255, 255, 255)
    text: tuple[str, ...] = ()
    stars: bool = False


@dataclass(frozen=True)
class Caption:
    """Small print across the plate, one of several texts; `top` and `height` of its capitals are in mm."""

    text: tuple[str, ...]
    top: float
    height: float = 12
    ink: Colour = (40, 40, 44)


@dataclass(frozen=True)
class Design:
    """The design of one sort of plate, with lengths in mm.

    Attributes:
        patterns: Patterns of its texts, all equally likely.
        width: Width of the plate.
        height: Height of the plate.
        weight: How often the design is drawn, in proportion to the other designs.
        colour: Name of the colour that the reader learns.
        background: Colours, one of which is chosen.
        ink: Colour of the characters.
        rim: Width of the line along the edge; 0 for none.
        rim_inset: Distance of this line from the edge.
        rim_colour: Colour of this line; None for that of the characters.
        radius: Radius of the corners.
        character_width: Width of a character's cell.
        character_height: Height of a character's cell.
        stroke: Width of the lines of characters.
        spacing: Space between characters.
        gap: Width of a space in the pattern.
        row_spacing: Space between rows.
        top: Upper edge of the first row; None to centre the rows.
        margin: Minimum distance of characters from both sides.
        font: TrueType or OpenType file; None for the project's own lettering.
        band: A coloured strip.
        captions: Small print.
        embossed: Whether characters are embossed.
        bolts: Probability of bolts.
        frame: Probability of a frame.
        end: End of the car that carries it, `front` or `rear`; empty for both.
    """

    patterns: tuple[Pattern, ...]
    width: int
    height: int
    weight: float = 1.0
    colour: str = "white"
    background: tuple[Colour, ...] = ((236, 237, 234),)
    ink: Colour = (16, 16, 18)
    rim: float = 2.5
    rim_inset: float = 1.5
    rim_colour: Colour | None = None
    radius: float = 8
    character_width: int = 44
    character_height: int = 75
    stroke: float = 10
    spacing: float = 5
    gap: float = 22
    row_spacing: float = 12
    top: float | None = None
    margin: float = 8
    font: Path | None = None
    band: Band | None = None
    captions: tuple[Caption, ...] = ()
    embossed: bool = True
    bolts: float = 0.4
    frame: float = 0.4
    end: str = ""

    @property
    def rows(self) -> int:
        """Number of rows of characters."""
        return self.patterns[0].written.count(NEXT_ROW) + 1

    @property
    def area(self) -> tuple[float, float]:
        """Left and right end of the area for characters."""
        left = right = self.margin
        if self.band is not None:
            left, right = (
                (left + self.band.width, right) if self.band.side == "left" else (left, right + self.band.width)
            )
        return left, self.width - right

    def item_width(self, item: str) -> float:
        """Width of a character, mark or gap."""
        share = {DASH: 0.5, DOT: 0.35}
        widths = {GAP: self.gap, STICKER: 0.5 * self.character_height}
        return widths.get(item, self.character_width * share.get(item, 1.0))

    def offsets(self, row: str) -> list[float]:
        """Offsets of the left ends of a row's characters and marks from 0, followed by the width of the whole row."""
        lefts, x = [], 0.0
        for item, following in zip(row, [*row[1:], GAP], strict=True):
            lefts.append(x)
            x += self.item_width(item) + (self.spacing if GAP not in (item, following) else 0)
        return [*lefts, x]

    def row_top(self, row: int) -> float:
        """Upper edge of a row."""
        step = self.character_height + self.row_spacing
        first = (self.height - (self.rows - 1) * step - self.character_height) / 2 if self.top is None else self.top
        return first + row * step


@dataclass(frozen=True)
class PlatesFile:
    """The content of a plates file.

    Attributes:
        path: The file.
        name: Name of this kind of plates.
        alphabet: Characters that are read.
        max_length: Maximum number of characters of a text.
        designs: The designs.
    """

    path: Path
    name: str
    alphabet: str
    max_length: int
    designs: tuple[Design, ...]

    @property
    def colours(self) -> tuple[str, ...]:
        """The names of the plates' colours, without duplicates."""
        return tuple(dict.fromkeys(design.colour for design in self.designs))

    def reader_fields(self) -> dict[str, Any]:
        """The fields of a ReaderConfig that these plates determine."""
        return {"alphabet": self.alphabet, "max_length": self.max_length, "colours": self.colours}

    def text_of(self, lettering: str) -> str:
        """The part of a lettering that is read."""
        return text_of(lettering, self.alphabet)

    def choose(self, rng: np.random.Generator, rows: int | None = None, end: str | None = None) -> tuple[Design, str]:
        """A random design and lettering; with `rows` rows, and for an `end` of a car, if there are such designs."""
        designs = [design for design in self.designs if design.rows == rows] or self.designs
        designs = [design for design in designs if end is None or design.end in ("", end)] or designs
        weights = np.cumsum([design.weight for design in designs])
        design = designs[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]
        return design, design.patterns[rng.integers(len(design.patterns))].draw(rng)

    @cached_property
    def _texts(self) -> re.Pattern[str]:
        patterns = (pattern for design in self.designs for pattern in design.patterns)
        return re.compile("|".join(pattern.expression(self.alphabet) for pattern in patterns))

    def issues(self, words: str) -> bool:
        """Whether `words`, without characters that are not in the alphabet, may be on one of these plates."""
        return self._texts.fullmatch(self.text_of(words)) is not None
