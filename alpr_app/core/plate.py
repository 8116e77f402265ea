"""What a licence plate is: its alphabet, its colours, and `Plate`, one reading of one plate. The texts that are issued
are in plate_kinds.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypedDict

import numpy as np

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "0123456789"
# Last characters of police cars, trailers and so on; then those of the armed forces, airfields, emergency services and
# paper plates, which bundles made before November 2026 lack. New ones go to the end, so that classes keep their order.
SPECIALS = "学警挂港澳使领" + "军海空沈北兰济南广成民航应急临试超"
ALPHABET = PROVINCES + DIGITS + LETTERS + "O" + SPECIALS
# Number of characters of the longest plates, which are the armed police's.
MAXIMUM_LENGTH = 9

# A province of less confidence is a guess.
SURE_PROVINCE = 0.6

COLOURS = ("blue", "yellow", "green", "white", "black")


# Asked several times for every plate.
@lru_cache(maxsize=8)
def reads_chinese(alphabet: str) -> bool:
    """Whether a reader with this alphabet reads Chinese plates, so that their formats and layouts apply."""
    return set(PROVINCES) <= set(alphabet)


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
    kind: str | None
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
            times `plausibility`, because what reads like a plate is one. It is 1 for a picture given as a plate.
        box: Left, top, right, bottom in pixels of the picture.
        corners: Top-left, top-right, bottom-right, bottom-left of the plate as it reads, (x, y) in pixels.
        crop: The rectified plate given to the reader, 48 x 192 x 3 uint8 RGB.
        fits_format: Whether plates of this colour and layout are issued with such a text; also False for kinds of
            plates that the reader does not know. None if nothing was read or the reader is not for Chinese plates.
        kind: What the plate is for, as in `plate_kinds.KINDS`: standard, new_energy, police, military and so on; None
            if `fits_format` is not True.
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
    kind: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plate):
            return NotImplemented
        return self.to_dict() == other.to_dict() and np.array_equal(self.crop, other.crop)

    def __hash__(self) -> int:
        # Equal plates must have equal hashes, and they are compared as rounded.
        return hash((self.text, self.colour, round(self.confidence, 4)))

    @property
    def doubtful(self) -> bool:
        """Whether no such plate is issued, or its province is a guess: most of what is misread is the province."""
        guessed = has_province(self.text) and self.characters[:1] < (SURE_PROVINCE,)
        return self.fits_format is False or guessed

    @property
    def marked_text(self) -> str:
        """The text as shown to people: followed by a separate ? if it is doubtful."""
        return f"{self.text} ?" if self.doubtful else self.text

    def to_dict(self) -> PlateRecord:
        """Return everything but the crop as plain JSON types, coordinates to 0.1 px and confidences to 4 digits."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "characters": [round(value, 4) for value in self.characters],
            "alternatives": [[guess, round(value, 4)] for guess, value in self.alternatives],
            "colour": self.colour,
            "fits_format": self.fits_format,
            "kind": self.kind,
            "score": round(self.score, 4),
            "box": [round(value, 1) for value in self.box],
            "corners": [[round(x, 1), round(y, 1)] for x, y in self.corners],
        }
