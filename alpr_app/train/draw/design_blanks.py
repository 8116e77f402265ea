"""What a plate of a plates file is before it is written on, and the glyphs and stickers that are put on it."""

from __future__ import annotations

import cv2
import numpy as np

from alpr_app.train.draw.blanks import AROUND, FINE, rounded
from alpr_app.train.draw.glyphs import Masks, load_font
from alpr_app.train.draw.strokes import STROKES, cell_mask
from alpr_app.train.patterns import DASH, DOT
from alpr_app.train.plate_design import Band, Design, PlatesFile
from alpr_app.train.toml_checks import PlatesError

# Unassigned for good: what a font shows for it, it shows for whatever it lacks.
MISSING = "\U0010fffd"
STAR_COLOUR = (250, 205, 30)
# Of most lettering's capitals, in sizes of the font.
CAPITAL = 0.75
STICKER_COLOURS = ((210, 60, 60), (60, 110, 200), (230, 150, 40), (70, 150, 90), (150, 90, 60), (235, 200, 60))


def _written(text: str, face: cv2.FontFace, size: int) -> np.ndarray:
    """The ink of a text, trimmed: uint8."""
    canvas = np.zeros((2 * size, size * (len(text) + 2), 3), np.uint8)
    cv2.putText(canvas, text, (size // 2, round(1.4 * size)), (255, 255, 255), face, size)
    left, top, width, height = cv2.boundingRect(canvas[:, :, 0])
    return canvas[top : top + height, left : left + width, 0]


def _fitted(ink: np.ndarray, width: int, height: int, capital: float) -> np.ndarray:
    """A character in the middle of its cell, as high as it is in proportion to a capital, squeezed if it is wide."""
    high = min(height, max(1, round(height * ink.shape[0] / capital)))
    wide = min(width, max(1, round(ink.shape[1] * height / capital)))
    cell = np.zeros((height, width), np.uint8)
    left = (width - wide) // 2
    cell[height - high :, left : left + wide] = cv2.resize(ink, (wide, high), interpolation=cv2.INTER_AREA)
    return cell


def glyph_masks(design: Design, plates: PlatesFile) -> Masks:
    """Every character and mark of a design: uint8, 255 is ink. Raises PlatesError for one that no font has."""
    width, height = design.character_width, design.character_height
    face = load_font() if design.font is None else cv2.FontFace(str(design.font))
    size = 4 * height
    nothing, capital = _written(MISSING, face, size), _written("H", face, size).shape[0]
    masks: Masks = {}
    for mark, high in ((DASH, design.stroke), (DOT, 1.2 * design.stroke)):
        mask = np.zeros((height, round(design.room(mark))), np.uint8)
        middle = round((height - high) / 2)
        mask[middle : middle + round(high), 1:-1] = 255
        masks[mark] = mask
    for character in plates.alphabet:
        if design.font is None and character in STROKES:
            masks[character] = cell_mask(character, width, height, design.stroke)
            continue
        ink = _written(character, face, size)
        if ink.shape == nothing.shape and (ink == nothing).all():
            remedy = "name one that has it with 'font'" if design.font is None else "take another 'font'"
            raise PlatesError(f"{plates.path}: the font has no '{character}'; {remedy}")
        masks[character] = _fitted(ink, width, height, capital)
    return masks


def draw_blanks(design: Design) -> list[np.ndarray]:
    """Blanks of every background and in slightly different shapes, RGB uint8, one pixel a millimetre."""
    codes = design.band.text if design.band is not None and design.band.text else ("",)
    most = max(len(codes), 2, *(len(caption.text) for caption in design.captions))
    return [
        _blank(design, background, radius, number)
        for background in design.background
        for radius in (0.7 * design.radius, 1.2 * design.radius)
        for number in range(most)
    ]


def _blank(design: Design, background: tuple[int, int, int], radius: float, number: int) -> np.ndarray:
    """One blank; of several texts of band and captions, those at place `number`."""
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
    """The strip at the side, in place, at fine scale."""
    height, width = field.shape[:2]
    left = 0 if band.side == "left" else width - round(band.width * FINE)
    field[:, left : left + round(band.width * FINE)] = band.colour
    middle, tall = left / FINE + band.width / 2, height / FINE
    if band.stars:
        ring = min(0.3 * band.width, 0.16 * tall)
        for angle in np.arange(12) * np.pi / 6:
            x, y = middle + ring * np.sin(angle), 0.3 * tall - ring * np.cos(angle)
            cv2.circle(field, (round(x * FINE), round(y * FINE)), round(0.14 * ring * FINE), STAR_COLOUR, -1)
    if band.text:
        text = band.text[number % len(band.text)]
        size = min(0.3 * tall, 0.9 * band.width / len(text)) / CAPITAL
        _put_text(field, text, load_font(), (middle, (0.75 if band.stars else 0.7) * tall), size, band.ink)


def _put_text(
    field: np.ndarray,
    text: str,
    face: cv2.FontFace,
    centre: tuple[float, float],
    size: float,
    colour: tuple[int, int, int],
) -> None:
    """A text around `centre` (x, y), in place, at fine scale; smaller if the field is too narrow. size: in mm."""
    ink = _written(text, face, max(8, round(size * FINE)))
    scale = min(1.0, 0.9 * field.shape[1] / ink.shape[1])
    if scale < 1:
        ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = min(ink.shape[0], field.shape[0]), ink.shape[1]
    left = min(max(0, round(centre[0] * FINE - width / 2)), field.shape[1] - width)
    top = min(max(0, round(centre[1] * FINE - height / 2)), field.shape[0] - height)
    area = field[top : top + height, left : left + width]
    share = (ink[:height].astype(np.float32) / 255)[..., None]
    area[:] = area * (1 - share) + np.float32(colour) * share


def put_sticker(plate: np.ndarray, x: float, y: float, design: Design, rng: np.random.Generator) -> None:
    """One or two round stickers where a row has its mark, in place, each as official ones are: rings and a middle."""
    room = design.room("*")
    count = int(rng.integers(1, 3))
    radius = 0.46 * room
    for place in range(count):
        centre_x = x + room / 2 + rng.uniform(-1, 1)
        centre_y = y + design.character_height * ((place + 0.5) / count if count > 1 else rng.uniform(0.3, 0.75))
        colour = STICKER_COLOURS[rng.integers(len(STICKER_COLOURS))] if place == 0 else (206, 208, 210)
        spot, size = (round(centre_x * 16), round(centre_y * 16)), radius * rng.uniform(0.85, 1)
        cv2.circle(plate, spot, round(size * 16), colour, -1, cv2.LINE_AA, shift=4)
        cv2.circle(plate, spot, round(size * 0.78 * 16), (90, 92, 96), 1, cv2.LINE_AA, shift=4)
        cv2.circle(plate, spot, round(size * 0.4 * 16), STICKER_COLOURS[rng.integers(6)], -1, cv2.LINE_AA, shift=4)
