"""Compares what was found with what a CCPD file name says, by the rules of `alpr eval`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr_app import ccpd
from alpr_app.geometry import box_iou, corners_to_box, order_corners
from alpr_app.plate import Plate

RIGHT, WRONG, MISSED = "right", "wrong", "missed"


@dataclass(frozen=True, eq=False)
class Truth:
    """corners: (4, 2) float32 as `Plate.corners`; text: without the dot."""

    text: str
    corners: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom (4,)."""
        return corners_to_box(self.corners)


@dataclass(frozen=True)
class Judged:
    """One found plate against the truth. iou: of the upright boxes. corner_px: mean distance of the corners.

    found_70: the IoU is 0.7 or more. read, read_without_province: at this place stands this text.
    """

    score: float
    confidence: float
    iou: float
    found: bool
    found_70: bool
    read: bool
    read_without_province: bool
    corner_px: float


def truth_of(path: str) -> Truth | None:
    """What the file name says; None if it is no CCPD name."""
    try:
        annotation = ccpd.parse_name(path)
        return Truth(annotation.text, order_corners(np.float32(annotation.corners)))
    except ValueError:
        # Corners on a line are a label as little as another name.
        return None


def judge(truth: Truth, plates: tuple[Plate, ...]) -> tuple[Judged, ...]:
    """Every plate by itself, as `evaluation.score_plate` counts it; thresholds then only choose among them."""
    if not plates:
        return ()
    # It imports torch. Whoever has plates to judge has imported that before.
    from alpr_app.evaluation import score_plate
    from alpr_app.labels import LabelledPlate

    labelled = LabelledPlate(truth.corners, truth.text)
    judged = []
    for plate in plates:
        score = score_plate(labelled, [plate], "")
        judged.append(
            Judged(
                plate.score,
                plate.confidence,
                float(box_iou(truth.box, np.float32(plate.box))[0, 0]),
                bool(score.found_50),
                bool(score.found_70),
                bool(score.read),
                bool(score.read_without_province),
                float(np.linalg.norm(np.float32(plate.corners) - truth.corners, axis=1).mean()),
            )
        )
    return tuple(judged)


def verdict(judged: tuple[Judged, ...], score: float, confidence: float) -> str:
    """right, wrong or missed, with only the plates that reach both thresholds."""
    shown = [item for item in judged if item.score >= score and item.confidence >= confidence]
    if any(item.read for item in shown):
        return RIGHT
    return WRONG if any(item.found for item in shown) else MISSED


@dataclass
class Totals:
    """Counts over the labelled pictures that have been recognised."""

    pictures: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    read_without_province: int = 0
    found_70: int = 0

    def add(self, judged: tuple[Judged, ...], score: float, confidence: float, times: int = 1) -> None:
        """Count a picture; times: -1 takes it out again."""
        shown = [item for item in judged if item.score >= score and item.confidence >= confidence]
        self.pictures += times
        outcome = verdict(judged, score, confidence)
        setattr(self, outcome, getattr(self, outcome) + times)
        self.read_without_province += times * any(item.read_without_province for item in shown)
        self.found_70 += times * any(item.found_70 for item in shown)

    def share(self, count: int) -> float:
        return count / max(1, self.pictures)
