"""The worst mistakes of a run on one sheet, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.geometry import corners_to_box
from alpr_app.data.labels import read_labelled
from alpr_app.synth.plates.glyphs import load_font
from alpr_app.train.mistakes import CORNERS, MISSED, WrongFind, WrongReading
from alpr_app.train.preview import sheet

GROUND, WRITING, DIM, WRONG = (24, 26, 30), (235, 235, 235), (150, 156, 166), (255, 110, 90)
TRUE_COLOUR, FOUND_COLOUR = (214, 140, 255), (255, 196, 0)
PAD = 8
# A plate and the three lines below it; a view into a picture and its line.
PLATE_SIZE, VIEW_SIZE = (240, 60), (320, 210)
LINE = 24
LETTERS = 18
# What is seen around a plate, in widths of it.
SURROUNDINGS = 0.6


_face = cache(load_font)


def _write(image: np.ndarray, place: tuple[int, int], text: str, colour: tuple[int, int, int], size: int = 16) -> None:
    """Write at `place`, left end and baseline."""
    cv2.putText(image, text, place, colour, _face(), size)


def reading_sheet(wrong: Sequence[WrongReading], columns: int = 5) -> np.ndarray:
    """Plates with what they say and what was read, H x W x 3 uint8 RGB; a wrong character is red."""
    return sheet([_reading(reading) for reading in wrong], columns) if wrong else _empty("Every plate is read right")


def _reading(wrong: WrongReading) -> np.ndarray:
    width, height = PLATE_SIZE
    cell = np.full((height + 2 * LINE + 3 * PAD, width + 2 * PAD, 3), GROUND, np.uint8)
    cell[PAD : PAD + height, PAD : PAD + width] = cv2.resize(wrong.plate, PLATE_SIZE, interpolation=cv2.INTER_CUBIC)
    same = len(wrong.truth) == len(wrong.read)
    for row, (title, text) in enumerate((("true", wrong.truth), ("read", wrong.read or "–"))):
        y = 2 * PAD + height + row * LINE + 16
        _write(cell, (PAD, y), title, DIM, 14)
        for place, letter in enumerate(text):
            # Of another length, nobody knows which character is the wrong one.
            right = row == 0 or (same and wrong.truth[place] == letter)
            # In columns, so that what differs stands one above the other.
            _write(cell, (PAD + 40 + place * 19, y), letter, WRITING if right else WRONG, LETTERS)
    _write(cell, (PAD + width - 34, y), f"{100 * wrong.confidence:.0f}%", DIM, 14)
    return cell


def find_sheet(wrong: Sequence[WrongFind], columns: int = 4) -> np.ndarray:
    """Views into the pictures, H x W x 3 uint8 RGB: labels in violet, what was found in yellow. Raises PictureError."""
    return sheet([_find(find) for find in wrong], columns) if wrong else _empty("Every plate is found, and no other")


def _find(wrong: WrongFind) -> np.ndarray:
    cell = np.full((VIEW_SIZE[1] + LINE + 3 * PAD, VIEW_SIZE[0] + 2 * PAD, 3), GROUND, np.uint8)
    view, matrix = _view(wrong)
    for corners, colour in ((wrong.true, TRUE_COLOUR), (wrong.found, FOUND_COLOUR)):
        if corners is not None:
            points = np.int32(cv2.perspectiveTransform(np.float32(corners)[None], matrix) * 16)
            cv2.polylines(view, [points], True, colour, 1, cv2.LINE_AA, shift=4)
    cell[PAD : PAD + VIEW_SIZE[1], PAD : PAD + VIEW_SIZE[0]] = view
    y = 2 * PAD + VIEW_SIZE[1] + 14
    _write(cell, (PAD, y), f"{wrong.kind}: {_how_bad(wrong)}", WRITING, 15)
    name = _shortened(wrong.path)
    size = cv2.getTextSize((0, 0), name, (0, 0), _face(), 12)[2]
    _write(cell, (PAD + VIEW_SIZE[0] - size, y), name, DIM, 12)
    return cell


def _how_bad(wrong: WrongFind) -> str:
    if wrong.kind == MISSED:
        return f"best overlap {1 - wrong.badness:.2f}"
    return f"{wrong.badness:.2f} of the height" if wrong.kind == CORNERS else f"score {wrong.badness:.2f}"


def _shortened(path: Path) -> str:
    return path.name if len(path.name) <= 16 else f"{path.name[:6]}...{path.name[-8:]}"


def _view(wrong: WrongFind) -> tuple[np.ndarray, np.ndarray]:
    """The part of the picture around the place, VIEW_SIZE large, and the homography (3, 3) into it."""
    image = read_labelled(wrong.path)
    left, top, right, bottom = corners_to_box(np.concatenate(wrong.places))
    width = max((right - left) * (1 + 2 * SURROUNDINGS), (bottom - top) * 3 * VIEW_SIZE[0] / VIEW_SIZE[1], 40.0)
    scale = VIEW_SIZE[0] / width
    shift = np.float32(VIEW_SIZE) / 2 - scale * np.float32([(left + right) / 2, (top + bottom) / 2])
    matrix = np.float32([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]])
    # A warp would leave out pixels of what it makes smaller.
    small = min(1.0, scale)
    if small < 1:
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    warp = matrix @ np.diag(np.float32([1 / small, 1 / small, 1]))
    return cv2.warpPerspective(image, warp, VIEW_SIZE, flags=cv2.INTER_CUBIC, borderValue=GROUND), matrix


def _empty(text: str) -> np.ndarray:
    image = np.full((80, 480, 3), GROUND, np.uint8)
    _write(image, (20, 46), text, WRITING, 20)
    return image
