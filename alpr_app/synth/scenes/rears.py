"""The details of the back of a car, a lorry or a bus: window, boot lid, lamps, bumper and a place for the plate."""

from __future__ import annotations

import cv2
import numpy as np

from alpr_app.synth.scenes.bodies import Body
from alpr_app.synth.scenes.fronts import BLACK, CHROME, GLASS, RUBBER, draw_badge
from alpr_app.synth.scenes.surface import Colour, Surface, colour_of, symmetric

RED: Colour = (150, 10, 14)


def _lorry_lamps(surface: Surface, body: Body, y: float, lit: bool) -> None:
    w = body.half
    surface.paint(
        [(w - 0.42, y + 0.07), (w - 0.06, y + 0.07), (w - 0.06, y - 0.07), (w - 0.42, y - 0.07)],
        BLACK,
        gloss=0.04,
        depth=-0.03,
        corner=0.012,
        mirror=True,
    )
    for place, colour in enumerate(((190, 96, 20), RED, (190, 186, 180))):
        x = w - 0.36 + place * 0.12
        glow = (255, 60, 40) if lit and place == 1 else None
        surface.paint(
            [(x - 0.05, y + 0.05), (x + 0.05, y + 0.05), (x + 0.05, y - 0.05), (x - 0.05, y - 0.05)],
            colour,
            gloss=0.1,
            corner=0.01,
            depth=-0.008,
            glow=glow,
            mirror=True,
        )


def _stripes(surface: Surface, half: float, y: float, tall: float) -> None:
    """Red and white reflective film along a beam."""
    x, red = -half, True
    while x < half:
        end = min(x + 0.15, half)
        surface.paint(
            [(x, y + tall), (end, y + tall), (end, y), (x, y)],
            (190, 20, 24) if red else (226, 226, 220),
            corner=0,
            gloss=0.03,
        )
        x, red = end, not red


def draw_lorry(surface: Surface, body: Body, rng: np.random.Generator, lit: bool) -> float:
    """Draw the doors of a box body above an underrun beam; return the height of the plate's centre in metres."""
    w, top, floor = body.half, body.height, body.nose + 0.02
    ribs = rng.uniform(0.1, 0.2)
    for x in np.arange(ribs, w - 0.1, ribs):
        surface.paint([(x, floor + 0.08), (x, top - 0.1)], width=0.035, depth=0.014, bevel=0.008, mirror=True)
    for x in (0.0, w - 0.05):
        surface.paint(
            [(x, floor), (x, top - 0.05)],
            (8, 8, 8) if x == 0 else None,
            width=0.012 if x == 0 else 0.07,
            depth=0.01 if x == 0 else -0.03,
            mirror=x > 0,
        )
    for x in (0.2, w - 0.24):
        surface.paint(
            [(x, floor - 0.02), (x, top - 0.06)],
            (96, 98, 100),
            width=0.035,
            gloss=0.2,
            depth=-0.05,
            bevel=0.012,
            mirror=True,
        )
        for y in (floor + 0.1, top - 0.25):
            surface.paint([(x - 0.05, y), (x + 0.05, y)], (70, 72, 74), width=0.05, gloss=0.1, depth=-0.03, mirror=True)
    for y in (floor + 0.25, 1.9, top - 0.3):
        surface.paint([(w - 0.16, y), (w - 0.01, y)], (82, 84, 86), width=0.05, gloss=0.1, depth=-0.025, mirror=True)
    surface.paint([(-w, floor), (w, floor)], (50, 52, 54), width=0.1, gloss=0.05, depth=-0.03)
    _stripes(surface, w - 0.03, floor - 0.02, 0.045)
    _stripes(surface, w - 0.03, top - 0.09, 0.045)
    low = body.clearance
    surface.paint(
        [(-w, floor - 0.06), (w, floor - 0.06), (w, low - 0.1), (-w, low - 0.1)],
        (18, 18, 19),
        gloss=0.02,
        depth=0.3,
        corner=0,
    )
    beam = low + 0.1
    surface.paint([(-w + 0.06, beam), (w - 0.06, beam)], (46, 48, 50), width=0.13, gloss=0.08, depth=-0.36, bevel=0.012)
    _stripes(surface, w - 0.1, beam - 0.045, 0.05)
    _lorry_lamps(surface, body, beam + 0.17, lit)
    plate_y = beam + 0.2
    surface.paint(
        [(-0.25, plate_y + 0.09), (0.25, plate_y + 0.09), (0.25, plate_y - 0.09), (-0.25, plate_y - 0.09)],
        (34, 34, 35),
        gloss=0.04,
        depth=-0.36,
        corner=0.008,
    )
    return plate_y


def draw_bus(surface: Surface, body: Body, rng: np.random.Generator, lit: bool) -> float:
    """Draw the window and engine flap of a bus; return the height of the plate's centre in metres."""
    w, top = body.half, body.height
    surface.paint(
        symmetric([(0, top - 0.22), (w - 0.14, top - 0.24), (w - 0.12, 1.72), (0, 1.68)]),
        GLASS,
        gloss=0.1,
        corner=0.05,
        depth=0.012,
    )
    second = colour_of(rng.uniform(30, 200, 3))
    surface.paint([(-w, 1.5), (-0.2, 1.42), (w, 1.62), (w, 1.34), (0.1, 1.22), (-w, 1.36)], second, corner=0.02)
    surface.paint(
        [(-w + 0.2, 1.3), (w - 0.2, 1.3), (w - 0.22, 0.78), (-w + 0.22, 0.78)],
        width=0.0,
        depth=0.012,
        corner=0.04,
        bevel=0.008,
    )
    for y in np.arange(0.98, 1.24, 0.035):
        surface.paint([(-0.62, y), (0.62, y)], BLACK, width=0.016, depth=0.014, alpha=0.9)
    low = body.clearance
    surface.paint([(-w, low + 0.12), (w, low + 0.12)], (10, 10, 10), width=0.008, depth=0.008)
    for y in (0.95, 1.12, 1.29):
        surface.disc(
            w - 0.13,
            y,
            0.06,
            RED if y != 1.12 else (196, 100, 24),
            gloss=0.1,
            depth=-0.02,
            mirror=True,
            glow=(255, 50, 36) if lit and y != 1.12 else None,
        )
    plate_y = 0.86
    surface.paint(
        [(-0.27, plate_y + 0.1), (0.27, plate_y + 0.1), (0.27, plate_y - 0.1), (-0.27, plate_y - 0.1)],
        depth=0.03,
        corner=0.01,
    )
    return plate_y


DEEP_RED: Colour = (84, 6, 10)
NAMES = ("LANYUN", "S400", "XING", "TIANHE", "M6 1.5T", "QINGFENG", "E90", "GT")


def draw_rear(surface: Surface, body: Body, rng: np.random.Generator, lit: bool, face: cv2.FontFace) -> float:
    """Draw all details and return the height of the plate's centre in metres; `lit` switches the lamps on."""
    if body.kind == "lorry":
        return draw_lorry(surface, body, rng, lit)
    if body.kind == "bus":
        return draw_bus(surface, body, rng, lit)
    _window(surface, body, rng)
    plate_y = _lid(surface, body, rng)
    _bumper(surface, body, rng)
    _lamps(surface, body, rng, lit)
    draw_badge(surface, 0.0, body.nose - 0.055, rng)
    _letters(surface, body, rng, face)
    return plate_y


def _window(surface: Surface, body: Body, rng: np.random.Generator) -> None:
    belt, top, w = body.belt, body.height, body.half
    low, high = w - 0.21, w - {"saloon": 0.34, "hatch": 0.33, "offroader": 0.3, "van": 0.24}[body.kind]
    roof = 0.07 if body.kind == "saloon" else 0.12
    shape = symmetric([(0, top - roof), (high, top - roof - 0.02), (low, belt + 0.045), (0, belt + 0.02)])
    surface.paint(shape, BLACK, gloss=0.07, corner=0.03, depth=0.008)
    inner = symmetric(
        [(0, top - roof - 0.025), (high - 0.05, top - roof - 0.04), (low - 0.06, belt + 0.075), (0, belt + 0.05)]
    )
    surface.paint(inner, GLASS, gloss=0.09, corner=0.03)
    shade = float(rng.uniform(40, 62))
    surface.paint(
        symmetric(
            [(0, top - roof - 0.06), (high - 0.16, top - roof - 0.07), (low - 0.2, belt + 0.2), (0, belt + 0.19)]
        ),
        (shade, shade, shade),
        corner=0.04,
        alpha=0.6,
    )
    for x in (-0.38, 0.0, 0.38):
        surface.paint(
            [(x - 0.11, belt + 0.26), (x + 0.11, belt + 0.26), (x + 0.15, belt + 0.06), (x - 0.15, belt + 0.06)],
            (14, 14, 15),
            corner=0.04,
            alpha=0.85,
        )
    for y in np.arange(belt + 0.1, top - roof - 0.06, 0.045):
        surface.paint([(-low + 0.12, y), (low - 0.12, y)], (60, 50, 44), width=0.003, alpha=0.45)
    if body.kind != "saloon":
        surface.paint([(0.0, belt + 0.04), (0.12, belt + 0.07), (0.42, belt + 0.1)], RUBBER, width=0.016, depth=-0.012)
        surface.paint([(-high - 0.03, top - 0.06), (high + 0.03, top - 0.06)], width=0.05, depth=-0.05, bevel=0.02)
        surface.paint([(-0.16, top - 0.075), (0.16, top - 0.075)], RED, width=0.016, gloss=0.06)


def _lid(surface: Surface, body: Body, rng: np.random.Generator) -> float:
    """Draw shut lines and the recess for the plate; return the height of the plate."""
    nose, w = body.nose, body.half
    edge = 0.62
    seam = [(w - 0.2, nose + 0.03), (w - 0.27, nose - 0.1), (w - 0.3, edge + 0.02), (w - 0.36, edge)]
    surface.paint(seam + [(-x, y) for x, y in seam[::-1]], (7, 7, 8), width=0.005, alpha=0.8, depth=0.005)
    low_plate = body.kind == "offroader" and rng.random() < 0.4
    plate_y = 0.5 if low_plate else edge + 0.12 + rng.uniform(0, 0.03)
    spread, tall = rng.uniform(0.28, 0.36), rng.uniform(0.09, 0.105)
    recess = symmetric(
        [
            (0, plate_y + tall + 0.02),
            (spread + 0.03, plate_y + tall + 0.012),
            (spread, plate_y - tall),
            (0, plate_y - tall),
        ]
    )
    same = rng.random() < 0.75
    surface.paint(recess, None if same else RUBBER, gloss=None if same else 0.04, depth=0.035, corner=0.02, bevel=0.014)
    y = plate_y + tall + 0.028
    bright = CHROME if rng.random() < 0.6 else body.paint
    surface.paint(
        [(-spread - 0.05, y), (spread + 0.05, y)],
        bright,
        width=0.03,
        gloss=0.45 if bright is CHROME else 0.05,
        depth=-0.02,
    )
    for x in (-0.12, 0.12):
        surface.paint([(x - 0.025, y - 0.018), (x + 0.025, y - 0.018)], (190, 190, 180), width=0.008)
    return plate_y


def _bumper(surface: Surface, body: Body, rng: np.random.Generator) -> None:
    w, low = body.half, body.clearance
    surface.paint([(-w, 0.6), (w, 0.6)], (8, 8, 8), width=0.007, depth=0.008)
    tall = low + rng.uniform(0.1, 0.2)
    surface.paint(
        symmetric(
            [
                (0, tall),
                (w - 0.3, tall + 0.01),
                (w - 0.1, tall - 0.04),
                (w, tall - 0.03),
                (w, low - 0.1),
                (0, low - 0.1),
            ]
        ),
        RUBBER,
        gloss=0.03,
        corner=0.02,
        depth=0.012,
    )
    surface.paint(
        [(w - 0.32, tall + 0.04), (w - 0.06, tall + 0.07)], RED, width=0.026, gloss=0.08, depth=0.006, mirror=True
    )
    if rng.random() < 0.6:
        for side in (-1, 1) if rng.random() < 0.6 else (1,):
            x = side * (w - 0.36)
            surface.paint(
                [(x - 0.07, low + 0.075), (x + 0.07, low + 0.075), (x + 0.06, low + 0.025), (x - 0.06, low + 0.025)],
                CHROME,
                gloss=0.5,
                corner=0.012,
                depth=-0.01,
            )
            surface.paint(
                [(x - 0.05, low + 0.063), (x + 0.05, low + 0.063), (x + 0.045, low + 0.035), (x - 0.045, low + 0.035)],
                (6, 6, 6),
                gloss=0.02,
                corner=0.01,
                depth=0.03,
            )
    for x in (0.25, 0.6):
        surface.disc(x, 0.47, 0.013, colour_of(v * 0.85 for v in body.paint), depth=0.003, mirror=True)


def _lamps(surface: Surface, body: Body, rng: np.random.Generator, lit: bool) -> None:
    nose, w = body.nose, body.half
    bar = rng.random() < 0.35
    if body.kind in ("van",) or (body.kind != "saloon" and rng.random() < 0.3 and not bar):
        shape = [(w - 0.17, nose + 0.12), (w - 0.07, nose + 0.15), (w - 0.01, nose - 0.2), (w - 0.19, nose - 0.22)]
    else:
        inner = w - rng.uniform(0.34, 0.5)
        tall = rng.uniform(0.11, 0.2)
        shape = [
            (inner, nose - 0.035),
            (w - 0.05, nose + 0.02),
            (w - 0.01, nose - tall),
            (w - 0.22, nose - tall - 0.02),
            (inner + 0.06, nose - 0.1),
        ]
    surface.paint(shape, DEEP_RED, gloss=0.07, corner=0.02, depth=-0.008, mirror=True)
    centre = np.mean(shape, axis=0)
    within = [tuple(centre + (np.array(p) - centre) * 0.84) for p in shape]
    surface.paint(within, RED, gloss=0.08, corner=0.02, glow=(255, 40, 30) if lit else None, alpha=0.85, mirror=True)
    white = [tuple(centre + (np.array(p) - centre) * (0.72, 0.2)) for p in shape]
    surface.paint(white, (186, 170, 164), gloss=0.12, corner=0.008, alpha=0.85, mirror=True)
    for share in np.linspace(0.25, 0.7, 3):
        line = [tuple(centre + (np.array(p) - centre) * share) for p in shape]
        surface.paint([*line, line[0]], (70, 4, 8), width=0.006, alpha=0.6, depth=0.003, mirror=True)
    if bar:
        surface.paint(
            [(-w + 0.3, nose - 0.07), (w - 0.3, nose - 0.07)], DEEP_RED, width=0.045, gloss=0.08, depth=-0.006
        )
        surface.paint(
            [(-w + 0.3, nose - 0.07), (w - 0.3, nose - 0.07)],
            RED,
            width=0.018,
            gloss=0.08,
            glow=(255, 46, 36) if lit else (120, 8, 10),
        )


def _letters(surface: Surface, body: Body, rng: np.random.Generator, face: cv2.FontFace) -> None:
    words = str(rng.choice(NAMES))
    surface.write(words, -body.half + 0.34, 0.66 + rng.uniform(0, 0.03), 0.035, face, CHROME, 0.5)
    surface.write(str(rng.choice(NAMES)), body.half - 0.52, 0.66 + rng.uniform(0, 0.03), 0.032, face, CHROME, 0.5)
