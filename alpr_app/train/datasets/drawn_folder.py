"""A folder of drawn pictures with labels, by CCPD names and as `alpr_dataset.csv`."""

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

# One in this many drawn pictures is for validation.
VALIDATION_INTERVAL = 10
# Pixels around a single plate.
MARGIN = 30


@dataclass(frozen=True)
class Drawing:
    """What to draw.

    Attributes:
        kind: `scenes`, whole pictures with cars, or `plates`, single plates.
        seed: Random seed.
        strength: Strength of the camera augmentation of single plates.
        plates: Name or file of the plates; None for Chinese ones.
        glyphs: Folder of character pictures for `PlatePainter`; None for the project's lettering.
        templates: Folder of blank plates for `PlatePainter`; None to draw them.
    """

    kind: str
    seed: int = 0
    strength: float = 1.0
    plates: str | None = None
    glyphs: Path | None = None
    templates: Path | None = None


_painters: dict[tuple[Any, ...], Painter] = {}


def _painter(drawing: Drawing) -> Painter:
    """The painter of this process: preparing one takes longer than drawing a plate."""
    key = (drawing.plates, drawing.glyphs, drawing.templates)
    if key not in _painters:
        plates = None if drawing.plates is None else read_plates_file(drawing.plates)
        _painters[key] = make_painter(plates, drawing.glyphs, drawing.templates)
    return _painters[key]


def draw_plate_picture(
    rng: np.random.Generator, painter: Painter, strength: float
) -> tuple[np.ndarray, list[DrawnPlate]]:
    """A plate on a plain background, as from a parking camera: a picture of about 300 x 150 pixels, and its plate."""
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
    """Write picture `index` into `folder` and return its rows of the table."""
    rng = np.random.default_rng((drawing.seed, index))
    painter = _painter(drawing)
    plates: list[DrawnPlate] = []
    while not plates:  # a random camera may miss all plates
        if drawing.kind == "plates":
            picture, plates = draw_plate_picture(rng, painter, drawing.strength)
        else:
            picture, plates = draw_scene(rng, KINDS[rng.integers(len(KINDS))], painter)
    name = f"{drawing.kind}_{index:06d}.jpg"
    # Texts with characters that CCPD names cannot express are in the table only.
    with suppress(ccpd.CcpdNameError):
        name = f"{index}{ccpd.format_name(annotate(picture, plates[0]))}"
    write_picture(folder / name, picture)
    split = "val" if zlib.crc32(plates[0].text.encode()) % VALIDATION_INTERVAL == 0 else "train"
    return [label_row(name, split, folder.name, plate) for plate in plates]


def draw_folder(
    folder: Path,
    count: int,
    drawing: Drawing,
    workers: int = 1,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda items: items,
) -> int:
    """Draw `count` pictures into `folder`, which must be new or empty. Picture i does not depend on `count`.

    Args:
        folder: The folder, made if missing.
        count: Number of pictures.
        drawing: What to draw.
        workers: Number of processes.
        track: Wraps the pictures to show progress.

    Returns:
        The number of plates in the pictures.

    Raises:
        AlprError: the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise AlprError(f"{folder}: is not empty; choose a new folder for drawn pictures")
    _painter(drawing)  # fails here, in one process, if its files cannot be used
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_draw, folder=folder, drawing=drawing)
    rows = [row for rows in track(map_in_processes(work, range(count), workers)) for row in rows]
    write_table(folder / TABLE_NAME, rows, COLUMNS)
    return len(rows)
