"""Reliefs of car bodies: saloons, off-roaders, vans, lorries and buses from the front or from behind, and their sides
with doors, windows and wheels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from alpr_app.synth.scenes.surface import OUTSIDE, Colour, Points, Surface, colour_of

PAINTS: tuple[tuple[Colour, float], ...] = (
    ((220, 220, 218), 0.26),
    ((24, 25, 27), 0.17),
    ((148, 152, 156), 0.14),
    ((84, 88, 92), 0.10),
    ((150, 22, 26), 0.09),
    ((30, 62, 128), 0.08),
    ((20, 32, 66), 0.04),
    ((196, 178, 146), 0.04),
    ((206, 92, 30), 0.03),
    ((70, 104, 74), 0.02),
    ((120, 84, 60), 0.02),
    ((196, 214, 206), 0.01),
)
CARS = ("saloon", "hatch", "offroader", "van")
HEAVY = ("lorry", "bus")


@dataclass(frozen=True)
class Body:
    """The body of a car, with lengths in metres.

    `kind` is one of CARS or HEAVY, `front` whether it is seen from the front, `half` half its width, `nose` the height
    of the edge of bonnet or boot, and `belt` the height at which the windows begin.
    """

    kind: str
    front: bool
    half: float
    height: float
    clearance: float
    nose: float
    belt: float
    paint: Colour

    def profile(self) -> list[tuple[float, float]]:
        """Depth of the middle at increasing heights: (height, depth)."""
        low, nose, belt, top = self.clearance, self.nose, self.belt, self.height
        if self.kind in HEAVY:
            step = 0.0 if self.kind == "bus" else 0.06
            return [(low, 0.06), (low + 0.12, 0.0), (nose, step), (top - 0.1, step + 0.02), (top, step + 0.1)]
        foot = [(low, 0.16), (low + 0.08, 0.05), (low + 0.2, 0.0)]
        if self.front:
            length = {"saloon": 1.05, "hatch": 0.85, "offroader": 0.95, "van": 0.5}[self.kind]
            screen = {"saloon": 1.75, "hatch": 1.45, "offroader": 1.2, "van": 1.0}[self.kind] * (top - belt)
            return [
                *foot,
                (nose - 0.3, 0.01),
                (nose - 0.1, 0.06),
                (nose, 0.16),
                (nose + 0.04, 0.3),
                (belt, 0.1 + length),
                (top - 0.07, 0.1 + length + screen),
                (top, 0.5 + length + screen),
            ]
        if self.kind == "saloon":
            return [
                *foot,
                (0.56, 0.0),
                (0.63, 0.07),
                (nose - 0.04, 0.09),
                (nose, 0.14),
                (nose + 0.03, 0.25),
                (belt, 0.55),
                (top - 0.06, 0.55 + 1.6 * (top - belt)),
                (top, 0.95 + 1.6 * (top - belt)),
            ]
        lean = 0.25 if self.kind == "van" else 0.75
        return [
            *foot,
            (0.56, 0.0),
            (0.64, 0.08),
            (nose, 0.11),
            (belt, 0.14),
            (top - 0.1, 0.14 + lean * (top - belt)),
            (top - 0.02, 0.3 + lean * (top - belt)),
            (top, 0.6 + lean * (top - belt)),
        ]

    def outline(self) -> list[tuple[float, float, float]]:
        """Half width and radius of the vertical edges at increasing heights: (height, half width, radius)."""
        w, top = self.half, self.height
        if self.kind in HEAVY:
            r = 0.03 if self.kind == "lorry" else 0.16
            return [(self.clearance, w - 0.04, r), (0.6, w, r), (top - 0.12, w, r), (top, w - 0.1, r)]
        roof = {"saloon": 0.24, "hatch": 0.23, "offroader": 0.18, "van": 0.11}[self.kind]
        return [
            (self.clearance, w - 0.12, 0.3),
            (self.clearance + 0.12, w - 0.02, 0.32),
            (self.nose - 0.15, w, 0.34),
            (self.belt, w - 0.05, 0.3),
            (self.belt + 0.07, w - 0.1, 0.16),
            (top - 0.12, w - roof, 0.14),
            (top - 0.04, w - roof - 0.06, 0.14),
            (top, w - roof - 0.22, 0.14),
        ]

    def depth_at(self, y: float) -> float:
        """Depth of the middle at height y, without details."""
        heights, depths = np.array(self.profile()).T
        return float(np.interp(y, heights, depths))


def random_body(kind: str, front: bool, rng: np.random.Generator) -> Body:
    """A random body of one of CARS or HEAVY in a random colour."""
    shares = np.array([share for _, share in PAINTS])
    base = np.array(PAINTS[rng.choice(len(PAINTS), p=shares / shares.sum())][0]) * rng.uniform(0.85, 1.05)
    paint = colour_of(np.clip(base + rng.normal(0, 4, 3), 6, 244))
    if kind in HEAVY:
        height = rng.uniform(2.7, 3.1)
        return Body(kind, front, rng.uniform(1.14, 1.22), height, rng.uniform(0.38, 0.48), 0.95, 1.5, paint)
    tall = {"saloon": 1.46, "hatch": 1.5, "offroader": 1.7, "van": 1.85}[kind] + rng.uniform(-0.04, 0.06)
    clearance = {"offroader": 0.25, "van": 0.22}.get(kind, 0.19) + rng.uniform(-0.02, 0.03)
    if front:
        nose = {"saloon": 0.78, "hatch": 0.84, "offroader": 0.98, "van": 0.92}[kind] + rng.uniform(-0.03, 0.05)
        belt = nose + {"van": 0.24, "offroader": 0.19}.get(kind, 0.21) + rng.uniform(-0.02, 0.02)
    else:
        nose = 1.0 + rng.uniform(-0.04, 0.06)
        belt = nose + (0.07 if kind == "saloon" else 0.04)
    half = 0.9 + rng.uniform(-0.04, 0.05) + (0.03 if kind in ("offroader", "van") else 0)
    return Body(kind, front, half, tall, clearance, nose, belt, paint)


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values.reshape(-1, 1), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).ravel()


def make_surface(body: Body, scale: float) -> Surface:
    """The relief of `body` in its paint, without details, at `scale` pixels per metre."""
    surface = Surface.blank(body.half + 0.06, body.height + 0.06, scale, body.paint, 0.045)
    x, y = surface.grid()
    heights, depths = np.array(body.profile()).T
    outline = np.array(body.outline())
    rows = y.ravel()
    middle = _smooth(np.interp(rows, heights, depths).astype(np.float32), 0.022 * scale)
    half = _smooth(np.interp(rows, outline[:, 0], outline[:, 1]).astype(np.float32), 0.025 * scale)[:, None]
    radius = np.interp(rows, outline[:, 0], outline[:, 2]).astype(np.float32)[:, None]
    bend = np.clip((np.abs(x) - (half - radius)) / radius, 0, 0.999)
    crown = {"lorry": 0.0, "bus": 0.07}.get(body.kind, 0.14 if body.front else 0.09)
    depth = middle[:, None] + radius * (1 - np.sqrt(1 - bend**2)) + crown * (x / body.half) ** 2
    # The lower edge rises towards the sides, the roof falls.
    sag = np.float32(0.0 if body.kind in HEAVY else 0.05) * (x / body.half) ** 4
    outside = (np.abs(x) > half) | (y < body.clearance + sag) | (y > body.height - 0.5 * sag)
    depth[outside] = OUTSIDE
    surface.depth = depth.astype(np.float32)
    return surface


LENGTH, HEAVY_LENGTH = 4.5, 7.0
TYRE = (20, 20, 21)


def _outline(body: Body) -> Points:
    """The upper edge of the side, from the visible end to the other: (metres back, height)."""
    top, belt, nose = body.height, body.belt, body.nose
    if body.kind in HEAVY:
        return [(0, top), (HEAVY_LENGTH, top)]
    hood = [(0.0, nose - 0.1), (0.3, nose), (1.15, belt)]
    screen = {"saloon": 1.75, "hatch": 1.45, "offroader": 1.2, "van": 1.0}[body.kind] * (top - belt)
    if body.front:
        end = [(3.5, top - 0.03), (4.05, belt + 0.08)] if body.kind == "saloon" else [(4.0, top - 0.06), (4.25, belt)]
        end += [(4.38, belt - 0.12), (4.5, belt - 0.45)]
        return [*hood, (1.0 + screen, top - 0.06), (1.3 + screen, top), *end]
    if body.kind == "saloon":
        start = [(0.0, nose - 0.1), (0.15, nose), (0.55, belt), (0.55 + 1.6 * (top - belt), top - 0.05), (1.7, top)]
    else:
        start = [(0.0, belt), (0.12, belt + 0.05), (0.14 + 0.75 * (top - belt), top - 0.08), (0.8, top)]
    return [*start, (2.5, top - 0.05), (3.4, belt), (4.2, nose - 0.15), (4.4, nose - 0.3), (4.5, nose - 0.6)]


def make_flank(body: Body, scale: float) -> Surface:
    """The side of `body`: x runs from the visible end to the other, depth towards the middle of the car."""
    heavy = body.kind in HEAVY
    length = HEAVY_LENGTH if heavy else LENGTH
    surface = Surface.blank(length / 2, body.height + 0.05, scale, body.paint, 0.045)
    surface.left = 0.0
    x, y = surface.grid()
    if heavy:
        depth = np.zeros_like(surface.depth)
    else:
        heights = [0.15, 0.4, 0.72, body.belt, body.height - 0.05, body.height]
        depths = [0.12, 0.03, 0.0, 0.05, 0.22, 0.4]
        depth = np.repeat(np.interp(y.ravel(), heights, depths).astype(np.float32)[:, None], x.size, axis=1)
    ends, tops = np.array(_outline(body)).T
    roof = np.interp(x.ravel(), ends, tops).astype(np.float32)[None]
    depth[np.broadcast_to((y > roof) | (y < body.clearance), depth.shape)] = OUTSIDE
    # The rounded corner is part of the front or back.
    depth[:, x.ravel() < (0.02 if heavy else 0.27 if body.front else 0.22)] = OUTSIDE
    if not heavy:
        depth[np.broadcast_to((x < 0.6) & (y < body.clearance + 0.16), depth.shape)] = OUTSIDE
    surface.depth = depth
    if not heavy:
        _windows(surface, body)
    for centre in (1.3, 5.4) if heavy else (0.85, 3.5):
        _wheel(surface, centre, 0.48 if heavy else 0.335, body)
    return surface


def _windows(surface: Surface, body: Body) -> None:
    belt, top = body.belt + 0.06, body.height - 0.1
    screen = {"saloon": 1.75, "hatch": 1.45, "offroader": 1.2, "van": 1.0}[body.kind] * (top - belt)
    if body.front:
        glass = [(1.5, belt), (1.35 + screen, top), (3.2, top), (3.75, belt)]
    else:
        glass = [(0.75, belt), (0.95, top), (2.4, top), (3.1, belt)]
    surface.paint(glass, (20, 24, 26), gloss=0.1, corner=0.03, depth=0.01)
    for s in (1.3, 2.35, 3.3):
        surface.paint([(s, belt), (s + 0.03, body.clearance + 0.1)], (8, 8, 8), width=0.01, depth=0.008)
        surface.paint(
            [(s + 0.7, belt - 0.12), (s + 0.86, belt - 0.12)], (90, 92, 94), width=0.025, gloss=0.3, depth=-0.02
        )
    surface.paint([(2.38, belt), (2.36, top)], (12, 12, 12), width=0.06)
    surface.paint([(1.2, body.clearance + 0.05), (LENGTH, body.clearance + 0.05)], (22, 22, 23), width=0.1)


def _wheel(surface: Surface, centre: float, radius: float, body: Body) -> None:
    x, y = surface.grid()
    far = np.sqrt((x - centre) ** 2 + (y - radius) ** 2)
    arch = far < radius + 0.07
    surface.depth[arch & (surface.depth < OUTSIDE)] = 0.25
    surface.albedo[:, arch] = 0.003
    surface.gloss[arch] = 0.01
    tyre = far < radius
    surface.depth[tyre] = 0.06 + 0.04 * (far[tyre] / radius) ** 4
    surface.disc(centre, radius, radius, TYRE, gloss=0.02)
    rim = radius * 0.68
    surface.disc(centre, radius, rim, (40, 41, 43), gloss=0.1, depth=0.05)
    for angle in np.arange(0, 2 * np.pi, 2 * np.pi / 5) + 0.3:
        tip = centre + rim * np.cos(angle), radius + rim * np.sin(angle)
        surface.paint([(centre, radius), tip], (150, 153, 156), width=radius * 0.2, gloss=0.35, depth=-0.05)
    ring = np.linspace(0, 2 * np.pi, 30)
    surface.paint(
        [(centre + rim * np.cos(a), radius + rim * np.sin(a)) for a in ring], (160, 163, 166), width=0.02, gloss=0.4
    )


def make_mirror(body: Body, scale: float) -> Surface:
    """A wing mirror seen from the front, for the lower end of the windscreen."""
    surface = Surface.blank(0.15, body.belt + 0.22, scale, body.paint, 0.05)
    x, y = surface.grid()
    dome = 1 - np.abs(x / 0.12) ** 2.6 - np.abs((y - body.belt - 0.095) / 0.075) ** 2.6
    surface.depth = (0.08 * (1 - np.sqrt(np.maximum(dome, 0)))).astype(np.float32)
    surface.albedo[:, np.broadcast_to(y < body.belt + 0.055, surface.depth.shape)] = 0.01
    surface.depth[dome <= 0] = OUTSIDE
    # Only the uppermost part is visible.
    rows = slice(0, round(0.28 * scale))
    return replace(surface, depth=surface.depth[rows], albedo=surface.albedo[:, rows], gloss=surface.gloss[rows])


def band(surface: Surface, low: float, high: float) -> Surface:
    """The part of a side between two heights."""
    _, y = surface.grid()
    return replace(surface, depth=np.where((y >= low) & (y < high), surface.depth, np.float32(OUTSIDE)))


def lean_of(body: Body) -> list[tuple[float, float]]:
    """How far the side recedes at increasing heights: vertical doors, a shoulder, inclined windows."""
    if body.kind in HEAVY:
        return [(0.0, 0.0), (body.height + 0.1, 0.0)]
    roof = body.half - body.outline()[-1][1] - 0.19
    return [(0.0, 0.0), (body.belt - 0.14, 0.0), (body.belt + 0.03, 0.085), (body.height, roof)]


def roof_of(body: Body) -> np.ndarray:
    """The flat part of the roof behind the relief of front or back: (4, 3) in metres."""
    wide = body.outline()[-1][1] + 0.05
    start = body.profile()[-1][1] - 0.15
    end = (3.5 if body.kind == "saloon" else 4.0) if body.front else 2.5
    y = body.height - 0.02
    return np.array([(-wide, y, start), (wide, y, start), (wide, y - 0.03, end), (-wide, y - 0.03, end)])


def flipped(surface: Surface) -> Surface:
    """The mirrored side, for the other side of the car."""
    maps = (np.ascontiguousarray(m[..., ::-1]) for m in (surface.depth, surface.albedo, surface.gloss))
    return Surface(-surface.left - surface.depth.shape[1] / surface.scale, surface.top, surface.scale, *maps)


def tyre_picture() -> np.ndarray:
    """The tread of a tyre seen from the front: 96 x 64 linear light."""
    x = np.linspace(-1, 1, 64, dtype=np.float32)[None]
    y = np.linspace(1, 0, 96, dtype=np.float32)[:, None]
    tread = 0.03 * (1 - 0.8 * np.abs(x) ** 3) * (0.15 + 0.85 * y)
    tread = np.repeat(tread[..., None], 3, axis=2)
    for groove in (-0.55, 0.0, 0.55):
        tread[:, round((groove + 1) * 31.5) : round((groove + 1) * 31.5) + 3] *= 0.6
    return cv2.GaussianBlur(tread, (0, 0), 0.8)


def tyre_cover() -> np.ndarray:
    """The opacity of `tyre_picture`: 96 x 64, 0 to 1, with rounded lower corners."""
    cover = np.zeros((96, 64), np.float32)
    cv2.rectangle(cover, (0, 0), (63, 83), 1.0, -1)
    cv2.rectangle(cover, (12, 60), (51, 95), 1.0, -1)
    for x in (12, 51):
        cv2.circle(cover, (x, 83), 12, 1.0, -1)
    return cv2.GaussianBlur(cover, (0, 0), 0.7)
