"""What stands behind the cars, out of focus: sky, houses, trees, hedges, walls, the inside of a garage."""

from __future__ import annotations

import cv2
import numpy as np

from alpr_app.train.draw.camera import Camera
from alpr_app.train.draw.light import Light
from alpr_app.train.draw.surface import linear

# Drawn this many times smaller and enlarged: all of it is blurred anyway.
SMALL = 3


def draw_backdrop(camera: Camera, light: Light, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A picture (H, W, 3) of light of everything but the road and the cars; and how far ahead the road ends."""
    width, height = camera.size
    view = camera.smaller(SMALL)
    canvas = np.empty((view.size[1], view.size[0], 3), np.float32)
    horizon = view.horizon()
    share = np.clip((horizon - np.arange(view.size[1], dtype=np.float32)) / (0.6 * view.size[0]), 0, 1)
    canvas[:] = (light.horizon + (light.zenith - light.horizon) * share[:, None])[:, None]
    surroundings = _garage if light.mood == "garage" else _street
    end = surroundings(canvas, view, light, rng)
    canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1.0, 2.4) * view.size[0] / 300)
    size = view.size[0] * SMALL, view.size[1] * SMALL
    return np.ascontiguousarray(cv2.resize(canvas, size, interpolation=cv2.INTER_LINEAR)[:height, :width]), end


def _quad(canvas: np.ndarray, view: Camera, corners: list[tuple[float, float, float]], colour: np.ndarray) -> None:
    points = np.clip(view.outline(np.array(corners)), -30000, 30000)
    if len(points):
        cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], tuple(float(v) for v in colour), cv2.LINE_8, 4)


def _wall(
    canvas: np.ndarray, view: Camera, left: float, right: float, low: float, high: float, far: float, colour: np.ndarray
) -> None:
    _quad(canvas, view, [(left, low, far), (right, low, far), (right, high, far), (left, high, far)], colour)


def _ambient(light: Light) -> np.ndarray:
    return (light.zenith + light.horizon) / 2 + light.sun * 0.35 + light.flash * 0.04


def _street(canvas: np.ndarray, view: Camera, light: Light, rng: np.random.Generator) -> float:
    x = -45.0
    night = light.mood == "night"
    while x < 45:
        wide, far = rng.uniform(6, 16), rng.uniform(26, 42)
        if rng.random() < 0.8:
            _house(canvas, view, (x, x + wide), rng.uniform(7, 24), far, light, rng)
        x += wide * rng.uniform(0.85, 1.15)
    for _ in range(int(rng.integers(3, 9))):
        _tree(canvas, view, rng.uniform(-22, 22), rng.uniform(13, 26), rng.uniform(5, 10), light, rng)
    end = rng.uniform(7.5, 14)
    if rng.random() < 0.7:
        _hedge(canvas, view, end, rng.uniform(0.7, 1.8), light, rng)
    else:
        base = linear((120, 117, 112)) * rng.uniform(0.4, 1.1) * _ambient(light)
        _wall(canvas, view, -40, 40, 0, rng.uniform(0.8, 2.6), end, base)
    if night:
        for _ in range(int(rng.integers(6, 18))):
            spot = view.project(np.array([[rng.uniform(-14, 14), rng.uniform(0.6, 6), rng.uniform(14, 30)]]))[0]
            colour = linear(
                ((255, 190, 110), (255, 230, 190), (255, 60, 40), (190, 220, 255))[rng.integers(4)]
            ) * rng.uniform(0.6, 2.5)
            centre = tuple(int(v) for v in np.clip(spot, -500, 2000))
            cv2.circle(canvas, centre, int(rng.integers(2, 7)), tuple(float(v) for v in colour), -1)
    return end - 0.5


def _house(
    canvas: np.ndarray,
    view: Camera,
    sides: tuple[float, float],
    high: float,
    far: float,
    light: Light,
    rng: np.random.Generator,
) -> None:
    left, right = sides
    tone = linear(np.clip(rng.uniform(90, 210) * rng.uniform(0.92, 1.08, 3) * (1.04, 1.0, 0.94), 0, 255))
    wall = tone * _ambient(light) * 0.8
    _wall(canvas, view, left, right, 0, high, far, wall)
    lit_share = 0.35 if light.mood == "night" else 0.0
    step_x, step_y = rng.uniform(1.4, 2.6), rng.uniform(2.6, 3.4)
    for y in np.arange(1.0, high - 1.6, step_y):
        for x in np.arange(left + 0.6, right - 1.0, step_x):
            pane = wall * rng.uniform(0.15, 0.6) + light.horizon * rng.uniform(0, 0.15)
            if rng.random() < lit_share:
                pane = linear((255, 214, 150)) * rng.uniform(0.2, 0.9)
            _wall(canvas, view, x, x + step_x * 0.55, y, y + step_y * 0.5, far, pane)


def _leaves(
    canvas: np.ndarray,
    view: Camera,
    middle: np.ndarray,
    spread: np.ndarray,
    count: int,
    size: float,
    light: Light,
    rng: np.random.Generator,
) -> None:
    """Blobs of foliage around `middle`, darker below, lit from above."""
    offsets = rng.normal(0, 1, (count, 3))
    # Evenly within a ball.
    offsets *= (rng.uniform(0, 1, count) ** (1 / 3) / np.linalg.norm(offsets, axis=1))[:, None]
    order = np.argsort(offsets[:, 1])
    spots = view.project(middle + offsets[order] * spread)
    pixel = view.focal / max(1.0, middle[2] - view.position[2])
    base = linear(np.array((66, 80, 46)) * rng.uniform(0.7, 1.1) * rng.uniform(0.9, 1.1, 3))
    tones = (0.35 + 0.75 * np.linspace(0, 1, count)) * rng.uniform(0.55, 1.35, count)
    ambient = _ambient(light)
    for (x, y), tone in zip(spots, tones, strict=True):
        if -50 < x < canvas.shape[1] + 50 and -50 < y < canvas.shape[0] + 50:
            radius = max(1, round(size * pixel * rng.uniform(0.5, 1.2)))
            cv2.circle(canvas, (int(x), int(y)), radius, tuple(float(v) for v in base * tone * ambient), -1)


def _tree(
    canvas: np.ndarray, view: Camera, x: float, far: float, high: float, light: Light, rng: np.random.Generator
) -> None:
    trunk = linear((84, 72, 62)) * _ambient(light) * 0.7
    _wall(canvas, view, x - 0.14, x + 0.14, 0, high * 0.5, far, trunk)
    _leaves(
        canvas, view, np.array([x, high * 0.66, far]), np.array([high * 0.36, high * 0.34, 0.6]), 320, 0.22, light, rng
    )


def _hedge(canvas: np.ndarray, view: Camera, far: float, high: float, light: Light, rng: np.random.Generator) -> None:
    _wall(canvas, view, -30, 30, 0, high * 0.9, far, linear((40, 56, 30)) * _ambient(light) * 0.7)
    for x in np.arange(-9, 9, 1.5):
        _leaves(canvas, view, np.array([x, high * 0.6, far]), np.array([1.1, high * 0.5, 0.3]), 90, 0.09, light, rng)
    kerb = linear((124, 122, 118)) * _ambient(light)
    _wall(canvas, view, -30, 30, 0, 0.16, far - 0.5, kerb)


def _garage(canvas: np.ndarray, view: Camera, light: Light, rng: np.random.Generator) -> float:
    far = rng.uniform(9, 18)
    ambient = _ambient(light) * 1.5
    _quad(
        canvas,
        view,
        [(-30, 2.9, far), (30, 2.9, far), (30, 2.9, -1.0), (-30, 2.9, -1.0)],
        linear((96, 96, 94)) * ambient,
    )
    _wall(canvas, view, -30, 30, 0, 2.9, far, linear((190, 188, 180)) * ambient * 0.55)
    _wall(canvas, view, -30, 30, 0, 1.1, far - 0.01, linear((70, 120, 90)) * ambient * 0.6)
    for z in np.arange(far - 1, 1, -2.5):
        for x in (-3.4, 2.2):
            _quad(
                canvas,
                view,
                [(x, 2.75, z), (x + 1.2, 2.75, z), (x + 1.2, 2.75, z - 0.15), (x, 2.75, z - 0.15)],
                linear((255, 250, 236)) * 1.5,
            )
    for x in np.arange(-9.6, 10, 4.8):
        z = far - rng.uniform(2, 5)
        _wall(canvas, view, x - 0.35, x + 0.35, 0, 2.9, z, linear((176, 174, 168)) * ambient * rng.uniform(0.5, 0.8))
        for low in np.arange(0, 1.2, 0.4):
            _wall(canvas, view, x - 0.35, x + 0.35, low, low + 0.2, z - 0.01, linear((216, 176, 40)) * ambient * 0.6)
            _wall(canvas, view, x - 0.35, x + 0.35, low + 0.2, low + 0.4, z - 0.01, linear((26, 26, 26)) * ambient)
    return far
