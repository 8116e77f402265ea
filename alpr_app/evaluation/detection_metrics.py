"""Compares the plates found in a picture with the labelled ones, and sums the counts over groups of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpr_app.core.geometry import box_iou, corner_distance
from alpr_app.core.plate import Plate
from alpr_app.data.labels import LabelledPicture, LabelledPlate
from alpr_app.evaluation.outcomes import PLACE_OFF, RIGHT, candidates, match

END_TO_END_IOU = 0.6
FOUND_IOU = 0.5


@dataclass
class DetectionCounts:
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
    text_right: int = 0
    place_right: int = 0

    def add(self, other: DetectionCounts) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def summary(self) -> dict[str, float]:
        """Return shares of the labelled plates. `precision` counts every box that lies on no labelled plate as false,
        including those on unlabelled plates; boxes on plates without a text and on unreadable plates do not count.
        `without_province` is end to end, `true_without_province` on the labelled corners. `text_right` and
        `place_right` (IoU of 0.7 or more) are counted apart, by `outcomes.match`."""
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
            "text_right": self.text_right / plates,
            "place_right": self.place_right / plates,
        }


def _overlaps(truth: LabelledPlate, plates: list[Plate]) -> np.ndarray:
    """Return the IoU of a labelled plate's box with that of each of `plates`: (N,)."""
    boxes = np.array([plate.box for plate in plates], np.float32).reshape(-1, 4)
    overlaps: np.ndarray = box_iou(truth.box[None], boxes)[0]
    return overlaps


def score_plate(truth: LabelledPlate, plates: list[Plate], on_true_corners: str) -> DetectionCounts:
    """Count whether one labelled plate was found and read among the `plates` found in its picture."""
    score = DetectionCounts(plates=1)
    text = truth.text or ""
    overlaps = _overlaps(truth, plates)
    score.found_50 = int((overlaps >= FOUND_IOU).any())
    score.found_70 = int((overlaps >= 0.7).any())
    texts = [plate.text for plate, overlap in zip(plates, overlaps, strict=True) if overlap > END_TO_END_IOU]
    score.read = int(text in texts)
    score.read_without_province = int(text[1:] in [read[1:] for read in texts])
    score.read_on_true_corners = int(on_true_corners == text)
    score.serial_on_true_corners = int(on_true_corners[1:] == text[1:])
    if score.found_50:
        score.corner_px = corner_distance(plates[int(overlaps.argmax())].corners, truth.corners)
        score.corner_heights = score.corner_px / max(1.0, float(truth.box[3] - truth.box[1]))
    return score


def share_boxes(known: list[LabelledPlate], unread: list[LabelledPlate], plates: list[Plate]) -> tuple[list[int], int]:
    """Count how many of the `plates` found lie on each of the `known` labelled ones (IoU at least 0.5), and how many on
    none; those on `unread` plates, whose text is unknown or unreadable, are neither."""
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
    """Return the plate found where a labelled one is: with the highest IoU, if that counts end to end."""
    overlaps = _overlaps(truth, plates)
    return plates[int(overlaps.argmax())] if overlaps.max(initial=0.0) > END_TO_END_IOU else None


def _add_outcomes(
    scores: Sequence[DetectionCounts], known: list[LabelledPlate], unread: list[LabelledPlate], plates: list[Plate]
) -> None:
    """Count in `scores` which of the `known` plates have the right text and the right place."""
    texts = [truth.text or "" for truth in known]
    boxes = np.array([truth.box for truth in (*known, *unread)], np.float32).reshape(-1, 4)
    matching = match([candidates(plate, texts, boxes) for plate in plates], len(known))
    for score, outcome in zip(scores, matching.labels, strict=True):
        score.text_right = int(outcome in (RIGHT, PLACE_OFF))
    for plate in matching.plates:
        if plate.label >= 0:
            scores[plate.label].place_right = int(plate.place_right)


class DetectionMetrics:
    """Counts by subset, by colour (`colour blue`, ...), and of all plates together (`micro`)."""

    def __init__(self) -> None:
        self._groups: dict[str, DetectionCounts] = {}
        self._subsets: set[str] = set()

    def add(self, picture: LabelledPicture, plates: list[Plate], readings: Sequence[Plate]) -> list[DetectionCounts]:
        """Add one picture.

        Args:
            picture: The labelled picture.
            plates: The plates found in it.
            readings: What was read on the labelled corners of each of `picture.readable`.

        Returns:
            The counts of each of `picture.readable`.
        """
        known = picture.readable
        unread = [truth for truth in picture.plates if truth.text is None] + list(picture.unreadable)
        counts, false = share_boxes(known, unread, plates)
        scores = [score_plate(truth, plates, reading.text) for truth, reading in zip(known, readings, strict=True)]
        _add_outcomes(scores, known, unread, plates)
        touched: set[str] = set()
        for truth, score, count in zip(known, scores, counts, strict=True):
            score.boxes = count
            names = (picture.subset, f"colour {truth.colour}", "micro")
            for name in names:
                self._groups.setdefault(name, DetectionCounts()).add(score)
            touched.update(names)
        self._subsets.add(picture.subset)
        # A false box has no colour: it counts once in every group with a plate in the picture.
        for name in touched:
            self._groups[name].boxes += false
        return scores

    def summary(self) -> dict[str, dict[str, float]]:
        """Return the figures of every group, and `macro`, the mean over subsets."""
        result = {name: self._groups[name].summary() for name in sorted(self._groups)}
        if self._subsets:
            keys = result["micro"]
            result["macro"] = {
                key: float(np.mean([result[name][key] for name in sorted(self._subsets)])) for key in keys
            }
            result["macro"]["plates"] = result["micro"]["plates"]
        return result
