"""How well plates are found and read, by rules that are stated with every figure.

A labelled plate is found at IoU t if some box overlaps with its upright box by t or more. It is read end to end if
a box with IoU above 0.6 carries exactly its text (CCPD's rule: Xu et al., 2018), province included. Where only a
text is known, it counts as read if it is among the picture's readings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpr_app.geometry import box_iou, corner_distance
from alpr_app.labels import DataFolder, LabelledCrop, LabelledPicture, LabelledPlate
from alpr_app.pictures import read_picture
from alpr_app.pipeline import ALPR
from alpr_app.plate import Plate, has_province
from alpr_app.reliability import Reliability

END_TO_END_IOU = 0.6
FOUND_IOU = 0.5

Watch = Callable[[Path, np.ndarray, list[Plate], str], None]
"""Is told of every picture that was not read right: file, picture, plates, what was expected."""

Note = Callable[[str, str], None]
"""Is told of every plate whose place is known: its text, and what was read there."""

Track = Callable[[Sequence, str], Iterable]
"""Hands the items of a part on one by one, and may show how far it is."""


@dataclass
class PictureScore:
    """Counts over the labelled plates of one group of pictures; corner errors in pixels and plate heights."""

    plates: int = 0
    boxes: int = 0
    found_50: int = 0
    found_70: int = 0
    read: int = 0
    read_without_province: int = 0
    read_on_true_corners: int = 0
    serial_on_true_corners: int = 0
    corner_px: float = 0.0
    corner_heights: float = 0.0

    def add(self, other: PictureScore) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def summary(self) -> dict[str, float]:
        """Shares of the labelled plates. `precision` counts every box that is on no labelled plate as false, also
        those on plates that nobody labelled; boxes on plates without a text do not count. `without_province` is end to
        end, `true_without_province` on the labelled corners."""
        plates, found = max(1, self.plates), max(1, self.found_50)
        return {
            "plates": self.plates,
            "recall_50": self.found_50 / plates,
            "recall_70": self.found_70 / plates,
            "precision_50": self.found_50 / max(1, self.boxes),
            "corner_px": self.corner_px / found,
            "corner_heights": self.corner_heights / found,
            "end_to_end": self.read / plates,
            "without_province": self.read_without_province / plates,
            "on_true_corners": self.read_on_true_corners / plates,
            "true_without_province": self.serial_on_true_corners / plates,
        }


def _overlaps(truth: LabelledPlate, plates: list[Plate]) -> np.ndarray:
    """IoU of a labelled plate's box with that of each of `plates`: (N,)."""
    return box_iou(truth.box[None], np.float32([plate.box for plate in plates]).reshape(-1, 4))[0]


def score_plate(truth: LabelledPlate, plates: list[Plate], on_true_corners: str) -> PictureScore:
    """How one labelled plate fared among the `plates` found in its picture."""
    score = PictureScore(plates=1)
    overlaps = _overlaps(truth, plates)
    score.found_50 = int((overlaps >= FOUND_IOU).any())
    score.found_70 = int((overlaps >= 0.7).any())
    texts = [plate.text for plate, overlap in zip(plates, overlaps, strict=True) if overlap > END_TO_END_IOU]
    score.read = int(truth.text in texts)
    score.read_without_province = int(truth.text[1:] in [text[1:] for text in texts])
    score.read_on_true_corners = int(on_true_corners == truth.text)
    score.serial_on_true_corners = int(on_true_corners[1:] == truth.text[1:])
    if score.found_50:
        score.corner_px = corner_distance(plates[int(overlaps.argmax())].corners, truth.corners)
        score.corner_heights = score.corner_px / max(1.0, float(truth.box[3] - truth.box[1]))
    return score


def share_boxes(known: list[LabelledPlate], unread: list[LabelledPlate], plates: list[Plate]) -> tuple[list[int], int]:
    """How many of the `plates` found lie on each of the `known` labelled ones, IoU 0.5 or more, and how many on none;
    those on plates whose text is not known are neither."""
    counts, false = [0] * len(known), 0
    overlaps = np.stack([_overlaps(truth, plates) for truth in (*known, *unread)], axis=1)
    for row in overlaps:
        nearest = int(row.argmax())
        if row[nearest] < FOUND_IOU:
            false += 1
        elif nearest < len(known):
            counts[nearest] += 1
    return counts, false


def reading_of(truth: LabelledPlate, plates: list[Plate]) -> Plate | None:
    """What was read where a labelled plate is: of the plates that may count end to end, the one nearest to it."""
    overlaps = _overlaps(truth, plates)
    return plates[int(overlaps.argmax())] if overlaps.max(initial=0.0) > END_TO_END_IOU else None


def evaluate_scenes(
    alpr: ALPR,
    pictures: Iterable[LabelledPicture],
    watch: Watch | None = None,
    note: Note | None = None,
    reliability: Reliability | None = None,
) -> dict[str, dict[str, float]]:
    """Scores by subset, by colour (`colour blue`, ...), `micro` over all plates and `macro` over the subsets."""
    groups: dict[str, PictureScore] = {}
    subsets = set()
    for picture in pictures:
        known = [truth for truth in picture.plates if truth.text is not None]
        if not known:
            continue
        image = read_picture(picture.path, orient=False)
        plates = alpr.read(image)
        counts, false = share_boxes(known, [truth for truth in picture.plates if truth.text is None], plates)
        readings = alpr.read_at(image, [truth.corners for truth in known])
        touched = set()
        for truth, count, reading in zip(known, counts, readings, strict=True):
            score = score_plate(truth, plates, reading.text)
            score.boxes = count
            if note:
                note(truth.text, reading.text)
            nearest = reading_of(truth, plates)
            if reliability:
                reliability.plates += 1
                if nearest:
                    reliability.add(nearest.confidence, nearest.text == truth.text)
            subsets.add(picture.subset)
            for name in (picture.subset, f"colour {truth.colour}", "micro"):
                groups.setdefault(name, PictureScore()).add(score)
                touched.add(name)
            if watch and not score.read:
                watch(picture.path, image, plates, truth.text)
        # A false box has no colour: it counts once in every group that the picture has a plate in.
        for name in touched:
            groups[name].boxes += false
    result = {name: groups[name].summary() for name in sorted(groups)}
    if subsets:
        keys = result["micro"]
        result["macro"] = {key: float(np.mean([result[name][key] for name in subsets])) for key in keys}
        result["macro"]["plates"] = result["micro"]["plates"]
    return result


def evaluate_stated(alpr: ALPR, pictures: Iterable[LabelledPicture], watch: Watch | None = None) -> dict[str, float]:
    """Pictures of which only one plate's text is known: the share in which it is among the readings."""
    count = read = without_province = boxes = 0
    for picture in pictures:
        count += 1
        image = read_picture(picture.path)
        plates = alpr.read(image)
        boxes += len(plates)
        right = picture.stated in [plate.text for plate in plates]
        read += right
        without_province += picture.stated[1:] in [plate.text[1:] for plate in plates]
        if watch and not right:
            watch(picture.path, image, plates, picture.stated)
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
    reliability: Reliability | None = None,
) -> dict[str, float]:
    """Pictures that are plates already: whole plates right, with and without the province."""
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


def evaluate_negatives(alpr: ALPR, paths: Iterable[Path], watch: Watch | None = None) -> dict[str, float]:
    """Pictures without any plate: false boxes, and pictures with at least one, a hundred pictures."""
    count = boxes = pictures = 0
    for path in paths:
        count += 1
        image = read_picture(path)
        plates = alpr.read(image)
        boxes += len(plates)
        pictures += bool(plates)
        if watch and plates:
            watch(path, image, plates, "")
    return {
        "pictures": count,
        "false_boxes": boxes,
        "false_boxes_per_100": 100 * boxes / max(1, count),
        "pictures_with_false_box_per_100": 100 * pictures / max(1, count),
    }


def _meant(groups: dict[str, dict[str, float]], texts: Iterable[str]) -> dict[str, dict[str, float]]:
    """The figures of a part, without those that leave the province out where no plate has one."""
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
    reliability: Reliability | None = None,
) -> dict[str, dict[str, dict[str, float]]]:
    """All that `data` allows, of one split or of `all`: parts `scenes`, `street`, `crops`, `negatives`, and over all
    plates whose place is known `confidence` and `calibration`. Figures that leave the province out are there only where
    some labelled plate has one. reliability: is told of the readings that the last two are about.

    Pictures whose labels were made by machine are left out: they are no truth to be measured against.
    """
    if split != "all":
        data = data.of_split(split)
    scenes = [picture for picture in data.pictures if picture.plates and not picture.by_machine]
    stated = [picture for picture in data.pictures if picture.stated]
    reliability = Reliability() if reliability is None else reliability
    result: dict[str, dict[str, dict[str, float]]] = {}
    if scenes:
        texts = [plate.text or "" for picture in scenes for plate in picture.plates]
        result["scenes"] = _meant(evaluate_scenes(alpr, track(scenes, "scenes"), watch, note, reliability), texts)
    if stated:
        figures = {"all": evaluate_stated(alpr, track(stated, "street"), watch)}
        result["street"] = _meant(figures, [picture.stated for picture in stated])
    if data.crops:
        figures = {"all": evaluate_crops(alpr, track(data.crops, "crops"), watch, note, reliability)}
        result["crops"] = _meant(figures, [crop.text for crop in data.crops])
    if data.negatives:
        result["negatives"] = {"all": evaluate_negatives(alpr, track(data.negatives, "negatives"), watch)}
    if reliability.plates:
        result["confidence"] = reliability.by_threshold()
        result["calibration"] = {"all": reliability.summary()}
    return result
