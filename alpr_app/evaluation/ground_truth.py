"""Compares found plates with labels, from a table or a file's name: by position under the rules of `alpr eval` if the
labels have positions, else by text. `outcomes` has the names of the outcomes and the matching."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace

import numpy as np

from alpr_app.core.geometry import box_iou, corner_distance, corners_to_box, order_corners
from alpr_app.core.plate import Plate
from alpr_app.core.plate_kinds import fits_format
from alpr_app.data import ccpd
from alpr_app.data.label_text import spelled
from alpr_app.data.labels import LabelledPlate
from alpr_app.evaluation.detection_metrics import FOUND_IOU, score_plate
from alpr_app.evaluation.outcomes import (
    OUTCOMES,
    PLACE_OFF,
    RIGHT,
    UNREADABLE,
    Candidate,
    Match,
    Matching,
    candidates,
    match,
)


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
        unread: Plates with a position but no text; boxes found there count neither as right nor as false.
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
    or nearest to; -1 if it lies on an unread plate, or there is none. iou: of the upright boxes. corner_px: mean
    distance of the corners. candidates: the labels that it can be matched to; only they decide the outcomes.

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
    candidates: tuple[Candidate, ...] = ()


def ground_truth_of(path: str) -> GroundTruth | None:
    """Parse a file name; None if it is neither a CCPD name nor a plate text (皖A12345.jpg, 皖A12345_3.jpg)."""
    try:
        annotation = ccpd.parse_name(path)
        return GroundTruth((Label(annotation.text, order_corners(np.asarray(annotation.corners, np.float32))),))
    except ValueError:
        # Degenerate corners are no label either.
        bare = re.sub(r"_[0-9]+$", "", os.path.splitext(os.path.basename(path))[0])
        return GroundTruth((Label(bare),)) if fits_format(bare) else None


def label_text_of(path: str) -> str:
    """Return the text of the label in a file name, empty if there is none; faster than `ground_truth_of`."""
    name = os.path.splitext(os.path.basename(path))[0]
    if name.count("-") != len(ccpd.FIELDS) - 1:
        bare = re.sub(r"_[0-9]+$", "", name)
        return bare if fits_format(bare) else ""
    try:
        return ccpd.parse_name(path).text
    except ValueError:
        return ""


def compare(truth: GroundTruth, plates: tuple[Plate, ...]) -> tuple[PlateComparison, ...]:
    """Compare every plate separately, as `detection_metrics.score_plate` counts it; thresholds then only select. truth:
    as returned by `spelled`."""
    if not plates:
        return ()
    texts = [label.text for label in truth.labels]
    if not truth.placed:
        return tuple(
            replace(_compare_text(texts, plate), candidates=candidates(plate, texts, None)) for plate in plates
        )
    known = [box for label in (*truth.labels, *truth.unread) if (box := label.box) is not None]
    boxes = np.array(known, np.float32).reshape(-1, 4)
    all_overlaps = box_iou(np.array([plate.box for plate in plates], np.float32), boxes)
    return tuple(
        replace(_compare_position(truth, plate, overlaps), candidates=candidates(plate, texts, boxes, overlaps))
        for plate, overlaps in zip(plates, all_overlaps, strict=True)
    )


def _compare_position(truth: GroundTruth, plate: Plate, overlaps: np.ndarray) -> PlateComparison:
    nearest, iou = -1, 0.0
    if len(overlaps):
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
        score.corner_px if score.found_50 else corner_distance(plate.corners, label.corners),
        nearest,
    )


def _compare_text(texts: list[str], plate: Plate) -> PlateComparison:
    """Compare by text alone: with the label of the same text, if there is one."""
    tails = [text[1:] for text in texts]
    same, nearly = plate.text in texts, plate.text[1:] in tails
    label = texts.index(plate.text) if same else tails.index(plate.text[1:]) if nearly else 0
    return PlateComparison(plate.score, plate.confidence, None, True, False, same, nearly, None, label)


def match_plates(
    comparisons: tuple[PlateComparison, ...], score: float, confidence: float, labels: int = 1, placed: bool = True
) -> Matching:
    """Match the plates that reach both thresholds with `labels` labels. placed: the labels have positions.

    Returns:
        The outcomes. A plate below a threshold has an empty one.
    """
    shown = [item.score >= score and item.confidence >= confidence for item in comparisons]
    if all(shown):
        return match([item.candidates for item in comparisons], labels, placed)
    chosen = [item.candidates for item, wanted in zip(comparisons, shown, strict=True) if wanted]
    outcomes, matches = match(chosen, labels, placed)
    remaining = iter(matches)
    return Matching(outcomes, tuple(next(remaining) if wanted else Match() for wanted in shown))


@dataclass
class Totals:
    """Counts over labelled pictures that have been read.

    Attributes:
        pictures: Their number.
        placed: Number of those whose labels have positions.
        outcomes: Number of pictures with each outcome; unreadable files are in none of the other counts.
        plates: Number of labelled plates.
        placed_plates: Number of those with a position.
        text_right: Number of labelled plates that were read right.
        place_right: Number of labelled plates found with an IoU of 0.7 or more.
    """

    pictures: int = 0
    placed: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    plates: int = 0
    placed_plates: int = 0
    text_right: int = 0
    place_right: int = 0

    def add(self, matching: Matching, times: int = 1, placed: bool = True) -> None:
        """Count a picture. times: -1 removes it again. placed: its labels have positions."""
        labels = len(matching.labels)
        self.pictures += times
        self.outcomes[matching.outcome] += times
        self.plates += times * labels
        self.text_right += times * sum(outcome in (RIGHT, PLACE_OFF) for outcome in matching.labels)
        if placed and labels:
            self.placed += times
            self.placed_plates += times * labels
            self.place_right += times * sum(plate.place_right for plate in matching.plates)

    def add_unreadable(self, times: int = 1) -> None:
        """Count a file that cannot be read, labelled or not."""
        self.outcomes[UNREADABLE] += times

    @property
    def text_rate(self) -> float:
        """Share of the labelled plates that were read right."""
        return self.text_right / max(1, self.plates)

    @property
    def place_rate(self) -> float:
        """Share of the labelled plates with positions that were found with an IoU of 0.7 or more."""
        return self.place_right / max(1, self.placed_plates)
