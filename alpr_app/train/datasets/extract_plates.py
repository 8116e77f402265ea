"""Plates cut out of labelled pictures once, so that training a reader need not decode whole pictures again."""

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
from alpr_app.data.label_csv import TABLE_NAME, write_table, written
from alpr_app.data.labels import LabelledPicture, read_labelled
from alpr_app.train.trainer.processes import map_in_processes

SUFFIX = ".png"


@dataclass(frozen=True)
class Cut:
    """How plates are cut out. box: by their upright boxes, not by their corners. margin: added on every side, as a
    share of the plate's height. jitter: chance shift of every corner, in the same unit. seed: of the jitter."""

    box: bool = False
    margin: float = 0.0
    jitter: float = 0.0
    seed: int = 0


def cut_corners(corners: np.ndarray, cut: Cut, rng: np.random.Generator) -> np.ndarray:
    """Corners (4, 2) by which a plate with these true corners is cut out."""
    if cut.box:
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    across = corners[1] - corners[0] + corners[2] - corners[3]
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    height = float(np.linalg.norm(down))
    across = across / max(1e-6, float(np.linalg.norm(across)))
    down = down / max(1e-6, height)
    outward = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * cut.margin
    moves = outward + rng.normal(0, cut.jitter, (4, 2)) if cut.jitter else outward
    moved: np.ndarray = (corners + height * (moves[:, :1] * across + moves[:, 1:] * down)).astype(np.float32)
    return moved


def _extract(numbered: tuple[int, LabelledPicture], folder: Path, cut: Cut) -> tuple[list[dict[str, str]], str]:
    """The plates of one picture into `folder`: their lines for the table, and what went wrong if anything did.

    Plates that are there already stay: an extraction that was stopped goes on.
    """
    number, picture = numbered
    rows, image = [], None
    for index, plate in enumerate(picture.plates):
        if plate.text is None:
            continue
        name = f"{picture.path.stem[:100]}_{_key(picture.path, plate.corners, cut):08x}_{index}{SUFFIX}"
        rng = np.random.default_rng((cut.seed, number, index))
        corners = cut_corners(plate.corners, cut, rng)
        height = PLATE_HEIGHT * plate.rows
        row = {"file": name, "split": picture.split, "subset": picture.subset, "text": plate.text}
        row["rows"] = str(plate.rows)
        rows.append(row | ({"corners": _inner(plate.corners, corners, cut, height)} if cut.margin else {}))
        if (folder / name).is_file():
            continue
        try:
            image = read_labelled(picture.path) if image is None else image
        except PictureError as error:
            return [], str(error)
        write_picture(folder / name, rectify(image, corners, height, PLATE_WIDTH, ordered=True))
    return rows, ""


def _key(path: Path, corners: np.ndarray, cut: Cut) -> int:
    """Of one plate cut out in one way: pictures of one name lie in several folders, and may be cut out anew."""
    return zlib.crc32(repr((str(path), corners.tolist(), cut)).encode())


def _inner(corners: np.ndarray, outer: np.ndarray, cut: Cut, height: int) -> str:
    """Where the plate lies in a picture that was cut out with a margin, for the table."""
    inner = cut_corners(corners, Cut(box=cut.box), np.random.default_rng())
    matrix = homography(outer, height, PLATE_WIDTH)
    # Corners are pixel edges, the matrix is of pixel centres.
    placed = cv2.perspectiveTransform(inner[None].astype(np.float64) - 0.5, matrix)[0] + 0.5
    return written(placed)


def extract_plates(
    pictures: list[LabelledPicture],
    folder: Path,
    cut: Cut | None = None,
    workers: int = 1,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda items: items,
) -> tuple[int, list[str]]:
    """Every plate with a known text at 48 x 192, those of two rows at 96 x 192, into `folder`, and their texts into its
    `alpr_dataset.csv`; of plates that were cut out with a margin also their corners.

    Returns how many there are, and a line for every picture that could not be read. Raises AlprError if the folder
    cannot be written.
    """
    cut = cut or Cut()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlprError(f"{folder}: cannot be made ({error.strerror})") from error
    work = partial(_extract, folder=folder, cut=cut)
    rows: list[dict[str, str]] = []
    broken: list[str] = []
    for found, fault in track(map_in_processes(work, list(enumerate(pictures)), workers)):
        rows += found
        if fault:
            broken.append(fault)
    columns = ("file", "split", "subset", "text", "rows") + (("corners",) if cut.margin else ())
    write_table(folder / TABLE_NAME, rows, columns)
    return len(rows), broken
