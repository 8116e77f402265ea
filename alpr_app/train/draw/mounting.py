"""How a plate hangs on a car: where, on what holder, in what light; and how it is warped into the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.train.draw.camera import Camera, to_pixel_centres, warp
from alpr_app.train.draw.light import Light, mirror
from alpr_app.train.draw.surface import Surface, linear

DISPLAY_TO_LIGHT = linear(np.arange(256))


@dataclass(frozen=True)
class DrawnPlate:
    """A plate in a drawn picture: corners (4, 2) float32 top-left, top-right, bottom-right, bottom-left in pixels.

    box: left, top, right, bottom of the corners. rows: of its characters.
    """

    text: str
    colour: str
    corners: np.ndarray
    box: tuple[float, float, float, float]
    rows: int = 1


@dataclass(frozen=True)
class Mount:
    """Where a plate hangs, in the car's axes and metres: its middle, and its axes to the right and downwards."""

    middle: np.ndarray
    right: np.ndarray
    down: np.ndarray
    width: float
    height: float

    def corners(self) -> np.ndarray:
        """Top-left, top-right, bottom-right, bottom-left: (4, 3)."""
        across, along = self.right * self.width / 2, self.down * self.height / 2
        return np.stack(
            [
                self.middle - across - along,
                self.middle + across - along,
                self.middle + across + along,
                self.middle - across + along,
            ]
        )


def hang_plate(surface: Surface, plate_y: float, size: tuple[float, float], rng: np.random.Generator) -> Mount:
    """Hangs a plate before whatever sticks out most at its place, and paints its holder there. plate_y: of its middle;
    size: width and height; in metres."""
    width, height = size
    a, b = width / 2, height / 2
    x = rng.uniform(-0.012, 0.012)
    rows = slice(round((surface.top - plate_y - b) * surface.scale), round((surface.top - plate_y + b) * surface.scale))
    columns = slice(round((x - a - surface.left) * surface.scale), round((x + a - surface.left) * surface.scale))
    depth = float(np.median(surface.depth[rows, columns])) - 0.012
    # Whatever would stick through the plate is pressed flat.
    around = slice(rows.start - 4, rows.stop + 4), slice(columns.start - 4, columns.stop + 4)
    surface.depth[around] = np.maximum(surface.depth[around], depth + 0.008)
    edge = rng.choice((0.0, 0.008, 0.014))
    if edge:
        wide, high = a + edge, b + edge
        frame = ((16, 16, 17), (16, 16, 17), (120, 122, 126))[rng.integers(3)]
        surface.paint(
            [
                (x - wide, plate_y + high),
                (x + wide, plate_y + high),
                (x + wide, plate_y - high - edge),
                (x - wide, plate_y - high - edge),
            ],
            frame,
            gloss=0.06 if frame[0] < 50 else 0.4,
            corner=0.006,
        )
    # The plate's own shadow, a hand's breadth of dimness below it.
    surface.paint(
        [
            (x - a, plate_y - b + 0.02),
            (x + a, plate_y - b + 0.02),
            (x + a - 0.01, plate_y - b - 0.015),
            (x - a + 0.01, plate_y - b - 0.015),
        ],
        (8, 8, 9),
        corner=0.012,
        alpha=0.55,
    )
    lean, roll = np.radians(rng.normal(0, 2.0)), np.radians(rng.normal(0, 0.5))
    right = np.array([np.cos(roll), -np.sin(roll), 0])
    down = np.array([-np.sin(roll), -np.cos(roll), np.sin(lean)])
    return Mount(np.array([x, plate_y, depth]), right, down / np.linalg.norm(down), width, height)


def draw_plate(
    frame: np.ndarray,
    camera: Camera,
    light: Light,
    plate: np.ndarray,
    mount: Mount,
    heading: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Warps the plate in, lit as the car is; returns its corners."""
    corners = camera.project(mount.corners())
    wide = max(24, round(1.5 * float(np.linalg.norm(corners[1] - corners[0]))))
    if wide < plate.shape[1]:
        plate = cv2.resize(plate, (wide, round(plate.shape[0] * wide / plate.shape[1])), interpolation=cv2.INTER_AREA)
    radiance = DISPLAY_TO_LIGHT[plate] * _light_on_plate(camera, light, mount, heading, rng, plate.shape[0])
    left, top = np.maximum(np.floor(corners.min(axis=0)) - 3, 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)) + 3, camera.size).astype(int)
    if right <= left or bottom <= top:
        return corners
    height, width = plate.shape[:2]
    source = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(source, np.float32(corners - (left, top)))
    size = int(right - left), int(bottom - top)
    seen = cv2.warpPerspective(
        radiance, to_pixel_centres(matrix), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    cover = warp(np.ones((height, width), np.float32), matrix, size)[..., None]
    part = frame[top:bottom, left:right]
    part += (seen - part) * cover
    return corners


def _light_on_plate(
    camera: Camera, light: Light, mount: Mount, heading: float, rng: np.random.Generator, rows: int
) -> np.ndarray:
    """Light (rows, 1, 3) on the plate: less at its upper edge, where the car overhangs, and a little glare."""
    normal = np.cross(mount.right, mount.down)
    normal *= -np.sign(normal[2]) or 1
    turn = np.radians(heading)
    sun = np.array(
        [
            np.cos(turn) * light.towards_sun[0] - np.sin(turn) * light.towards_sun[2],
            light.towards_sun[1],
            np.sin(turn) * light.towards_sun[0] + np.cos(turn) * light.towards_sun[2],
        ]
    )
    view = camera.position - mount.middle
    view = view / np.linalg.norm(view)
    ny, facing_sun, facing_us = (
        np.float32([[v]]) for v in (normal[1], normal @ sun, (normal @ view) * rng.uniform(1.0, 1.8))
    )
    even = np.concatenate(light.falling_on(ny, facing_sun, facing_us), axis=1)[0]
    overhang = 1 - rng.uniform(0.1, 0.45) * np.exp(-np.linspace(0, 1, rows) / rng.uniform(0.05, 0.2))
    bounce = 2 * (normal @ view) * normal - view
    glare = mirror(light, *(np.float32([[v]]) for v in bounce), heading)[0, 0] * 0.02
    return (even * overhang[:, None] + np.minimum(glare, 0.3))[:, None].astype(np.float32)
