"""A folder of drawn pictures with labels, as CCPD would have them and as `alpr_dataset.csv`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import corners_to_box, placement
from alpr_app.data import ccpd
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import TABLE_NAME, write_table
from alpr_app.synth.plates.painters import Painter, make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.synth.scenes.cars import DrawnPlate
from alpr_app.synth.scenes.samples import COLUMNS, annotate, label_row
from alpr_app.synth.scenes.scenes import KINDS, draw_scene
from alpr_app.train.augment.camera import camera_augment
from alpr_app.train.augment.paste import plate_corners, random_pose
from alpr_app.train.trainer.processes import map_in_processes

VALIDATION_SHARE = 10
MARGIN = 30


@dataclass(frozen=True)
class Drawing:
    """kind: `scenes`, whole pictures with cars, or `plates`, a plate that fills its picture. seed: of everything.
    strength: of what the camera does to plates. plates: name or file of other plates than Chinese ones. glyphs,
    templates: folders for `PlatePainter`."""

    kind: str
    seed: int = 0
    strength: float = 1.0
    plates: str | None = None
    glyphs: Path | None = None
    templates: Path | None = None


_painters: dict[tuple[Any, ...], Painter] = {}


def _painter(drawing: Drawing) -> Painter:
    """One painter a process: it takes longer to prepare than a plate to draw."""
    key = (drawing.plates, drawing.glyphs, drawing.templates)
    if key not in _painters:
        plates = None if drawing.plates is None else read_plates_file(drawing.plates)
        _painters[key] = make_painter(plates, drawing.glyphs, drawing.templates)
    return _painters[key]


def draw_plate_picture(
    rng: np.random.Generator, painter: Painter, strength: float
) -> tuple[np.ndarray, list[DrawnPlate]]:
    """One plate before a plain ground, as from a parking camera: a picture of about 300 x 150 px and its plate."""
    painted = painter.random_plate(rng)
    plate = painted.image
    width = rng.uniform(120, 260)
    corners = plate_corners(width, width * plate.shape[0] / plate.shape[1], random_pose(rng), rng)
    corners += MARGIN - corners.min(axis=0)
    size = tuple(int(value) + MARGIN for value in np.ceil(corners.max(axis=0)))
    canvas = np.full((size[1], size[0], 3), rng.integers(20, 200, 3), np.uint8)
    matrix = placement(plate, corners)
    small = cv2.GaussianBlur(plate, (0, 0), 0.45 * plate.shape[1] / width)
    cv2.warpPerspective(small, matrix, size, dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    picture = camera_augment(canvas, rng, strength, plate_height=width * plate.shape[0] / plate.shape[1])
    left, top, right, bottom = map(float, corners_to_box(corners))
    return picture, [DrawnPlate(painted.text, painted.colour, corners, (left, top, right, bottom), painted.rows)]


def _draw(index: int, folder: Path, drawing: Drawing) -> list[dict[str, str]]:
    """Picture `index` into `folder`; its lines for the table."""
    rng = np.random.default_rng((drawing.seed, index))
    painter = _painter(drawing)
    plates: list[DrawnPlate] = []
    while not plates:  # a chance camera may miss every plate
        if drawing.kind == "plates":
            picture, plates = draw_plate_picture(rng, painter, drawing.strength)
        else:
            picture, plates = draw_scene(rng, KINDS[rng.integers(len(KINDS))], painter)
    name = f"{drawing.kind}_{index:06d}.jpg"
    # A text may have a character that CCPD's tables lack: then only the table can say it.
    with suppress(ccpd.CcpdNameError):
        name = f"{index}{ccpd.format_name(annotate(picture, plates[0]))}"
    write_picture(folder / name, picture)
    split = "val" if zlib.crc32(plates[0].text.encode()) % VALIDATION_SHARE == 0 else "train"
    return [label_row(name, split, folder.name, plate) for plate in plates]


def draw_folder(
    folder: Path,
    count: int,
    drawing: Drawing,
    workers: int = 1,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda items: items,
) -> int:
    """`count` drawn pictures into `folder`, which must be new or empty; returns how many plates are in them.

    Picture number i is the same whatever `count` is. Raises AlprError if the folder holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise AlprError(f"{folder}: is not empty; choose a new folder for drawn pictures")
    _painter(drawing)  # what is wrong with it is said here, and by one process
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_draw, folder=folder, drawing=drawing)
    rows = [row for rows in track(map_in_processes(work, range(count), workers)) for row in rows]
    write_table(folder / TABLE_NAME, rows, COLUMNS)
    return len(rows)
