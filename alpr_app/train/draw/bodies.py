"""The shapes of cars: saloons, off-roaders, vans, lorries and buses, seen from the front or from behind."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.train.draw.surface import OUTSIDE, Colour, Surface

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
    """Lengths in metres. nose: height of the bonnet's or boot's edge. belt: where the windows begin.

    kind: one of CARS or HEAVY. front: seen from the front, else from behind. half: half the width.
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
        """How deep the middle lies at growing heights: (height, depth)."""
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
        """Half width and radius of the vertical edges at growing heights: (height, half width, radius)."""
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
        """Depth of the middle at height y, before anything is stamped into it."""
        heights, depths = np.array(self.profile()).T
        return float(np.interp(y, heights, depths))


def random_body(kind: str, front: bool, rng: np.random.Generator) -> Body:
    """A chance body of one of CARS or HEAVY in a chance colour."""
    shares = np.array([share for _, share in PAINTS])
    paint = np.array(PAINTS[rng.choice(len(PAINTS), p=shares / shares.sum())][0]) * rng.uniform(0.85, 1.05)
    paint = tuple(float(value) for value in np.clip(paint + rng.normal(0, 4, 3), 6, 244))
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
    """The bare relief of `body` in its paint, `scale` pixels a metre."""
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
