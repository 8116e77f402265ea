"""Outcomes of labelled plates and pictures: one matching of plates and labels for the window and `alpr eval`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from alpr_app.core.geometry import box_iou
from alpr_app.core.plate import Plate

# A found plate is matched to a label from the first on; the place is right from the second on.
MATCH_IOU, PLACE_IOU = 0.3, 0.7

RIGHT, TEXT_WRONG, PLACE_OFF, MISSED, FALSE_BOX = "right", "text wrong", "place off", "missed", "false box"
UNREADABLE = "unreadable file"
OUTCOMES = (UNREADABLE, MISSED, TEXT_WRONG, PLACE_OFF, FALSE_BOX, RIGHT)
"""All outcomes of a picture, worst first."""


class Candidate(NamedTuple):
    """A label on which a found plate may lie.

    Attributes:
        label: Index of the label; that of an unread plate follows those of the labels.
        text_right: Whether the texts are the same.
        tail_right: Whether they are the same from the second character on.
        place_right: Whether the IoU is 0.7 or more, or the labels have no positions.
        iou: Of the upright boxes; None if the labels have no positions.
    """

    label: int
    text_right: bool
    tail_right: bool
    place_right: bool
    iou: float | None

    @property
    def rank(self) -> tuple[bool, float, bool]:
        """Sorts the best candidate last: the right text first, then the IoU."""
        return self.text_right, self.iou or 0.0, self.tail_right


class Match(NamedTuple):
    """A found plate after the matching.

    Attributes:
        outcome: Right, text wrong, place off or false box; empty if the plate counts as neither, because it lies on an
            unread plate or on a label that another plate has been matched to.
        label: Index of the label that the plate is matched to, -1 for none.
        iou: With that label.
        place_right: Whether that IoU is 0.7 or more.
    """

    outcome: str = ""
    label: int = -1
    iou: float | None = None
    place_right: bool = False


class Matching(NamedTuple):
    """Outcome of each label (right, text wrong, place off or missed), and the found plates in their order."""

    labels: tuple[str, ...]
    plates: tuple[Match, ...]

    @property
    def outcome(self) -> str:
        """The picture's outcome: the worst of its labels and plates."""
        return worst({*self.labels, *(plate.outcome for plate in self.plates)})


def worst(outcomes: Collection[str]) -> str:
    """Return the worst of the outcomes; right if there is none."""
    return next((outcome for outcome in OUTCOMES if outcome in outcomes), RIGHT)


def candidates(
    plate: Plate, texts: Sequence[str], boxes: np.ndarray | None, overlaps: np.ndarray | None = None
) -> tuple[Candidate, ...]:
    """Return the labels that a found plate can be matched to.

    Args:
        plate: The found plate.
        texts: Those of the labels.
        boxes: Upright boxes of the labels and then of the unread plates, (N, 4); None if the labels have no positions,
            so that only texts are compared and every label is a candidate.
        overlaps: IoU of the plate with each of `boxes`, (N,), if it is known already.
    """
    same = [(plate.text == text, plate.text[1:] == text[1:]) for text in texts]
    if boxes is None:
        return tuple(Candidate(label, *right, True, None) for label, right in enumerate(same))
    if not len(boxes):
        return ()
    if overlaps is None:
        overlaps = box_iou(np.asarray(plate.box, np.float32), boxes)[0]
    # Compared as arrays: as a Python number, the nearest float32 to 0.7 is below 0.7.
    near, right = overlaps >= MATCH_IOU, overlaps >= PLACE_IOU
    return tuple(
        Candidate(
            int(label),
            *(same[label] if label < len(texts) else (False, False)),
            bool(right[label]),
            float(overlaps[label]),
        )
        for label in np.flatnonzero(near)
    )


def match(plates: Sequence[Sequence[Candidate]], labels: int, placed: bool = True) -> Matching:
    """Match found plates with labels, each with one at most: right texts first, then by IoU.

    Args:
        plates: The candidates of each found plate.
        labels: Number of labels.
        placed: Whether the labels have positions; without them, no plate is a false box.
    """
    pairs = [(number, item) for number, items in enumerate(plates) for item in items]
    if len(pairs) > 1:
        # Stable: of equal ones, the first plate and the first label come first.
        pairs.sort(key=lambda pair: pair[1].rank, reverse=True)
    outcomes = [MISSED] * labels
    matches = [Match() if items or not placed else Match(FALSE_BOX) for items in plates]
    used: set[int] = set()
    for number, item in pairs:
        if number in used:
            continue
        if item.label >= labels:
            # An unread plate takes any number of boxes.
            used.add(number)
        elif outcomes[item.label] == MISSED:
            used.add(number)
            outcome = TEXT_WRONG if not item.text_right else RIGHT if item.place_right else PLACE_OFF
            outcomes[item.label] = outcome
            matches[number] = Match(outcome, item.label, item.iou, placed and item.place_right)
    return Matching(tuple(outcomes), tuple(matches))
