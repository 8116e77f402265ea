"""The painter of a plates file: blanks, glyphs and stickers with random details, at one pixel per millimetre."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.synth.plates import blanks
from alpr_app.synth.plates.blanks import AROUND, FINE, rounded
from alpr_app.synth.plates.glyphs import STROKES, Masks, cell_mask, load_font
from alpr_app.synth.plates.painting import PaintedPlate, PlannedPlate, emboss, paint, vary_weight
from alpr_app.synth.plates.plate_design import DASH, DOT, GAP, NEXT_ROW, STICKER, Band, Design, PlatesError, PlatesFile

# Never assigned by Unicode: its glyph is the one that a font shows for characters it lacks.
MISSING = "\U0010fffd"
STAR_COLOUR = (250, 205, 30)
# Height of capitals relative to the size of a typical font.
CAPITAL = 0.75
STICKER_COLOURS = ((210, 60, 60), (60, 110, 200), (230, 150, 40), (70, 150, 90), (150, 90, 60), (235, 200, 60))


def _text_ink(text: str, face: cv2.FontFace, size: int) -> np.ndarray:
    """The ink of a text, trimmed: uint8."""
    canvas = np.zeros((2 * size, size * (len(text) + 2), 3), np.uint8)
    cv2.putText(canvas, text, (size // 2, round(1.4 * size)), (255, 255, 255), face, size)
    left, top, width, height = cv2.boundingRect(canvas[:, :, 0])
    return canvas[top : top + height, left : left + width, 0]


def _fitted(ink: np.ndarray, width: int, height: int, capital: float) -> np.ndarray:
    """Centre a character in its cell, with its height in proportion to a capital, and squeeze it if it is too wide."""
    scaled_height = min(height, max(1, round(height * ink.shape[0] / capital)))
    scaled_width = min(width, max(1, round(ink.shape[1] * height / capital)))
    cell = np.zeros((height, width), np.uint8)
    left = (width - scaled_width) // 2
    resized = cv2.resize(ink, (scaled_width, scaled_height), interpolation=cv2.INTER_AREA)
    cell[height - scaled_height :, left : left + scaled_width] = resized
    return cell


def glyph_masks(design: Design, plates: PlatesFile) -> Masks:
    """Masks of all characters and marks of a design: uint8, 255 is ink. Raises PlatesError if the font lacks one."""
    width, height = design.character_width, design.character_height
    face = load_font() if design.font is None else cv2.FontFace(str(design.font))
    size = 4 * height
    missing, capital = _text_ink(MISSING, face, size), _text_ink("H", face, size).shape[0]
    masks: Masks = {}
    for mark, mark_height in ((DASH, design.stroke), (DOT, 1.2 * design.stroke)):
        mask = np.zeros((height, round(design.item_width(mark))), np.uint8)
        top = round((height - mark_height) / 2)
        mask[top : top + round(mark_height), 1:-1] = 255
        masks[mark] = mask
    for character in plates.alphabet:
        if design.font is None and character in STROKES:
            masks[character] = cell_mask(character, width, height, design.stroke)
            continue
        ink = _text_ink(character, face, size)
        if ink.shape == missing.shape and (ink == missing).all():
            remedy = "name a font that has it with 'font'" if design.font is None else "use another 'font'"
            raise PlatesError(f"{plates.path}: the font has no '{character}'; {remedy}")
        masks[character] = _fitted(ink, width, height, capital)
    return masks


def draw_blanks(design: Design) -> list[np.ndarray]:
    """Blanks with each background and in slightly different shapes: RGB uint8, one pixel per millimetre."""
    codes = design.band.text if design.band is not None and design.band.text else ("",)
    variants = max(len(codes), 2, *(len(caption.text) for caption in design.captions))
    return [
        _blank(design, background, radius, number)
        for background in design.background
        for radius in (0.7 * design.radius, 1.2 * design.radius)
        for number in range(variants)
    ]


def _blank(design: Design, background: tuple[int, int, int], radius: float, number: int) -> np.ndarray:
    """One blank, with the texts of band and captions at index `number`."""
    shape = (design.height * FINE, design.width * FINE)
    radius = min(radius, 0.4 * min(design.height, design.width))
    field = np.full((*shape, 3), background, np.uint8)
    if design.band is not None:
        _put_band(field, design.band, number)
    face = load_font()
    for caption in design.captions:
        text = caption.text[number % len(caption.text)]
        size = caption.height / CAPITAL
        _put_text(field, text, face, (design.width / 2, caption.top + caption.height / 2), size, caption.ink)
    canvas = np.full_like(field, AROUND)
    cover = np.zeros(shape, np.uint8)
    rounded(cover, 0.5, radius, 255)
    cv2.copyTo(field, cover, canvas)
    if design.rim:
        cover[:] = 0
        rounded(cover, design.rim_inset, max(0.0, radius - design.rim_inset), 255)
        inner = design.rim_inset + design.rim
        rounded(cover, inner, max(0.0, radius - inner), 0)
        cv2.copyTo(np.full_like(canvas, design.rim_colour or design.ink), cover, canvas)
    return cv2.resize(canvas, (design.width, design.height), interpolation=cv2.INTER_AREA)


def _put_band(field: np.ndarray, band: Band, number: int) -> None:
    """Draw the band at the side in place, at fine scale."""
    height, width = field.shape[:2]
    left = 0 if band.side == "left" else width - round(band.width * FINE)
    field[:, left : left + round(band.width * FINE)] = band.colour
    middle, plate_height = left / FINE + band.width / 2, height / FINE
    if band.stars:
        ring = min(0.3 * band.width, 0.16 * plate_height)
        for angle in np.arange(12) * np.pi / 6:
            x, y = middle + ring * np.sin(angle), 0.3 * plate_height - ring * np.cos(angle)
            cv2.circle(field, (round(x * FINE), round(y * FINE)), round(0.14 * ring * FINE), STAR_COLOUR, -1)
    if band.text:
        text = band.text[number % len(band.text)]
        size = min(0.3 * plate_height, 0.9 * band.width / len(text)) / CAPITAL
        _put_text(field, text, load_font(), (middle, (0.75 if band.stars else 0.7) * plate_height), size, band.ink)


def _put_text(
    field: np.ndarray,
    text: str,
    face: cv2.FontFace,
    centre: tuple[float, float],
    size: float,
    colour: tuple[int, int, int],
) -> None:
    """Draw a text of `size` mm around `centre` (x, y) in place, at fine scale; smaller if the field is too narrow."""
    ink = _text_ink(text, face, max(8, round(size * FINE)))
    scale = min(1.0, 0.9 * field.shape[1] / ink.shape[1])
    if scale < 1:
        ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = min(ink.shape[0], field.shape[0]), ink.shape[1]
    left = min(max(0, round(centre[0] * FINE - width / 2)), field.shape[1] - width)
    top = min(max(0, round(centre[1] * FINE - height / 2)), field.shape[0] - height)
    area = field[top : top + height, left : left + width]
    share = (ink[:height].astype(np.float32) / 255)[..., None]
    area[:] = area * (1 - share) + np.asarray(colour, np.float32) * share


def put_sticker(plate: np.ndarray, x: float, y: float, design: Design, rng: np.random.Generator) -> None:
    """Draw one or two round stickers, like official seals, at a sticker mark with its upper left corner at (x, y)."""
    room = design.item_width("*")
    count = int(rng.integers(1, 3))
    radius = 0.46 * room
    for index in range(count):
        centre_x = x + room / 2 + rng.uniform(-1, 1)
        centre_y = y + design.character_height * ((index + 0.5) / count if count > 1 else rng.uniform(0.3, 0.75))
        colour = STICKER_COLOURS[rng.integers(len(STICKER_COLOURS))] if index == 0 else (206, 208, 210)
        spot, size = (round(centre_x * 16), round(centre_y * 16)), radius * rng.uniform(0.85, 1)
        cv2.circle(plate, spot, round(size * 16), colour, -1, cv2.LINE_AA, shift=4)
        cv2.circle(plate, spot, round(size * 0.78 * 16), (90, 92, 96), 1, cv2.LINE_AA, shift=4)
        cv2.circle(plate, spot, round(size * 0.4 * 16), STICKER_COLOURS[rng.integers(6)], -1, cv2.LINE_AA, shift=4)


FRAME_WORDS = ("CITY AUTO", "MOTORS & SONS", "www.autohaus.example", "GARAGE CENTRAL", "DRIVE SAFELY", "0800 555 0199")


class DesignPainter:
    """Draws the plates of a plates file. Raises PlatesError for a character that the font lacks."""

    def __init__(self, plates: PlatesFile) -> None:
        self.plates = plates
        self._masks = {design: glyph_masks(design, plates) for design in plates.designs}
        self._blanks = {design: draw_blanks(design) for design in plates.designs}
        self._extras = blanks.Extras(FRAME_WORDS)

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate:
        """A random plate, as in `painters.Painter`."""
        design, lettering = self.plates.choose(rng, rows)
        plate = self.draw(design, lettering, rng)
        return PaintedPlate(plate, self.plates.text_of(lettering), design.colour, design.rows)

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate:
        """A random plate for an end of a car, as in `painters.Painter`."""
        design, lettering = self.plates.choose(rng, end=end)
        text, draw = self.plates.text_of(lettering), partial(self.draw, design, lettering)
        return PlannedPlate(text, design.colour, design.width, design.height, draw, design.rows)

    def issues(self, words: str) -> bool:
        """Whether `words` may be on one of these plates."""
        return self.plates.issues(words)

    def draw(self, design: Design, lettering: str, rng: np.random.Generator) -> np.ndarray:
        """Draw a plate seen straight on: RGB uint8, one pixel per millimetre.

        Raises:
            UsageError: `lettering`, which is the choice of a `Pattern`, has a wrong number of rows or a character
                without a glyph, or is too wide.
        """
        rows = lettering.split(NEXT_ROW)
        if len(rows) != design.rows:
            raise UsageError(f"'{lettering}': this design has {design.rows} rows, not {len(rows)}")
        mask = np.zeros((design.height, design.width), np.uint8)
        stickers: list[tuple[float, float]] = []
        # Characters are centred or, sometimes, shifted to one side.
        alignment = 0.5 if rng.random() < 0.8 else rng.uniform(0.25, 0.75)
        shift_x, shift_y = rng.integers(-1, 2, 2)
        for number, row in enumerate(rows):
            start = (_start(design, row, alignment) + shift_x, design.row_top(number) + shift_y)
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
        """Write a row from its upper left corner `start` in place; return the upper left corners of its stickers."""
        masks, stickers = self._masks[design], []
        for item, offset in zip(row, design.offsets(row), strict=False):
            corner = (start[0] + offset, start[1])
            if item == STICKER:
                stickers.append(corner)
            elif item != GAP:
                if item not in masks:
                    raise UsageError(f"'{row}': there is no glyph for '{item}'")
                _put(canvas, masks[item], np.round(corner).astype(int) + rng.integers(-1, 2, 2))
        return stickers


def _start(design: Design, row: str, alignment: float) -> float:
    """The left end of a row. `alignment` is the share of the free space on its left."""
    left, right = design.area
    width = design.offsets(row)[-1]
    if width > right - left:
        raise UsageError(f"'{row}': {width:.0f} mm wide, but only {right - left:.0f} mm are between the margins")
    return left + (right - left - width) * alignment


def _put(canvas: np.ndarray, glyph: np.ndarray, corner: np.ndarray) -> None:
    """Put a glyph onto the canvas in place, inside its edges."""
    height, width = glyph.shape
    x, y = np.clip(corner, 0, np.array(canvas.shape[::-1]) - (width, height))
    area = canvas[y : y + height, x : x + width]
    cv2.max(area, glyph, dst=area)
