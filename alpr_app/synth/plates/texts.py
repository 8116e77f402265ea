"""Random texts of Chinese plates of every kind, and how often each kind is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alpr_app.core.plate import DIGITS, LETTERS, PROVINCES
from alpr_app.core.plate_kinds import RESCUE, SERVICES

# Shares of the colours among the plates of civil cars: about as on the road, the rare ones slightly more frequent.
COLOUR_SHARES = {"blue": 0.56, "green": 0.21, "yellow": 0.16, "white": 0.03, "black": 0.04}
# Share of yellow plates with two rows, as on lorries, trailers and motorcycles.
DOUBLE_SHARE = 0.6
# Share of texts with the letter O for the office, as on old plates of authorities.
OFFICE_O_SHARE = 0.015
# Share of new-energy plates that are a lorry's or a bus's, with the type letter last.
LARGE_GREEN_SHARE = 0.22
# The offices that issue the plates of cars from Hong Kong and Macao are nearly all 粤Z.
CROSS_BORDER_SHARE = 0.8

Rng = np.random.Generator


@dataclass(frozen=True)
class PlateText:
    """What a drawn plate says: its text, colour and number of rows, 1 or 2."""

    text: str
    colour: str
    rows: int = 1


def _pick(characters: str, rng: Rng) -> str:
    return characters[rng.integers(len(characters))]


def _serial(length: int, rng: Rng, letters: float = 0.4) -> str:
    return "".join(_pick(LETTERS if rng.random() < letters else DIGITS, rng) for _ in range(length))


def _digits(length: int, rng: Rng) -> str:
    return _serial(length, rng, letters=0)


def _office(rng: Rng) -> str:
    return _pick(PROVINCES, rng) + ("O" if rng.random() < OFFICE_O_SHARE else _pick(LETTERS, rng))


def random_colour(rng: Rng) -> str:
    """A random colour of a civil car's plate."""
    return str(rng.choice(list(COLOUR_SHARES), p=list(COLOUR_SHARES.values())))


def random_text(colour: str, rng: Rng) -> str:
    """A random valid text of a civil car for a colour; provinces, letters and digits are each equally likely."""
    office = _office(rng)
    if colour == "green":
        kind = _pick("DF", rng) if rng.random() < 0.8 else _pick("ABCEGHJK", rng)
        if rng.random() < LARGE_GREEN_SHARE:
            return office + _digits(5, rng) + kind
        return office + kind + _serial(1, rng) + _digits(4, rng)
    if colour == "white":
        return office + _serial(4, rng, letters=0.2) + "警"
    if colour == "black" and rng.random() < 0.7:
        if rng.random() < 0.2:
            return "使" + _digits(6, rng) if rng.random() < 0.5 else _digits(6, rng) + "使"
        last = _pick("港澳使领", rng)
        if last in "港澳" and rng.random() < CROSS_BORDER_SHARE:
            office = "粤Z"
        return office + _serial(4, rng, letters=0.2) + last
    if colour == "yellow" and rng.random() < 0.2:
        return office + _serial(4, rng) + _pick("学挂", rng)
    return office + _serial(5, rng)


def _two_letters(rng: Rng) -> str:
    letters = _pick(LETTERS, rng) + _pick(LETTERS, rng)
    return "VA" if letters == "WJ" else letters


def _armed_police(rng: Rng) -> str:
    form = rng.random()
    if form < 0.45:
        return "WJ" + _digits(2, rng) + _serial(1, rng) + _digits(4, rng)
    return "WJ" + (_pick(PROVINCES, rng) if form < 0.9 else "") + _digits(4, rng) + _serial(1, rng, letters=0.5)


def _paper(last: str, rng: Rng) -> PlateText:
    length = 5 if last == "临" and rng.random() < 0.5 else 4
    colour = "white" if rng.random() < 0.7 else "yellow"
    return PlateText(_office(rng) + _serial(length, rng, letters=0.2) + last, colour)


def _hong_kong(rng: Rng) -> PlateText:
    text = _two_letters(rng) + _digits(4 if rng.random() < 0.8 else 3, rng)
    return PlateText(text, "white" if rng.random() < 0.5 else "yellow", 2 if rng.random() < 0.4 else 1)


# Kinds beside those of civil cars, with their shares among all drawn plates.
SPECIAL: tuple[tuple[float, Callable[[Rng], PlateText]], ...] = (
    (0.040, lambda rng: PlateText(_two_letters(rng) + _digits(5, rng), "white")),
    (0.006, lambda rng: PlateText(_two_letters(rng) + _digits(5, rng), "white", 2)),
    (0.024, lambda rng: PlateText(_pick(SERVICES, rng) + _pick(LETTERS, rng) + _digits(5, rng), "white")),
    (0.030, lambda rng: PlateText(_armed_police(rng), "white")),
    (0.012, lambda rng: PlateText(_pick(PROVINCES, rng) + _pick(RESCUE, rng) + _serial(4, rng, 0.1) + "应急", "white")),
    (0.018, lambda rng: PlateText("民航" + _pick(LETTERS, rng) + _serial(4, rng, 0.1), "green")),
    (0.022, lambda rng: PlateText(_pick(PROVINCES, rng) + _digits(7, rng), "green", 2)),
    (0.018, lambda rng: PlateText(_office(rng) + _serial(5, rng), "blue", 2)),
    (0.006, lambda rng: PlateText(random_text("white", rng), "white", 2)),
    (0.008, _hong_kong),
    (0.004, lambda rng: PlateText(_pick("MA", rng) + _pick(LETTERS, rng) + _digits(4, rng), "black")),
    (0.010, lambda rng: _paper("临", rng)),
    (0.008, lambda rng: _paper("试", rng)),
    (0.006, lambda rng: _paper("超", rng)),
)
SPECIAL_SHARE = sum(share for share, _ in SPECIAL)
_SPECIAL_CHANCES = [share / SPECIAL_SHARE for share, _ in SPECIAL]


def random_plate_text(rng: Rng, rows: int | None = None) -> PlateText:
    """What a random plate of any kind says; with `rows` rows if that is not None."""
    if rng.random() < SPECIAL_SHARE:
        plate = SPECIAL[rng.choice(len(SPECIAL), p=_SPECIAL_CHANCES)][1](rng)
        if rows in (None, plate.rows):
            return plate
    colour = "yellow" if rows == 2 else random_colour(rng)
    if rows is None:
        rows = 2 if colour == "yellow" and rng.random() < DOUBLE_SHARE else 1
    return PlateText(random_text(colour, rng), colour, rows)
