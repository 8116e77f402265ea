"""Labels in the JSON files of X-AnyLabeling and of LabelMe, one per picture.

Both hold `shapes` with a `label`, `points` in pixels and a `shape_type`. The text of a plate is the shape's
`description`. X-AnyLabeling keeps `attributes` of a shape, here colour, rows and state, its mark `difficult`, here an
unreadable plate, and for the picture whether it is `checked`. LabelMe has `flags` for the same purposes; it keeps the
`attributes` too, but does not show them.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from alpr_app.core.errors import AlprError, reason
from alpr_app.data.bounded_parsing import ContentError, parse_json, shown
from alpr_app.data.images import PictureError
from alpr_app.data.label_csv import CHECKED, SPLITS, STATES, UNREADABLE
from alpr_app.data.labels import EVERY_SPLIT, LabelledPlate
from alpr_app.train.formats.exporting import PLATE_LABEL, ExportedPicture, shown_size, write_new
from alpr_app.train.formats.importing import ImportedPicture, Problems, Shape

# The files may hold their picture too, as base64.
MAXIMUM_BYTES = 256 * 2**20
# The versions whose files these are like. LabelMe compares it with nothing, X-AnyLabeling warns only if it is missing.
LABELME_VERSION, X_ANYLABELING_VERSION = "5.5.0", "2.4.4"
MAXIMUM_NUMBER = 1e300
# Shapes whose points are corners, and those that only surround something.
CORNER_TYPES, BOX_TYPE, POINT_TYPE = ("polygon", "rotation", "quadrilateral"), "rectangle", "point"


def read_content(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object. Raises ContentError naming the file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
        if len(data) > MAXIMUM_BYTES:
            raise ContentError(f"larger than {MAXIMUM_BYTES // 2**20} MiB, which no such file is")
        content = parse_json(data.decode("utf-8-sig"))
    except OSError as error:
        raise ContentError(f"{path}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"{path}: not a text file in UTF-8") from error
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise ContentError(f"{path}: holds no JSON object")
    return content


def read_shape_json(source: Path, pictures: Path, problems: Problems) -> Iterator[ImportedPicture]:
    """Yield the labels in a folder of JSON files, of either program. Files that cannot be used go to `problems`.

    A file without shapes is a picture without plates.

    Args:
        source: The folder.
        pictures: The folder of pictures.
        problems: Receives a line for each file that cannot be used.

    Raises:
        AlprError: There are no JSON files.
    """
    files = [path for path in sorted(source.rglob("*.json")) if path.is_file()]
    if not files:
        raise AlprError(f"{source}: holds no JSON files")
    for path in files:
        try:
            yield _picture(path, source, pictures)
        except (ContentError, PictureError) as error:
            problems.add(str(error))


def _picture(path: Path, source: Path, pictures: Path) -> ImportedPicture:
    """Raises ContentError or PictureError naming the file."""
    content = read_content(path)
    shapes, named = content.get("shapes"), content.get("imagePath")
    if not isinstance(shapes, list) or not isinstance(named, str) or not named:
        raise ContentError(f"{path}: has no 'shapes' or no 'imagePath'; it is no file of LabelMe or X-AnyLabeling")
    picture = _find_picture(named, path, source, pictures)
    width, height = shown_size(picture)
    stated = content.get("imageWidth"), content.get("imageHeight")
    if all(isinstance(side, int) and side > 0 for side in stated) and stated != (width, height):
        raise ContentError(
            f"{path}: is for a picture of {stated[0]} x {stated[1]} pixels, but {picture} has {width} x {height}"
        )
    flags = _true_flags(content.get("flags"))
    split = next((name for name in SPLITS if name in flags), "")
    checked = content.get(CHECKED) is True or CHECKED in flags
    return ImportedPicture(str(path), picture, tuple(_shapes(shapes)), split, _subset(content), checked)


def _subset(content: Mapping[str, Any]) -> str:
    subset = content.get("subset")
    return subset if isinstance(subset, str) else ""


def _find_picture(named: str, path: Path, source: Path, pictures: Path) -> Path:
    """Raises ContentError if the picture is nowhere."""
    # Files made on Windows have backslashes.
    windows = PureWindowsPath(named)
    inside = path.relative_to(source).parent
    beside = path.parent / windows.as_posix()
    others = (pictures / inside / windows.name, pictures / windows.as_posix(), pictures / windows.name)
    # A folder that was named takes precedence over the place that the file states.
    candidates = (beside, *others) if pictures == source else (*others, beside)
    for candidate in candidates:
        if os.path.isfile(candidate):
            return Path(os.path.normpath(candidate))
    raise ContentError(f"{path}: its picture '{named}' is missing; name the folder of pictures with --pictures")


def _true_flags(flags: object) -> set[str]:
    return {name for name, value in flags.items() if value is True} if isinstance(flags, dict) else set()


def _shapes(entries: list[Any]) -> Iterator[Shape]:
    """The shapes of a file. A rectangle with four points of its group, as for poses, is one shape."""
    groups: dict[int, list[Shape]] = defaultdict(list)
    boxes: dict[int, list[int]] = defaultdict(list)
    shapes: list[Shape] = []
    for entry in entries:
        shape = _shape(entry)
        group = entry.get("group_id") if isinstance(entry, dict) else None
        kind = entry.get("shape_type") if isinstance(entry, dict) else None
        if kind == POINT_TYPE and isinstance(group, int) and not shape.fault:
            groups[group].append(shape)
            continue
        if kind == BOX_TYPE and isinstance(group, int):
            boxes[group].append(len(shapes))
        shapes.append(shape)
    for group, points in groups.items():
        if len(boxes[group]) != 1:
            shapes += points
            continue
        index = boxes[group][0]
        box = shapes[index]
        corners = np.concatenate([point.points for point in points])
        shapes[index] = Shape(box.label, corners, box.text, box.colour, box.rows, box.state, box.fault)
    yield from shapes


def _shape(entry: object) -> Shape:
    if not isinstance(entry, dict) or not isinstance(entry.get("label"), str):
        return Shape("", fault=f"has no label: {shown(entry)}")
    label, kind = entry["label"], entry.get("shape_type") or "polygon"
    points = entry.get("points")
    if not isinstance(points, list) or not all(_is_point(point) for point in points):
        return Shape(label, fault="has points that are not pairs of numbers")
    corners = np.array(points, np.float64).reshape(-1, 2)
    if kind == BOX_TYPE and len(corners) == 2:
        # Two opposite corners, as LabelMe and earlier versions of X-AnyLabeling write them.
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    elif kind not in (*CORNER_TYPES, BOX_TYPE, POINT_TYPE):
        return Shape(label, fault=f"is a {shown(kind)}, which has no four corners")
    attributes = entry.get("attributes")
    values = attributes if isinstance(attributes, dict) else {}
    flags = _true_flags(entry.get("flags"))
    text = entry.get("description")
    text = text if isinstance(text, str) else ""
    state = _string(values.get("state")) or next((name for name in STATES if name in flags), "")
    if not state and entry.get("difficult") is True and not text.strip():
        state = UNREADABLE
    if state == UNREADABLE and entry.get("difficult") is False:
        # The mark was taken away in X-AnyLabeling, which shows it unlike the attribute.
        state = ""
    return Shape(label, corners, text, _string(values.get("colour")), _string(values.get("rows")), state)


def _is_point(point: object) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(map(is_number, point))


def is_number(value: object) -> bool:
    """Whether a value of JSON is a number that fits a float: whole numbers may have thousands of digits."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAXIMUM_NUMBER


def _string(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def write_labelme(exported: Iterable[ExportedPicture], folder: Path, problems: Problems) -> int:
    """Write a JSON file of LabelMe for each picture, at the same places as the pictures in their folder.

    Args:
        exported: The labelled pictures.
        folder: An empty folder.
        problems: Receives what the format has no place for.

    Returns:
        The number of files.

    Raises:
        OSError: A file cannot be written.
    """
    return _write(exported, folder, problems, False)


def write_x_anylabeling(exported: Iterable[ExportedPicture], folder: Path, problems: Problems) -> int:
    """Write a JSON file of X-AnyLabeling for each picture, as `write_labelme` does."""
    return _write(exported, folder, problems, True)


def _write(exported: Iterable[ExportedPicture], folder: Path, problems: Problems, x_anylabeling: bool) -> int:
    count = 0
    for each in exported:
        picture = each.picture
        target = folder / each.name.with_suffix(".json")
        split = "" if picture.split == EVERY_SPLIT else picture.split
        problems.notes["pictures of every split, which state none"] += not split
        flags = {split: True} if split else {}
        version = X_ANYLABELING_VERSION if x_anylabeling else LABELME_VERSION
        content: dict[str, Any] = {"version": version, "flags": flags}
        if x_anylabeling:
            content[CHECKED] = each.checked
        elif each.checked:
            # LabelMe has no mark of its own for checked pictures.
            flags[CHECKED] = True
        shape = _x_anylabeling_shape if x_anylabeling else _labelme_shape
        path = os.path.relpath(os.path.abspath(picture.path), os.path.abspath(target.parent))
        content |= {
            "shapes": [shape(plate) for plate in each.plates],
            "imagePath": Path(path).as_posix(),
            "imageData": None,
            "imageHeight": each.height,
            "imageWidth": each.width,
            "subset": picture.subset,
        }
        write_new(target, json.dumps(content, ensure_ascii=False, indent=2).encode("utf-8"))
        count += 1
    return count


def _points(plate: LabelledPlate) -> list[list[float]]:
    return [[round(float(value), 2) for value in corner] for corner in plate.corners]


def _attributes(plate: LabelledPlate) -> dict[str, str]:
    values = {"colour": plate.colour or "", "rows": str(plate.rows) if plate.rows > 1 else ""}
    return {name: value for name, value in values.items() if value}


def _labelme_shape(plate: LabelledPlate) -> dict[str, Any]:
    return {
        "label": PLATE_LABEL,
        "points": _points(plate),
        "group_id": None,
        "description": plate.text or "",
        "shape_type": "polygon",
        "flags": {plate.state: True} if plate.state else {},
        "mask": None,
        "attributes": _attributes(plate),
    }


def _x_anylabeling_shape(plate: LabelledPlate) -> dict[str, Any]:
    return {
        "label": PLATE_LABEL,
        "score": None,
        "points": _points(plate),
        "group_id": None,
        "description": plate.text or "",
        "difficult": plate.state == UNREADABLE,
        "shape_type": "polygon",
        "flags": {},
        "attributes": _attributes(plate) | ({"state": plate.state} if plate.state else {}),
        "kie_linking": [],
    }
