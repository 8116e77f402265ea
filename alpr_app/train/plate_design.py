"""What plates look like, sizes in millimetres, colours and where characters stand; and all designs of one kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.train.patterns import DASH, DOT, GAP, NEXT_ROW, STICKER, Pattern, text_of
from alpr_app.train.toml_checks import Colour


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
