"""Labels in YOLO's text files, one per picture, as Ultralytics, X-AnyLabeling, CVAT and others write them. Numbers are
shares of the picture's width and height. A line holds one of

    class x y w h                              a box: centre, width, height
    class x1 y1 x2 y2 x3 y3 x4 y4              four corners (YOLO-OBB, or a polygon of four points)
    class x y w h x1 y1 ... x4 y4              a box with four keypoints
    class x y w h x1 y1 v1 ... x4 y4 v4        the same, with visibilities 0 to 2

Ultralytics' layout has the pictures in `images`, the text files at the same places in `labels`, and the splits as
folders in both.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from alpr_app.core.errors import AlprError, reason
from alpr_app.core.geometry import corners_to_box
from alpr_app.data.file_types import PICTURE_SUFFIXES
from alpr_app.data.images import PictureError
from alpr_app.data.label_csv import MAXIMUM_COORDINATE, SPLITS
from alpr_app.data.labels import EVERY_SPLIT
from alpr_app.train.formats.exporting import PLATE_LABEL, ExportedPicture, shown_size, write_new
from alpr_app.train.formats.importing import ImportedPicture, Problems, Shape

BOX, CORNERS, KEYPOINTS, VISIBLE_KEYPOINTS = 5, 9, 13, 17
# Names of the split folders of datasets of other programs.
SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
# Text files beside the labels that hold none.
OTHER_FILES = ("classes.txt", "train.txt", "val.txt", "test.txt", "obj.names", "predefined_classes.txt")
MAXIMUM_BYTES = 4 * 2**20
MAXIMUM_CLASS_DIGITS = 9


def read_yolo(source: Path, pictures: Path, problems: Problems) -> Iterator[ImportedPicture]:
    """Yield the labels in a folder of text files. Files that cannot be used go to `problems`.

    Args:
        source: The folder, with or without Ultralytics' layout.
        pictures: The folder of pictures.
        problems: Receives a line for each file that cannot be used.

    Raises:
        AlprError: There are no text files.
    """
    files = [path for path in sorted(source.rglob("*.txt")) if path.name not in OTHER_FILES and path.is_file()]
    labels = source / "labels"
    if labels.is_dir():
        files = [path for path in files if labels in path.parents]
    if not files:
        raise AlprError(f"{source}: holds no text files with YOLO labels")
    names = _class_names(source)
    for path in files:
        picture = _picture_of(path, labels if labels.is_dir() else source, pictures)
        if picture is None:
            problems.add(f"{path}: there is no picture for it in {pictures}; name their folder with --pictures")
            continue
        try:
            size = np.array(shown_size(picture), np.float64)
            lines = _text(path).splitlines()
        except (PictureError, ValueError) as error:
            problems.add(str(error))
            continue
        shapes = tuple(_shape(line, size, names) for line in lines if line.strip())
        parts = path.relative_to(source).parts[:-1]
        split = next((SPLIT_FOLDERS[part] for part in parts if part in SPLIT_FOLDERS), "")
        yield ImportedPicture(str(path), picture, shapes, split)


def _text(path: Path) -> str:
    """Raises ValueError naming the file."""
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
        if len(content) > MAXIMUM_BYTES:
            raise ValueError(f"{path}: larger than {MAXIMUM_BYTES // 2**20} MiB, which no such file is")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file in UTF-8") from error


def _class_names(source: Path) -> list[str]:
    for path in (source / "classes.txt", source / "labels" / "classes.txt"):
        if path.is_file():
            try:
                return [line.strip() for line in _text(path).splitlines()]
            except ValueError as error:
                raise AlprError(str(error)) from error
    return []


def _picture_of(path: Path, labels: Path, pictures: Path) -> Path | None:
    """The picture of a text file: at the same place among the pictures, or beside it."""
    place = path.relative_to(labels).with_suffix("")
    for stem in (pictures / "images" / place, pictures / place, pictures / place.name, path.with_suffix("")):
        for suffix in PICTURE_SUFFIXES:
            for ending in (suffix, suffix.upper()):
                found = stem.with_name(stem.name + ending)
                if found.is_file():
                    return found
    return None


def _shape(line: str, size: np.ndarray, names: list[str]) -> Shape:
    parts = line.split()
    label = parts[0]
    if not label.isdecimal() or len(label) > MAXIMUM_CLASS_DIGITS:
        return Shape("", fault=f"has a class that is no whole number: '{label[:60]}'")
    if int(label) < len(names):
        label = names[int(label)]
    try:
        values = np.array([float(part) for part in parts[1:]])
    except ValueError:
        return Shape(label, fault=f"holds something that is not a number: '{line.strip()[:60]}'")
    count = len(parts)
    if count not in (BOX, CORNERS, KEYPOINTS, VISIBLE_KEYPOINTS):
        return Shape(
            label, fault=f"has {count} numbers; four corners take {CORNERS}, {KEYPOINTS} or {VISIBLE_KEYPOINTS}"
        )
    # NaN compares as false and fails too.
    if not (np.abs(values) <= MAXIMUM_COORDINATE).all():
        return Shape(label, fault="holds a number beyond any picture")
    if count == CORNERS:
        return Shape(label, values.reshape(4, 2) * size)
    centre, half = values[:2], values[2:4] / 2
    if count == BOX:
        (left, top), (right, bottom) = centre - half, centre + half
        return Shape(label, np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * size)
    keypoints = values[4:].reshape(4, -1)
    if count == VISIBLE_KEYPOINTS and not np.isin(keypoints[:, 2], (0, 1, 2)).all():
        return Shape(label, fault="has a visibility other than 0, 1 and 2")
    missing = keypoints[:, 2] == 0 if count == VISIBLE_KEYPOINTS else ~keypoints.any(axis=1)
    if missing.any() or (keypoints[:, :2] < -1).any():
        return Shape(label, fault="has a corner that is not labelled")
    if (np.abs(keypoints[:, :2].mean(axis=0) - centre) > np.maximum(half, 1e-6)).any():
        return Shape(label, fault="has keypoints outside its box; it may be a polygon")
    return Shape(label, keypoints[:, :2] * size)


def write_yolo(
    exported: Iterable[ExportedPicture], folder: Path, corners_only: bool, link: bool, problems: Problems
) -> int:
    """Write labels and pictures in Ultralytics' layout, and a `data.yaml`.

    Args:
        exported: The labelled pictures.
        folder: An empty folder.
        corners_only: Write YOLO-OBB's four corners instead of boxes with four keypoints.
        link: Make symbolic links to the pictures instead of copies.
        problems: Receives what the format has no place for.

    Returns:
        The number of pictures.

    Raises:
        OSError: A file cannot be written.
    """
    count = 0
    splits: set[str] = set()
    for each in exported:
        picture = each.picture
        # Pictures that belong to every split can be in one folder only.
        split = "train" if picture.split == EVERY_SPLIT else picture.split
        problems.notes["pictures of every split, which are in train"] += picture.split == EVERY_SPLIT
        problems.notes["texts of plates, nor for their colours and rows"] += sum(
            plate.text is not None for plate in each.plates
        )
        problems.notes["marks of plates as unreadable"] += len(picture.unreadable)
        target = folder / "images" / split / each.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if link:
            target.symlink_to(os.path.abspath(picture.path))
        else:
            shutil.copyfile(picture.path, target)
        lines = [_line(each, plate.corners, corners_only) for plate in each.plates]
        write_new(folder / "labels" / split / each.name.with_suffix(".txt"), "".join(lines).encode("ascii"))
        splits.add(split)
        count += 1
    write_new(folder / "classes.txt", f"{PLATE_LABEL}\n".encode())
    write_new(folder / "data.yaml", _description(folder, splits, corners_only).encode("utf-8", "surrogateescape"))
    return count


def _line(each: ExportedPicture, corners: np.ndarray, corners_only: bool) -> str:
    size = np.array([each.width, each.height], np.float64)
    shares = [] if corners_only else _box_shares(corners, size)
    return " ".join(["0", *(f"{value:.7g}" for value in (*shares, *(corners / size).ravel()))]) + "\n"


def _box_shares(corners: np.ndarray, size: np.ndarray) -> list[float]:
    left, top, right, bottom = corners_to_box(corners).astype(np.float64)
    return [*(np.array([left + right, top + bottom]) / 2 / size), *(np.array([right - left, bottom - top]) / size)]


def _description(folder: Path, splits: set[str], corners_only: bool) -> str:
    lines = [f"path: {json.dumps(os.path.abspath(folder), ensure_ascii=False)}"]
    # Ultralytics requires train and val.
    lines += [f"{split}: images/{split}" for split in SPLITS if split in splits or split != "test"]
    if not corners_only:
        # Mirrored, the left corners become the right ones.
        lines += ["kpt_shape: [4, 2]", "flip_idx: [1, 0, 3, 2]"]
    return "\n".join([*lines, "names:", f"  0: {PLATE_LABEL}", ""])
