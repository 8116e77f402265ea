"""Compares what was found with what a file name says: a CCPD name by the rules of `alpr eval`, a plate text by text."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import numpy as np

from alpr_app import ccpd
from alpr_app.geometry import box_iou, corner_distance, corners_to_box, order_corners
from alpr_app.labels import LabelledPlate
from alpr_app.plate import Plate, fits_format
from alpr_app.scene_scores import score_plate

RIGHT, WRONG, MISSED = "right", "wrong", "missed"


@dataclass(frozen=True, eq=False)
class Truth:
    """text: without the dot. corners: (4, 2) float32 as `Plate.corners`; None if the name does not say where it is."""

    text: str
    corners: np.ndarray | None = None

    @property
    def box(self) -> np.ndarray | None:
        """Left, top, right, bottom (4,)."""
        return None if self.corners is None else corners_to_box(self.corners)


@dataclass(frozen=True)
class Judged:
    """One found plate against the truth. iou: of the upright boxes. corner_px: mean distance of the corners.

    found_70: the IoU is 0.7 or more. read, read_without_province: at this place stands this text. Where the truth has
    no place, iou and corner_px are None, every plate counts as found and none as found_70.
    """

    score: float
    confidence: float
    iou: float | None
    found: bool
    found_70: bool
    read: bool
    read_without_province: bool
    corner_px: float | None


def truth_of(path: str) -> Truth | None:
    """What the file name says; None if it is neither a CCPD name nor a plate text (皖A12345.jpg, 皖A12345_3.jpg)."""
    try:
        annotation = ccpd.parse_name(path)
        return Truth(annotation.text, order_corners(np.float32(annotation.corners)))
    except ValueError:
        # Corners on a line are a label as little as another name.
        bare = re.sub(r"_[0-9]+$", "", os.path.splitext(os.path.basename(path))[0])
        return Truth(bare) if fits_format(bare) else None


def judge(truth: Truth, plates: tuple[Plate, ...]) -> tuple[Judged, ...]:
    """Every plate by itself, as `scene_scores.score_plate` counts it; thresholds then only choose among them."""
    if not plates:
        return ()
    if truth.corners is None:
        return tuple(_judge_text(truth.text, plate) for plate in plates)
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
                corner_distance(plate.corners, truth.corners),
            )
        )
    return tuple(judged)


def _judge_text(text: str, plate: Plate) -> Judged:
    """By the text alone, for want of a place."""
    same, nearly = plate.text == text, plate.text[1:] == text[1:]
    return Judged(plate.score, plate.confidence, None, True, False, same, nearly, None)


def _shown(judged: tuple[Judged, ...], score: float, confidence: float) -> tuple[Judged, ...]:
    """Those that reach both thresholds."""
    return tuple(item for item in judged if item.score >= score and item.confidence >= confidence)


def verdict(judged: tuple[Judged, ...], score: float, confidence: float) -> str:
    """right, wrong or missed, with only the plates that reach both thresholds."""
    shown = _shown(judged, score, confidence)
    if any(item.read for item in shown):
        return RIGHT
    return WRONG if any(item.found for item in shown) else MISSED


@dataclass
class Totals:
    """Counts over the labelled pictures that have been recognised. placed: those whose label says where the plate is;
    only of these is `found_70` a part."""

    pictures: int = 0
    placed: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    read_without_province: int = 0
    found_70: int = 0

    def add(
        self, judged: tuple[Judged, ...], score: float, confidence: float, times: int = 1, placed: bool = True
    ) -> None:
        """Count a picture; times: -1 takes it out again. placed: its label says where the plate is."""
        shown = _shown(judged, score, confidence)
        self.pictures += times
        self.placed += times * placed
        outcome = verdict(judged, score, confidence)
        setattr(self, outcome, getattr(self, outcome) + times)
        self.read_without_province += times * any(item.read_without_province for item in shown)
        self.found_70 += times * any(item.found_70 for item in shown)

    def share(self, count: int) -> float:
        """Of all labelled pictures."""
        return count / max(1, self.pictures)

    @property
    def found_share(self) -> float:
        """Of those with a place."""
        return self.found_70 / max(1, self.placed)
