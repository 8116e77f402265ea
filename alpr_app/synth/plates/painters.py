"""The painter of Chinese plates of all colours after GA 36-2018, with random details, at one pixel per millimetre; and
the choice between it and the painter of a plates file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import DIGITS, LETTERS, PROVINCES, SPECIALS, fits_format
from alpr_app.synth.plates import blanks
from alpr_app.synth.plates.blanks import LAYOUTS, Layout, style_of
from alpr_app.synth.plates.designed_plates import DesignPainter
from alpr_app.synth.plates.glyphs import CELLS, STANDARD, Masks, drawn_masks, picture_masks
from alpr_app.synth.plates.painting import PaintedPlate, PlannedPlate, emboss, paint, vary_weight
from alpr_app.synth.plates.plate_design import PlatesFile

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
# Probability of a template picture from the folder instead of a drawn blank.
TEMPLATE_SHARE = 0.4
TEMPLATES = {
    "blue": "blue_140",
    "yellow": "yellow_140",
    "yellow_double": "yellow_220",
    "green": "green_car_140",
    "green_truck": "green_truck_140",
    "white": "white_140",
    "black": "black_140",
    "black_embassy": "black_shi_140",
}
# Share of yellow plates with two rows, as on lorries and trailers.
DOUBLE_SHARE = 0.5
# Share of texts with the letter O for the office, as on old plates of authorities.
OFFICE_O_SHARE = 0.015


def random_colour(rng: np.random.Generator) -> str:
    """A random plate colour: about as frequent as on the road, the rare ones slightly more frequent."""
    return str(rng.choice(list(COLOUR_SHARES), p=list(COLOUR_SHARES.values())))


def _pick(characters: str, rng: np.random.Generator) -> str:
    return characters[rng.integers(len(characters))]


def _serial(length: int, rng: np.random.Generator, letters: float = 0.4) -> str:
    return "".join(_pick(LETTERS if rng.random() < letters else DIGITS, rng) for _ in range(length))


def random_text(colour: str, rng: np.random.Generator) -> str:
    """A random valid text for a colour; provinces, letters and digits are each equally likely."""
    office = _pick(PROVINCES, rng) + ("O" if rng.random() < OFFICE_O_SHARE else _pick(LETTERS, rng))
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
    """Draws Chinese plates with the project's own lettering, or with folders of glyph and template pictures.

    Args:
        glyphs: Folder of 140_CHARACTER.jpg and so on, black on white (see `glyphs.PREFIXES`); None for own lettering.
        templates: Folder of blue_140.PNG and so on; None to draw all blanks.

    Raises:
        FileNotFoundError: a picture is missing in one of the folders.
    """

    def __init__(self, glyphs: Path | None = None, templates: Path | None = None) -> None:
        self._masks: dict[str, Masks] = {}
        for lettering in CELLS:
            drawn = drawn_masks(lettering)
            # Folders of glyphs lack some special characters in some letterings.
            special = {character: drawn[character] for character in SPECIALS}
            self._masks[lettering] = drawn if glyphs is None else special | picture_masks(glyphs, lettering)
        self._blanks = {style: blanks.draw_blanks(style, layout) for style, layout in LAYOUTS.items()}
        self._inks = {
            style: np.full((layout.height, layout.width, 3), INK[style.split("_")[0]], np.uint8)
            for style, layout in LAYOUTS.items()
        }
        self._templates: dict[str, np.ndarray] = {}
        if templates is not None:
            for style, name in TEMPLATES.items():
                self._templates[style] = blanks.load_template(Path(templates) / f"{name}.PNG", LAYOUTS[style])
        self._extras = blanks.Extras()

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate:
        """A random plate of any colour and province, as in `Painter`."""
        colour = random_colour(rng)
        text = random_text(colour, rng)
        if rows is None:
            rows = 2 if colour == "yellow" and rng.random() < DOUBLE_SHARE else 1
        return PaintedPlate(self.draw(text, colour, rng, rows), text, colour, rows)

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate:
        """A random plate for a car, as in `Painter`."""
        colour = random_colour(rng)
        if heavy:
            colour = "yellow" if rng.random() < 0.75 else "green"
        return self.planned(random_text(colour, rng), colour)

    def planned(self, text: str, colour: str) -> PlannedPlate:
        """A plate of one row with this text and colour, to be drawn later."""
        layout = LAYOUTS[style_of(text, colour, 1)]
        return PlannedPlate(text, colour, layout.width, layout.height, partial(self.draw, text, colour))

    def issues(self, words: str) -> bool:
        """Whether `words` are a valid plate text."""
        return fits_format(words)

    def draw(self, text: str, colour: str, rng: np.random.Generator, rows: int = 1) -> np.ndarray:
        """Draw a plate seen straight on.

        Returns:
            RGB uint8, one pixel per millimetre: 140 x 440, green plates 140 x 480, plates of two rows 220 x 440.

        Raises:
            UsageError: `text` has the wrong length for its colour or a character without a glyph, or `rows` is 2 for
                another colour than yellow.
        """
        style = style_of(text, colour, rows)
        layout = LAYOUTS[style]
        if len(text) != len(layout.cells):
            raise UsageError(f"'{text}': a {colour} plate has {len(layout.cells)} characters, not {len(text)}")
        if style in self._templates and rng.random() < TEMPLATE_SHARE:
            blank = self._templates[style]
        else:
            blank = self._blanks[style][rng.integers(len(self._blanks[style]))]
        mask = self._write(text, layout, rng)
        plate = paint(self._ink(text, style), blank, mask)
        emboss(plate, mask, rng)
        self._extras.add(plate, rng)
        return blanks.age(plate, self._extras, rng)

    def _write(self, text: str, layout: Layout, rng: np.random.Generator) -> np.ndarray:
        """The ink of `text`, height x width uint8, with slightly displaced characters of random weight."""
        canvas = np.zeros((layout.height, layout.width), np.uint8)
        common_x, common_y = rng.integers(-1, 2, 2)
        for index, (character, cell) in enumerate(zip(text, layout.cells, strict=True)):
            masks = self._masks[cell.lettering]
            if character not in masks or (character == "O" and index != 1):
                raise UsageError(f"'{text}': there is no glyph for '{character}'")
            glyph = masks[character]
            x = cell.left + common_x + rng.integers(-1, 2)
            y = cell.top + common_y + rng.integers(-1, 2)
            canvas[y : y + glyph.shape[0], x : x + glyph.shape[1]] = glyph
        return vary_weight(canvas, rng)

    def _ink(self, text: str, style: str) -> np.ndarray:
        ink = self._inks[style]
        if not any(character in RED_CHARACTERS for character in text):
            return ink
        ink = ink.copy()
        for character, cell in zip(text, LAYOUTS[style].cells, strict=True):
            if character in RED_CHARACTERS:
                ink[:, cell.left - 4 : cell.left + CELLS[STANDARD][0] + 4] = RED
        return ink


class Painter(Protocol):
    """A painter of one kind of plates."""

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate:
        """A random plate; of `rows` rows if there are such plates and `rows` is not None."""

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate:
        """A random plate for the `front` or `rear` end of a car, or of a lorry or bus if `heavy`, to be drawn later."""

    def issues(self, words: str) -> bool:
        """Whether `words` could be the text of such a plate."""


def make_painter(plates: PlatesFile | None, glyphs: Path | None = None, templates: Path | None = None) -> Painter:
    """Make the painter of a plates file, or of Chinese plates for None.

    Args:
        plates: The plates file; None for Chinese plates.
        glyphs: Folder of glyph pictures for `PlatePainter`.
        templates: Folder of template pictures for `PlatePainter`.

    Raises:
        UsageError: such a folder is given together with a plates file.
    """
    if plates is None:
        return PlatePainter(glyphs, templates)
    if glyphs is not None or templates is not None:
        raise UsageError("--glyphs and --templates are for Chinese plates; leave them out with --plates")
    return DesignPainter(plates)
