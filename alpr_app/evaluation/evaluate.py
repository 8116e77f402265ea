"""Measures the pipeline on labelled pictures.

A labelled plate is found at IoU t if some box has an IoU of at least t with its axis-aligned box. It is read end to end
if a box with IoU above 0.6 carries exactly its text (CCPD's rule: Xu et al., 2018), including the province. Where only
a text is known, it counts as read if it is among the picture's readings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from alpr_app.core.plate import Plate, has_province
from alpr_app.data.images import read_picture
from alpr_app.data.labels import DataFolder, LabelledCrop, LabelledPicture, read_labelled
from alpr_app.evaluation.calibration_metrics import CalibrationMetrics
from alpr_app.evaluation.detection_metrics import DetectionMetrics, reading_of
from alpr_app.pipeline.alpr import ALPR

Watch = Callable[[Path, np.ndarray, list[Plate], str], None]
"""Called for every picture that was not read correctly: file, image, plates, expected text."""

Note = Callable[[str, str], None]
"""Called for every plate with a known position: its text, and the text read there."""

Item = TypeVar("Item")


class Track(Protocol):
    """Yields the items of a part, and may show progress."""

    def __call__(self, items: Sequence[Item], part: str, /) -> Iterable[Item]: ...


def evaluate_scenes(
    alpr: ALPR,
    pictures: Iterable[LabelledPicture],
    watch: Watch | None = None,
    note: Note | None = None,
    reliability: CalibrationMetrics | None = None,
) -> dict[str, dict[str, float]]:
    """Measure scenes: figures by subset, by colour (`colour blue`, ...), `micro` over all plates, `macro` over
    subsets."""
    scores = DetectionMetrics()
    for picture in pictures:
        known = picture.readable
        if not known:
            continue
        image = read_labelled(picture.path)
        plates = alpr.read(image)
        readings = alpr.read_at(image, [truth.corners for truth in known])
        for truth, reading, score in zip(known, readings, scores.add(picture, plates, readings), strict=True):
            if note:
                note(truth.text or "", reading.text)
            if reliability:
                reliability.plates += 1
                nearest = reading_of(truth, plates)
                if nearest:
                    reliability.add(nearest.confidence, nearest.text == truth.text)
            if watch and not score.read:
                watch(picture.path, image, plates, truth.text or "")
    return scores.summary()


def evaluate_stated(alpr: ALPR, pictures: Iterable[LabelledPicture], watch: Watch | None = None) -> dict[str, float]:
    """Measure pictures with one known text: the share in which it is among the readings."""
    count = read = without_province = boxes = 0
    for picture in pictures:
        count += 1
        image = read_picture(picture.path)
        plates = alpr.read(image)
        boxes += len(plates)
        stated = picture.stated or ""
        right = stated in [plate.text for plate in plates]
        read += right
        without_province += stated[1:] in [plate.text[1:] for plate in plates]
        if watch and not right:
            watch(picture.path, image, plates, stated)
    return {
        "pictures": count,
        "stated_among_readings": read / max(1, count),
        "without_province": without_province / max(1, count),
        "boxes": boxes,
    }


def evaluate_crops(
    alpr: ALPR,
    crops: Iterable[LabelledCrop],
    watch: Watch | None = None,
    note: Note | None = None,
    reliability: CalibrationMetrics | None = None,
) -> dict[str, float]:
    """Measure pictures that are themselves plates: share read correctly, with and without the province."""
    count = exact = without_province = 0
    for crop in crops:
        count += 1
        image = read_picture(crop.path)
        (plate,) = alpr.read_crops([image])
        if note:
            note(crop.text, plate.text)
        if reliability:
            reliability.plates += 1
            reliability.add(plate.confidence, plate.text == crop.text)
        exact += plate.text == crop.text
        without_province += plate.text[1:] == crop.text[1:]
        if watch and plate.text != crop.text:
            watch(crop.path, image, [plate], crop.text)
    return {"crops": count, "exact": exact / max(1, count), "without_province": without_province / max(1, count)}


def evaluate_negatives(
    alpr: ALPR, negatives: Iterable[LabelledPicture], watch: Watch | None = None
) -> dict[str, float]:
    """Measure pictures without plates: false boxes, and pictures with a false box, per 100 pictures."""
    count = boxes = pictures = 0
    for picture in negatives:
        count += 1
        image = read_labelled(picture.path)
        plates = alpr.read(image)
        boxes += len(plates)
        pictures += bool(plates)
        if watch and plates:
            watch(picture.path, image, plates, "")
    return {
        "pictures": count,
        "false_boxes": boxes,
        "false_boxes_per_100": 100 * boxes / max(1, count),
        "pictures_with_false_box_per_100": 100 * pictures / max(1, count),
    }


def _drop_without_province(groups: dict[str, dict[str, float]], texts: Iterable[str]) -> dict[str, dict[str, float]]:
    """Drop the figures `without_province` if no plate has a province."""
    if any(map(has_province, texts)):
        return groups
    return {
        group: {name: value for name, value in values.items() if not name.endswith("without_province")}
        for group, values in groups.items()
    }


def evaluate(
    alpr: ALPR,
    data: DataFolder,
    split: str = "val",
    watch: Watch | None = None,
    track: Track = lambda items, part: items,
    note: Note | None = None,
    reliability: CalibrationMetrics | None = None,
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure everything that `data` allows.

    Pictures labelled by machine are left out, because their labels are no ground truth.

    Args:
        alpr: The pipeline.
        data: Labelled pictures, with texts in the reader's alphabet.
        split: A split, or `all`.
        watch: Called for pictures that were not read correctly.
        track: Shows progress.
        note: Called for every plate with a known position.
        reliability: Collects confidences and correctness of readings.

    Returns:
        Figures by part (`scenes`, `street`, `crops`, `negatives`, and over all plates with a known position
        `confidence` and `calibration`) and group. Figures without the province appear only if some labelled plate has
        one.
    """
    if split != "all":
        data = data.of_split(split)
    scenes = [picture for picture in data.pictures if picture.readable and not picture.by_machine]
    stated = [picture for picture in data.pictures if picture.stated]
    reliability = CalibrationMetrics() if reliability is None else reliability
    result: dict[str, dict[str, dict[str, float]]] = {}
    if scenes:
        texts = [plate.text or "" for picture in scenes for plate in picture.plates]
        result["scenes"] = _drop_without_province(
            evaluate_scenes(alpr, track(scenes, "scenes"), watch, note, reliability), texts
        )
    if stated:
        figures = {"all": evaluate_stated(alpr, track(stated, "street"), watch)}
        result["street"] = _drop_without_province(figures, [picture.stated or "" for picture in stated])
    if data.crops:
        figures = {"all": evaluate_crops(alpr, track(data.crops, "crops"), watch, note, reliability)}
        result["crops"] = _drop_without_province(figures, [crop.text for crop in data.crops])
    if data.negatives:
        result["negatives"] = {"all": evaluate_negatives(alpr, track(data.negatives, "negatives"), watch)}
    if reliability.plates:
        result["confidence"] = reliability.by_threshold()
        result["calibration"] = {"all": reliability.summary()}
    return result
