"""The characters of a plate as masks: the project's own, or those in a folder of glyph pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from alpr_app.plate import DIGITS, LETTERS, PROVINCES, SPECIALS
from alpr_app.resources import FONT
from alpr_app.train.draw.strokes import stroke_mask

CELL_HEIGHT = 90
CELL_WIDTH = 45
GREEN_CELL_WIDTH = 43
LATIN = LETTERS + DIGITS
# Squeezed to half their width, upright strokes of Chinese characters come out thinner than level ones; this
# many pixels of a 360 px high drawing are put back on them.
CHINESE_WIDENING = 15

Masks = dict[str, np.ndarray]


def load_font() -> cv2.FontFace:
    """The project's font. Raises FileNotFoundError if it is not there."""
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


def own_masks(width: int, thickness: float, flag: bool = False) -> Masks:
    """Letters and digits as strokes, Chinese from the open font: 90 x `width` uint8, 255 is ink.

    thickness: of the strokes, in mm. flag: whether the 1 has one.
    """
    masks = {character: stroke_mask(character, width, thickness, flag) for character in LATIN}
    face = load_font()
    for character in PROVINCES + SPECIALS:
        ink = cv2.copyMakeBorder(_render(character, face), 0, 0, 10, 10, cv2.BORDER_CONSTANT)
        ink = _trim(cv2.dilate(ink, np.ones((1, CHINESE_WIDENING), np.uint8)))
        masks[character] = cv2.resize(ink, (width, CELL_HEIGHT), interpolation=cv2.INTER_AREA)
    return masks


def picture_masks(folder: Path, prefix: str, width: int) -> Masks:
    """Every `prefix`CHARACTER.jpg of a folder of black-on-white pictures: 90 x `width` uint8, 255 is ink.

    The pictures are taken to fill their cell already. Raises FileNotFoundError if one is missing, ValueError
    if one is no picture.
    """
    masks: Masks = {}
    for path in sorted(Path(folder).glob(f"{prefix}?.*")):
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise ValueError(f"{path}: not a picture that can be read; take it out of the folder")
        masks[path.stem[-1]] = cv2.resize(255 - picture, (width, CELL_HEIGHT), interpolation=cv2.INTER_AREA)
    missing = [character for character in PROVINCES + LATIN if character not in masks]
    if missing:
        raise FileNotFoundError(f"{folder}: no glyph pictures {prefix}CHARACTER.jpg for {''.join(missing)}")
    return masks
