"""What is stamped into a car's back: window, lid, lamps, bumper, a place for the plate."""

from __future__ import annotations

import cv2
import numpy as np

from alpr_app.train.draw.bodies import Body
from alpr_app.train.draw.fronts import GLASS
from alpr_app.train.draw.grilles import BLACK, CHROME, RUBBER, draw_badge
from alpr_app.train.draw.heavy import RED, draw_bus, draw_lorry
from alpr_app.train.draw.surface import Colour, Surface, symmetric

DEEP_RED: Colour = (84, 6, 10)
NAMES = ("LANYUN", "S400", "XING", "TIANHE", "M6 1.5T", "QINGFENG", "E90", "GT")


def draw_rear(surface: Surface, body: Body, rng: np.random.Generator, lit: bool, face: cv2.FontFace) -> float:
    """Stamps everything in and returns the height of the plate's middle in metres. lit: lamps are on."""
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
    """Shut lines and the recess for the plate; returns the plate's height."""
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
        surface.disc(x, 0.47, 0.013, tuple(v * 0.85 for v in body.paint), depth=0.003, mirror=True)


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
