"""Checks of labelled data: unreadable pictures, impossible corners, unknown characters, leaks between splits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.geometry import quadrilateral_area
from alpr_app.data.images import PictureError
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.labels import DataFolder, LabelledPicture, LabelledPlate, read_labelled

# Kinds of faults with their descriptions.
KINDS = {
    "broken": "pictures that cannot be read",
    "outside": "plates that reach outside their picture",
    "crossed": "corners whose edges cross, or that enclose no area",
    "order": "corners not in the order top left, top right, bottom right, bottom left",
    "alphabet": "texts with a character that is not in the alphabet",
    "length": "texts longer than the reader can read",
    "leak": "texts in more than one split",
}
# Pixels that a label, clicked by hand, may reach beyond the picture's edge.
TOLERANCE = 2.0


@dataclass
class Findings:
    """The results of the checks.

    Attributes:
        faults: One line for each fault, by kind (see KINDS).
        pictures: Number of pictures by split.
        plates: Number of plates by split.
        provinces: Number of texts by first character.
        lengths: Number of texts by length.
        unreadable: Number of plates that are marked as unreadable and count in no other number.
    """

    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    pictures: Counter[str] = field(default_factory=Counter)
    plates: Counter[str] = field(default_factory=Counter)
    provinces: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    unreadable: int = 0


def _crossed(corners: np.ndarray) -> bool:
    """Whether a quadrilateral is not convex: it turns left at some corners and right at others."""
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return not ((turns > 0).all() or (turns < 0).all())


def check_plate(
    plate: LabelledPlate, size: tuple[int, int], alphabet: str, maximum_length: int
) -> list[tuple[str, str]]:
    """Faults of one plate in a picture of size (height, width), as pairs of kind and details."""
    corners, faults = plate.corners, []
    height, width = size
    low, high = corners.min(axis=0), corners.max(axis=0)
    if low.min() < -TOLERANCE or high[0] > width + TOLERANCE or high[1] > height + TOLERANCE:
        faults.append(("outside", f"{high[0]:.0f}, {high[1]:.0f} in {width} x {height}"))
    if _crossed(corners) or quadrilateral_area(corners) < 1:
        faults.append(("crossed", f"{corners.astype(int).tolist()}"))
    if plate.reordered:
        faults.append(("order", "they are ordered when the labels are read"))
    unknown = [character for character in plate.text or "" if character not in alphabet]
    if unknown:
        faults.append(("alphabet", f"'{unknown[0]}' in {plate.text}"))
    if plate.text and len(plate.text) > maximum_length:
        faults.append(("length", f"{len(plate.text)} characters, {maximum_length} at most"))
    return faults


def check_data(
    data: DataFolder,
    alphabet: str,
    maximum_length: int,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda items: items,
) -> Findings:
    """Check every label and open every picture.

    Args:
        data: The labelled data.
        alphabet: Characters that the reader can spell.
        maximum_length: Maximum number of characters of a text.
        track: Wraps the pictures to show progress.
    """
    findings = Findings()
    splits: dict[str, dict[str, Path]] = defaultdict(dict)

    def size_of(picture: LabelledPicture) -> tuple[int, int] | str:
        try:
            return read_labelled(picture.path).shape[:2]
        except PictureError as error:
            return str(error)

    everything = [*data.pictures, *data.negatives]
    with ThreadPoolExecutor() as pool:
        for picture, size in zip(everything, track(pool.map(size_of, everything)), strict=True):
            findings.pictures[picture.split] += 1
            if isinstance(size, str):
                findings.faults["broken"].append(size)
                continue
            for plate in picture.plates:
                findings.plates[picture.split] += 1
                _count(findings, splits, plate.text, picture.split, picture.path)
                for kind, details in check_plate(plate, size, alphabet, maximum_length):
                    findings.faults[kind].append(f"{picture.path}: {details}")
            for plate in picture.unreadable:
                findings.unreadable += 1
                # Their texts are not used.
                for kind, details in check_plate(replace(plate, text=None), size, alphabet, maximum_length):
                    findings.faults[kind].append(f"{picture.path}: {details}")
    for crop in data.crops:
        findings.pictures[crop.split] += 1
        findings.plates[crop.split] += 1
        _count(findings, splits, crop.text, crop.split, crop.path)
        unknown = [character for character in crop.text if character not in alphabet]
        if unknown:
            findings.faults["alphabet"].append(f"{crop.path}: '{unknown[0]}' in {crop.text}")
        if len(crop.text) > maximum_length:
            findings.faults["length"].append(f"{crop.path}: {len(crop.text)} characters, {maximum_length} at most")
        size = size_of(_as_picture(crop.path))
        if isinstance(size, str):
            findings.faults["broken"].append(size)
    for text, examples in splits.items():
        if len(examples) > 1:
            found_in = " and ".join(f"{split} ({path.name})" for split, path in examples.items())
            findings.faults["leak"].append(f"{text} is in {found_in}")
    return findings


def describe_assumed_splits(data: DataFolder) -> str:
    """Which labels count as the train split because they state none, and the remedy, in one line; empty if all do."""
    if not data.assumed:
        return ""
    folders = ", ".join(f"{folder} ({count:,})" for folder, count in data.assumed)
    ccpd = any(folder.startswith("ccpd_") for folder, _ in data.assumed)
    remedy = (
        "'create_dataset' gives CCPD's folders their splits" if ccpd else f"the column 'split' of {TABLE_NAME} does"
    )
    return f"no split is stated for {folders}, so that it counts as train; {remedy}"


def _as_picture(path: Path) -> LabelledPicture:
    return LabelledPicture(path, subset=path.parent.name)


def _count(findings: Findings, splits: dict[str, dict[str, Path]], text: str | None, split: str, path: Path) -> None:
    if text:
        findings.provinces[text[0]] += 1
        findings.lengths[len(text)] += 1
        splits[text].setdefault(split, path)
