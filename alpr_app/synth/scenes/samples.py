"""The six sample pictures of assets/samples, drawn so that they are free to distribute, with names like CCPD's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.label_csv import TABLE_NAME, write_table, written
from alpr_app.synth.plates.painters import PlatePainter
from alpr_app.synth.scenes.bodies import Body, random_body
from alpr_app.synth.scenes.camera import Film, aim
from alpr_app.synth.scenes.cars import CarPlan, DrawnPlate
from alpr_app.synth.scenes.light import Quality
from alpr_app.synth.scenes.scenes import LANDSCAPE, PORTRAIT, ScenePlan, paint

COLUMNS = ("file", "split", "subset", "text", "colour", "rows", "box", "corners")
BEST = Quality(coarse=2, detail=1.7, planes=8)
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Sample:
    """One picture.

    Attributes:
        cars: Kind of body, whether it is seen from the front, paint, text, colour, x, z and heading in degrees.
        name: File name without extension; None for a CCPD name.
        camera: Metres aside, up and away.
        aim: Point that the camera aims at, metres aside and up.
        where: Its position in the picture, in shares of width and height.
        plate_px: Width of a plate there in pixels.
        strips: Road markings.
    """

    name: str | None
    mood: str
    ground: str
    size: tuple[int, int]
    cars: tuple[tuple[str, bool, tuple[float, float, float], str, str, float, float, float], ...]
    camera: tuple[float, float, float]
    aim: tuple[float, float]
    where: tuple[float, float]
    plate_px: float
    roll: float
    seed: int
    lit: bool = False
    parked: tuple[tuple[str, tuple[float, float, float], float], ...] = ()
    bays: bool = True


WHITE, BLACK, SILVER = (214, 214, 212), (26, 27, 29), (136, 140, 145)
RED, BLUE, ORANGE = (158, 24, 28), (34, 68, 132), (206, 96, 34)

SAMPLES = (
    Sample(
        None,
        "sunny",
        "asphalt",
        PORTRAIT,
        (("saloon", True, WHITE, "皖A8K216", "blue", 0, 0, 2),),
        (0.45, 1.5, 4.0),
        (0, 0.7),
        (0.5, 0.5),
        146,
        0,
        1,
        parked=(("hatch", RED, -4.4), ("offroader", SILVER, 1.2)),
    ),
    Sample(
        None,
        "overcast",
        "paving",
        PORTRAIT,
        (("offroader", False, BLUE, "沪AD52186", "green", 0, 0, -2),),
        (-0.5, 1.5, 4.2),
        (0, 0.8),
        (0.5, 0.5),
        140,
        0,
        2,
        bays=False,
    ),
    Sample(
        "two_cars",
        "sunny",
        "asphalt",
        LANDSCAPE,
        (
            ("hatch", True, RED, "粤B6E907", "blue", -1.3, 0, 1),
            ("saloon", False, SILVER, "浙C2T135", "blue", 1.3, 0.3, -1),
        ),
        (0.1, 1.6, 5.0),
        (0, 0.75),
        (0.5, 0.52),
        128,
        0,
        3,
        parked=(("van", WHITE, -3.0), ("saloon", BLACK, 3.4)),
    ),
    Sample(
        None,
        "night",
        "asphalt",
        PORTRAIT,
        (("saloon", False, SILVER, "京N3R581", "blue", 0, 0, 3),),
        (0.5, 1.45, 3.6),
        (0, 0.75),
        (0.5, 0.5),
        150,
        0,
        4,
        lit=True,
    ),
    Sample(
        None,
        "overcast",
        "asphalt",
        PORTRAIT,
        (("hatch", True, ORANGE, "苏E72Q94", "blue", 0, 0, 0),),
        (-1.9, 1.5, 3.6),
        (-0.25, 0.62),
        (0.5, 0.5),
        140,
        6,
        5,
    ),
    Sample(
        None,
        "sunny",
        "asphalt",
        PORTRAIT,
        (("lorry", False, BLUE, "鲁G5H803", "yellow", 0, 0, 0),),
        (0.6, 1.65, 6.2),
        (0, 1.2),
        (0.5, 0.48),
        118,
        0,
        6,
        bays=False,
    ),
)


def write_samples(folder: Path, seed: int = 1) -> list[Path]:
    """Draw the samples with their labels into `folder`, which is made if missing, and return the JPEG files.

    Other seeds give other details of the same six scenes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    painter = PlatePainter()
    paths, rows = [], []
    for sample in SAMPLES:
        rng = np.random.default_rng((seed, sample.seed))
        picture, plates = paint(_plan(sample, painter, rng), rng, BEST)
        name = f"{sample.name}.jpg" if sample.name else format_name(annotate(picture, plates[0]))
        path = folder / name
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
        path.write_bytes(data.tobytes())
        paths.append(path)
        rows += [label_row(name, "test", folder.name, plate) for plate in plates]
    write_table(folder / TABLE_NAME, rows, COLUMNS)
    return paths


def label_row(name: str, split: str, subset: str, plate: DrawnPlate) -> dict[str, str]:
    """The row of `plate` in `alpr_dataset.csv`; `name` is the file name of its picture."""
    return {
        "file": name,
        "split": split,
        "subset": subset,
        "text": plate.text,
        "colour": plate.colour,
        "rows": str(plate.rows),
        "box": written(plate.box),
        "corners": written(plate.corners),
    }


def annotate(picture: np.ndarray, plate: DrawnPlate) -> Annotation:
    """The CCPD annotation of `plate` in `picture`, H x W x 3 uint8 RGB."""
    corners = np.round(plate.corners).astype(int)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    top_side, left_side = corners[1] - corners[0], corners[3] - corners[0]
    tilt = (
        90 + round(float(np.degrees(np.arctan2(top_side[1], top_side[0])))),
        90 + round(float(np.degrees(np.arctan2(left_side[0], left_side[1])))),
    )
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    share = cv2.contourArea(corners.astype(np.float32)) / (picture.shape[0] * picture.shape[1])
    first, second, third, fourth = ((int(x), int(y)) for x, y in corners)
    return Annotation(
        text=plate.text,
        box=(int(left), int(top), int(right), int(bottom)),
        corners=(first, second, third, fourth),
        area=f"{share:.4f}"[2:],
        tilt=tilt,
        brightness=round(float(grey.mean())),
        blurriness=round(min(float(cv2.Laplacian(grey, cv2.CV_32F).std()), 99)),
    )


def _plan(sample: Sample, painter: PlatePainter, rng: np.random.Generator) -> ScenePlan:
    cars = tuple(
        CarPlan(_body(kind, front, paint_colour, rng), painter.planned(text, colour), (x, z), heading, sample.lit)
        for kind, front, paint_colour, text, colour, x, z, heading in sample.cars
    )
    parked = tuple(
        CarPlan(_body(kind, True, colour, rng), None, (x, 7.5), rng.normal(0, 2), False)
        for kind, colour, x in sample.parked
    )
    aside, up, away = sample.camera
    target, position = np.array([sample.aim[0], sample.aim[1], 0]), np.array([aside, up, -away])
    focal = sample.plate_px * float(np.linalg.norm(target - position)) / 0.44
    camera = aim(target, position, sample.where, focal, sample.roll, sample.size)
    dark = sample.mood == "night"
    film = Film(exposure=1.0, blur=0.45, noise=2.2 if dark else 1.2, quality=0, warmth=1.02, vignette=0.18)
    return ScenePlan(sample.mood, sample.ground, camera, cars, parked, _bays(sample), film)


def _body(kind: str, front: bool, paint_colour: tuple[float, float, float], rng: np.random.Generator) -> Body:
    return replace(random_body(kind, front, rng), paint=paint_colour)


def _bays(sample: Sample) -> tuple[np.ndarray, ...]:
    """Lines between parking bays 2.6 m wide."""
    if not sample.bays:
        return ()
    centre = 0.0 if len(sample.cars) > 1 else 1.3
    lines = [x for x in np.arange(-7.8, 7.9, 2.6) + centre]
    sides = [np.array([(x - 0.06, -0.9), (x + 0.06, -0.9), (x + 0.06, 4.6), (x - 0.06, 4.6)]) for x in lines]
    return (*sides, np.array([(-9, -0.9), (9, -0.9), (9, -0.78), (-9, -0.78)]))
