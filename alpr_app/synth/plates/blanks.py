"""Blank plates and the positions of their characters, in millimetres after GA 36-2018; and the traces of use: bolts,
frames, dirt and fading.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.core.plate import DIGITS, LETTERS
from alpr_app.core.plate_kinds import kind_of
from alpr_app.synth.plates.glyphs import GREEN, HALF, LOWER, SMALL, STANDARD, UPPER, load_font

HEIGHT, WIDTH, GREEN_WIDTH = 140, 440, 480
DOUBLE_HEIGHT = 220
# Paper plates are 220 x 140 mm, drawn at the scale of the others.
PAPER_HEIGHT = 305
CELL_TOP = 25


@dataclass(frozen=True)
class Cell:
    """The upper left corner of a character in mm, and its lettering (see `glyphs.CELLS`)."""

    left: int
    top: int = CELL_TOP
    lettering: str = STANDARD


@dataclass(frozen=True)
class Layout:
    """The cells in reading order, the centre (x, y) of the dot or emblem, and the size of the plate, in mm."""

    cells: tuple[Cell, ...]
    dot: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT


def _single(before_dot: int) -> Layout:
    """Seven cells of 45 mm with gaps of 12 mm, and a gap of 34 mm with the dot after the first `before_dot` cells."""
    lefts = [15 + 57 * index + (22 if index >= before_dot else 0) for index in range(7)]
    return Layout(tuple(Cell(left) for left in lefts), (lefts[before_dot] - 17, 70))


def _double() -> Layout:
    """Plates for the rear of lorries and for trailers: two wide characters above five tall ones."""
    upper = [Cell(left, 15, UPPER) for left in (110, 250)]
    lower = [Cell(27 + 80 * index, 90, LOWER) for index in range(5)]
    return Layout((*upper, *lower), (220, 45), height=DOUBLE_HEIGHT)


def _even(count: int, rows: int = 1) -> Layout:
    """Plates of Hong Kong and Macao: equal cells over the whole width, the first two above the others in two rows."""
    if rows == 2:
        gap = (WIDTH - 65 * (count - 2)) // (count - 1)
        lower = [Cell(gap + (65 + gap) * index, 100, LOWER) for index in range(count - 2)]
        return Layout((Cell(110, 18, UPPER), Cell(250, 18, UPPER), *lower), NO_DOT, height=DOUBLE_HEIGHT)
    gap = (WIDTH - 30 - 45 * count) // (count - 1)
    return Layout(tuple(Cell(15 + (45 + gap) * index) for index in range(count)), NO_DOT)


def _armed_police(middle: tuple[Cell, ...]) -> Layout:
    """WJ, then small characters of the province, then five."""
    rest = tuple(Cell(160 + 55 * index) for index in range(5))
    return Layout((Cell(8), Cell(54), *middle, *rest), (127, 40))


NO_DOT = (-100.0, -100.0)
_GREEN_LEFTS = (15, 69, 161, 213, 265, 317, 369, 421)
_GREEN_CELLS = tuple(Cell(left, lettering=GREEN) for left in _GREEN_LEFTS)
_GREEN = Layout(_GREEN_CELLS, (136.5, 70), GREEN_WIDTH)
# Three small characters above five, on farm vehicles.
_FARM = Layout(
    (Cell(88, 15, UPPER), Cell(195, 15, UPPER), Cell(268, 15, UPPER), *_double().cells[2:]),
    NO_DOT,
    height=DOUBLE_HEIGHT,
)
# 应 above 急 behind six characters.
_EMERGENCY = Layout((*_single(2).cells[:6], Cell(382, 25, HALF), Cell(382, 71, HALF)), _single(2).dot)
LAYOUTS = {
    "blue": _single(2),
    "blue_double": _double(),
    "yellow": _single(2),
    "yellow_double": _double(),
    "white": _single(1),
    "white_double": _double(),
    "white_military": _single(2),
    "white_police_9": _armed_police((Cell(104, 70, SMALL), Cell(129, 70, SMALL))),
    "white_police_8": _armed_police((Cell(107, 70, HALF),)),
    "white_emergency": _EMERGENCY,
    "white_paper_7": Layout(
        tuple(Cell(cell.left + 20, 110) for cell in _single(2).cells), (156, 155), 480, PAPER_HEIGHT
    ),
    "white_paper_8": Layout(
        tuple(Cell(cell.left, 110, GREEN) for cell in _GREEN_CELLS), (136, 155), GREEN_WIDTH, PAPER_HEIGHT
    ),
    **{f"{colour}_hong_kong_{count}": _even(count) for colour in ("white", "yellow") for count in (5, 6)},
    **{
        f"{colour}_hong_kong_double_{count}": _even(count, rows=2) for colour in ("white", "yellow") for count in (5, 6)
    },
    "black": _single(2),
    "black_embassy": _single(4),
    "black_embassy_last": _single(3),
    "black_macao": _even(6),
    "green": _GREEN,
    "green_truck": _GREEN,
    "green_airport": _single(2),
    "green_farm": _FARM,
}
LAYOUTS |= {f"yellow_paper_{count}": LAYOUTS[f"white_paper_{count}"] for count in (7, 8)}
_OF_KIND = {
    "military": "white_military",
    "emergency": "white_emergency",
    "airport": "green_airport",
    "farm": "green_farm",
}


def style_of(text: str, colour: str, rows: int = 1) -> str:
    """The style of the blank for a text of a colour and number of rows.

    Raises:
        UsageError: there are no such plates with two rows.
    """
    kind = kind_of(text, colour, rows)
    if kind == "hong_kong" and colour != "black":
        return f"{colour}_hong_kong_{'double_' if rows == 2 else ''}{len(text)}"
    if rows == 2 and kind != "farm":
        if f"{colour}_double" not in LAYOUTS:
            raise UsageError(f"'{text}': there are no {colour} plates of this kind with two rows")
        return f"{colour}_double"
    if kind == "armed_police":
        return f"white_police_{len(text)}" if len(text) > 7 else "white_military"
    if kind in ("temporary", "test", "oversize"):
        return f"{'yellow' if colour == 'yellow' else 'white'}_paper_{len(text)}"
    if kind == "macao" and len(text) == 6:
        return "black_macao"
    if kind == "embassy" and text[0] in DIGITS:
        return "black_embassy_last"
    if kind in _OF_KIND:
        return _OF_KIND[kind]
    if colour == "green" and text[-1] in LETTERS:
        return "green_truck"
    if colour == "black" and text[0] == "使":
        return "black_embassy"
    return colour


# Pixels per millimetre of the drawing, before it is averaged down.
FINE = 3
# Colours of the field, the characters and the rim by the style's colour, or by the style where it differs.
FIELD = {
    "blue": (18, 72, 196),
    "yellow": (236, 176, 20),
    "white": (232, 233, 230),
    "black": (24, 24, 27),
    "green": (70, 190, 110),
    "green_airport": (24, 110, 70),
    "green_farm": (16, 116, 66),
    "white_paper_7": (206, 224, 234),
    "white_paper_8": (206, 224, 234),
    "yellow_paper_7": (226, 204, 160),
    "yellow_paper_8": (226, 204, 160),
}
INK = {
    "blue": (248, 248, 246),
    "yellow": (14, 14, 16),
    "green": (12, 16, 14),
    "white": (16, 16, 18),
    "black": (246, 246, 244),
    "green_airport": (246, 248, 246),
    "green_farm": (246, 248, 246),
}
RIM = {
    "blue": (240, 242, 246),
    "yellow": (20, 20, 20),
    "white": (30, 30, 32),
    "black": (236, 236, 236),
    "green": (26, 60, 40),
    "green_truck": (26, 40, 30),
    "green_airport": (236, 240, 236),
    "green_farm": (236, 240, 236),
}


def of_style(table: dict[str, tuple[int, int, int]], style: str) -> tuple[int, int, int]:
    """The colour of a style in one of these tables."""
    return table.get(style) or table[style.split("_")[0]]


AROUND = (34, 34, 36)
FRAME_WORDS = (
    "汽车销售服务有限公司",
    "AUTO 4S",
    "电话 0551-6226",
    "安全驾驶  文明出行",
    "XINGCHE MOTORS",
    "平安出行",
    "远航汽车",
    "一路顺风",
    "CITY AUTO",
    "华兴汽贸  400-820",
)
FRAME_COLOURS = ((20, 20, 22), (20, 20, 22), (60, 60, 64), (178, 182, 186), (205, 205, 200))
BOLT_X = (0.25, 0.75)
BOLTS_SHARE, FRAME_SHARE = 0.75, 0.22


def rounded(canvas: np.ndarray, inset: float, radius: float, colour: int) -> None:
    """Draw a filled rounded rectangle in place, `inset` mm inside the edges of the canvas."""
    height, width = canvas.shape[:2]
    a, r = round(inset * FINE), round(radius * FINE)
    cv2.rectangle(canvas, (a + r, a), (width - 1 - a - r, height - 1 - a), colour, -1)
    cv2.rectangle(canvas, (a, a + r), (width - 1 - a, height - 1 - a - r), colour, -1)
    for x in (a + r, width - 1 - a - r):
        for y in (a + r, height - 1 - a - r):
            cv2.circle(canvas, (x, y), r, colour, -1)


def _field(style: str, layout: Layout, tint: float) -> np.ndarray:
    """The plain surface at fine scale; `tint` sets how white the upper end of green plates is, 0 to 1."""
    height, width = layout.height * FINE, layout.width * FINE
    field = np.full((height, width, 3), of_style(FIELD, style), np.uint8)
    if style == "green":
        pale = np.array([206, 232, 212], np.float32) * (1 - tint) + np.array([246, 250, 247], np.float32) * tint
        ramp = np.clip((np.linspace(0, 1, height, dtype=np.float32) - 0.08) / 0.84, 0, 1)[:, None, None]
        field[:] = pale * (1 - ramp) + np.asarray(FIELD[style], np.float32) * ramp
    if style == "green_truck":
        field[:, : round(137 * FINE)] = FIELD["yellow"]
    return field


def _emblem(canvas: np.ndarray, x: float, y: float) -> None:
    """Draw the round emblem of new-energy plates between the second and the third character."""
    centre, r = (round(x * FINE), round(y * FINE)), round(12 * FINE)
    cv2.circle(canvas, centre, r, (200, 222, 214), -1)
    for index, colour in enumerate(((60, 140, 220), (226, 60, 140), (240, 130, 60), (246, 200, 40), (50, 140, 60))):
        start = 90 + index * 36
        cv2.ellipse(canvas, centre, (r - 2 * FINE, r - 2 * FINE), 0, start, start + 36, colour, -1)
    for dy in (-1, 0, 1):
        level = centre[1] + round(dy * 4.4 * FINE)
        cv2.line(canvas, (centre[0] - r // 2, level), (centre[0] + r // 4, level), (246, 248, 248), round(2.4 * FINE))
    cv2.circle(canvas, centre, r, (96, 140, 150), FINE)


def draw_blanks(style: str, layout: Layout) -> list[np.ndarray]:
    """Blanks of a style with and without a rim, in slightly different shapes: RGB uint8, one pixel per millimetre."""
    variants = []
    for rim in (0.0, 2.0, 2.8, 2.8):
        for radius, tint in ((5, 0.1), (9, 0.9)):
            canvas = np.full((layout.height * FINE, layout.width * FINE, 3), AROUND, np.uint8)
            field = _field(style, layout, tint)
            shape = np.zeros(canvas.shape[:2], np.uint8)
            rounded(shape, 0.5, radius, 255)
            cv2.copyTo(field, shape, canvas)
            if rim:
                shape[:] = 0
                rounded(shape, 3.0, radius - 1, 255)
                rounded(shape, 3.0 + rim, radius - 2.5, 0)
                cv2.copyTo(np.full_like(canvas, of_style(RIM, style)), shape, canvas)
            if style in ("green", "green_truck"):
                _emblem(canvas, *layout.dot)
            else:
                colour = of_style(INK, style)
                x, y = layout.dot
                cv2.circle(canvas, (round(x * FINE), round(y * FINE)), 5 * FINE, colour, -1)
            variants.append(cv2.resize(canvas, (layout.width, layout.height), interpolation=cv2.INTER_AREA))
    return variants


def load_template(path: Path, layout: Layout) -> np.ndarray:
    """Load a blank from a picture: RGB uint8, one pixel per millimetre. Raises FileNotFoundError if that fails."""
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.is_file() else None
    if picture is None:
        raise FileNotFoundError(f"{path}: no template picture; name a folder that holds it, or leave the folder out")
    size = (layout.width, layout.height)
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), size, interpolation=cv2.INTER_AREA)


def _bolt(radius: float, colour: tuple[int, int, int], wide: float) -> tuple[np.ndarray, np.ndarray]:
    """A bolt head or slot, lit from above, as patches of opacity and colour."""
    size = round(radius * 2 * wide) + 6
    disc = np.zeros((size * FINE, size * FINE), np.uint8)
    centre = (size * FINE // 2, size * FINE // 2)
    cv2.ellipse(disc, centre, (round(radius * wide * FINE), round(radius * FINE)), 0, 0, 360, 255, -1)
    alpha = cv2.resize(disc, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    light = np.linspace(1.25, 0.6, size, dtype=np.float32)[:, None, None]
    return alpha, np.clip(np.asarray(colour, np.float32) * light, 0, 255) * np.ones_like(alpha)


class Extras:
    """Prepared details that are added to a painted plate: bolts, dealers' frames with words, and grain."""

    def __init__(self, words: tuple[str, ...] = FRAME_WORDS) -> None:
        metal = ((190, 190, 186), (120, 120, 120), (222, 222, 220), (60, 58, 56), (196, 178, 130))
        self._bolts = [
            _bolt(radius, colour, wide) for radius in (4.0, 5.5, 7.0) for colour in metal for wide in (1, 1.3)
        ]
        face = load_font()
        self._words = [self._render(text, face) for text in words]
        self.grain = np.random.default_rng(0).normal(0, 1, (512, 1024)).astype(np.float32)

    @staticmethod
    def _render(words: str, face: cv2.FontFace) -> np.ndarray:
        canvas = np.zeros((60, 900, 3), np.uint8)
        cv2.putText(canvas, words, (10, 45), (255, 255, 255), face, 36)
        left, top, width, height = cv2.boundingRect(canvas[:, :, 0])
        ink = canvas[top : top + height, left : left + width, 0]
        return cv2.resize(ink, (max(1, round(width * 7 / height)), 7), interpolation=cv2.INTER_AREA)

    def add(
        self, plate: np.ndarray, rng: np.random.Generator, bolts: float = BOLTS_SHARE, frame: float = FRAME_SHARE
    ) -> None:
        """Add bolts and a frame in place with the probabilities `bolts` and `frame`."""
        if rng.random() < bolts:
            self._add_bolts(plate, rng)
        if rng.random() < frame:
            self._add_frame(plate, rng)

    def _add_bolts(self, plate: np.ndarray, rng: np.random.Generator) -> None:
        height, width = plate.shape[:2]
        top, bottom = rng.random() < 0.95, rng.random() < 0.6
        alpha, colour = self._bolts[rng.integers(len(self._bolts))]
        size = alpha.shape[0]
        for y, present in ((rng.uniform(9, 14), top), (height - rng.uniform(9, 14), bottom)):
            for share in BOLT_X:
                if present and rng.random() < 0.95:
                    x0 = round(width * share + rng.uniform(-3, 3)) - size // 2
                    y0 = max(0, min(round(y) - size // 2, height - size))
                    patch = plate[y0 : y0 + size, x0 : x0 + size]
                    patch[:] = patch * (1 - alpha) + colour * alpha

    def _add_frame(self, plate: np.ndarray, rng: np.random.Generator) -> None:
        height, width = plate.shape[:2]
        colour = np.asarray(FRAME_COLOURS[rng.integers(len(FRAME_COLOURS))], np.float32)
        side, top, bottom = rng.integers(3, 8), rng.integers(3, 9), rng.integers(3, 14)
        for rows, columns, light in (
            (slice(0, top), slice(None), 1.0),
            (slice(height - bottom, None), slice(None), 0.85),
            (slice(None), slice(0, side), 0.95),
            (slice(None), slice(width - side, None), 0.9),
        ):
            plate[rows, columns] = colour * light
        if bottom >= 10:
            words = self._words[rng.integers(len(self._words))][:, : width - 2 * side]
            left, y = (width - words.shape[1]) // 2, height - bottom + (bottom - 7) // 2
            area = plate[y : y + 7, left : left + words.shape[1]]
            ink = (words.astype(np.float32) / 255)[..., None]
            area[:] = area * (1 - ink) + (225 if colour.mean() < 128 else 30) * ink


def age(plate: np.ndarray, extras: Extras, rng: np.random.Generator) -> np.ndarray:
    """Apply random colour, fading, dirt and grain to a finished plate: a new picture of the same size."""
    height, width = plate.shape[:2]
    fade = rng.uniform(0, 0.35) ** 1.5
    gains = np.diag(rng.uniform(0.8, 1.06) * rng.uniform(0.94, 1.06, 3))
    grey = np.full((3, 3), 1 / 3)
    mix = gains @ ((1 - fade) * np.eye(3) + fade * grey)
    lift = rng.uniform(-4, 30) * fade * 2 + rng.uniform(-6, 8, 3)
    plate = cv2.transform(plate, np.hstack([mix, lift[:, None]]).astype(np.float32))
    patches: np.ndarray = rng.normal(0, rng.uniform(0.01, 0.06), (4, 9)).astype(np.float32)
    patches = cv2.resize(patches, (36, 16), interpolation=cv2.INTER_CUBIC)
    field: np.ndarray = 1 + cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
    y, x = rng.integers(512 - height), rng.integers(1024 - width)
    field += extras.grain[y : y + height, x : x + width] * np.float32(rng.uniform(0, 0.02))
    if rng.random() < 0.25:
        plate = _muddy(plate, extras.grain[y : y + height, x : x + width], rng)
    return cv2.multiply(plate, cv2.merge([field] * 3), dtype=cv2.CV_8U)


def _muddy(plate: np.ndarray, grain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add dust and mud, denser at the bottom, in soft spots where the blurred grain is high."""
    height, width = grain.shape
    small = cv2.resize(grain, (width // 3, height // 3), interpolation=cv2.INTER_AREA)
    coarse: np.ndarray = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.8, 5))
    coarse *= 0.4 / max(float(coarse.std()), 1e-6)
    coarse += np.linspace(rng.uniform(-0.8, 0.1), rng.uniform(0, 0.6), height // 3, dtype=np.float32)[:, None]
    mud = cv2.resize(np.clip(coarse, 0, 1), (width, height)) * np.float32(rng.uniform(0.15, 0.6))
    colour = np.array([120, 108, 92], np.float32) * rng.uniform(0.4, 1.3)
    return cv2.blendLinear(np.full_like(plate, colour), plate, mud, 1 - mud)
