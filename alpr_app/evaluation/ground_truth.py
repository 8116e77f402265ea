"""Compares found plates with labels, from a table or a file's name: by position under the rules of `alpr eval` if the
labels have positions, else by text."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

import numpy as np

from alpr_app.core.geometry import box_iou, corner_distance, corners_to_box, order_corners
from alpr_app.core.plate import Plate, fits_format
from alpr_app.data import ccpd
from alpr_app.data.labels import LabelledPlate, spelled
from alpr_app.evaluation.detection_metrics import FOUND_IOU, score_plate

RIGHT, WRONG, MISSED = "right", "wrong", "missed"


@dataclass(frozen=True, eq=False)
class Label:
    """One labelled plate. text: as written; empty if unknown. corners: (4, 2) float32 as `Plate.corners`; None if the
    label has no position."""

    text: str
    corners: np.ndarray | None = None

    @property
    def box(self) -> np.ndarray | None:
        """Left, top, right, bottom (4,)."""
        return None if self.corners is None else corners_to_box(self.corners)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The labels of a picture; none at all means that it has no plate.

    Attributes:
        labels: Plates that should be read.
        unread: Plates with a position but no text; what is found there is neither right nor wrong.
    """

    labels: tuple[Label, ...]
    unread: tuple[Label, ...] = ()

    def spelled(self, alphabet: str) -> GroundTruth:
        """Normalise the texts to a reader's `alphabet`, as `alpr eval` does. Texts for which that is impossible stay as
        they are; no reading equals them."""
        return replace(
            self, labels=tuple(replace(one, text=spelled(one.text, alphabet) or one.text) for one in self.labels)
        )

    @property
    def placed(self) -> bool:
        """Whether all labels have positions."""
        return all(label.corners is not None for label in self.labels)

    @property
    def text(self) -> str:
        """All texts, as shown to people."""
        return ", ".join(label.text for label in self.labels)

    @property
    def corners(self) -> np.ndarray | None:
        """The corners of the only plate; None if there are several or it has no position."""
        return self.labels[0].corners if len(self.labels) == 1 else None

    @property
    def box(self) -> np.ndarray | None:
        """The box of the only plate, like `corners`."""
        return self.labels[0].box if len(self.labels) == 1 else None


@dataclass(frozen=True)
class PlateComparison:
    """One found plate against the ground truth. label: the index in `GroundTruth.labels` of the label that it lies on
    or nearest to; -1 if it lies on a plate that nobody has read, or there is none. iou: of the upright boxes.
    corner_px: mean distance of the corners.

    found_70: the IoU is 0.7 or more. read, read_without_province: the text is that of the label. If the labels have no
    positions, iou and corner_px are None, every plate counts as found and none as found_70.
    """

    score: float
    confidence: float
    iou: float | None
    found: bool
    found_70: bool
    read: bool
    read_without_province: bool
    corner_px: float | None
    label: int = 0


def ground_truth_of(path: str) -> GroundTruth | None:
    """Parse a file name; None if it is neither a CCPD name nor a plate text (皖A12345.jpg, 皖A12345_3.jpg)."""
    try:
        annotation = ccpd.parse_name(path)
        return GroundTruth((Label(annotation.text, order_corners(np.asarray(annotation.corners, np.float32))),))
    except ValueError:
        # Degenerate corners are no label either.
        bare = re.sub(r"_[0-9]+$", "", os.path.splitext(os.path.basename(path))[0])
        return GroundTruth((Label(bare),)) if fits_format(bare) else None


def compare(truth: GroundTruth, plates: tuple[Plate, ...]) -> tuple[PlateComparison, ...]:
    """Compare every plate separately, as `detection_metrics.score_plate` counts it; thresholds then only select. truth:
    as returned by `spelled`."""
    if not truth.placed:
        return tuple(_compare_text(truth.labels, plate) for plate in plates)
    return tuple(_compare_position(truth, plate) for plate in plates)


def _compare_position(truth: GroundTruth, plate: Plate) -> PlateComparison:
    nearest, iou = -1, 0.0
    known = (*truth.labels, *truth.unread)
    if known:
        boxes = [box for label in known if (box := label.box) is not None]
        overlaps = box_iou(np.asarray(plate.box, np.float32), np.stack(boxes))[0]
        nearest = int(overlaps.argmax())
        iou = float(overlaps[nearest])
    if nearest < 0 or nearest >= len(truth.labels):
        # On a plate without a text, only its presence is known.
        on_unread = nearest >= 0 and iou >= FOUND_IOU
        return PlateComparison(plate.score, plate.confidence, iou, on_unread, False, False, False, None, -1)
    label = truth.labels[nearest]
    assert label.corners is not None
    score = score_plate(LabelledPlate(label.corners, label.text), [plate], "")
    return PlateComparison(
        plate.score,
        plate.confidence,
        iou,
        bool(score.found_50),
        bool(score.found_70),
        bool(score.read),
        bool(score.read_without_province),
        corner_distance(plate.corners, label.corners),
        nearest,
    )


def _compare_text(labels: tuple[Label, ...], plate: Plate) -> PlateComparison:
    """Compare by text alone: with the label of the same text, if there is one."""
    texts = [label.text for label in labels]
    tails = [text[1:] for text in texts]
    same, nearly = plate.text in texts, plate.text[1:] in tails
    label = texts.index(plate.text) if same else tails.index(plate.text[1:]) if nearly else 0
    return PlateComparison(plate.score, plate.confidence, None, True, False, same, nearly, None, label)


def _shown(comparisons: tuple[PlateComparison, ...], score: float, confidence: float) -> tuple[PlateComparison, ...]:
    """Return those that reach both thresholds."""
    return tuple(item for item in comparisons if item.score >= score and item.confidence >= confidence)


def plate_outcomes(
    comparisons: tuple[PlateComparison, ...], score: float, confidence: float, labels: int = 1
) -> list[str]:
    """Return right, wrong or missed for each of `labels` labelled plates, by the plates that reach both thresholds."""
    shown = _shown(comparisons, score, confidence)
    found = [[item for item in shown if item.label == number] for number in range(labels)]
    return [
        RIGHT if any(item.read for item in items) else WRONG if any(item.found for item in items) else MISSED
        for items in found
    ]


def picture_outcome(comparisons: tuple[PlateComparison, ...], score: float, confidence: float, labels: int = 1) -> str:
    """Return right, wrong or missed for a picture with `labels` labelled plates: the worst of their outcomes. A picture
    without plates is wrong if one was found."""
    if not labels:
        return WRONG if any(not item.found for item in _shown(comparisons, score, confidence)) else RIGHT
    outcomes = plate_outcomes(comparisons, score, confidence, labels)
    return next(outcome for outcome in (MISSED, WRONG, RIGHT) if outcome in outcomes)


@dataclass
class Totals:
    """Counts over labelled pictures that have been read; a picture counts by its worst plate. placed: pictures with a
    plate whose label has a position; `found_70` is a part of these."""

    pictures: int = 0
    placed: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    read_without_province: int = 0
    found_70: int = 0

    def add(
        self,
        comparisons: tuple[PlateComparison, ...],
        score: float,
        confidence: float,
        times: int = 1,
        placed: bool = True,
        labels: int = 1,
    ) -> None:
        """Count a picture with `labels` labelled plates. times: -1 removes it again. placed: its labels have
        positions."""
        shown = _shown(comparisons, score, confidence)
        self.pictures += times
        outcome = picture_outcome(comparisons, score, confidence, labels)
        setattr(self, outcome, getattr(self, outcome) + times)
        if not labels:
            self.read_without_province += times * (outcome == RIGHT)
            return
        self.placed += times * placed
        for name in ("read_without_province", "found_70"):
            have = {item.label for item in shown if getattr(item, name)}
            setattr(self, name, getattr(self, name) + times * have.issuperset(range(labels)))

    def share(self, count: int) -> float:
        """Return the share of all labelled pictures."""
        return count / max(1, self.pictures)

    @property
    def found_share(self) -> float:
        """The share of pictures with positions in which every plate was found at IoU 0.7."""
        return self.found_70 / max(1, self.placed)
