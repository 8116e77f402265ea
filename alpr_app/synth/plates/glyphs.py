"""The characters of plates as masks, drawn by strokes or loaded from a folder of glyph pictures; and signs with other
lettering, such as bay numbers, shop signs and date stamps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import DIGITS, LETTERS, PROVINCES, SPECIALS
from alpr_app.core.plate_kinds import fits_format
from alpr_app.data.assets import FONT

# Width and height in mm of the cell that strokes are defined in.
CELL = (45, 90)
# Pixels per millimetre of the drawing, before it is averaged down.
FINE = 8
# Factors of the stroke width of some characters.
THIN = {"W": 0.78, "M": 0.85, "A": 0.92, "V": 0.92, "X": 0.95, "Q": 0.95, "8": 0.95}

Stroke = list[tuple[float, float]]


def _arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Stroke:
    """Points of an elliptical arc from `start` to `end` degrees, where 0 is right and 90 is down."""
    angles = np.radians(np.linspace(start, end, 24))
    return list(zip(x + across * np.cos(angles), y + down * np.sin(angles), strict=True))


def _rotated(strokes: list[Stroke]) -> list[Stroke]:
    return [[(CELL[0] - x, CELL[1] - y) for x, y in stroke] for stroke in strokes]


def _upper(start: float, end: float) -> Stroke:
    return _arc(22.5, 22.5, 17.5, 17.5, start, end)


def _lower(start: float, end: float) -> Stroke:
    return _arc(22.5, 67.5, 17.5, 17.5, start, end)


_STEM: Stroke = [(5, -9), (5, 99)]
_RIGHT_STEM: Stroke = [(40, -9), (40, 99)]
_ROUND = _upper(180, 360) + _lower(0, 180) + [(5, 22.5)]
_OPEN = [(40, 29), *_upper(360, 180), *_lower(180, 0), (40, 61)]
_SIX: list[Stroke] = [[(29, -9), (9, 46)], _arc(22.5, 62, 17.5, 23, 0, 360)]

STROKES: dict[str, list[Stroke]] = {
    "0": [_ROUND],
    "1": [[(22.5, -9), (22.5, 99)]],
    "2": [[*_upper(188, 360), (39.5, 29), (36, 38), (6, 80), (5, 85), (54, 85)]],
    "3": [[(-9, 5), (37, 5), (19, 37)], [(17, 39), *_arc(22.5, 63, 17.5, 22, -78, 172)]],
    "4": [[(34, -9), (4, 67), (54, 67)], [(33, 28), (33, 99)]],
    "5": [[(41, 5), (8, 5), (6.5, 42), *_arc(22.5, 61, 17.5, 24, 226, 528)]],
    "6": _SIX,
    "7": [[(-9, 5), (39, 5), (19, 99)]],
    "8": [_arc(22.5, 24, 15.5, 19, 0, 360), _arc(22.5, 64, 17.5, 21, 0, 360)],
    "9": _rotated(_SIX),
    "A": [[(20, -6), (4, 99)], [(25, -6), (41, 99)], [(22.5, -6), (22.5, 20)], [(9, 65), (36, 65)]],
    "B": [_STEM, [(5, 5), *_arc(21, 24, 17, 19, -90, 90), (5, 43)], [(5, 43), *_arc(21, 64, 19, 21, -90, 90), (5, 85)]],
    "C": [_OPEN],
    "D": [_STEM, [(5, 5), *_arc(20, 25, 20, 20, -90, 0), *_arc(20, 65, 20, 20, 0, 90), (5, 85)]],
    "E": [_STEM, [(5, 5), (54, 5)], [(5, 44), (38, 44)], [(5, 85), (54, 85)]],
    "F": [_STEM, [(5, 5), (54, 5)], [(5, 45), (38, 45)]],
    "G": [[*_OPEN, (40, 51), (25, 51)]],
    "H": [_STEM, _RIGHT_STEM, [(5, 43), (40, 43)]],
    "I": [[(22.5, 5), (22.5, 85)], [(11, 5), (34, 5)], [(11, 85), (34, 85)]],
    "J": [[(38, -9), *_arc(21, 67.5, 17, 17.5, 0, 172)]],
    "K": [_STEM, [(43, -9), (8, 56)], [(18, 40), (42, 99)]],
    "L": [_STEM, [(5, 85), (54, 85)]],
    "M": [_STEM, _RIGHT_STEM, [(5, -4), (22.5, 62), (40, -4)]],
    "N": [_STEM, _RIGHT_STEM, [(5, -3), (40, 93)]],
    "O": [_arc(22.5, 45, 17.5, 40, 0, 360)],
    "P": [_STEM, [(5, 5), *_arc(21, 27, 19, 22, -90, 90), (5, 49)]],
    "Q": [_ROUND, [(25, 62), (44, 95)]],
    "R": [_STEM, [(5, 5), *_arc(21, 25, 19, 20, -90, 90), (5, 45)], [(24, 46), (41, 99)]],
    "S": [_arc(22.5, 23.5, 17.5, 18.5, -8, -248) + _arc(22.5, 64.5, 17.5, 20.5, -66, 172)],
    "T": [[(-9, 5), (54, 5)], [(22.5, 5), (22.5, 99)]],
    "U": [[(5, -9), *_lower(180, 0), (40, -9)]],
    "V": [[(3, -9), (20.5, 88), (24.5, 88), (42, -9)]],
    "W": [[(3, -9), (12, 88), (22.5, 4), (33, 88), (42, -9)]],
    "X": [[(3, -6), (42, 96)], [(42, -6), (3, 96)]],
    "Y": [[(3, -9), (22.5, 47), (42, -9)], [(22.5, 47), (22.5, 99)]],
    "Z": [[(-9, 5), (39, 5), (6, 85), (54, 85)]],
}
# The flag of the 1 on new-energy plates.
FLAG: Stroke = [(11, 24), (22.5, 6)]


def _strokes(character: str, flag: bool) -> list[Stroke]:
    return STROKES[character] + ([FLAG] if flag and character == "1" else [])


def _draw_strokes(character: str, strokes: list[np.ndarray], size: tuple[int, int], thickness: float) -> np.ndarray:
    """Draw strokes in a cell of (width, height) at fine scale: uint8, 255 is ink."""
    canvas = np.zeros((size[1] * FINE, size[0] * FINE), np.uint8)
    pen = round(thickness * THIN.get(character, 1) * FINE)
    cv2.polylines(canvas, [np.round(stroke * FINE).astype(np.int32) for stroke in strokes], False, 255, pen)
    return canvas


def stroke_mask(character: str, width: int, thickness: float, flag: bool = False) -> np.ndarray:
    """A letter or digit in a cell of 90 x `width` with strokes of `thickness` mm: uint8, 255 is ink."""
    canvas = _draw_strokes(character, [np.array(stroke) for stroke in _strokes(character, flag)], CELL, thickness)
    return cv2.resize(canvas, (width, CELL[1]), interpolation=cv2.INTER_AREA)


def cell_mask(character: str, width: int, height: int, thickness: float) -> np.ndarray:
    """A letter or digit in a cell of any size, with equally thick strokes in all directions: height x width uint8."""
    # Points 5 mm inside the edges of CELL map to half a stroke inside those of the new cell.
    half, size = thickness / 2, np.array([width, height])
    scale = (size - thickness) / (np.array(CELL) - 10)
    moved = [(np.array(stroke) - 5) * scale + half for stroke in _strokes(character, flag=True)]
    drawn = _draw_strokes(character, moved, (width, height), thickness)
    return cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)


CELL_HEIGHT = 90
# Letterings with the width and height of their cells in mm, and the prefixes of their glyph pictures. UPPER and LOWER
# are the rows of plates with two rows; SMALL digits and HALF characters stand beside others of full height.
STANDARD, GREEN, UPPER, LOWER, SMALL, HALF = "standard", "green", "upper", "lower", "small", "half"
CELLS = {STANDARD: (45, 90), GREEN: (43, 90), UPPER: (80, 60), LOWER: (65, 110), SMALL: (22, 45), HALF: (42, 44)}
PREFIXES = {
    STANDARD: ("140_",),
    GREEN: ("green_",),
    UPPER: ("220_", "220_up_"),
    LOWER: ("220_", "220_down_"),
    SMALL: ("140_",),
    HALF: ("140_",),
}
LATIN = LETTERS + DIGITS
# Squeezing Chinese characters to half their width makes vertical strokes thinner than horizontal ones; they are widened
# by this many pixels in a drawing 360 pixels high.
CHINESE_WIDENING = 15

Masks = dict[str, np.ndarray]


def load_font() -> cv2.FontFace:
    """The project's font. Raises FileNotFoundError if it is missing."""
    if not FONT.is_file():
        raise FileNotFoundError(f"{FONT}: the font is missing; install the project again, with its assets")
    return cv2.FontFace(str(FONT))


def _trim(mask: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect((mask > 127).astype(np.uint8))
    return mask[top : top + height, left : left + width]


def _render(character: str, face: cv2.FontFace) -> np.ndarray:
    canvas = np.zeros((560, 640, 3), np.uint8)
    cv2.putText(canvas, character, (90, 440), (255, 255, 255), face, 380)
    return _trim(canvas[:, :, 0])


def drawn_masks(lettering: str) -> Masks:
    """Masks of all characters in the size of the cell, uint8 with 255 for ink: letters and digits drawn by strokes,
    Chinese characters from the project's font."""
    size = CELLS[lettering]
    green = lettering == GREEN
    # Strokes are drawn in the cell of a single row; plates of two rows have the same letters, resized.
    width = size[0] if size[1] == CELL_HEIGHT else CELLS[STANDARD][0]
    masks = {character: stroke_mask(character, width, thickness=9 if green else 10, flag=green) for character in LATIN}
    face = load_font()
    for character in PROVINCES + SPECIALS:
        ink = cv2.copyMakeBorder(_render(character, face), 0, 0, 10, 10, cv2.BORDER_CONSTANT)
        masks[character] = _trim(cv2.dilate(ink, np.ones((1, CHINESE_WIDENING), np.uint8)))
    return _complete(masks, size)


def plain_masks() -> Masks:
    """Masks of letters and digits in the font of the project, for plates with other lettering than GA 36 sets: those of
    the armed forces, whose 3 is round at its top, and of Hong Kong and Macao."""
    width, height = CELLS[STANDARD]
    face, masks = load_font(), {}
    for character in LATIN:
        ink = _render(character, face)
        shown = min(width, round(ink.shape[1] * height / ink.shape[0]))
        left = (width - shown) // 2
        mask = np.zeros((height, width), np.uint8)
        mask[:, left : left + shown] = cv2.resize(ink, (shown, height), interpolation=cv2.INTER_AREA)
        masks[character] = mask
    return masks


def _complete(masks: Masks, size: tuple[int, int]) -> Masks:
    """Resize all masks to one size and add the O, which occurs as an office only and looks like a 0."""
    masks = {
        character: mask if mask.shape == size[::-1] else cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        for character, mask in masks.items()
    }
    return masks | {"O": masks["0"]}


def picture_masks(folder: Path, lettering: str) -> Masks:
    """Masks in the size of the cell, uint8 with 255 for ink, from a folder of glyph pictures.

    Args:
        folder: Holds 140_CHARACTER.jpg and so on (see PREFIXES), black on white; each picture fills its cell.
        lettering: One of `CELLS`.

    Raises:
        FileNotFoundError: a picture is missing.
        UsageError: a file is not a picture.
    """
    masks: Masks = {}
    prefixes = PREFIXES[lettering]
    for path in sorted(path for prefix in prefixes for path in Path(folder).glob(f"{prefix}?.*")):
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise UsageError(f"{path}: not a readable picture; remove it from the folder")
        masks[path.stem[-1]] = 255 - picture
    needed = PROVINCES + {UPPER: LETTERS}.get(lettering, LATIN)
    missing = [character for character in needed if character not in masks]
    if missing:
        raise FileNotFoundError(f"{folder}: no glyph pictures {prefixes[-1]}CHARACTER.jpg for {''.join(missing)}")
    return _complete(masks, CELLS[lettering])


WORDS = "安全出行停车场汽修专用通道公司物流贸易大酒店超市中心北京上海广州美容洗车银行药房饭馆火锅学校客运保险"
FILLS = ((18, 72, 196), (200, 30, 36), (236, 176, 20), (70, 170, 100), (240, 240, 238), (26, 26, 28), (120, 122, 126))
INKS = ((248, 248, 246), (16, 16, 18), (240, 210, 40), (200, 30, 36))
# Height of the letters in pixels; signs are reduced when they are pasted into a picture.
SIZE = 64
# Attempts to find words that are not a valid plate text.
ATTEMPTS = 50
# Cached per process and not stored in a painter: a font cannot be pickled for spawned workers, as on Windows and macOS.
_face = cache(load_font)


def random_words(rng: np.random.Generator) -> str:
    """Random words that are not on Chinese plates: too short, too long, all Chinese, or with marks in between."""
    digits = "".join(DIGITS[rng.integers(10)] for _ in range(11))
    letter = LETTERS[rng.integers(len(LETTERS))]
    start = rng.integers(len(WORDS) - 8)
    kinds = (
        digits[: rng.integers(1, 5)],
        f"{letter}{digits[:3]}",
        f"{letter}-{digits[:4]}",
        f"1{digits[:10]}",
        f"0{digits[:3]}-{digits[3:10]}",
        f"20{digits[:2]}-{digits[2:4]}-{digits[4:6]} {digits[6:8]}:{digits[8:10]}",
        WORDS[start : start + rng.integers(2, 8)],
        "".join(LETTERS[rng.integers(len(LETTERS))] for _ in range(rng.integers(2, 6))),
        f"{WORDS[start : start + 2]} {digits[:3]}",
        f"{digits[:2]}t",
    )
    return kinds[rng.integers(len(kinds))]


class SignPainter:
    """Draws signs with the project's font.

    Args:
        issues: Whether words could be the text of a plate; such words are not drawn.

    Raises:
        FileNotFoundError: the font is missing.
    """

    def __init__(self, issues: Callable[[str], bool] = fits_format) -> None:
        _face()
        self._issues = issues

    def _words(self, rng: np.random.Generator) -> str:
        """Words that are not a plate text, unless all attempts are."""
        for _ in range(ATTEMPTS):
            words = random_words(rng)
            if not self._issues(words):
                break
        return words

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw a random sign seen straight on: letters on a board, or letters alone.

        Returns:
            The sign, H x W x 3 uint8 RGB, and its opacity, H x W uint8.
        """
        words = self._words(rng)
        canvas = np.zeros((2 * SIZE, SIZE * (len(words) + 2), 3), np.uint8)
        cv2.putText(canvas, words, (SIZE // 2, round(1.4 * SIZE)), (255, 255, 255), _face(), SIZE)
        left, top, width, height = cv2.boundingRect(canvas[:, :, 0])
        margin_x, margin_y = (round(SIZE * rng.uniform(0.08, 0.5)) for _ in range(2))
        ink: np.ndarray = canvas[top : top + height, left : left + width, 0]
        ink = cv2.copyMakeBorder(ink, margin_y, margin_y, margin_x, margin_x, cv2.BORDER_CONSTANT)
        colour = np.array(INKS[rng.integers(len(INKS))], np.uint8)
        # Board and letters must differ in brightness.
        fills = [fill for fill in FILLS if abs(int(sum(fill)) - int(colour.sum())) > 150]
        fill = np.array(fills[rng.integers(len(fills))], np.uint8)
        sign = np.where(ink[..., None] > 127, colour, fill)
        board = rng.random() < 0.6
        return sign, np.full_like(ink, 255) if board else ink
