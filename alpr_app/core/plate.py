"""What a licence plate is: its alphabet, its colours and formats, and `Plate`, one reading of one plate.

Chinese plates follow GA 36-2018: a province character, an office letter, then five characters (six on new-energy
plates). The letter I is never issued, and O only as the office letter of old government plates, although CCPD's own
tables allow it everywhere.
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

# Number of characters of the shortest Chinese plates.
SHORTEST = 7

COLOURS = ("blue", "yellow", "green", "white", "black")
# Used on the rears of lorries, on trailers and on motorcycles. New-energy plates have one line; a green plate of two
# lines is a tractor's.
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
    """Whether plates with this text (without the dot) are issued in `colour`, or in any colour if None."""
    colours = COLOURS if colour is None else (colour,)
    return any(_PATTERNS[name].fullmatch(text) is not None for name in colours)


def reads_chinese(alphabet: str) -> bool:
    """Whether a reader with this alphabet reads Chinese plates, so that their formats and layouts apply."""
    return set(PROVINCES) <= set(alphabet)


def check_format(text: str, colour: str, alphabet: str, rows: int = 1) -> bool | None:
    """Check a reading against the formats of its colour.

    Args:
        text: The reading, without dots.
        colour: The plate's colour.
        alphabet: The reader's alphabet.
        rows: Lines of characters on the plate, 1 or 2.

    Returns:
        Whether such a plate is issued; None if nothing was read or the reader is not for Chinese plates.
    """
    if not text or not reads_chinese(alphabet):
        return None
    if rows == 2 and colour not in TWO_LINE_COLOURS:
        return False
    return fits_format(text, colour if colour in COLOURS else None)


def completeness(text: str, alphabet: str) -> float:
    """Return the share of a plate's characters that a reading has, 0 to 1, so that a stray character does not pass for
    a plate. It is 1 for readers of other than Chinese plates, which may be short."""
    return min(1.0, len(text) / SHORTEST) if reads_chinese(alphabet) else 1.0


def has_province(text: str) -> bool:
    """Whether a text begins with a province, so that the rest can be compared on its own."""
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

    Attributes:
        text: Without dots, dashes and spaces, 皖A12345; empty if the reader saw no character.
        confidence: The lowest of `characters`, 0 to 1; 0 for an empty text.
        characters: One confidence per character of `text`.
        alternatives: For each character the reader's second guess, '' for no character, and its confidence.
        colour: One of the reader's colours, which are `COLOURS` unless it was trained for other plates; replaced by
            another of these where the pixels clearly show it.
        score: How likely this is a plate, 0 to 1: the weighted mean of the detector's quality score and of `confidence`
            times `completeness`, because what reads like a plate is one. It is 1 for a picture given as a plate.
        box: Left, top, right, bottom in pixels of the picture.
        corners: Top-left, top-right, bottom-right, bottom-left of the plate as it reads, (x, y) in pixels.
        crop: The rectified plate given to the reader, 48 x 192 x 3 uint8 RGB.
        fits_format: Whether plates of this colour and layout are issued with such a text; also False for kinds of
            plates that the reader does not know. None if nothing was read or the reader is not for Chinese plates.
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
        # Equal plates must have equal hashes, and they are compared as rounded.
        return hash((self.text, self.colour, round(self.confidence, 4)))

    @property
    def marked_text(self) -> str:
        """The text as shown to people: followed by a separate ? if it fits no format."""
        return f"{self.text} ?" if self.fits_format is False else self.text

    def to_dict(self) -> PlateRecord:
        """Return everything but the crop as plain JSON types, coordinates to 0.1 px and confidences to 4 digits."""
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
