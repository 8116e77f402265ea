"""Labelled pictures on disk: CCPD-named pictures, crops with their text, CSV files of boxes, corners and texts.

A data folder may hold any of:

    NAME/ with CCPD-named pictures      box, corners and text from the file name
    NAME.csv beside it                  `file`, and optionally `split` (train, val), `subset`, `text`
    crops/ and crops.csv                pictures that are plates already: `file`, `text`, `split`
    street/ and street.csv              whole pictures of which only one plate's text is known: `file`, `text`
    negatives/                          pictures without any plate
    machine_labels.csv                  `folder`, `file`, `kind` (sure, unsure), `text`, `box`, `corners`

In the last one numbers are separated by spaces; plates that are not sure are neither plate nor background.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpr_app import ccpd
from alpr_app.errors import AlprError
from alpr_app.geometry import corners_to_box, order_corners

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class LabelError(AlprError):
    """A data folder or a label that cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, eq=False)
class LabelledPlate:
    """corners: (4, 2) float32 as `Plate.corners`. text: None if unknown. colour: None if unknown."""

    corners: np.ndarray
    text: str | None = None
    colour: str | None = None

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom (4,)."""
        return corners_to_box(self.corners)


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """A whole picture. ignored: boxes (N, 4) where a plate may be or not. stated: the text of one plate in it
    when nothing else is known. subset: the name under which results are counted. by_machine: no person has seen
    the labels, so they are fit for training but not for measuring."""

    path: Path
    plates: tuple[LabelledPlate, ...] = ()
    ignored: np.ndarray | None = None
    stated: str | None = None
    split: str = "train"
    subset: str = ""
    by_machine: bool = False


@dataclass(frozen=True)
class LabelledCrop:
    """A picture that is a plate already."""

    path: Path
    text: str
    split: str = "train"


@dataclass(frozen=True)
class DataFolder:
    """What `read_data_folder` found."""

    pictures: tuple[LabelledPicture, ...]
    crops: tuple[LabelledCrop, ...]
    negatives: tuple[Path, ...]

    def of_split(self, split: str) -> DataFolder:
        """Only the pictures and crops of `split`; the negatives have none and stay."""
        return DataFolder(
            tuple(picture for picture in self.pictures if picture.split == split),
            tuple(crop for crop in self.crops if crop.split == split),
            self.negatives,
        )


def picture_files(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, by name; hidden files are left out."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )


def _read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise LabelError(f"{path}: the column '{missing[0]}' is missing; it has {reader.fieldnames}")
        return list(reader)


def _numbers(text: str, count: int, path: Path, row: int) -> np.ndarray:
    try:
        values = np.array([float(value) for value in text.split()], np.float32)
    except ValueError:
        raise LabelError(f"{path}, row {row}: '{text}' holds something that is no number") from None
    if len(values) != count:
        raise LabelError(f"{path}, row {row}: '{text}' holds {len(values)} numbers where {count} belong")
    return values


def ccpd_picture(path: Path, split: str = "train", subset: str = "") -> LabelledPicture:
    """A CCPD-named picture. Raises ccpd.CcpdNameError for any other name."""
    annotation = ccpd.parse_name(path)
    # CCPD's corners are clicked by hand and at times in another order than its paper says.
    corners = order_corners(np.float32(annotation.corners))
    colour = "green" if len(annotation.text) == 8 else "blue"
    return LabelledPicture(
        path,
        (LabelledPlate(corners, annotation.text, colour),),
        split=split,
        subset=subset or path.parent.name,
    )


def _ccpd_pictures(folder: Path) -> list[LabelledPicture]:
    table = folder.with_suffix(".csv")
    rows = {row["file"]: row for row in _read_rows(table, ("file",))} if table.is_file() else {}
    pictures = []
    for path in picture_files(folder):
        row = rows.get(path.name, {})
        try:
            pictures.append(ccpd_picture(path, row.get("split") or "train", row.get("subset") or folder.name))
        except ccpd.CcpdNameError as error:
            raise LabelError(f"{folder}: {error}") from error
    return pictures


def _machine_pictures(table: Path) -> list[LabelledPicture]:
    plates: dict[Path, list[LabelledPlate]] = defaultdict(list)
    ignored: dict[Path, list[np.ndarray]] = defaultdict(list)
    for number, row in enumerate(_read_rows(table, ("folder", "file", "kind", "text", "box", "corners")), start=2):
        path = table.parent / row["folder"] / row["file"]
        if row["kind"] == "sure":
            corners = _numbers(row["corners"], 8, table, number).reshape(4, 2)
            plates[path].append(LabelledPlate(order_corners(corners), row["text"] or None))
        else:
            ignored[path].append(_numbers(row["box"], 4, table, number))
    return [
        LabelledPicture(
            path,
            tuple(found),
            np.float32(ignored[path]) if path in ignored else None,
            subset=path.parent.name,
            by_machine=True,
        )
        for path, found in plates.items()
    ]


def read_data_folder(root: Path) -> DataFolder:
    """Everything labelled under `root`, which is a data folder as above or itself a folder of CCPD names.

    Raises LabelError if there is no such folder, nothing labelled in it, or a label is damaged.
    """
    if not root.is_dir():
        raise LabelError(f"{root}: no such folder")
    pictures: list[LabelledPicture] = []
    crops: list[LabelledCrop] = []
    negatives: list[Path] = []
    for folder in [root, *sorted(path for path in root.iterdir() if path.is_dir())]:
        table = folder.with_suffix(".csv")
        if folder.name == "negatives":
            negatives += picture_files(folder)
        elif folder.name == "crops" and table.is_file():
            for row in _read_rows(table, ("file", "text")):
                crops.append(LabelledCrop(folder / row["file"], row["text"], row.get("split") or "train"))
        elif folder.name == "street" and table.is_file():
            for row in _read_rows(table, ("file", "text")):
                pictures.append(LabelledPicture(folder / row["file"], stated=row["text"], split="val", subset="street"))
        else:
            files = picture_files(folder)
            if files and ccpd.is_ccpd_name(files[0]):
                pictures += _ccpd_pictures(folder)
    machine = root / "machine_labels.csv"
    if machine.is_file():
        pictures += _machine_pictures(machine)
    if not pictures and not crops and not negatives:
        raise LabelError(f"{root}: holds no CCPD-named pictures, no crops.csv and no machine_labels.csv")
    return DataFolder(tuple(pictures), tuple(crops), tuple(negatives))
