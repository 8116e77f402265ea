"""Clean Chinese plates of every colour, drawn at one pixel a millimetre after GA 36-2018, each a little different; and
the choice between this painter and one that follows a plates file.
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
from alpr_app.synth.plates.glyphs import CELLS, STANDARD, Masks, own_masks, picture_masks
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
# Chance that a plate is put on the folder's template rather than on a blank drawn here.
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
# Of yellow plates: those of two rows, on lorries and trailers.
DOUBLE_SHARE = 0.5
# Old plates of authorities carry the letter O, which no other office has.
OFFICE_O_SHARE = 0.015


def random_colour(rng: np.random.Generator) -> str:
    """A plate colour, about as often as on the road, the rare ones a little more often."""
    return str(rng.choice(list(COLOUR_SHARES), p=list(COLOUR_SHARES.values())))


def _pick(characters: str, rng: np.random.Generator) -> str:
    return characters[rng.integers(len(characters))]


def _serial(length: int, rng: np.random.Generator, letters: float = 0.4) -> str:
    return "".join(_pick(LETTERS if rng.random() < letters else DIGITS, rng) for _ in range(length))


def random_text(colour: str, rng: np.random.Generator) -> str:
    """A valid plate text of that colour; provinces, letters and digits are each equally likely."""
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
    """Draws plates with the project's own lettering, or with folders of glyph and template pictures.

    glyphs: holds 140_CHARACTER.jpg and so on, black on white (see `glyphs.PREFIXES`). templates: holds blue_140.PNG
    and so on; without it every blank is drawn here. Raises FileNotFoundError if pictures are missing in either.
    """

    def __init__(self, glyphs: Path | None = None, templates: Path | None = None) -> None:
        self._masks: dict[str, Masks] = {}
        for lettering in CELLS:
            own = own_masks(lettering)
            # No folder has every special character in every lettering.
            special = {character: own[character] for character in SPECIALS}
            self._masks[lettering] = own if glyphs is None else special | picture_masks(glyphs, lettering)
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
        """A chance plate of any colour and province, see `painters.Painter`."""
        colour = random_colour(rng)
        text = random_text(colour, rng)
        if rows is None:
            rows = 2 if colour == "yellow" and rng.random() < DOUBLE_SHARE else 1
        return PaintedPlate(self.draw(text, colour, rng, rows), text, colour, rows)

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate:
        """A chance plate for a car, see `painters.Painter`."""
        colour = random_colour(rng)
        if heavy:
            colour = "yellow" if rng.random() < 0.75 else "green"
        return self.planned(random_text(colour, rng), colour)

    def planned(self, text: str, colour: str) -> PlannedPlate:
        """A plate of one row that is to be drawn."""
        layout = LAYOUTS[style_of(text, colour, 1)]
        return PlannedPlate(text, colour, layout.width, layout.height, partial(self.draw, text, colour))

    def issues(self, words: str) -> bool:
        """Whether `words` are a plate's text."""
        return fits_format(words)

    def draw(self, text: str, colour: str, rng: np.random.Generator, rows: int = 1) -> np.ndarray:
        """A plate seen straight on: RGB uint8, 140 x 440, green 140 x 480, of two rows 220 x 440, one pixel a
        millimetre.

        Raises UsageError if `text` has the wrong length for its colour, or a character without a glyph, or for two
        rows in another colour than yellow.
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
        """The ink of `text`, height x width uint8, characters a little off their places, of chance weight."""
        canvas = np.zeros((layout.height, layout.width), np.uint8)
        common_x, common_y = rng.integers(-1, 2, 2)
        for place, (character, cell) in enumerate(zip(text, layout.cells, strict=True)):
            masks = self._masks[cell.lettering]
            if character not in masks or (character == "O" and place != 1):
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
    """What data sets and scenes need of a painter.

    `random_plate` gives a plate of `rows` rows if there are such plates, of any if None. `plan` gives one that the
    front or rear `end` of a car carries, to be drawn later; heavy: of a lorry or bus. `issues` says whether words could
    be the text of such a plate.
    """

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate: ...

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate: ...

    def issues(self, words: str) -> bool: ...


def make_painter(plates: PlatesFile | None, glyphs: Path | None = None, templates: Path | None = None) -> Painter:
    """The painter of a plates file; of Chinese plates if None, with folders of pictures as `PlatePainter` takes them.

    Raises UsageError for such folders together with a plates file.
    """
    if plates is None:
        return PlatePainter(glyphs, templates)
    if glyphs is not None or templates is not None:
        raise UsageError("--glyphs and --templates are pictures of Chinese plates; leave them out beside --plates")
    return DesignPainter(plates)
