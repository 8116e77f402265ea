"""What is stamped into a car's front: windscreen, bonnet, lamps, grille, intakes, badge, a place for the plate."""

from __future__ import annotations

import numpy as np

from alpr_app.train.draw.bodies import Body
from alpr_app.train.draw.grilles import BLACK, FACES, RUBBER, draw_badge
from alpr_app.train.draw.surface import Colour, Surface, symmetric

GLASS: Colour = (20, 24, 26)
SHARES = {"classic": 0.4, "single": 0.2, "electric": 0.15, "wide": 0.25}


def draw_front(surface: Surface, body: Body, rng: np.random.Generator, lit: bool) -> float:
    """Stamps everything in and returns the height of the plate's middle in metres. lit: lamps are on."""
    _windscreen(surface, body, rng)
    _bonnet(surface, body, rng)
    face = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    plate_y = FACES[face](surface, body, rng)
    _lamps(surface, body, rng, lit, slim=face in ("electric", "wide"))
    draw_badge(surface, 0.0, body.nose - (0.02 if face == "electric" else 0.1), rng)
    return plate_y


def _windscreen(surface: Surface, body: Body, rng: np.random.Generator) -> None:
    belt, top, w = body.belt, body.height, body.half
    low, high = w - 0.17, w - {"saloon": 0.3, "hatch": 0.28, "offroader": 0.24, "van": 0.2}[body.kind]
    edge = 0.035
    surface.paint(
        symmetric([(0, top - 0.055), (high, top - 0.075), (low + 0.03, belt - 0.02), (0, belt - 0.045)]),
        BLACK,
        gloss=0.06,
        corner=0.03,
    )
    glass = symmetric([(0, top - 0.07), (high - edge, top - 0.09), (low - edge, belt + 0.005), (0, belt - 0.015)])
    surface.paint(glass, GLASS, gloss=0.16, corner=0.03, depth=0.01)
    inside = tuple(float(v) for v in rng.uniform(26, 46) * np.array([1, 0.99, 0.96]))
    # Through the glass: sky in the rear window, the seats before it, the dashboard below.
    surface.paint(
        symmetric([(0, top - 0.13), (high - 0.18, top - 0.14), (high - 0.12, belt + 0.2), (0, belt + 0.19)]),
        tuple(v * 1.7 for v in inside),
        corner=0.03,
        alpha=0.7,
    )
    for x in (-0.36, 0.36):
        surface.paint(
            [(x - 0.13, belt + 0.3), (x + 0.13, belt + 0.3), (x + 0.2, belt + 0.02), (x - 0.2, belt + 0.02)],
            (16, 16, 17),
            corner=0.05,
            alpha=0.85,
        )
    surface.paint(
        symmetric([(0, belt + 0.07), (low - 0.12, belt + 0.05), (low - 0.06, belt), (0, belt - 0.01)]),
        inside,
        corner=0.02,
        alpha=0.6,
    )
    surface.paint(
        [(-0.1, top - 0.14), (0.1, top - 0.14), (0.09, top - 0.09), (-0.09, top - 0.09)], (12, 12, 13), corner=0.012
    )
    side = rng.choice((-1, 1))
    for reach, start in ((0.55, 0.05), (0.5, -0.55)):
        surface.paint(
            [(side * start, belt - 0.02), (side * (start + reach), belt + 0.03)],
            RUBBER,
            width=0.012,
            gloss=0.02,
            depth=-0.012,
        )


def _bonnet(surface: Surface, body: Body, rng: np.random.Generator) -> None:
    nose, belt, w = body.nose, body.belt, body.half
    seam = [(w - 0.16, belt - 0.03), (w - 0.22, nose + 0.07), (w - 0.4, nose + 0.005), (0, nose - 0.015)]
    surface.paint(seam + [(-x, y) for x, y in seam[::-1]], (8, 8, 9), width=0.004, alpha=0.7, depth=0.004)
    crease = rng.uniform(0.2, 0.5)
    surface.paint(
        [(crease, nose + 0.03), (crease + 0.12, belt - 0.04)], width=0.03, depth=-0.012, bevel=0.018, mirror=True
    )
    surface.paint(
        symmetric([(0, belt - 0.012), (w - 0.18, belt + 0.006), (w - 0.2, belt - 0.03), (0, belt - 0.045)]),
        RUBBER,
        gloss=0.03,
        corner=0.01,
    )


def _lamps(surface: Surface, body: Body, rng: np.random.Generator, lit: bool, slim: bool) -> None:
    w, top = body.half, body.nose - 0.02
    inner, tall = rng.uniform(0.42, 0.52), rng.uniform(0.08, 0.11) if slim else rng.uniform(0.14, 0.19)
    rise = rng.uniform(0.02, 0.07)
    low = top - tall
    lens = [
        (inner, top - rise),
        (w - 0.1, top + 0.045),
        (w - 0.02, top + 0.02),
        (w - 0.035, low + 0.05),
        (w - 0.16, low),
        (inner + 0.05, low + 0.015),
    ]
    surface.paint(lens, (10, 10, 11), gloss=0.05, corner=0.02, depth=0.012, mirror=True)
    grown = [(inner + (x - inner) * 0.95 + 0.012, low + (y - low) * 0.86 + 0.012) for x, y in lens]
    surface.paint(grown, (44, 46, 50), gloss=0.2, corner=0.015, mirror=True)
    glow = (255, 250, 238) if lit else None
    size = min(0.055, tall * 0.36)
    for share in (0.3, 0.64) if not slim else (0.35, 0.55, 0.75):
        x = inner + (w - inner) * share
        y = low + tall * 0.52
        surface.disc(x, y, size, (96, 98, 102), gloss=0.55, depth=0.03, mirror=True)
        surface.disc(x, y, size * 0.74, (18, 20, 24), gloss=0.1, mirror=True)
        surface.disc(x, y, size * 0.66, (52, 58, 66), gloss=0.25, depth=-0.035, glow=glow, mirror=True)
        if not lit:
            surface.disc(x - size * 0.2, y + size * 0.3, size * 0.16, (230, 234, 240), gloss=0.2, mirror=True)
    running = lit or rng.random() < 0.3
    strip = (238, 244, 250) if running else (140, 144, 150)
    surface.paint(
        [(inner + 0.07, low + 0.03), (w - 0.17, low + 0.018), (w - 0.06, low + 0.06)],
        strip,
        width=0.008,
        gloss=0.2,
        glow=(250, 252, 255) if running else None,
        mirror=True,
    )
    surface.paint(
        [(w - 0.1, top - 0.01), (w - 0.045, top - 0.02), (w - 0.06, low + 0.06)],
        (206, 120, 40),
        corner=0.01,
        alpha=0.6,
        mirror=True,
    )
