"""A whole car in a picture: shadow, tyres, sides, front or back, and the mounted plate, warped into the picture in the
light of the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from alpr_app.core.geometry import corners_to_box
from alpr_app.synth.plates.painting import PlannedPlate
from alpr_app.synth.scenes import bodies
from alpr_app.synth.scenes.bodies import HEAVY, Body, make_surface
from alpr_app.synth.scenes.camera import Camera, to_pixel_centres, warp
from alpr_app.synth.scenes.fronts import draw_front
from alpr_app.synth.scenes.light import Light, Quality, mirror, render, render_flat, shade
from alpr_app.synth.scenes.rears import draw_rear
from alpr_app.synth.scenes.surface import Surface, linear
from alpr_app.synth.scenes.surroundings import draw_shadow

DISPLAY_TO_LIGHT = linear(np.arange(256))


@dataclass(frozen=True)
class DrawnPlate:
    """A plate in a drawn picture.

    Attributes:
        text: Its text.
        colour: Its colour.
        corners: Top left, top right, bottom right and bottom left corner in pixels, (4, 2) float32.
        box: Left, top, right and bottom of the corners.
        rows: Number of rows of characters.
    """

    text: str
    colour: str
    corners: np.ndarray
    box: tuple[float, float, float, float]
    rows: int = 1


@dataclass(frozen=True)
class Mount:
    """The position of a plate in the car's axes, in metres: its centre, and its axes to the right and down."""

    middle: np.ndarray
    right: np.ndarray
    down: np.ndarray
    width: float
    height: float

    def corners(self) -> np.ndarray:
        """Top left, top right, bottom right and bottom left corner: (4, 3)."""
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
    """Mount a plate in front of the foremost part of the surface there, and paint its holder. `plate_y` is the height
    of its centre, `size` its width and height in metres."""
    width, height = size
    a, b = width / 2, height / 2
    x = rng.uniform(-0.012, 0.012)
    rows = slice(round((surface.top - plate_y - b) * surface.scale), round((surface.top - plate_y + b) * surface.scale))
    columns = slice(round((x - a - surface.left) * surface.scale), round((x + a - surface.left) * surface.scale))
    depth = float(np.median(surface.depth[rows, columns])) - 0.012
    # Parts that would protrude through the plate are flattened.
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
    # The shadow of the plate, dark for a hand's breadth below it.
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
    """Warp the plate into the picture in the light of the car; return its corners."""
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
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, np.asarray(corners - (left, top), np.float32))
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
        np.array([[v]], np.float32) for v in (normal[1], normal @ sun, (normal @ view) * rng.uniform(1.0, 1.8))
    )
    even = np.concatenate(light.falling_on(ny, facing_sun, facing_us), axis=1)[0]
    overhang = 1 - rng.uniform(0.1, 0.45) * np.exp(-np.linspace(0, 1, rows) / rng.uniform(0.05, 0.2))
    bounce = 2 * (normal @ view) * normal - view
    x, y, z = (np.array([[v]], np.float32) for v in bounce)
    glare = mirror(light, x, y, z, heading)[0, 0] * 0.02
    shade: np.ndarray = (even * overhang[:, None] + np.minimum(glare, 0.3))[:, None].astype(np.float32)
    return shade


RIGHT = np.array([1.0, 0, 0])
# Width and height in metres of a holder without a plate.
EMPTY_HOLDER = 0.44, 0.14


@dataclass(frozen=True)
class CarPlan:
    """A car to draw.

    `position` is x and z in metres of the middle of its visible end, `heading` is in degrees, `plate` is None for a car
    without one, and `lit` is whether its lamps are on.
    """

    body: Body
    plate: PlannedPlate | None
    position: tuple[float, float]
    heading: float
    lit: bool


def _region(
    camera: Camera, low: tuple[float, float, float], high: tuple[float, float, float]
) -> tuple[int, int, int, int] | None:
    """The area of the picture that a box in the car's axes covers: left, top, width, height; None if it is outside."""
    corners = np.array(
        [[(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    corners[:, 2] = np.maximum(corners[:, 2], camera.position[2] + 0.3)
    points = camera.project(corners)
    ahead = (corners - camera.position) @ camera.axes[2] > 0.05
    if not ahead.all():
        return 0, 0, *camera.size
    left, top = np.maximum(np.floor(points.min(axis=0)) - 4, 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(axis=0)) + 4, camera.size).astype(int)
    if right - left < 8 or bottom - top < 8:
        return None
    return int(left), int(top), int(right - left), int(bottom - top)


def _draw_relief(
    frame: np.ndarray, camera: Camera, light: Light, surface: Surface, heading: float, depth: float, quality: Quality
) -> None:
    """Shade and draw a relief that reaches back `depth` metres."""
    low = surface.left, 0.0, -0.06
    high = surface.left + surface.depth.shape[1] / surface.scale, surface.top, depth
    region = _region(camera, low, high)
    if region is None:
        return
    left, top, width, height = region
    radiance = shade(surface, camera.position, light, heading)
    seen, cover = render(surface, radiance, camera.part(left, top, width, height), quality)
    part = frame[top : top + height, left : left + width]
    part += (seen - part) * cover[..., None]


def _draw_flat(
    frame: np.ndarray, camera: Camera, surface: Surface, radiance: np.ndarray, lean: float = 0, foot: float = 0
) -> None:
    """Draw a shaded relief by `render_flat`."""
    inside = np.flatnonzero(surface.inside().any(axis=1))
    if not len(inside):
        return
    low, high = (surface.top - row / surface.scale for row in (inside[-1] + 1, inside[0]))
    region = _region(
        camera,
        (surface.left, low, lean * (low - foot)),
        (surface.left + surface.depth.shape[1] / surface.scale, high, lean * (high - foot)),
    )
    if region is None:
        return
    left, top, width, height = region
    seen, cover = render_flat(surface, radiance, camera.part(left, top, width, height), lean, foot)
    part = frame[top : top + height, left : left + width]
    part += (seen - part) * cover[..., None]


def _draw_tyres(frame: np.ndarray, camera: Camera, light: Light, body: Body) -> None:
    """Draw the lowest part of the tyres and the dark space between them."""
    heavy = body.kind in HEAVY
    width, tall, far = (0.5, 0.75, 0.9) if heavy else (0.2, 0.5, 0.55)
    region = _region(camera, (-body.half, 0, far), (body.half, tall, far + 0.2))
    if region is None:
        return
    x0, y0, columns, rows = region
    view, part = camera.part(x0, y0, columns, rows), frame[y0 : y0 + rows, x0 : x0 + columns]
    tread = bodies.tyre_picture() * (light.zenith + light.horizon + light.flash + light.earth) + np.float32(0.001)
    dark = np.zeros((4, 4, 3), np.float32) + 0.0015
    inner = body.half - width - 0.02
    shape, everywhere = bodies.tyre_cover(), np.ones((4, 4), np.float32)
    pieces = [
        (dark, everywhere, -inner - 0.05, 2 * inner + 0.1, far + 0.1, 0.07),
        (tread, shape, -body.half + 0.02, width, far, 0.0),
        (tread, shape, body.half - 0.02 - width, width, far, 0.0),
    ]
    for picture, mask, left, wide, z, low in pieces:
        matrix = view.plane(
            np.array([left, tall, z]),
            RIGHT * wide / picture.shape[1],
            np.array([0, -(tall - low) / picture.shape[0], 0]),
        )
        cover = warp(mask, matrix, view.size)[..., None]
        part += (warp(picture, matrix, view.size) - part) * cover


def _draw_roof(frame: np.ndarray, camera: Camera, light: Light, body: Body) -> None:
    sky = (light.zenith + light.horizon) / 2
    colour = linear(body.paint) * (sky + light.sun * light.towards_sun[1]) + 0.2 * light.horizon
    points = np.round(camera.outline(bodies.roof_of(body)) * 16).astype(np.int32)
    if len(points):
        cv2.fillPoly(frame, [points], tuple(float(v) for v in colour), cv2.LINE_8, 4)


class Garage:
    """Builds and draws cars."""

    def __init__(self, face: cv2.FontFace, quality: Quality) -> None:
        self._face, self._quality = face, quality

    def draw(
        self, frame: np.ndarray, world: Camera, light: Light, plan: CarPlan, rng: np.random.Generator
    ) -> DrawnPlate | None:
        """Draw the car into `frame` in place; return its plate, or None if it has none or it is outside the picture."""
        body = plan.body
        camera = world.seen_from(np.array([plan.position[0], 0, plan.position[1]]), plan.heading)
        heavy = body.kind in HEAVY
        distance = max(0.6, float(np.linalg.norm(camera.position - (0, 0.6, 0))))
        scale = float(np.clip(self._quality.detail * camera.focal / distance, 50, 400 * self._quality.detail))
        surface = make_surface(body, scale)
        stamp = (
            draw_front(surface, body, rng, plan.lit)
            if body.front
            else draw_rear(surface, body, rng, plan.lit, self._face)
        )
        wanted = plan.plate
        size = EMPTY_HOLDER if wanted is None else (wanted.width / 1000, wanted.height / 1000)
        mount = hang_plate(surface, stamp, size, rng)
        length = bodies.HEAVY_LENGTH if heavy else bodies.LENGTH
        draw_shadow(frame, camera, light, body.half, body.height, length, plan.heading)
        _draw_tyres(frame, camera, light, body)
        self._draw_side(frame, camera, light, plan, scale)
        if not heavy and camera.position[1] > body.height:
            _draw_roof(frame, camera, light, body)
        if body.front and not heavy:
            self._draw_mirrors(frame, camera, light, plan, scale)
        _draw_relief(frame, camera, light, surface, plan.heading, 0.6 if heavy else 2.6, self._quality)
        if wanted is None or not _inside(camera.project(mount.corners()), camera.size):
            return None
        corners = draw_plate(frame, camera, light, wanted.draw(rng), mount, plan.heading, rng)
        left, top, right, bottom = map(float, corners_to_box(corners))
        return DrawnPlate(wanted.text, wanted.colour, corners, (left, top, right, bottom), wanted.rows)

    def _draw_side(self, frame: np.ndarray, camera: Camera, light: Light, plan: CarPlan, scale: float) -> None:
        half = plan.body.half - 0.015
        side = np.sign(camera.position[0]) if abs(camera.position[0]) > half + 0.03 else 0
        if not side:
            return
        flank = bodies.make_flank(plan.body, min(scale * 0.5, 120 * self._quality.detail))
        view = camera.seen_from(np.array([side * half, 0, 0]), -90 * side)
        if side < 0:
            flank = bodies.flipped(flank)
        radiance = shade(flank, view.position, light, plan.heading - 90 * side)
        for (low, start), (high, end) in reversed(list(pairwise(bodies.lean_of(plan.body)))):
            lean = (end - start) / (high - low)
            foot = low - start / lean if lean else 0.0
            part = bodies.band(flank, low, high + 0.01)
            _draw_flat(frame, view, part, radiance, lean, foot)

    def _draw_mirrors(self, frame: np.ndarray, camera: Camera, light: Light, plan: CarPlan, scale: float) -> None:
        mirror_of = bodies.make_mirror(plan.body, scale)
        far = plan.body.depth_at(plan.body.belt) + 0.1
        for side in (-1, 1):
            view = camera.seen_from(np.array([side * (plan.body.half - 0.06), 0, far]), 0)
            _draw_flat(frame, view, mirror_of, shade(mirror_of, view.position, light, plan.heading))


def _inside(corners: np.ndarray, size: tuple[int, int]) -> bool:
    return bool((corners >= 2).all() and (corners <= np.array(size) - 2).all())
