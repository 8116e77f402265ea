"""A sheet with one drawn plate of every kind, and what the models read on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.core.plate import Plate
from alpr_app.core.plate_kinds import KINDS, kind_of
from alpr_app.pipeline.alpr import ALPR
from alpr_app.synth.plates.painters import PlatePainter
from alpr_app.synth.plates.texts import PlateText, random_plate_text
from alpr_app.train.augment.camera import camera_augment
from alpr_app.train.reports.mistakes import sheet

CELL = (300, 170)
BACKGROUND = 90
# Random plates that are looked through for one of each look.
ATTEMPTS = 20_000


@dataclass(frozen=True)
class DrawnKind:
    """One drawn plate and its reading.

    Attributes:
        kind: Its kind, as in `plate_kinds.KINDS`.
        plate: Its text, colour and number of rows.
        image: H x W x 3 uint8 RGB.
        read: What the models read.
    """

    kind: str
    plate: PlateText
    image: np.ndarray
    read: Plate


def one_of_each(seed: int) -> list[tuple[str, PlateText]]:
    """A random plate of every look, which is a kind in a colour with a number of rows and of characters."""
    rng = np.random.default_rng(seed)
    looks: dict[tuple[str, str, int, int], PlateText] = {}
    for _ in range(ATTEMPTS):
        plate = random_plate_text(rng)
        kind = kind_of(plate.text, plate.colour, plate.rows)
        if kind is not None:
            looks.setdefault((kind, plate.colour, plate.rows, len(plate.text)), plate)
    order = {kind.name: place for place, kind in reversed(list(enumerate(KINDS)))}
    return [(look[0], looks[look]) for look in sorted(looks, key=lambda look: (order[look[0]], *look[1:]))]


def read_kinds(alpr: ALPR, painter: PlatePainter, seed: int) -> list[DrawnKind]:
    """Draw one plate of every look, lightly augmented, and read it."""
    rng = np.random.default_rng(seed)
    drawn = []
    for kind, plate in one_of_each(seed):
        image = camera_augment(painter.draw(plate.text, plate.colour, rng, plate.rows), rng, strength=0.2)
        drawn.append(DrawnKind(kind, plate, image, alpr.read_crops([image])[0]))
    return drawn


def kind_sheet(drawn: list[DrawnKind], columns: int = 5) -> np.ndarray:
    """The drawn plates in rows of `columns`: H x W x 3 uint8 RGB."""
    cells = []
    for each in drawn:
        height, width = each.image.shape[:2]
        scale = min((CELL[0] - 20) / width, (CELL[1] - 20) / height)
        small = cv2.resize(each.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell = np.full((CELL[1], CELL[0], 3), BACKGROUND, np.uint8)
        top, left = (CELL[1] - small.shape[0]) // 2, (CELL[0] - small.shape[1]) // 2
        cell[top : top + small.shape[0], left : left + small.shape[1]] = small
        cells.append(cell)
    return sheet(cells, columns)


def kind_table(drawn: list[DrawnKind]) -> str:
    """A table in Markdown: what is drawn, and what is read."""
    lines = [
        "| kind | colour | rows | drawn | read | confidence | read as |",
        "| --- | --- | --- | --- | --- | ---: | --- |",
    ]
    for each in drawn:
        plate, read = each.plate, each.read
        right = "" if read.text == plate.text else " ✗"
        lines.append(
            f"| {each.kind} | {plate.colour} | {plate.rows} | {plate.text} | {read.text or '–'}{right} | "
            f"{read.confidence:.2f} | {read.kind or '–'}, {read.colour} |"
        )
    wrong = sum(each.read.text != each.plate.text for each in drawn)
    return "\n".join([*lines, "", f"{len(drawn) - wrong} of {len(drawn)} are read right."])
