"""The details of a car's front: windscreen, bonnet, lamps, grille, intakes, badge and a place for the plate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alpr_app.synth.scenes.bodies import Body
from alpr_app.synth.scenes.surface import Colour, Points, Surface, colour_of, symmetric

RUBBER: Colour = (22, 22, 23)
BLACK: Colour = (14, 14, 15)
CHROME: Colour = (120, 122, 126)


def _mesh(surface: Surface, shape: Points, rng: np.random.Generator) -> None:
    """Fill a dark opening with slats or a mesh."""
    surface.paint(shape, BLACK, gloss=0.03, corner=0.025, depth=0.05, bevel=0.012)
    xs, ys = np.array(shape).T
    style = rng.choice(("slats", "bars", "net"))
    bright = CHROME if rng.random() < 0.45 else (44, 45, 47)
    gloss = 0.35 if bright is CHROME else 0.06
    reach = _inside(shape)
    if style == "slats":
        for y in np.arange(ys.min() + 0.03, ys.max() - 0.015, rng.uniform(0.028, 0.05)):
            half = reach(y) - 0.02
            surface.paint([(-half, y), (half, y)], bright, width=0.011, gloss=gloss, depth=-0.03, bevel=0.004)
    elif style == "bars":
        for x in np.arange(0.02, xs.max() - 0.03, rng.uniform(0.03, 0.045)):
            tops = [y for y in np.linspace(ys.min() + 0.012, ys.max() - 0.012, 24) if reach(y) > x + 0.012]
            if tops:
                surface.paint(
                    [(x, tops[0]), (x, tops[-1])],
                    bright,
                    width=0.009,
                    gloss=gloss,
                    depth=-0.03,
                    bevel=0.004,
                    mirror=True,
                )
    else:
        step = rng.uniform(0.03, 0.045)
        for row, y in enumerate(np.arange(ys.min() + 0.02, ys.max() - 0.01, step * 0.6)):
            half = reach(y) - 0.02
            xs_here = np.arange(-half + (row % 2) * step / 2, half, step)
            for x in xs_here:
                surface.paint(
                    [(x - step * 0.3, y), (x + step * 0.3, y)], (52, 53, 55), width=0.008, gloss=0.1, depth=-0.02
                )


def _inside(shape: Points) -> Callable[[float], float]:
    """The half width of a symmetric shape as a function of the height."""
    right = sorted({(round(y, 4), round(x, 4)) for x, y in shape if x > 0})
    heights, widths = np.array(right).T
    return lambda y: float(np.interp(y, heights, widths))


def _rim(surface: Surface, shape: Points, rng: np.random.Generator) -> None:
    if rng.random() < 0.7:
        surface.paint([*shape, shape[0]], CHROME, width=0.018, gloss=0.5, depth=-0.012, bevel=0.006)


def _fogs(surface: Surface, body: Body, rng: np.random.Generator, y: float) -> None:
    w = body.half
    hole = [(w - 0.34, y + 0.06), (w - 0.1, y + 0.09), (w - 0.09, y - 0.05), (w - 0.3, y - 0.06)]
    surface.paint(hole, BLACK, gloss=0.04, corner=0.02, depth=0.035, mirror=True)
    if rng.random() < 0.6:
        surface.disc(w - 0.21, y, 0.042, (120, 124, 128), gloss=0.35, mirror=True)
        surface.disc(w - 0.21, y, 0.03, (196, 200, 204), gloss=0.2, mirror=True)
    if rng.random() < 0.6:
        surface.paint(
            [(w - 0.33, y + 0.05), (w - 0.11, y + 0.075)], CHROME, width=0.014, gloss=0.5, depth=-0.02, mirror=True
        )


def _skirt(surface: Surface, body: Body) -> None:
    """The black lower lip."""
    w, low = body.half, body.clearance
    surface.paint(
        symmetric([(0, low + 0.06), (w - 0.12, low + 0.07), (w, low + 0.16), (w, low - 0.1), (0, low - 0.1)]),
        RUBBER,
        gloss=0.03,
        corner=0.015,
        depth=0.01,
    )


def _lower_intake(surface: Surface, body: Body, rng: np.random.Generator, top: float, half: float) -> None:
    low = body.clearance + 0.08
    shape = symmetric([(0, top), (half - 0.04, top), (half, low + 0.02), (half - 0.06, low), (0, low)])
    _mesh(surface, shape, rng)


def _classic(surface: Surface, body: Body, rng: np.random.Generator) -> float:
    """A grille between the lamps, the plate on the bumper below it, and an intake below that."""
    nose, low = body.nose, body.clearance
    top, bottom, half = nose - 0.05, nose - rng.uniform(0.16, 0.22), rng.uniform(0.36, 0.46)
    shape = symmetric([(0, top), (half, top - 0.01), (half - 0.07, bottom), (0, bottom - 0.01)])
    _skirt(surface, body)
    _mesh(surface, shape, rng)
    _rim(surface, shape, rng)
    plate_y = bottom - 0.035 - 0.08 - rng.uniform(0, 0.02)
    surface.paint([(-body.half, plate_y + 0.085), (body.half, plate_y + 0.085)], width=0.012, depth=0.007, bevel=0.006)
    _lower_intake(surface, body, rng, max(plate_y - 0.1, low + 0.14), rng.uniform(0.5, 0.62))
    _fogs(surface, body, rng, low + 0.2)
    return plate_y


def _single(surface: Surface, body: Body, rng: np.random.Generator) -> float:
    """A single tall grille with the plate across it."""
    nose, low = body.nose, body.clearance
    half = rng.uniform(0.4, 0.5)
    shape = symmetric(
        [(0, nose - 0.05), (half - 0.08, nose - 0.055), (half, nose - 0.2), (half - 0.12, low + 0.13), (0, low + 0.12)]
    )
    _skirt(surface, body)
    _mesh(surface, shape, rng)
    _rim(surface, shape, rng)
    _fogs(surface, body, rng, low + 0.2)
    plate_y = low + 0.13 + (nose - low) * rng.uniform(0.16, 0.3)
    surface.paint(
        [(-0.25, plate_y + 0.09), (0.25, plate_y + 0.09), (0.25, plate_y - 0.09), (-0.25, plate_y - 0.09)],
        RUBBER,
        gloss=0.04,
        depth=-0.06,
        corner=0.008,
    )
    return plate_y


def _electric(surface: Surface, body: Body, rng: np.random.Generator) -> float:
    """A closed front with a light strip and a low intake."""
    nose, low = body.nose, body.clearance
    _skirt(surface, body)
    surface.paint(
        symmetric(
            [(0, nose - 0.07), (body.half - 0.25, nose - 0.05), (body.half - 0.25, nose - 0.09), (0, nose - 0.115)]
        ),
        BLACK,
        gloss=0.08,
        corner=0.01,
        depth=0.01,
    )
    if rng.random() < 0.6:
        surface.paint([(-0.42, nose - 0.09), (0.42, nose - 0.09)], (230, 236, 240), width=0.012, glow=(180, 186, 190))
    _lower_intake(surface, body, rng, low + rng.uniform(0.15, 0.19), rng.uniform(0.45, 0.65))
    _fogs(surface, body, rng, low + 0.2)
    return (nose - 0.12 + low + 0.19) / 2 + rng.uniform(-0.01, 0.02)


def _wide(surface: Surface, body: Body, rng: np.random.Generator) -> float:
    """A narrow grille that joins the lamps, and a large intake with the plate at its upper edge."""
    nose, low = body.nose, body.clearance
    shape = symmetric([(0, nose - 0.05), (0.5, nose - 0.045), (0.46, nose - 0.13), (0, nose - 0.15)])
    _skirt(surface, body)
    _mesh(surface, shape, rng)
    _rim(surface, shape, rng)
    top = nose - 0.27
    _lower_intake(surface, body, rng, top, rng.uniform(0.42, 0.56))
    _fogs(surface, body, rng, low + 0.22)
    plate_y = top - rng.uniform(0.03, 0.08)
    surface.paint(
        [(-0.26, plate_y + 0.08), (0.26, plate_y + 0.08), (0.26, plate_y - 0.085), (-0.26, plate_y - 0.085)],
        RUBBER,
        gloss=0.04,
        depth=-0.05,
        corner=0.008,
    )
    return plate_y


def draw_badge(surface: Surface, x: float, y: float, rng: np.random.Generator) -> None:
    """Draw an emblem of no particular maker."""
    style = rng.choice(("ring", "shield", "wings", "drop"))
    size = rng.uniform(0.045, 0.06)
    if style == "ring":
        surface.disc(x, y, size, CHROME, squash=0.8, gloss=0.55, depth=-0.012)
        surface.disc(x, y, size * 0.78, (24, 26, 30), squash=0.8, gloss=0.1, depth=0.008)
        surface.paint([(x - size * 0.6, y), (x, y + size * 0.4), (x + size * 0.6, y)], CHROME, width=0.012, gloss=0.5)
    elif style == "shield":
        surface.paint(
            [
                (x - size * 0.8, y + size * 0.8),
                (x + size * 0.8, y + size * 0.8),
                (x + size * 0.6, y - size * 0.4),
                (x, y - size),
                (x - size * 0.6, y - size * 0.4),
            ],
            CHROME,
            gloss=0.5,
            depth=-0.012,
            corner=0.008,
        )
        surface.paint(
            [(x, y + size * 0.5), (x + size * 0.3, y), (x, y - size * 0.6), (x - size * 0.3, y)],
            (40, 60, 110),
            gloss=0.15,
            corner=0.004,
        )
    elif style == "wings":
        surface.paint(
            [(x - size * 1.6, y + size * 0.4), (x, y - size * 0.2), (x + size * 1.6, y + size * 0.4)],
            CHROME,
            width=0.02,
            gloss=0.5,
            depth=-0.012,
        )
        surface.disc(x, y, size * 0.42, CHROME, gloss=0.5, depth=-0.014)
    else:
        surface.paint(
            [(x, y + size), (x + size * 0.7, y), (x, y - size), (x - size * 0.7, y)],
            CHROME,
            gloss=0.55,
            depth=-0.014,
            corner=0.006,
        )


FACES = {"classic": _classic, "single": _single, "electric": _electric, "wide": _wide}


GLASS: Colour = (20, 24, 26)
SHARES = {"classic": 0.4, "single": 0.2, "electric": 0.15, "wide": 0.25}


def draw_front(surface: Surface, body: Body, rng: np.random.Generator, lit: bool) -> float:
    """Draw all details and return the height of the plate's centre in metres; `lit` switches the lamps on."""
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
    inside = colour_of(rng.uniform(26, 46) * np.array([1, 0.99, 0.96]))
    # Visible through the glass: sky in the rear window, the seats in front of it, the dashboard below.
    surface.paint(
        symmetric([(0, top - 0.13), (high - 0.18, top - 0.14), (high - 0.12, belt + 0.2), (0, belt + 0.19)]),
        colour_of(v * 1.7 for v in inside),
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
