"""What a licence plate is: its alphabet, its colours and formats, and `Plate`, one reading of one plate.

Chinese plates after GA 36-2018: a province character, an office letter, then five characters (six on
new-energy plates). The letter I is not issued, O only as the office of authorities' old plates; CCPD's own tables
still hold it everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "0123456789"
SPECIALS = "学警挂港澳使领"
ALPHABET = PROVINCES + DIGITS + LETTERS + "O" + SPECIALS

# Characters of the shortest plates.
SHORTEST = 7

COLOURS = ("blue", "yellow", "green", "white", "black")
# Rears of lorries, trailers and motorcycles. New-energy plates have one row; tractors' are green ones of two.
TWO_LINE_COLOURS = ("blue", "yellow", "white", "black")

_OFFICE = f"[{PROVINCES}][{LETTERS}O]"
_SERIAL = f"[{DIGITS}{LETTERS}]"
_FORMATS = {
    "blue": [f"{_OFFICE}{_SERIAL}{{5}}"],
    # Lorries and buses; 学 on driving-school cars, 挂 on trailers.
    "yellow": [f"{_OFFICE}{_SERIAL}{{5}}", f"{_OFFICE}{_SERIAL}{{4}}[学挂]"],
    # New energy: small cars carry the type letter first, large ones last.
    "green": [f"{_OFFICE}[A-HJ-K]{_SERIAL}[{DIGITS}]{{4}}", f"{_OFFICE}[{DIGITS}]{{5}}[A-HJ-K]"],
    "white": [f"{_OFFICE}{_SERIAL}{{4}}警"],
    "black": [f"{_OFFICE}{_SERIAL}{{5}}", f"{_OFFICE}{_SERIAL}{{4}}[港澳使领]", f"使[{DIGITS}]{{6}}"],
}
_PATTERNS = {colour: re.compile("|".join(formats)) for colour, formats in _FORMATS.items()}


def fits_format(text: str, colour: str | None = None) -> bool:
    """Whether `text` (without the dot) is a plate that may be issued: in `colour`, or in any colour if None."""
    colours = COLOURS if colour is None else (colour,)
    return any(_PATTERNS[name].fullmatch(text) is not None for name in colours)


def reads_chinese(alphabet: str) -> bool:
    """Whether a reader with this alphabet reads Chinese plates, so that their formats and layouts mean something."""
    return set(PROVINCES) <= set(alphabet)


def judge_format(text: str, colour: str, alphabet: str, rows: int = 1) -> bool | None:
    """Whether a reading is a plate that may be issued in its colour, with so many rows of characters. None where that
    cannot be said: nothing was read, or the reader, with this `alphabet`, is one for other plates than Chinese ones."""
    if not text or not reads_chinese(alphabet):
        return None
    if rows == 2 and colour not in TWO_LINE_COLOURS:
        return False
    return fits_format(text, colour if colour in COLOURS else None)


def completeness(text: str, alphabet: str) -> float:
    """Which share of a plate's characters a reading has, 0 to 1: a stray character is none. 1 for any text of a reader
    that, with this `alphabet`, is one for other plates than Chinese ones: those may be short."""
    return min(1.0, len(text) / SHORTEST) if reads_chinese(alphabet) else 1.0


def has_province(text: str) -> bool:
    """Whether a text begins with a province, so that it makes sense to speak of the rest."""
    return text != "" and text[0] in PROVINCES


class PlateRecord(TypedDict):
    """A `Plate` as plain JSON types, without its crop."""

    text: str
    confidence: float
    characters: list[float]
    alternatives: list[list[str | float]]
    colour: str
    fits_format: bool | None
    score: float
    box: list[float]
    corners: list[list[float]]


@dataclass(frozen=True, eq=False)
class Plate:
    """One plate as found and read.

    text: without dots, dashes and gaps, 皖A12345; empty if the reader saw no character.
    confidence: the least of `characters`, 0 to 1; 0 for an empty text.
    characters: one confidence a character of `text`.
    alternatives: for each of them the reader's second guess, '' for no character at all, and its confidence.
    colour: one of the reader's, which are `COLOURS` unless it was trained for other plates; another one of these where
    the plate's pixels surely show it.
    score: how sure it is that this is a plate, 0 to 1: the weighted mean of the detector's quality score and of
    `confidence` times `completeness`, because what reads like a plate is one; 1 for a picture that was said to be a
    plate.
    box: left, top, right, bottom in pixels of the picture.
    corners: top-left, top-right, bottom-right, bottom-left of the plate as it reads, (x, y) in pixels.
    crop: the rectified plate the reader saw, 48 x 192 x 3 uint8 RGB.
    fits_format: whether plates of this colour and layout are issued with such a text; False is said of kinds that the
    reader does not know, too. None where that cannot be said: nothing was read, or by a reader for other plates than
    Chinese ones.
    """

    text: str
    confidence: float
    characters: tuple[float, ...]
    alternatives: tuple[tuple[str, float], ...]
    colour: str
    score: float
    box: tuple[float, float, float, float]
    corners: tuple[tuple[float, float], ...]
    crop: np.ndarray = field(repr=False)
    fits_format: bool | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plate):
            return NotImplemented
        return self.to_dict() == other.to_dict() and np.array_equal(self.crop, other.crop)

    def __hash__(self) -> int:
        # Of what is compared, and as it is compared: rounded.
        return hash((self.text, self.colour, round(self.confidence, 4)))

    @property
    def marked_text(self) -> str:
        """`text` as people are shown it: with a ? behind it if it fits no format; apart, for it stands for no
        character."""
        return f"{self.text} ?" if self.fits_format is False else self.text

    def to_dict(self) -> PlateRecord:
        """Everything but the crop, as plain JSON types: coordinates to 0.1 px, confidences to 4 digits."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "characters": [round(value, 4) for value in self.characters],
            "alternatives": [[guess, round(value, 4)] for guess, value in self.alternatives],
            "colour": self.colour,
            "fits_format": self.fits_format,
            "score": round(self.score, 4),
            "box": [round(value, 1) for value in self.box],
            "corners": [[round(x, 1), round(y, 1)] for x, y in self.corners],
        }
