"""Clean plates of every colour, drawn at one pixel a millimetre after GA 36-2018, each a little different."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr_app.plate import DIGITS, LETTERS, PROVINCES
from alpr_app.train.draw import blanks
from alpr_app.train.draw.glyphs import CELL_HEIGHT, CELL_WIDTH, GREEN_CELL_WIDTH, own_masks, picture_masks

HEIGHT, WIDTH, GREEN_WIDTH = 140, 440, 480
CELL_TOP = 25
COLOUR_SHARES = {"blue": 0.62, "green": 0.20, "yellow": 0.12, "white": 0.03, "black": 0.03}
INK = {
    "blue": (248, 248, 246),
    "yellow": (14, 14, 16),
    "green": (12, 16, 14),
    "white": (16, 16, 18),
    "black": (246, 246, 244),
}
RED = (200, 24, 30)
RED_CHARACTERS = "警领使"
# Chance that a plate is put on the folder's template rather than on a blank drawn here.
TEMPLATE_SHARE = 0.4
TEMPLATES = {
    "blue": "blue_140",
    "yellow": "yellow_140",
    "green": "green_car_140",
    "green_truck": "green_truck_140",
    "white": "white_140",
    "black": "black_140",
    "black_embassy": "black_shi_140",
}


def style_of(text: str, colour: str) -> str:
    """Which blank belongs to a text: its colour, but lorries of new energy and embassies have their own."""
    if colour == "green" and text[-1] in LETTERS:
        return "green_truck"
    if colour == "black" and text[0] == "使":
        return "black_embassy"
    return colour


@dataclass(frozen=True)
class Layout:
    """Where things stand, in mm: left edges of the cells, centre of the dot or emblem, overall width."""

    lefts: tuple[int, ...]
    dot: float
    width: int


def _layout(before_dot: int) -> Layout:
    """Seven cells of 45 mm, 12 mm apart, with 34 mm for the dot after the first `before_dot` of them."""
    lefts = [15 + 57 * place + (22 if place >= before_dot else 0) for place in range(7)]
    return Layout(tuple(lefts), lefts[before_dot] - 17, WIDTH)


_GREEN = Layout((15, 69, 161, 213, 265, 317, 369, 421), 136.5, GREEN_WIDTH)
LAYOUTS = {
    "blue": _layout(2),
    "yellow": _layout(2),
    "white": _layout(1),
    "black": _layout(2),
    "black_embassy": _layout(4),
    "green": _GREEN,
    "green_truck": _GREEN,
}


def random_colour(rng: np.random.Generator) -> str:
    """A plate colour, about as often as on the road, the rare ones a little more often."""
    return str(rng.choice(list(COLOUR_SHARES), p=list(COLOUR_SHARES.values())))


def _pick(characters: str, rng: np.random.Generator) -> str:
    return characters[rng.integers(len(characters))]


def _serial(length: int, rng: np.random.Generator, letters: float = 0.4) -> str:
    return "".join(_pick(LETTERS if rng.random() < letters else DIGITS, rng) for _ in range(length))


def random_text(colour: str, rng: np.random.Generator) -> str:
    """A valid plate text of that colour; provinces, letters and digits are each equally likely."""
    office = _pick(PROVINCES, rng) + _pick(LETTERS, rng)
    if colour == "green":
        kind = _pick("DF", rng) if rng.random() < 0.8 else _pick("ABCEGHJK", rng)
        if rng.random() < 0.15:
            return office + _serial(5, rng, letters=0) + kind
        return office + kind + _serial(1, rng) + _serial(4, rng, letters=0)
    if colour == "white":
        return office + _serial(4, rng, letters=0.2) + "警"
    if colour == "black" and rng.random() < 0.7:
        if rng.random() < 0.2:
            return "使" + _serial(6, rng, letters=0)
        return office + _serial(4, rng, letters=0.2) + _pick("港澳使领", rng)
    if colour == "yellow" and rng.random() < 0.2:
        return office + _serial(4, rng) + _pick("学挂", rng)
    return office + _serial(5, rng)


class PlatePainter:
    """Draws plates with the project's own lettering, or with folders of glyph and template pictures.

    glyphs: holds 140_CHARACTER.jpg and green_CHARACTER.jpg, black on white. templates: holds blue_140.PNG and
    so on; without it every blank is drawn here. Raises FileNotFoundError if pictures are missing in either.
    """

    def __init__(self, glyphs: Path | None = None, templates: Path | None = None) -> None:
        if glyphs is None:
            self._masks = own_masks(CELL_WIDTH, thickness=10)
            self._green_masks = own_masks(GREEN_CELL_WIDTH, thickness=9, flag=True)
        else:
            self._masks = picture_masks(glyphs, "140_", CELL_WIDTH)
            self._green_masks = picture_masks(glyphs, "green_", GREEN_CELL_WIDTH)
        self._blanks = {style: blanks.draw_blanks(style, layout) for style, layout in LAYOUTS.items()}
        self._inks = {
            style: np.full((HEIGHT, layout.width, 3), INK[style.split("_")[0]], np.uint8)
            for style, layout in LAYOUTS.items()
        }
        self._templates: dict[str, np.ndarray] = {}
        if templates is not None:
            for style, name in TEMPLATES.items():
                self._templates[style] = blanks.load_template(Path(templates) / f"{name}.PNG", LAYOUTS[style].width)
        self._extras = blanks.Extras()

    def draw(self, text: str, colour: str, rng: np.random.Generator) -> np.ndarray:
        """A plate seen straight on: RGB uint8, 140 x 440, green 140 x 480, one pixel a millimetre.

        Raises ValueError if `text` has the wrong length for its colour, or a character without a glyph.
        """
        style = style_of(text, colour)
        layout = LAYOUTS[style]
        if len(text) != len(layout.lefts):
            raise ValueError(f"'{text}': a {colour} plate has {len(layout.lefts)} characters, not {len(text)}")
        if style in self._templates and rng.random() < TEMPLATE_SHARE:
            blank = self._templates[style]
        else:
            blank = self._blanks[style][rng.integers(len(self._blanks[style]))]
        mask = self._write(text, layout, rng)
        plate = cv2.blendLinear(self._ink(text, colour, layout), blank, *_weights(mask))
        _emboss(plate, mask, rng)
        self._extras.add(plate, style, rng)
        return blanks.age(plate, self._extras, rng)

    def _write(self, text: str, layout: Layout, rng: np.random.Generator) -> np.ndarray:
        """The ink of `text`, 140 x width uint8, characters a little off their places, of chance weight."""
        masks = self._green_masks if layout.width == GREEN_WIDTH else self._masks
        canvas = np.zeros((HEIGHT, layout.width), np.uint8)
        common_x, common_y = rng.integers(-1, 2, 2)
        for character, left in zip(text, layout.lefts, strict=True):
            if character not in masks:
                raise ValueError(f"'{text}': there is no glyph for '{character}'")
            glyph = masks[character]
            x = left + common_x + rng.integers(-1, 2)
            y = CELL_TOP + common_y + rng.integers(-1, 2)
            canvas[y : y + CELL_HEIGHT, x : x + glyph.shape[1]] = glyph
        weight = rng.uniform(-0.9, 0.7)
        changed = cv2.erode(canvas, _CROSS) if weight < 0 else cv2.dilate(canvas, _CROSS)
        canvas = cv2.addWeighted(canvas, 1 - abs(weight), changed, abs(weight), 0)
        return cv2.GaussianBlur(canvas, (3, 3), 0.6)

    def _ink(self, text: str, colour: str, layout: Layout) -> np.ndarray:
        ink = self._inks[style_of(text, colour)]
        if not any(character in RED_CHARACTERS for character in text):
            return ink
        ink = ink.copy()
        for place, character in enumerate(text):
            if character in RED_CHARACTERS:
                left = layout.lefts[place]
                ink[:, left - 4 : left + CELL_WIDTH + 4] = RED
        return ink


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _weights(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ink = mask.astype(np.float32) * np.float32(1 / 255)
    return ink, 1 - ink


def _emboss(plate: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> None:
    """Characters stand out of the metal: their upper edges catch the light, their lower ones lie in shade."""
    depth = rng.uniform(0, 0.22)
    slope = cv2.Sobel(mask, cv2.CV_16S, 0, 1, ksize=3, scale=-0.25 * depth)
    relief = cv2.GaussianBlur(slope, (3, 3), 0)
    cv2.add(plate, cv2.merge([relief] * 3), plate, dtype=cv2.CV_8U)
