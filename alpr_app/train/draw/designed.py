"""Clean plates after a plates file, drawn at one pixel a millimetre, each a little different."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.train.draw import blanks
from alpr_app.train.draw.design_blanks import draw_blanks, glyph_masks, put_sticker
from alpr_app.train.draw.ink import emboss, paint, vary_weight
from alpr_app.train.draw.painted import PaintedPlate
from alpr_app.train.draw.planned import PlannedPlate
from alpr_app.train.patterns import GAP, NEXT_ROW, STICKER
from alpr_app.train.plate_design import Design, PlatesFile

FRAME_WORDS = ("CITY AUTO", "MOTORS & SONS", "www.autohaus.example", "GARAGE CENTRAL", "DRIVE SAFELY", "0800 555 0199")


class DesignPainter:
    """Draws the plates of a plates file. Raises PlatesError for a character that no font has."""

    def __init__(self, plates: PlatesFile) -> None:
        self.plates = plates
        self._masks = {design: glyph_masks(design, plates) for design in plates.designs}
        self._blanks = {design: draw_blanks(design) for design in plates.designs}
        self._extras = blanks.Extras(FRAME_WORDS)

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate:
        """A chance plate, see `painters.Painter`."""
        design, lettering = self.plates.choose(rng, rows)
        plate = self.draw(design, lettering, rng)
        return PaintedPlate(plate, self.plates.text_of(lettering), design.colour, design.rows)

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate:
        """A chance plate for that end of a car, see `painters.Painter`."""
        design, lettering = self.plates.choose(rng, end=end)
        text, draw = self.plates.text_of(lettering), partial(self.draw, design, lettering)
        return PlannedPlate(text, design.colour, design.width, design.height, draw, design.rows)

    def issues(self, words: str) -> bool:
        """Whether `words` may stand on one of these plates."""
        return self.plates.issues(words)

    def draw(self, design: Design, lettering: str, rng: np.random.Generator) -> np.ndarray:
        """A plate seen straight on: RGB uint8, one pixel a millimetre. lettering: see `patterns`.

        Raises UsageError if `lettering` has other rows than the design, a character without a glyph, or no room.
        """
        rows = lettering.split(NEXT_ROW)
        if len(rows) != design.rows:
            raise UsageError(f"'{lettering}': this design has {design.rows} rows, not {len(rows)}")
        mask = np.zeros((design.height, design.width), np.uint8)
        stickers: list[tuple[float, float]] = []
        # Characters stand in the middle or, now and then, where whoever made the plate has put them.
        push = 0.5 if rng.random() < 0.8 else rng.uniform(0.25, 0.75)
        shift_x, shift_y = rng.integers(-1, 2, 2)
        for number, row in enumerate(rows):
            start = (_start(design, row, push) + shift_x, design.row_top(number) + shift_y)
            stickers += self._write(mask, design, row, start, rng)
        mask = vary_weight(mask, rng)
        choices = self._blanks[design]
        plate = paint(np.full((*mask.shape, 3), design.ink, np.uint8), choices[rng.integers(len(choices))], mask)
        if design.embossed:
            emboss(plate, mask, rng)
        for x, y in stickers:
            put_sticker(plate, x, y, design, rng)
        self._extras.add(plate, rng, design.bolts, design.frame)
        return blanks.age(plate, self._extras, rng)

    def _write(
        self, canvas: np.ndarray, design: Design, row: str, start: tuple[float, float], rng: np.random.Generator
    ) -> list[tuple[float, float]]:
        """One row's ink from its left upper corner `start` on, in place; the left upper corners of its stickers."""
        masks, stickers = self._masks[design], []
        for item, place in zip(row, design.places(row), strict=False):
            corner = (start[0] + place, start[1])
            if item == STICKER:
                stickers.append(corner)
            elif item != GAP:
                if item not in masks:
                    raise UsageError(f"'{row}': there is no glyph for '{item}'")
                _put(canvas, masks[item], np.round(corner).astype(int) + rng.integers(-1, 2, 2))
        return stickers


def _start(design: Design, row: str, push: float) -> float:
    """Where a row begins. push: share of the free room that is left of it."""
    left, right = design.area
    width = design.places(row)[-1]
    if width > right - left:
        raise UsageError(f"'{row}': {width:.0f} mm wide, there are {right - left:.0f} between the margins")
    return left + (right - left - width) * push


def _put(canvas: np.ndarray, glyph: np.ndarray, corner: np.ndarray) -> None:
    """A glyph's ink onto the canvas in place, within its edges."""
    height, width = glyph.shape
    x, y = np.clip(corner, 0, np.array(canvas.shape[::-1]) - (width, height))
    area = canvas[y : y + height, x : x + width]
    cv2.max(area, glyph, dst=area)
