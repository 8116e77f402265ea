"""Labels in COCO's JSON: one file for all pictures, with four keypoints per plate.

COCO has no place for texts. They are in `attributes` of an annotation, where CVAT writes and reads such values; other
programs ignore them. An unreadable plate has `ignore` 1, as X-AnyLabeling writes it for difficult ones.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import corners_to_box, quadrilateral_area
from alpr_app.data.bounded_parsing import ContentError, shown
from alpr_app.data.images import PictureError
from alpr_app.data.label_csv import CHECKED, SPLITS, UNREADABLE
from alpr_app.data.labels import EVERY_SPLIT
from alpr_app.train.formats.exporting import PLATE_LABEL, ExportedPicture, shown_size, write_new
from alpr_app.train.formats.importing import ImportedPicture, Problems, Shape
from alpr_app.train.formats.shape_json import is_number, read_content

FILE_NAME = "annotations.json"
CORNER_NAMES = ("top_left", "top_right", "bottom_right", "bottom_left")


def read_coco(source: Path, pictures: Path, problems: Problems) -> Iterator[ImportedPicture]:
    """Yield the labels in a COCO file. Pictures that cannot be used go to `problems`.

    Corners are four keypoints, else a segmentation of four points, else the box. A picture without annotations has no
    plates.

    Args:
        source: The JSON file.
        pictures: The folder that its file names are relative to.
        problems: Receives a line for each picture or annotation that cannot be used.

    Raises:
        AlprError: It is no COCO file.
    """
    try:
        content = read_content(source)
    except ContentError as error:
        raise AlprError(str(error)) from error
    images, annotations = content.get("images"), content.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise AlprError(f"{source}: has no 'images' or no 'annotations'; it is no COCO file")
    names = _category_names(content.get("categories"))
    by_image: dict[object, list[Shape]] = defaultdict(list)
    for number, entry in enumerate(annotations, start=1):
        if not isinstance(entry, dict) or not isinstance(entry.get("image_id"), int | str):
            problems.add(f"{source}: annotation {number} belongs to no picture")
            continue
        by_image[entry["image_id"]].append(_shape(entry, names))
    known: set[object] = set()
    for number, entry in enumerate(images, start=1):
        identifier = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(identifier, int | str) or not isinstance(entry.get("file_name"), str):
            problems.add(f"{source}: picture {number} has no 'id' or no 'file_name'")
            continue
        known.add(identifier)
        try:
            yield _picture(source, entry, tuple(by_image[identifier]), pictures)
        except (ContentError, PictureError) as error:
            problems.add(str(error))
    for identifier in [each for each in by_image if each not in known]:
        count = len(by_image[identifier])
        problems.add(f"{source}: {count} annotations belong to picture {shown(identifier)}, which is not in 'images'")


def _picture(source: Path, entry: dict[str, Any], shapes: tuple[Shape, ...], pictures: Path) -> ImportedPicture:
    """Raises ContentError or PictureError."""
    named = PureWindowsPath(entry["file_name"])
    candidates = (pictures / named.as_posix(), pictures / named.name)
    path = next((candidate for candidate in candidates if os.path.isfile(candidate)), None)
    if path is None:
        raise ContentError(f"{source}: the picture '{entry['file_name']}' is not in {pictures}; see --pictures")
    width, height = shown_size(path)
    stated = entry.get("width"), entry.get("height")
    if all(isinstance(side, int) and side > 0 for side in stated) and stated != (width, height):
        raise ContentError(f"{source}: {path} has {width} x {height} pixels, not {stated[0]} x {stated[1]}")
    split, subset = entry.get("split"), entry.get("subset")
    return ImportedPicture(
        f"{source}, picture '{entry['file_name']}'",
        path,
        shapes,
        split if split in SPLITS else "",
        subset if isinstance(subset, str) else "",
        entry.get(CHECKED) is True,
    )


def _category_names(categories: object) -> dict[object, str]:
    entries = categories if isinstance(categories, list) else []
    return {
        entry["id"]: str(entry.get("name", entry["id"]))
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), int | str)
    }


def _numbers(value: object) -> np.ndarray | None:
    """A list of numbers as an array; None for anything else."""
    if not isinstance(value, list) or not value or not all(map(is_number, value)):
        return None
    return np.array(value, np.float64)


def _shape(entry: dict[str, Any], names: dict[object, str]) -> Shape:
    category = entry.get("category_id")
    label = names.get(category, str(category)) if isinstance(category, int | str) else ""
    points, fault = _corners(entry)
    attributes = entry.get("attributes")
    values = {
        name: str(value).strip()
        for name, value in (attributes.items() if isinstance(attributes, dict) else ())
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    text, state = values.get("text", ""), values.get("state", "")
    if not state and entry.get("ignore") == 1 and not text:
        state = UNREADABLE
    return Shape(label, points, text, values.get("colour", ""), values.get("rows", ""), state, fault)


def _corners(entry: dict[str, Any]) -> tuple[np.ndarray, str]:
    """The four corners of an annotation, and why there are none."""
    none = np.zeros((0, 2))
    keypoints = _numbers(entry.get("keypoints"))
    if keypoints is not None:
        if len(keypoints) != 12:
            return none, f"has {len(keypoints) // 3} keypoints where a plate has four corners"
        if (keypoints[2::3] == 0).any():
            return none, "has a corner that is not labelled"
        return keypoints.reshape(4, 3)[:, :2], ""
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, list) and segmentation:
        polygon = _numbers(segmentation[0]) if len(segmentation) == 1 else None
        if polygon is None or len(polygon) != 8:
            return none, "has a segmentation that is not one polygon of four points"
        return polygon.reshape(4, 2), ""
    box = _numbers(entry.get("bbox"))
    if box is None or len(box) != 4:
        return none, "has neither four keypoints nor a polygon nor a box"
    left, top, width, height = box
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]]), ""


def write_coco(exported: Iterable[ExportedPicture], folder: Path, problems: Problems) -> int:
    """Write `annotations.json`, with the file names of pictures relative to the data folder.

    Args:
        exported: The labelled pictures.
        folder: An empty folder.
        problems: Receives what the format has no place for.

    Returns:
        The number of pictures.

    Raises:
        OSError: The file cannot be written.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, each in enumerate(exported, start=1):
        picture = each.picture
        split = "" if picture.split == EVERY_SPLIT else picture.split
        problems.notes["pictures of every split, which state none"] += not split
        size = {"width": each.width, "height": each.height}
        about = {"split": split, "subset": picture.subset, CHECKED: each.checked}
        images.append({"id": number, "file_name": str(each.name), **size, **about})
        for plate in each.plates:
            corners = [[round(float(value), 2) for value in corner] for corner in plate.corners]
            left, top, right, bottom = (round(float(value), 2) for value in corners_to_box(plate.corners))
            values = {"text": plate.text or "", "colour": plate.colour or "", "state": plate.state}
            values["rows"] = str(plate.rows) if plate.rows > 1 else ""
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "keypoints": [value for x, y in corners for value in (x, y, 2)],
                    "num_keypoints": 4,
                    "bbox": [left, top, round(right - left, 2), round(bottom - top, 2)],
                    "area": round(float(quadrilateral_area(plate.corners)), 2),
                    "segmentation": [[value for corner in corners for value in corner]],
                    "iscrowd": 0,
                    "ignore": int(plate.state == UNREADABLE),
                    "attributes": {name: value for name, value in values.items() if value},
                }
            )
    keypoints = {"keypoints": list(CORNER_NAMES), "skeleton": [[1, 2], [2, 3], [3, 4], [4, 1]]}
    category = {"id": 1, "name": PLATE_LABEL, "supercategory": "", **keypoints}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    write_new(folder / FILE_NAME, json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8"))
    return len(images)
