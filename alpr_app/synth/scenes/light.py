"""The light of a scene (sky, sun, reflected surroundings), the shading of a relief, and its rendering in true
perspective: planes of increasing depth are swept through it until every line of sight hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from alpr_app.synth.scenes.camera import Camera, to_pixel_centres, warp
from alpr_app.synth.scenes.surface import OUTSIDE, Surface, linear

# Rows are the sine of the elevation, from zenith to nadir; columns the azimuth, with the viewer's side in the middle.
ROWS, COLUMNS = 128, 256
MOODS = ("sunny", "overcast", "evening", "garage", "night")


@dataclass(frozen=True)
class Light:
    """The light of a scene; colours are (3,).

    Attributes:
        zenith: Light from the zenith.
        horizon: Light from the horizon.
        earth: Light from the ground.
        sun: Colour of the sun; zero without sun.
        towards_sun: Unit vector towards the sun.
        around: The reflected surroundings, (128, 256, 3).
        flash: Light from the viewer's side.
    """

    mood: str
    zenith: np.ndarray
    horizon: np.ndarray
    earth: np.ndarray
    sun: np.ndarray
    towards_sun: np.ndarray
    around: np.ndarray
    flash: np.ndarray

    def falling_on(self, normals_y: np.ndarray, facing_sun: np.ndarray, facing_us: np.ndarray) -> list[np.ndarray]:
        """Red, green and blue light on a surface; `normals_y`, the two cosines and each result are (H, W)."""
        up = 0.5 + 0.5 * normals_y
        facing_sun, facing_us = np.maximum(facing_sun, 0), np.maximum(facing_us, 0)
        falling = []
        sky = (self.zenith + self.horizon) / 2
        for earth, above, sun, flash in zip(self.earth, sky, self.sun, self.flash, strict=True):
            light = up * (above - earth) + earth
            if sun > 0:
                light += facing_sun * sun
            if flash > 0:
                light += facing_us * flash
            falling.append(light)
        return falling


_PALETTES = {
    # zenith, horizon, earth, sun, flash
    "sunny": ((96, 142, 205), (218, 228, 238), (112, 108, 104), (262, 252, 232), (0, 0, 0)),
    "overcast": ((206, 212, 220), (236, 238, 240), (120, 120, 120), (70, 70, 70), (0, 0, 0)),
    "evening": ((86, 100, 140), (236, 204, 176), (92, 84, 84), (210, 168, 120), (0, 0, 0)),
    "garage": ((62, 62, 64), (110, 110, 108), (92, 90, 88), (0, 0, 0), (120, 120, 124)),
    "night": ((10, 13, 24), (44, 40, 46), (26, 26, 30), (0, 0, 0), (176, 170, 156)),
}


def make_light(mood: str, rng: np.random.Generator) -> Light:
    """The light of one of `MOODS`, with random surroundings."""
    zenith, horizon, earth, sun, flash = (
        linear(np.clip(np.asarray(colour, np.float32) * rng.uniform(0.93, 1.07), 0, 400)) for colour in _PALETTES[mood]
    )
    azimuth, height = rng.uniform(-1.2, 1.2), rng.uniform(0.5, 1.1)
    towards_sun = np.array([np.sin(azimuth), height, -np.cos(azimuth) * rng.uniform(0.3, 1)], np.float32)
    towards_sun /= np.linalg.norm(towards_sun)
    around = _surroundings(mood, zenith, horizon, earth, rng)
    if sun.max() > 0.3:
        _add_sun(around, towards_sun, sun)
    if mood in ("garage", "night"):
        _add_lamps(around, mood, rng)
    around = cv2.GaussianBlur(around, (0, 0), 1.0)
    # All columns meet at the zenith and at the nadir, where they must be equal.
    pole = np.clip((np.abs(np.linspace(1, -1, ROWS, dtype=np.float32)) - 0.7) / 0.25, 0, 1)[:, None, None]
    around += (around.mean(axis=1, keepdims=True) - around) * pole
    return Light(mood, zenith, horizon, earth, sun, towards_sun, around, flash)


def _surroundings(
    mood: str, zenith: np.ndarray, horizon: np.ndarray, earth: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    height = np.linspace(1, -1, ROWS, dtype=np.float32)[:, None, None]
    sky = horizon + (zenith - horizon) * np.clip(height, 0, 1) ** 0.6
    # The road is darkest directly below, in the shadow of the car.
    ground = earth * (0.35 + 0.65 * np.clip(1.25 + height, 0, 1) ** 2)
    around = np.repeat(np.where(height > 0, sky, ground), COLUMNS, axis=1).astype(np.float32)
    clouds = cv2.resize(
        rng.uniform(0, 1, (10, 16)).astype(np.float32), (COLUMNS, ROWS // 2), interpolation=cv2.INTER_CUBIC
    )
    around[: ROWS // 2] *= (0.62 + 0.66 * clouds)[..., None]
    column = 0
    while column < COLUMNS:
        width = int(rng.integers(6, 34))
        tall = rng.uniform(0.02, 0.42) * rng.choice((0.4, 1, 1, 1.9))
        shade = rng.uniform(0.12, 0.5)
        tint = np.asarray([0.8, 1.0, 0.7] if rng.random() < 0.4 else rng.uniform(0.85, 1.1, 3), np.float32)
        top = round(ROWS / 2 * (1 - tall))
        around[top : ROWS // 2 + 2, column : column + width] = horizon * shade * tint
        column += width + int(rng.integers(0, 8))
    return around


def _direction_to_pixel(direction: np.ndarray) -> tuple[float, float]:
    azimuth = np.arctan2(direction[0], -direction[2])
    return (azimuth / (2 * np.pi) + 0.5) * COLUMNS, (1 - direction[1]) / 2 * ROWS


def _add_sun(around: np.ndarray, towards_sun: np.ndarray, sun: np.ndarray) -> None:
    x, y = _direction_to_pixel(towards_sun)
    far = (np.arange(COLUMNS)[None] - x) ** 2 + (np.arange(ROWS)[:, None] - y) ** 2
    around += (np.exp(-far / 14)[..., None] * 14 + np.exp(-far / 500)[..., None] * 0.5) * sun


def _add_lamps(around: np.ndarray, mood: str, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(4, 9))):
        x, y = int(rng.integers(40, COLUMNS - 40)), int(rng.integers(8, 52))
        colour = linear((255, 238, 210) if mood == "garage" else (255, 196, 120)) * rng.uniform(2, 7)
        length = int(rng.integers(6, 16)) if mood == "garage" else 2
        around[y : y + 2, x : x + length] += colour


def shade(surface: Surface, viewer: np.ndarray, light: Light, heading: float) -> np.ndarray:
    """The light (H, W, 3) from each point of `surface` to `viewer`, a point in the car's axes.

    `heading` is the rotation of the car to the right in degrees, which determines the surroundings that it reflects.
    """
    depth = np.minimum(surface.carried_on(), OUTERMOST)
    slope_x = cv2.Sobel(depth, cv2.CV_32F, 1, 0, scale=surface.scale / 8)
    slope_y = cv2.Sobel(depth, cv2.CV_32F, 0, 1, scale=-surface.scale / 8)
    length = 1 / np.sqrt(slope_x**2 + slope_y**2 + 1)
    nx, ny, nz = slope_x * length, slope_y * length, -length
    x, y = surface.grid()
    vx, vy, vz = viewer[0] - x, viewer[1] - y, viewer[2] - depth
    far = 1 / np.sqrt(vx**2 + vy**2 + vz**2)
    vx, vy, vz = vx * far, vy * far, vz * far
    facing = np.clip(nx * vx + ny * vy + nz * vz, 0, 1)
    mirrored = mirror(light, 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz, heading)
    turn = np.radians(heading)
    sun = light.towards_sun
    sun_x, sun_z = (np.cos(turn) * sun[0] - np.sin(turn) * sun[2], np.sin(turn) * sun[0] + np.cos(turn) * sun[2])
    falling = light.falling_on(ny, nx * sun_x + ny * sun[1] + nz * sun_z, facing)
    hollow = np.clip(1 - (depth - cv2.blur(depth, _window(surface.scale))) * 9, 0.25, 1.1)
    share = surface.gloss + (1 - surface.gloss) * 0.4 * (1 - facing) ** 5
    diffuse = (1 - share) * hollow
    share *= hollow
    planes = []
    for channel, reflection in enumerate(cv2.split(mirrored)):
        plane = surface.albedo[channel] * falling[channel] * diffuse + reflection * share
        planes.append(plane if surface.glow is None else plane + surface.glow[channel])
    merged: np.ndarray = cv2.merge(planes)
    return merged


OUTERMOST = 3.0


def _window(scale: float) -> tuple[int, int]:
    side = max(3, round(0.07 * scale) | 1)
    return side, side


def mirror(light: Light, x: np.ndarray, y: np.ndarray, z: np.ndarray, heading: float) -> np.ndarray:
    """The surroundings in the directions (x, y, z) from a car that is turned by `heading` degrees: (H, W, 3)."""
    azimuth = cv2.phase(-z, x)
    azimuth = np.where(azimuth > np.pi, azimuth - np.float32(2 * np.pi), azimuth) + np.float32(np.radians(-heading))
    column = (azimuth * np.float32(1 / (2 * np.pi)) + np.float32(0.5)) * COLUMNS
    row = (1 - y) * np.float32(ROWS / 2)
    return cv2.remap(
        light.around, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )


@dataclass(frozen=True)
class Quality:
    """The quality of rendering.

    Attributes:
        coarse: Factor by which the picture of the search is smaller.
        detail: Pixels of the relief per pixel of the picture.
        planes: Number of swept planes in units of 30.
    """

    coarse: int = 4
    detail: float = 0.8
    planes: int = 1

    def depths(self) -> np.ndarray:
        """Depths of the planes: dense at bumpers and lamps, sparse along the bonnet and the windscreen."""
        knots = ((-0.06, 8), (0.2, 9), (0.8, 13), (2.6, 1))
        pieces = [np.linspace(a, b, n * self.planes, endpoint=False) for (a, n), (b, _) in pairwise(knots)]
        return np.concatenate([*pieces, [2.6]])


WALL, BLOCKED = np.float32(0.1), np.float32(-1)
RIGHT, UP = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


def _plane_matrix(surface: Surface, camera: Camera, depth: float) -> np.ndarray:
    matrix: np.ndarray = camera.plane(np.array([0, 0, depth]), RIGHT, UP) @ surface.to_metres()
    return matrix


def _sweep(surface: Surface, camera: Camera, depths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of `camera` the depth of the hit, (H, W), and whether there is a hit."""
    width, height = camera.size
    coarse: np.ndarray = surface.carried_on()
    inside: np.ndarray = surface.inside().astype(np.uint8) * 255
    step = max(1, int(surface.scale * np.linalg.norm(camera.position) / camera.focal / 1.4))
    if step > 1:
        size = coarse.shape[1] // step, coarse.shape[0] // step
        coarse, inside = (cv2.resize(m, size, interpolation=cv2.INTER_AREA) for m in (coarse, inside))
    ratio_x, ratio_y = surface.depth.shape[1] / coarse.shape[1], surface.depth.shape[0] / coarse.shape[0]
    to_fine = np.diag([ratio_x, ratio_y, 1.0])
    found = np.full((height, width), np.float32(OUTSIDE))
    before = None
    for index, plane in enumerate(depths):
        matrix = _plane_matrix(surface, camera, plane) @ to_fine
        gap = np.float32(plane) - warp(coarse, matrix, (width, height), OUTSIDE)
        if before is not None:
            apart = np.float32(plane - depths[index - 1])
            share = np.clip(gap / np.maximum(gap - before, np.float32(1e-4)), 0, 1)
            depth = np.float32(plane) - share * apart
            # Far below the surface at the first plane: the line of sight enters through the side, drawn separately.
            depth[gap > apart + WALL] = BLOCKED
            within = warp(inside, matrix, (width, height)) > 127
            np.copyto(found, depth, where=(gap >= 0) & within & (found >= OUTSIDE))
        before = gap
    return found, (found < OUTSIDE) & (found > BLOCKED)


def render(surface: Surface, radiance: np.ndarray, camera: Camera, quality: Quality) -> tuple[np.ndarray, np.ndarray]:
    """Render the relief for a `camera` in the car's axes: light (H, W, 3) and opacity (H, W), 0 to 1."""
    coarse = quality.coarse
    width, height = camera.size
    small = camera.smaller(coarse)
    depth, hit = _sweep(surface, small, quality.depths())
    known = cv2.medianBlur(hit.astype(np.uint8), 5).astype(np.float32)
    # The depth is extended past the outline, so that no other values are blended into the edge.
    spread = cv2.blur(known, (7, 7))
    filled = cv2.blur(np.where(hit, depth, 0), (7, 7)) / np.maximum(spread, np.float32(1e-3))
    depth = np.where(hit, depth, filled).astype(np.float32)
    size = small.size[0] * coarse, small.size[1] * coarse
    depth = cv2.resize(depth, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    cover = cv2.resize(cv2.GaussianBlur(known, (3, 3), 0), size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    column, row = _lookup(surface, camera, depth)
    light = cv2.remap(radiance, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return light, np.clip((cover - 0.5) * 2 + 0.5, 0, 1)


def _lookup(surface: Surface, camera: Camera, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The column and row of the relief for each pixel, given the depth of its hit, for cv2.remap."""
    height, width = depth.shape
    # A line of sight is known from its points on two planes, so that its point at any other depth is interpolated.
    spots = []
    for plane in (0.0, 1.0):
        inverse = np.linalg.inv(to_pixel_centres(_plane_matrix(surface, camera, plane)))
        x, y = np.arange(width)[None], np.arange(height)[:, None]
        below = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        spots.append(
            [((inverse[i, 0] * x + inverse[i, 1] * y + inverse[i, 2]) / below).astype(np.float32) for i in (0, 1)]
        )
    near, far = spots
    return near[0] + (far[0] - near[0]) * depth, near[1] + (far[1] - near[1]) * depth


def render_flat(
    surface: Surface, radiance: np.ndarray, camera: Camera, lean: float = 0, foot: float = 0
) -> tuple[np.ndarray, np.ndarray]:
    """As `render`, but projected on a plane, for sides that are seen so obliquely that their depth is hardly visible.

    `lean` is how many metres the plane recedes per metre above the height `foot`.
    """
    matrix = camera.plane(np.array([0, 0, -lean * foot]), RIGHT, UP + np.array([0, 0, lean])) @ surface.to_metres()
    inside: np.ndarray = surface.inside().astype(np.float32)
    height, width = inside.shape
    # Seen obliquely, many columns of the relief fall on one column of the picture, so that they are averaged first.
    narrow = max(8, min(width, round(1.3 * camera.size[0])))
    if narrow < width:
        inside, radiance = (cv2.resize(m, (narrow, height), interpolation=cv2.INTER_AREA) for m in (inside, radiance))
        matrix = matrix @ np.diag([width / narrow, 1, 1])
    light = cv2.warpPerspective(
        radiance, to_pixel_centres(matrix), camera.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return light, warp(inside, matrix, camera.size)
