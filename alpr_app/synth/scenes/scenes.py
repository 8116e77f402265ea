"""Stylised photographs of cars with plates: road, surroundings, light, bodies and defects of lenses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.synth.plates.glyphs import load_font
from alpr_app.synth.plates.painters import Painter
from alpr_app.synth.scenes.bodies import CARS, HEAVY, Body, random_body
from alpr_app.synth.scenes.camera import Camera, Film, aim, expose, random_film, through_jpeg
from alpr_app.synth.scenes.cars import CarPlan, DrawnPlate, Garage
from alpr_app.synth.scenes.light import Quality, make_light
from alpr_app.synth.scenes.surroundings import Ground, draw_backdrop, draw_litter, draw_markings

KINDS = ("front", "rear", "two_cars", "night", "tilted", "heavy")
PORTRAIT, LANDSCAPE = (720, 1160), (1280, 720)
FAST = Quality()


@dataclass(frozen=True)
class ScenePlan:
    """A scene without its random details.

    Attributes:
        mood: One of light.MOODS.
        ground: One of ground.KINDS.
        parked: Cars in the background, without plates, the farthest first.
        strips: Road markings, each (4, 2) of x and z in metres.
    """

    mood: str
    ground: str
    camera: Camera
    cars: tuple[CarPlan, ...]
    parked: tuple[CarPlan, ...]
    strips: tuple[np.ndarray, ...]
    film: Film


@lru_cache(maxsize=1)
def _ground() -> Ground:
    return Ground.make()


def draw_scene(rng: np.random.Generator, kind: str, painter: Painter) -> tuple[np.ndarray, list[DrawnPlate]]:
    """Draw a random scene of one of KINDS: RGB uint8, 720 x 1160 or 1280 x 720 pixels, and the plates in it.

    Raises UsageError for another kind.
    """
    return paint(plan_scene(rng, kind, painter), rng)


def paint(plan: ScenePlan, rng: np.random.Generator, quality: Quality = FAST) -> tuple[np.ndarray, list[DrawnPlate]]:
    """Draw the photograph of a plan; return it with the plates in it, the largest first."""
    light = make_light(plan.mood, rng)
    frame, end = draw_backdrop(plan.camera, light, rng)
    ground = _ground()
    ground.draw(frame, plan.camera, light, plan.ground, end, rng)
    if plan.strips:
        draw_markings(frame, plan.camera, light, list(plan.strips), ground, rng)
    garage = Garage(load_font(), quality)
    for car in plan.parked:
        garage.draw(frame, plan.camera, light, car, rng)
    _defocus(frame, plan.camera, rng)
    draw_litter(frame, plan.camera, light, rng)
    plates = []
    for car in sorted(plan.cars, key=lambda car: -car.position[1]):
        plate = garage.draw(frame, plan.camera, light, car, rng)
        if plate is not None:
            plates.append(plate)
    picture = expose(frame, plan.film, rng)
    if plan.film.quality:
        picture = through_jpeg(picture, plan.film.quality)
    plates.sort(key=lambda plate: -(plate.box[2] - plate.box[0]))
    return picture, plates


def plan_scene(rng: np.random.Generator, kind: str, painter: Painter) -> ScenePlan:
    """A random car, plate, place, light and camera for one of KINDS."""
    if kind not in KINDS:
        raise UsageError(f"'{kind}': no kind of scene; there are {', '.join(KINDS)}")
    mood = (
        "night"
        if kind == "night"
        else str(rng.choice(("sunny", "overcast", "evening", "garage"), p=(0.4, 0.35, 0.15, 0.1)))
    )
    ground = (
        str(rng.choice(("concrete", "painted")))
        if mood == "garage"
        else str(rng.choice(("asphalt", "paving", "concrete"), p=(0.6, 0.25, 0.15)))
    )
    size = LANDSCAPE if kind == "two_cars" or rng.random() < 0.25 else PORTRAIT
    cars = _cars(rng, kind, mood, painter)
    camera = _camera(rng, kind, size, cars[0].body.kind in HEAVY)
    return ScenePlan(
        mood, ground, camera, tuple(cars), tuple(_parked(rng)), tuple(_strips(rng, mood)), random_film(mood, rng)
    )


def _cars(rng: np.random.Generator, kind: str, mood: str, painter: Painter) -> list[CarPlan]:
    front = kind == "front" or (kind != "rear" and kind != "heavy" and rng.random() < 0.55)
    body = random_body(str(rng.choice(HEAVY if kind == "heavy" else CARS)), front, rng)
    heading = rng.normal(0, 3)
    lit = mood == "night" and rng.random() < 0.6
    cars = [_plan_car(rng, body, (0.0, 0.0), heading, lit, painter)]
    if kind == "two_cars" or rng.random() < 0.3:
        side = -1 if rng.random() < 0.5 else 1
        other = random_body(str(rng.choice(CARS)), rng.random() < 0.5, rng)
        place = side * rng.uniform(2.3, 2.8), rng.uniform(-0.4, 1.2)
        cars.append(_plan_car(rng, other, place, heading + rng.normal(0, 3), lit, painter))
    return cars


def _parked(rng: np.random.Generator) -> list[CarPlan]:
    """A row of cars on the far side of the road, or none."""
    if rng.random() < 0.7:
        return []
    far, front = rng.uniform(6, 9), rng.random() < 0.5
    return [
        CarPlan(
            random_body(str(rng.choice(CARS)), front, rng),
            None,
            (x + rng.normal(0, 0.2), far),
            rng.normal(0, 3),
            False,
        )
        for x in np.arange(-6, 6.1, 2.6) + rng.uniform(-1, 1)
        if rng.random() < 0.7
    ]


def _defocus(frame: np.ndarray, camera: Camera, rng: np.random.Generator) -> None:
    """Blur the background behind the cars in place, increasingly towards the horizon."""
    start = int(camera.project(np.array([[camera.position[0], 0, 2.0]]))[0, 1])
    height = frame.shape[0]
    start = min(max(start, 0), height)
    if start < 8:
        return
    sigma = rng.uniform(0.8, 2.2) * camera.size[0] / 720
    part = frame[:start]
    share = np.clip((start - np.arange(start, dtype=np.float32)) / max(1.0, start - camera.horizon()), 0, 1)
    part += (cv2.GaussianBlur(part, (0, 0), sigma) - part) * share[:, None, None]


def _plan_car(
    rng: np.random.Generator, body: Body, place: tuple[float, float], heading: float, lit: bool, painter: Painter
) -> CarPlan:
    plate = painter.plan("front" if body.front else "rear", body.kind in HEAVY, rng)
    return CarPlan(body, plate, place, heading, lit)


def _camera(rng: np.random.Generator, kind: str, size: tuple[int, int], heavy: bool) -> Camera:
    far = rng.uniform(3.5, 6) if heavy else rng.uniform(2.2, 4.2)
    aside = rng.uniform(-0.25, 0.25) * far
    roll = rng.normal(0, 1.5)
    if kind == "tilted":
        aside = rng.choice((-1, 1)) * rng.uniform(0.4, 0.75) * far
        roll = rng.uniform(-12, 12)
    target, position = np.array([0, 0.6, 0]), np.array([aside, rng.uniform(1.1, 1.75), -far])
    wide = rng.uniform(110, 250)
    if kind == "two_cars":
        far = rng.uniform(4, 6)
        target[0] = rng.uniform(-1.2, 1.2)
        position = np.array([target[0] + rng.uniform(-0.8, 0.8), rng.uniform(1.2, 1.9), -far])
        wide = rng.uniform(90, 140)
    where = rng.uniform(0.4, 0.6), rng.uniform(0.42, 0.62)
    return aim(target, position, where, wide * far / 0.44, roll, size)


def _strips(rng: np.random.Generator, mood: str) -> list[np.ndarray]:
    """The lines of a parking bay, the edge of a lane, or no markings."""
    style = rng.random()
    if style < 0.35 and mood != "garage":
        return []
    wide = rng.uniform(0.1, 0.15)
    if style < 0.75:
        half, start = rng.uniform(1.2, 1.4), rng.uniform(-1.2, -0.2)
        sides = [_strip(side * half, start, 5.5, wide) for side in (-3, -1, 1, 3)]
        cross = np.array([(-12, start), (12, start), (12, start + wide), (-12, start + wide)])
        return [*sides, cross] if rng.random() < 0.5 else sides
    x = rng.choice((-1, 1)) * rng.uniform(1.2, 1.9)
    return [_strip(x, start, start + 2.2, wide) for start in np.arange(-6, 30, 4.4)]


def _strip(x: float, start: float, end: float, wide: float) -> np.ndarray:
    return np.array([(x - wide / 2, start), (x + wide / 2, start), (x + wide / 2, end), (x - wide / 2, end)])
