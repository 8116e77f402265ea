"""The painter of Chinese plates of all colours after GA 36-2018, with random details, at one pixel per millimetre; and
the choice between it and the painter of a plates file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import ALPHABET, LETTERS, MAXIMUM_LENGTH, SPECIALS
from alpr_app.core.plate_kinds import fits_format
from alpr_app.synth.plates import blanks
from alpr_app.synth.plates.blanks import LAYOUTS, Layout, style_of
from alpr_app.synth.plates.designed_plates import DesignPainter
from alpr_app.synth.plates.glyphs import CELLS, STANDARD, Masks, drawn_masks, picture_masks, plain_masks
from alpr_app.synth.plates.painting import PaintedPlate, PlannedPlate, emboss, paint, vary_weight
from alpr_app.synth.plates.plate_design import PlatesFile
from alpr_app.synth.plates.texts import random_colour, random_plate_text, random_text

RED = (200, 24, 30)
RED_CHARACTERS = "警领使应急"
# Probability of a template picture from the folder instead of a drawn blank.
TEMPLATE_SHARE = 0.4
TEMPLATES = {
    "blue": "blue_140",
    "yellow": "yellow_140",
    "yellow_double": "yellow_220",
    "green": "green_car_140",
    "green_truck": "green_truck_140",
    "white": "white_140",
    "white_military": "white_army_140",
    "white_double": "white_220",
    "black": "black_140",
    "black_embassy": "black_shi_140",
}
# Share of yellow and blue plates of two rows that are a motorcycle's, 220 x 140 mm, and its width in the drawing.
MOTORCYCLE_SHARE, MOTORCYCLE_WIDTH = 0.35, 346
# Share of older military plates of which the letter is red too, not the first character alone.
RED_LETTER_SHARE = 0.5
# Styles that mostly have another lettering than civil plates of the mainland, and the share of those drawn with it.
PLAIN_STYLES, PLAIN_SHARE = ("white_military", "white_police", "white_hong", "yellow_hong", "black_macao"), 0.6


class PlatePainter:
    """Draws Chinese plates with the project's own lettering, or with folders of glyph and template pictures.

    Args:
        glyphs: Folder of 140_CHARACTER.jpg and so on, black on white (see `glyphs.PREFIXES`); None for own lettering.
        templates: Folder of blue_140.PNG and so on; None to draw all blanks.
        alphabet: Characters of random plates; plates that have others are not drawn at random.
        max_length: Number of characters of the longest random plates.

    Raises:
        FileNotFoundError: a picture is missing in one of the folders.
    """

    def __init__(
        self,
        glyphs: Path | None = None,
        templates: Path | None = None,
        alphabet: str = ALPHABET,
        max_length: int = MAXIMUM_LENGTH,
    ) -> None:
        self._alphabet, self._max_length = frozenset(alphabet), max_length
        self._masks: dict[str, Masks] = {}
        for lettering in CELLS:
            drawn = drawn_masks(lettering)
            # Folders of glyphs lack some special characters in some letterings.
            special = {character: drawn[character] for character in SPECIALS}
            self._masks[lettering] = drawn if glyphs is None else special | picture_masks(glyphs, lettering)
        self._plain = plain_masks()
        self._blanks = {style: blanks.draw_blanks(style, layout) for style, layout in LAYOUTS.items()}
        self._inks = {
            style: np.full((layout.height, layout.width, 3), blanks.of_style(blanks.INK, style), np.uint8)
            for style, layout in LAYOUTS.items()
        }
        self._templates: dict[str, np.ndarray] = {}
        if templates is not None:
            for style, name in TEMPLATES.items():
                self._templates[style] = blanks.load_template(Path(templates) / f"{name}.PNG", LAYOUTS[style])
        self._extras = blanks.Extras()

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate:
        """A random plate of any colour and province, as in `Painter`."""
        plate = random_plate_text(rng, rows)
        while not self._spells(plate.text):
            plate = random_plate_text(rng, rows)
        return PaintedPlate(self.draw(plate.text, plate.colour, rng, plate.rows), plate.text, plate.colour, plate.rows)

    def _spells(self, text: str) -> bool:
        return len(text) <= self._max_length and self._alphabet.issuperset(text)

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
            RGB uint8, one pixel per millimetre: 140 x 440, green plates 140 x 480, plates of two rows 220 x 440, or 346
            on motorcycles, paper plates 305 x 480.

        Raises:
            UsageError: `text` has the wrong length for its colour or a character without a glyph, or there are no such
                plates with two rows.
        """
        style = style_of(text, colour, rows)
        layout = LAYOUTS[style]
        if len(text) != len(layout.cells):
            raise UsageError(f"'{text}': a {colour} plate has {len(layout.cells)} characters, not {len(text)}")
        if style in self._templates and rng.random() < TEMPLATE_SHARE:
            blank = self._templates[style]
        else:
            blank = self._blanks[style][rng.integers(len(self._blanks[style]))]
        plain = style.startswith(PLAIN_STYLES) and rng.random() < PLAIN_SHARE
        mask = self._write(text, layout, rng, plain)
        plate = paint(self._ink(text, style, rng), blank, mask)
        emboss(plate, mask, rng)
        if style in ("yellow_double", "blue_double") and rng.random() < MOTORCYCLE_SHARE:
            plate = cv2.resize(plate, (MOTORCYCLE_WIDTH, layout.height), interpolation=cv2.INTER_AREA)
        self._extras.add(plate, rng)
        return blanks.age(plate, self._extras, rng)

    def _write(self, text: str, layout: Layout, rng: np.random.Generator, plain: bool = False) -> np.ndarray:
        """The ink of `text`, height x width uint8, with slightly displaced characters of random weight. plain: in the
        lettering of the armed forces."""
        canvas = np.zeros((layout.height, layout.width), np.uint8)
        common_x, common_y = rng.integers(-1, 2, 2)
        for index, (character, cell) in enumerate(zip(text, layout.cells, strict=True)):
            masks = self._masks[cell.lettering]
            if plain and cell.lettering == STANDARD:
                masks = masks | self._plain
            if character not in masks or (character == "O" and index != 1):
                raise UsageError(f"'{text}': there is no glyph for '{character}'")
            glyph = masks[character]
            x = cell.left + common_x + rng.integers(-1, 2)
            y = cell.top + common_y + rng.integers(-1, 2)
            canvas[y : y + glyph.shape[0], x : x + glyph.shape[1]] = glyph
        return vary_weight(canvas, rng)

    def _ink(self, text: str, style: str, rng: np.random.Generator) -> np.ndarray:
        """The colours of the characters, of which some are red."""
        ink = self._inks[style]
        red = [index for index, character in enumerate(text) if character in RED_CHARACTERS]
        if style.startswith(("white_military", "white_police", "white_double")) and text[0] in LETTERS:
            red = [0, 1]
        elif style == "white_military":
            red = [0, 1] if rng.random() < RED_LETTER_SHARE else [0]
        if not red:
            return ink
        ink = ink.copy()
        for index in red:
            cell = LAYOUTS[style].cells[index]
            width, height = CELLS[cell.lettering]
            ink[max(0, cell.top - 6) : cell.top + height + 6, max(0, cell.left - 4) : cell.left + width + 4] = RED
        return ink


class Painter(Protocol):
    """A painter of one kind of plates."""

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate:
        """A random plate; of `rows` rows if there are such plates and `rows` is not None."""

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate:
        """A random plate for the `front` or `rear` end of a car, or of a lorry or bus if `heavy`, to be drawn later."""

    def issues(self, words: str) -> bool:
        """Whether `words` could be the text of such a plate."""


def make_painter(
    plates: PlatesFile | None,
    glyphs: Path | None = None,
    templates: Path | None = None,
    alphabet: str = ALPHABET,
    max_length: int = MAXIMUM_LENGTH,
) -> Painter:
    """Make the painter of a plates file, or of Chinese plates for None.

    Args:
        plates: The plates file; None for Chinese plates.
        glyphs: Folder of glyph pictures for `PlatePainter`.
        templates: Folder of template pictures for `PlatePainter`.
        alphabet, max_length: Of the reader, which is to be trained on no plates that it cannot spell.

    Raises:
        UsageError: such a folder is given together with a plates file.
    """
    if plates is None:
        return PlatePainter(glyphs, templates, alphabet, max_length)
    if glyphs is not None or templates is not None:
        raise UsageError("--glyphs and --templates are for Chinese plates; leave them out with --plates")
    return DesignPainter(plates)
