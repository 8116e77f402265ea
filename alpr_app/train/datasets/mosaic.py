"""Mosaics for the robustness set: huge pictures with a few small plates, to measure the search in tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from alpr_app.core.geometry import corners_to_box
from alpr_app.data.label_csv import written
from alpr_app.data.labels import LabelledPicture, LabelledPlate, read_labelled
from alpr_app.runtime.engine import chunks
from alpr_app.train.augment.paste import paint_out

MOSAIC = "mosaic"
# Width and height of a mosaic, and width of the first plate of each picture in it, in pixels.
MOSAIC_SIZE = (12000, 9000)
MOSAIC_PLATE_WIDTH = 60.0
# Columns and rows of the grid in which the pictures lie, one in each cell.
MOSAIC_GRID = (4, 3)

Copy = tuple[str, np.ndarray, list[dict[str, str]]]
"""File name of a copy, the copy, and its rows of the table."""
Scene = tuple[np.ndarray, np.ndarray, list[LabelledPlate]]
"""A reduced picture, the corners (M, 4, 2) of its plates, and their labels."""


def mosaic_groups(pictures: Sequence[LabelledPicture]) -> list[Sequence[LabelledPicture]]:
    """Divide the pictures among the mosaics, without those that have ignored areas, where there may be unlabelled
    plates, or plates without a text."""
    usable = [
        picture
        for picture in pictures
        if (picture.ignored is None or not len(picture.ignored)) and all(plate.text for plate in picture.plates)
    ]
    return list(chunks(usable, MOSAIC_GRID[0] * MOSAIC_GRID[1]))


def mosaics(groups: Iterable[Sequence[LabelledPicture]], seed: int = 0) -> Iterator[Copy]:
    """Put each group of pictures into one mosaic: reduced until their plates are 60 pixels wide, at random positions
    among copies of themselves whose plates are painted out. The copies look like the pictures, so false boxes show."""
    for number, group in enumerate(groups):
        rng = np.random.default_rng((seed, number))
        scenes = [_reduced(picture) for picture in group]
        mosaic = _background([paint_out(image, corners) for image, corners, _ in scenes], rng)
        name, rows = f"{number:05d}.jpg", []
        for cell, (picture, scene) in enumerate(zip(group, scenes, strict=True)):
            for plate, corners in _put(mosaic, scene, cell, rng):
                label = {"text": plate.text or "", "colour": plate.colour or "", "corners": written(corners)}
                rows.append({"file": name, "split": picture.split, "subset": MOSAIC, **label})
        yield name, mosaic, rows


def _reduced(picture: LabelledPicture) -> Scene:
    """Reduce a picture until its first plate is as wide as in a mosaic, cut to the size of a cell around that plate."""
    image = read_labelled(picture.path)
    corners = np.array([plate.corners for plate in picture.plates], np.float32)
    scale = min(1.0, MOSAIC_PLATE_WIDTH / float(np.ptp(corners[0, :, 0])))
    image, corners = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), corners * scale
    cell = [full // count for full, count in zip(MOSAIC_SIZE, MOSAIC_GRID, strict=True)]
    middle = corners[0].mean(axis=0)
    left, top = (
        max(0, min(int(centre) - size // 2, side - size))
        for centre, size, side in zip(middle, cell, image.shape[1::-1], strict=True)
    )
    part, corners = image[top : top + cell[1], left : left + cell[0]], corners - np.array([left, top], np.float32)
    boxes = corners_to_box(corners)
    inside = np.all((boxes[:, :2] >= 0) & (boxes[:, 2:] <= part.shape[1::-1]), axis=1)
    return part, corners[inside], [plate for plate, shown in zip(picture.plates, inside, strict=True) if shown]


def _background(parts: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Fill a mosaic with `parts`, in rows, some of them mirrored."""
    width, height = MOSAIC_SIZE
    mosaic = np.empty((height, width, 3), np.uint8)
    # The rows overlap, so that no gap is left beneath a low part.
    down = min(part.shape[0] for part in parts)
    for top in range(0, height, down):
        left = 0
        while left < width:
            part = parts[rng.integers(len(parts))][:, :: rng.choice([-1, 1])]
            shown = part[: height - top, : width - left]
            mosaic[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
            left += part.shape[1]
    return mosaic


def _put(
    mosaic: np.ndarray, scene: Scene, cell: int, rng: np.random.Generator
) -> Iterator[tuple[LabelledPlate, np.ndarray]]:
    """Put a scene at a random position in its cell of the grid. Yields its plates with their corners there."""
    image, corners, plates = scene
    place = np.array([cell % MOSAIC_GRID[0], cell // MOSAIC_GRID[0]])
    size = np.array(MOSAIC_SIZE) // np.array(MOSAIC_GRID)
    left, top = (place * size + rng.integers(0, size - np.array(image.shape[1::-1]) + 1)).tolist()
    mosaic[top : top + image.shape[0], left : left + image.shape[1]] = image
    yield from zip(plates, corners + np.array([left, top], np.float32), strict=True)
