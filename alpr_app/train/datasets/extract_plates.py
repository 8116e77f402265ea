"""Plates cropped from labelled pictures once, so that training a reader need not decode whole pictures."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import PLATE_HEIGHT, PLATE_WIDTH, homography, rectify
from alpr_app.data.images import PictureError, write_picture
from alpr_app.data.label_csv import TABLE_NAME, read_rows, write_table, written
from alpr_app.data.labels import LabelledPicture, read_labelled
from alpr_app.train.trainer.processes import map_in_processes

SUFFIX = ".png"


@dataclass(frozen=True)
class CropOptions:
    """How plates are cropped.

    Attributes:
        box: Crop the upright box instead of the quadrilateral.
        margin: Margin on every side, as a share of the plate's height.
        jitter: Standard deviation of a random shift of each corner, as a share of the plate's height.
        seed: Random seed of the jitter.
    """

    box: bool = False
    margin: float = 0.0
    jitter: float = 0.0
    seed: int = 0


def crop_corners(corners: np.ndarray, options: CropOptions, rng: np.random.Generator) -> np.ndarray:
    """Corners (4, 2) by which a plate with these true corners is cropped."""
    if options.box:
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    across = corners[1] - corners[0] + corners[2] - corners[3]
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    height = float(np.linalg.norm(down))
    across = across / max(1e-6, float(np.linalg.norm(across)))
    down = down / max(1e-6, height)
    outward = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * options.margin
    moves = outward + rng.normal(0, options.jitter, (4, 2)) if options.jitter else outward
    moved: np.ndarray = (corners + height * (moves[:, :1] * across + moves[:, 1:] * down)).astype(np.float32)
    return moved


def _extract(
    numbered: tuple[int, LabelledPicture], folder: Path, options: CropOptions
) -> tuple[list[dict[str, str]], str]:
    """Write the crops of one picture into `folder`; return their rows of the table and an error message, if any.

    Existing crops are kept, so that an extraction that was stopped can be continued.
    """
    number, picture = numbered
    rows, image = [], None
    for index, plate in enumerate(picture.plates):
        if plate.text is None:
            continue
        name = f"{picture.path.stem[:100]}_{_key(picture.path, plate.corners, options):08x}_{index}{SUFFIX}"
        rng = np.random.default_rng((options.seed, number, index))
        corners = crop_corners(plate.corners, options, rng)
        height = PLATE_HEIGHT * plate.rows
        row = {"file": name, "split": picture.split, "subset": picture.subset, "text": plate.text}
        row["rows"] = str(plate.rows)
        rows.append(row | ({"corners": _inner(plate.corners, corners, options, height)} if options.margin else {}))
        if (folder / name).is_file():
            continue
        try:
            image = read_labelled(picture.path) if image is None else image
        except PictureError as error:
            return [], str(error)
        write_picture(folder / name, rectify(image, corners, height, PLATE_WIDTH, ordered=True))
    return rows, ""


def _key(path: Path, corners: np.ndarray, options: CropOptions) -> int:
    """A hash for the name of a crop: folders may hold pictures of the same name, and several crops of one plate."""
    # Names must stay the same for extractions that are continued, so this does not depend on the names of the class.
    crop = f"Cut(box={options.box}, margin={options.margin}, jitter={options.jitter}, seed={options.seed})"
    return zlib.crc32(f"({str(path)!r}, {corners.tolist()}, {crop})".encode())


def _inner(corners: np.ndarray, outer: np.ndarray, options: CropOptions, height: int) -> str:
    """Corners of the plate in a crop with a margin, for the table."""
    inner = crop_corners(corners, CropOptions(box=options.box), np.random.default_rng())
    matrix = homography(outer, height, PLATE_WIDTH)
    # Corners count from pixel edges, the matrix from pixel centres.
    placed = cv2.perspectiveTransform(inner[None].astype(np.float64) - 0.5, matrix)[0] + 0.5
    return written(placed)


def _with_corrections(
    rows: list[dict[str, str]], columns: tuple[str, ...], table: Path
) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """Rows and columns with what a person has added to the table of an earlier extraction: further columns, and the
    text of a row that has a state. Raises LabelError if that table is damaged."""
    if not table.is_file():
        return rows, columns
    earlier = {row["file"]: row for row in read_rows(table, ("file",))}
    added = list(dict.fromkeys(name for row in earlier.values() for name in row))
    # The position of the plate is known from this extraction alone.
    more = tuple(name for name in added if name not in (*columns, "box", "corners"))
    result = []
    for row in rows:
        known = earlier.get(row["file"], {})
        corrected = ("text", "rows") if known.get("state", "").strip() else ()
        result.append(row | {name: known[name] for name in (*corrected, *more) if name in known})
    return result, (*columns, *more)


def extract_plates(
    pictures: list[LabelledPicture],
    folder: Path,
    options: CropOptions | None = None,
    workers: int = 1,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda items: items,
) -> tuple[int, list[str]]:
    """Crop every plate with a known text to 48 x 192, plates of two rows to 96 x 192, into `folder`, and write its
    `alpr_dataset.csv`, with corners for crops with a margin. Corrected rows of an earlier extraction stay corrected.

    Args:
        pictures: The labelled pictures.
        folder: The folder, made if missing.
        options: How to crop; None for the defaults.
        workers: Number of processes.
        track: Wraps the pictures to show progress.

    Returns:
        The number of crops, and a message for each picture that could not be read.

    Raises:
        AlprError: the folder cannot be written.
        LabelError: the table of an earlier extraction is damaged.
    """
    options = options or CropOptions()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlprError(f"{folder}: cannot be made ({error.strerror})") from error
    work = partial(_extract, folder=folder, options=options)
    rows: list[dict[str, str]] = []
    broken: list[str] = []
    for found, fault in track(map_in_processes(work, list(enumerate(pictures)), workers)):
        rows += found
        if fault:
            broken.append(fault)
    columns = ("file", "split", "subset", "text", "rows") + (("corners",) if options.margin else ())
    rows, columns = _with_corrections(rows, columns, folder / TABLE_NAME)
    write_table(folder / TABLE_NAME, rows, columns)
    return len(rows), broken
