"""CCPD's hard pictures by what their names state, so that a validation set of them can be kept apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from alpr_app.data.ccpd import Annotation

# Name of the subset of the pictures that are kept apart.
VAL_HARD = "val_hard"
# Limits of CCPD's own measures, and the province of nearly all of its plates.
BLURRED_BELOW, DARK_BELOW, BRIGHT_ABOVE = 5, 40, 200
UPRIGHT, TILTED_ABOVE = 90, 15
USUAL_PROVINCE = "皖"

STRATA: dict[str, Callable[[Annotation], bool]] = {
    "blurred": lambda label: label.blurriness < BLURRED_BELOW,
    "dark": lambda label: label.brightness < DARK_BELOW,
    "bright": lambda label: label.brightness > BRIGHT_ABOVE,
    "tilted": lambda label: any(abs(angle - UPRIGHT) > TILTED_ABOVE for angle in label.tilt),
    "other provinces": lambda label: not label.text.startswith(USUAL_PROVINCE),
}


def is_hard(label: Annotation) -> bool:
    """Whether a picture belongs to any of the strata."""
    return any(belongs(label) for belongs in STRATA.values())


def choose_hard_texts(labels: Iterable[Annotation], count: int) -> set[str]:
    """Choose `count` plates with hard pictures, as evenly from the strata as these allow.

    The choice depends on the texts alone, by a hash, so that it is the same wherever the pictures are.

    Args:
        labels: The labels of all pictures, in any order.
        count: Number of plates, or fewer if there are not so many.

    Returns:
        The texts of the plates.
    """
    hard = list(labels)
    members = {
        name: sorted({label.text for label in hard if belongs(label)}, key=_rank) for name, belongs in STRATA.items()
    }
    chosen: set[str] = set()
    while len(chosen) < count and any(members.values()):
        for texts in members.values():
            while texts and texts[0] in chosen:
                texts.pop(0)
            if texts and len(chosen) < count:
                chosen.add(texts.pop(0))
    return chosen


def _rank(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
