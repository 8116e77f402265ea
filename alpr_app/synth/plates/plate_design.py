"""What plates of a plates file look like: sizes in millimetres, colours, where characters stand, and the patterns such
as 'LL-DD LLL' that their texts follow; with the checks of single values in the TOML file.
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
    """A number from `low` to `high`."""

    def check(value: Any) -> float:
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise ValueError(f"a {'whole ' if whole else ''}number from {low} to {high}")
        return value

    return check


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """One text or several."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(item, str) and item.strip() for item in found):
        raise ValueError("a text or a list of texts")
    return tuple(found)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def one_of(*names: str) -> Check:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(" or ".join(names))
        name: str = value
        return name

    return check


def colour(value: Any) -> Colour:
    """#rrggbb as (red, green, blue)."""
    if not isinstance(value, str) or re.fullmatch("#[0-9a-fA-F]{6}", value) is None:
        raise ValueError("a colour such as '#ffcc00'")
    red, green, blue = (int(value[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def colours(value: Any) -> tuple[Colour, ...]:
    """One colour or several."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError("a colour such as '#ffcc00', or a list of colours")
    return tuple(map(colour, found))


def tables(value: Any) -> list[Any]:
    """One table or several; what is in them is checked one by one."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError("a table or a list of tables")
    return found


def checked(table: Any, checks: Mapping[str, Check], path: Path, place: str = "") -> dict[str, Any]:
    """The values of a table by their checks. place: of the table in the file. Raises PlatesError naming the key."""
    start = f"{path}: {place}: " if place else f"{path}: "
    if not isinstance(table, dict):
        raise PlatesError(f"{start}this must be a table, not {shown(table)}")
    values = {}
    for key, value in table.items():
        if key not in checks:
            raise PlatesError(f"{start}{shown(key)} is unknown; there are {', '.join(checks)}")
        try:
            values[key] = checks[key](value)
        except ValueError as error:
            raise PlatesError(f"{start}'{key}' must be {error}, not {shown(value)}") from None
    return values


GAP, NEXT_ROW, DASH, DOT, STICKER = " ", "/", "-", "·", "*"
# Never read; a dash or dot that the alphabet holds is read like any character.
LAYOUT_ONLY = GAP + NEXT_ROW + STICKER
MARKS = DASH + DOT + STICKER

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Pattern:
    """One pattern. choices: of each of its characters, the texts that may stand there."""

    written: str
    choices: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, written: str, classes: Classes, alphabet: str) -> Pattern:
        """Raises ValueError for a character that is no class, not in the alphabet and no mark."""
        choices = []
        for character in written:
            if character not in classes and character not in alphabet + LAYOUT_ONLY + MARKS:
                raise ValueError(f"'{character}' in the pattern '{written}' is no class and not in the alphabet")
            choices.append(classes.get(character, (character,)))
            if not choices[-1]:
                raise ValueError(f"'{character}' in the pattern '{written}': the alphabet has no such character")
        return cls(written, tuple(choices))

    @property
    def widest(self) -> str:
        """A lettering that takes as much room as any."""
        return "".join(max(texts, key=len) for texts in self.choices)

    def draw(self, rng: np.random.Generator) -> str:
        """A chance lettering, every text of a class as likely as any other."""
        return "".join(texts[rng.integers(len(texts))] if len(texts) > 1 else texts[0] for texts in self.choices)

    def expression(self, alphabet: str) -> str:
        """A regular expression for the texts, without what is not read."""
        read = ([text for text in texts if set(text) <= set(alphabet)] for texts in self.choices)
        return "".join(f"(?:{'|'.join(map(re.escape, texts))})" for texts in read if texts)


def text_of(lettering: str, alphabet: str) -> str:
    """What of a lettering is read."""
    return "".join(character for character in lettering if character in alphabet)


@dataclass(frozen=True)
class Band:
    """A coloured strip at one side, with a country's code, or one of several, and perhaps a ring of stars."""

    width: float = 44
    side: str = "left"
    colour: Colour = (0, 51, 153)
    ink: Colour = (255, 255, 255)
    text: tuple[str, ...] = ()
    stars: bool = False


@dataclass(frozen=True)
class Caption:
    """Small print across the plate, one of several texts. top, height: of its capitals in mm."""

    text: tuple[str, ...]
    top: float
    height: float = 12
    ink: Colour = (40, 40, 44)


@dataclass(frozen=True)
class Design:
    """What one sort of plate looks like; lengths in mm.

    patterns: each as likely as the others. weight: how often the design is drawn, in proportion to the others'.
    colour: the name that the reader gives it. background: one of several. rim: width of the line along the edge, 0
    for none, at rim_inset from it. radius: of the corners. character_width, character_height, stroke: of a cell, and
    of the lines in it. spacing: between characters, gap: where the pattern has a blank. row_spacing: between rows.
    top: of the first row; without it the rows are in the middle. margin: at both sides at least. font: TrueType
    file to write with instead of the project's own lettering. embossed: whether characters stand out. bolts,
    frame: how often there are any, 0 to 1. end: of cars, front or rear, where it is carried; either without it.
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
        return self.patterns[0].written.count(NEXT_ROW) + 1

    @property
    def area(self) -> tuple[float, float]:
        """Left and right end of where characters may stand."""
        left = right = self.margin
        if self.band is not None:
            left, right = (
                (left + self.band.width, right) if self.band.side == "left" else (left, right + self.band.width)
            )
        return left, self.width - right

    def room(self, item: str) -> float:
        """The width of one character, mark or gap."""
        share = {DASH: 0.5, DOT: 0.35}
        rooms = {GAP: self.gap, STICKER: 0.5 * self.character_height}
        return rooms.get(item, self.character_width * share.get(item, 1.0))

    def places(self, row: str) -> list[float]:
        """Left ends of a row's characters and marks from 0 on, and after them the width of the whole row."""
        lefts, x = [], 0.0
        for item, following in zip(row, [*row[1:], GAP], strict=True):
            lefts.append(x)
            x += self.room(item) + (self.spacing if GAP not in (item, following) else 0)
        return [*lefts, x]

    def row_top(self, row: int) -> float:
        """Where a row begins."""
        step = self.character_height + self.row_spacing
        first = (self.height - (self.rows - 1) * step - self.character_height) / 2 if self.top is None else self.top
        return first + row * step


@dataclass(frozen=True)
class PlatesFile:
    """All designs of one kind of plates, with what they have in common. path: of the file that says so."""

    path: Path
    name: str
    alphabet: str
    max_length: int
    designs: tuple[Design, ...]

    @property
    def colours(self) -> tuple[str, ...]:
        """The names of the plates' colours, each once."""
        return tuple(dict.fromkeys(design.colour for design in self.designs))

    def reader_fields(self) -> dict[str, Any]:
        """What a ReaderConfig for these plates has of its own."""
        return {"alphabet": self.alphabet, "max_length": self.max_length, "colours": self.colours}

    def text_of(self, lettering: str) -> str:
        return text_of(lettering, self.alphabet)

    def choose(self, rng: np.random.Generator, rows: int | None = None, end: str | None = None) -> tuple[Design, str]:
        """A chance design and lettering. rows: only designs of so many, end: only those of that end of a car, if there
        are any."""
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
        """Whether `words`, but for what the alphabet lacks, may stand on one of these plates."""
        return self._texts.fullmatch(self.text_of(words)) is not None
