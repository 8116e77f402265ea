"""The characters of a plate as masks: the project's own, or those in a folder of glyph pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import DIGITS, LETTERS, PROVINCES, SPECIALS
from alpr_app.data.assets import FONT
from alpr_app.train.draw.strokes import stroke_mask

CELL_HEIGHT = 90
# Letterings, the (width, height) of their cells in mm, and how glyph pictures of theirs are named. UPPER and LOWER
# are the rows of a plate with two.
STANDARD, GREEN, UPPER, LOWER = "standard", "green", "upper", "lower"
CELLS = {STANDARD: (45, 90), GREEN: (43, 90), UPPER: (80, 60), LOWER: (65, 110)}
PREFIXES = {STANDARD: ("140_",), GREEN: ("green_",), UPPER: ("220_", "220_up_"), LOWER: ("220_", "220_down_")}
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


def own_masks(lettering: str) -> Masks:
    """Letters and digits as strokes, Chinese from the open font: the cell's size in uint8, 255 is ink."""
    size = CELLS[lettering]
    green = lettering == GREEN
    # Strokes are drawn in the tall cell of a single row; two rows have the same letters, squeezed.
    drawn = size[0] if size[1] == CELL_HEIGHT else CELLS[STANDARD][0]
    masks = {character: stroke_mask(character, drawn, thickness=9 if green else 10, flag=green) for character in LATIN}
    face = load_font()
    for character in PROVINCES + SPECIALS:
        ink = cv2.copyMakeBorder(_render(character, face), 0, 0, 10, 10, cv2.BORDER_CONSTANT)
        masks[character] = _trim(cv2.dilate(ink, np.ones((1, CHINESE_WIDENING), np.uint8)))
    return _complete(masks, size)


def _complete(masks: Masks, size: tuple[int, int]) -> Masks:
    """All masks at one size. An O, which is no serial's but an office's, looks like a 0."""
    masks = {
        character: mask if mask.shape == size[::-1] else cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        for character, mask in masks.items()
    }
    return masks | {"O": masks["0"]}


def picture_masks(folder: Path, lettering: str) -> Masks:
    """The glyph pictures of a folder, black on white, 140_CHARACTER.jpg and so on (see PREFIXES): the cell's size in
    uint8, 255 is ink.

    The pictures are taken to fill their cell already. Raises FileNotFoundError if one is missing; UsageError
    if one is no picture.
    """
    masks: Masks = {}
    prefixes = PREFIXES[lettering]
    for path in sorted(path for prefix in prefixes for path in Path(folder).glob(f"{prefix}?.*")):
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise UsageError(f"{path}: not a picture that can be read; take it out of the folder")
        masks[path.stem[-1]] = 255 - picture
    needed = PROVINCES + {UPPER: LETTERS}.get(lettering, LATIN)
    missing = [character for character in needed if character not in masks]
    if missing:
        raise FileNotFoundError(f"{folder}: no glyph pictures {prefixes[-1]}CHARACTER.jpg for {''.join(missing)}")
    return _complete(masks, CELLS[lettering])
