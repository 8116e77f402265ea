"""The road: asphalt, paving, a garage's floor; its markings, and the shadows that cars throw on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.train.draw.camera import Camera, to_pixel_centres
from alpr_app.train.draw.light import Light
from alpr_app.train.draw.surface import linear

KINDS = ("asphalt", "paving", "concrete", "painted")
TILE = 512
FLOOR = np.array([0.0, 0, 0])
ACROSS, AHEAD = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])


def _noise(rng: np.random.Generator, sigmas: tuple[float, ...], weights: tuple[float, ...]) -> np.ndarray:
    """Noise that tiles, of standard deviation 1."""
    total = np.zeros((TILE, TILE), np.float32)
    for sigma, weight in zip(sigmas, weights, strict=True):
        layer = rng.normal(0, 1, (TILE, TILE)).astype(np.float32)
        padded = np.pad(layer, TILE // 4, mode="wrap")
        layer = cv2.GaussianBlur(padded, (0, 0), sigma)[TILE // 4 : -TILE // 4, TILE // 4 : -TILE // 4]
        total += weight * layer / layer.std()
    return total / total.std()


def _bricks(rng: np.random.Generator) -> np.ndarray:
    """Paving of 2 x 1 stones in a running bond: brightness around 1."""
    tile = np.ones((TILE, TILE), np.float32)
    tall, wide = TILE // 8, TILE // 4
    for row in range(8):
        for column in range(-1, 4):
            left = column * wide + (row % 2) * wide // 2
            tone = rng.uniform(0.82, 1.15)
            columns = np.arange(left, left + wide) % TILE
            tile[row * tall : (row + 1) * tall, columns] = tone
            tile[row * tall : row * tall + 5, columns] = 0.45
            tile[row * tall : (row + 1) * tall, columns[:5]] = 0.45
    return cv2.GaussianBlur(tile, (0, 0), 1.2)


@dataclass(frozen=True)
class Ground:
    """Tiles of brightness, made once: `grain` for close up, `patches` for afar, `bricks` for paving."""

    grain: np.ndarray
    patches: np.ndarray
    bricks: np.ndarray

    @classmethod
    def make(cls) -> Ground:
        """The tiles; always the same ones, chance comes in where they are laid."""
        rng = np.random.default_rng(20)
        return cls(_noise(rng, (0.5, 1.0, 2.2), (1, 0.6, 0.35)), _noise(rng, (6, 20, 50), (0.4, 0.8, 1)), _bricks(rng))

    def draw(
        self, frame: np.ndarray, camera: Camera, light: Light, kind: str, end: float, rng: np.random.Generator
    ) -> None:
        """Lays the ground over `frame`, (H, W, 3) light, in place, as far as `end` metres ahead.

        kind: one of KINDS.
        """
        top = max(0, int(camera.horizon()) - 20)
        height, width = frame.shape[:2]
        if top >= height:
            return
        inverse = np.linalg.inv(to_pixel_centres(camera.plane(FLOOR, ACROSS, AHEAD)))
        columns, rows = np.arange(width)[None], np.arange(top, height)[:, None]
        x, z, w = (
            (inverse[i, 0] * columns + inverse[i, 1] * rows + inverse[i, 2]).astype(np.float32) for i in range(3)
        )
        over = 1 / np.where(np.abs(w) < 1e-9, np.float32(1e-9), w)
        x, z = x * over, z * over
        visible = (z > camera.position[2]) & (z < end)
        x, z = np.clip(x, -60, 60), np.clip(z, -20, 90)
        tone = self._tone(x, z, camera, kind, rng)
        colour = self._colour(kind, rng) * _daylight(light)
        planes = [tone * value for value in colour.astype(np.float32)]
        # A headlamp's or a flash's reach: brighter close by.
        if light.flash.max() > 0.2:
            near = tone / (1 + np.float32(0.06) * (z - np.float32(camera.position[2])) ** 2)
            for plane, value in zip(planes, linear((96, 94, 90)) * light.flash, strict=True):
                plane += near * value
        part = frame[top:]
        cv2.copyTo(cv2.merge(planes), visible.astype(np.uint8), part)

    def _tone(self, x: np.ndarray, z: np.ndarray, camera: Camera, kind: str, rng: np.random.Generator) -> np.ndarray:
        far = np.maximum(z - camera.position[2], 0.3)
        tone = 1 + 0.09 * self._lay(self.patches, x, z, rng.uniform(3, 7), rng)
        sharp = np.minimum(1, 3.0 / far)
        strength = {"asphalt": rng.uniform(0.14, 0.26), "paving": 0.09, "concrete": 0.06, "painted": 0.03}[kind]
        tone += strength * sharp * self._lay(self.grain, x, z, rng.uniform(1.0, 1.5), rng)
        if kind == "paving":
            tone *= 1 + (self._lay(self.bricks, x, z, rng.uniform(0.8, 1.0), rng) - 1) * np.minimum(1, 6.0 / far)
        return np.maximum(tone, 0.1)

    @staticmethod
    def _lay(tile: np.ndarray, x: np.ndarray, z: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
        dx, dz = rng.uniform(0, TILE, 2)
        scale = np.float32(TILE / size)
        return cv2.remap(
            tile, x * scale + np.float32(dx), z * -scale + np.float32(dz), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )

    @staticmethod
    def _colour(kind: str, rng: np.random.Generator) -> np.ndarray:
        base = {
            "asphalt": (118, 117, 114),
            "paving": (158, 148, 138),
            "concrete": (152, 150, 144),
            "painted": (96, 132, 110),
        }
        return linear(np.array(base[kind]) * rng.uniform(0.8, 1.12) * rng.uniform(0.97, 1.03, 3))


def _daylight(light: Light) -> np.ndarray:
    return (light.zenith + light.horizon) / 2 + light.sun * light.towards_sun[1]


def draw_markings(
    frame: np.ndarray, camera: Camera, light: Light, strips: list[np.ndarray], ground: Ground, rng: np.random.Generator
) -> None:
    """Paints strips of the road, each (4, 2) of x and z in metres, with worn white or yellow paint, in place."""
    height, width = frame.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for strip in strips:
        points = camera.outline(np.stack([strip[:, 0], np.zeros(len(strip)), strip[:, 1]], axis=1))
        if len(points):
            cv2.fillPoly(mask, [np.round(np.clip(points, -30000, 30000) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    worn = cv2.resize(ground.patches[: TILE // 2, : TILE // 2], (width, height))
    cover = mask.astype(np.float32) * np.float32(1 / 255) * np.clip(0.75 + 0.22 * worn, 0.1, 0.95)
    colour = linear((236, 186, 60) if rng.random() < 0.2 else (222, 222, 216)) * 0.8 * _daylight(light)
    flash = linear((200, 200, 196)) * light.flash * 0.3
    left, top, wide, tall = cv2.boundingRect(mask)
    part, cover = frame[top : top + tall, left : left + wide], cover[top : top + tall, left : left + wide]
    part += ((colour + flash).astype(np.float32) - part) * cover[..., None]


def draw_litter(frame: np.ndarray, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """Leaves, stones and stains on the road, in place."""
    for _ in range(int(rng.integers(0, 26))):
        x, z = rng.uniform(-2.5, 2.5), rng.uniform(camera.position[2] + 1.3, 3)
        size = rng.uniform(0.012, 0.035)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 6))
        ring = np.stack(
            [x + size * np.cos(angles), np.zeros(6), z + size * rng.uniform(0.5, 1) * np.sin(angles)], axis=1
        )
        colour = linear(((150, 112, 48), (116, 84, 44), (170, 150, 70), (60, 56, 50))[rng.integers(4)]) * _daylight(
            light
        )
        points = np.round(np.clip(camera.project(ring), -4000, 4000) * 16).astype(np.int32)
        cv2.fillPoly(frame, [points], tuple(float(v) for v in colour), cv2.LINE_8, 4)
    if rng.random() < 0.4:
        x, z, size = rng.uniform(-1.5, 1.5), rng.uniform(camera.position[2] + 0.8, 2), rng.uniform(0.1, 0.5)
        angles = np.linspace(0, 2 * np.pi, 24)
        wobble = size * (1 + 0.25 * np.sin(angles * 3 + rng.uniform(0, 6)))
        ring = np.stack([x + wobble * np.cos(angles), np.zeros(24), z + wobble * np.sin(angles)], axis=1)
        small = camera.smaller(4)
        stain = cv2.GaussianBlur(_fill(small.project(ring), small.size), (0, 0), 2) * np.float32(rng.uniform(0.1, 0.45))
        rows, columns = frame.shape[:2]
        frame *= 1 - cv2.resize(stain, (small.size[0] * 4, small.size[1] * 4))[:rows, :columns, None]


def footprint(half: float, length: float, start: float = 0.15) -> np.ndarray:
    """The ground under a car, in the car's axes: (8, 2) of x and z in metres."""
    w, a, b = half, start, length
    return np.array(
        [
            (-w + 0.2, a),
            (w - 0.2, a),
            (w, a + 0.3),
            (w, b - 0.3),
            (w - 0.2, b),
            (-w + 0.2, b),
            (-w, b - 0.3),
            (-w, a + 0.3),
        ]
    )


def _cast(camera: Camera, points: np.ndarray, heights: np.ndarray, light: Light, turn: float) -> np.ndarray:
    """Where the shadows of points (N, 2) at `heights` fall on the road, in the picture."""
    sun = light.towards_sun
    local = np.cos(turn) * sun[0] - np.sin(turn) * sun[2], np.sin(turn) * sun[0] + np.cos(turn) * sun[2]
    shifted = points - np.array(local)[None] / max(sun[1], 0.25) * heights[:, None]
    return camera.project(np.stack([shifted[:, 0], np.zeros(len(points)), shifted[:, 1]], axis=1))


def draw_shadow(
    frame: np.ndarray, camera: Camera, light: Light, half: float, height: float, length: float, heading: float
) -> None:
    """Darkens the road under and beside a car, in place; `camera` is in the car's axes."""
    rows, columns = frame.shape[:2]
    small = 4
    view = camera.smaller(small)
    size = view.size
    near = camera.position[2] + 0.5
    base = footprint(half, length)
    base[:, 1] = np.maximum(base[:, 1], near)
    touch = _fill(view.project(np.stack([base[:, 0], np.zeros(8), base[:, 1]], axis=1)), size)
    metre = camera.focal / np.linalg.norm(camera.position) / small
    shade = 1 - 0.86 * cv2.GaussianBlur(touch, (0, 0), max(0.5, 0.07 * metre))
    shade *= 1 - 0.4 * cv2.GaussianBlur(touch, (0, 0), max(0.8, 0.3 * metre))
    if light.sun.max() > 0.3:
        both = np.concatenate([base, base * (0.8, 0.8)])
        heights = np.concatenate([np.full(8, 0.0), np.full(8, height)])
        hull = cv2.convexHull(_cast(view, both, heights, light, np.radians(heading)))[:, 0]
        falls = cv2.GaussianBlur(_fill(hull, size), (0, 0), max(0.5, 0.025 * metre))
        shade *= 1 - 0.62 * falls * np.clip(1 - 0.5 * (1 - shade), 0, 1)
    shade = cv2.resize(shade, (size[0] * small, size[1] * small), interpolation=cv2.INTER_LINEAR)[:rows, :columns]
    left, top, wide, tall = cv2.boundingRect((shade < 0.995).astype(np.uint8))
    part = frame[top : top + tall, left : left + wide]
    part *= shade[top : top + tall, left : left + wide, None]


def _fill(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(np.clip(points, -4000, 4000) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)
