"""What is stamped into the backs of lorries and buses."""

from __future__ import annotations

import numpy as np

from alpr_app.train.draw.bodies import Body
from alpr_app.train.draw.fronts import GLASS
from alpr_app.train.draw.grilles import BLACK
from alpr_app.train.draw.surface import Colour, Surface, symmetric

RED: Colour = (150, 10, 14)


def _lamps(surface: Surface, body: Body, y: float, lit: bool) -> None:
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
    """Red and white reflecting film along a beam."""
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
    """A box body's doors over an underrun beam; returns the height of the plate's middle in metres."""
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
    _lamps(surface, body, beam + 0.17, lit)
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
    """A bus's window and engine flap; returns the height of the plate's middle in metres."""
    w, top = body.half, body.height
    surface.paint(
        symmetric([(0, top - 0.22), (w - 0.14, top - 0.24), (w - 0.12, 1.72), (0, 1.68)]),
        GLASS,
        gloss=0.1,
        corner=0.05,
        depth=0.012,
    )
    second = tuple(float(v) for v in rng.uniform(30, 200, 3))
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
