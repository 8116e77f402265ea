"""What may be wrong with labelled data: broken pictures, impossible places, unknown characters, leaks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.geometry import quadrilateral_area
from alpr_app.data.images import PictureError
from alpr_app.data.labels import DataFolder, LabelledPicture, LabelledPlate, read_labelled

KINDS = {
    "broken": "pictures that cannot be read",
    "outside": "plates that reach out of their picture",
    "crossed": "corners that cross, or enclose nothing",
    "order": "corners not in the order top left, top right, bottom right, bottom left",
    "alphabet": "texts with a character that the alphabet lacks",
    "length": "texts longer than the reader can read",
    "leak": "texts that are in more than one split",
}
# Labels are clicked by hand: this many pixels beyond the edge are no fault.
TOLERANCE = 2.0


@dataclass
class Findings:
    """faults: by kind (see KINDS), one line each. Counts of pictures and plates by split, of texts' first characters
    and of their lengths."""

    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    pictures: Counter[str] = field(default_factory=Counter)
    plates: Counter[str] = field(default_factory=Counter)
    provinces: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)


def _crossed(corners: np.ndarray) -> bool:
    """Whether a quadrilateral is not convex: its turns go both ways."""
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return not ((turns > 0).all() or (turns < 0).all())


def check_plate(plate: LabelledPlate, size: tuple[int, int], alphabet: str, longest: int) -> list[tuple[str, str]]:
    """Faults of one plate in a picture of (height, width), as (kind, what exactly)."""
    corners, found = plate.corners, []
    height, width = size
    low, high = corners.min(axis=0), corners.max(axis=0)
    if low.min() < -TOLERANCE or high[0] > width + TOLERANCE or high[1] > height + TOLERANCE:
        found.append(("outside", f"{high[0]:.0f}, {high[1]:.0f} in {width} x {height}"))
    if _crossed(corners) or quadrilateral_area(corners) < 1:
        found.append(("crossed", f"{corners.astype(int).tolist()}"))
    if plate.reordered:
        found.append(("order", "put into order when they are read"))
    unknown = [character for character in plate.text or "" if character not in alphabet]
    if unknown:
        found.append(("alphabet", f"'{unknown[0]}' in {plate.text}"))
    if plate.text and len(plate.text) > longest:
        found.append(("length", f"{len(plate.text)} characters, {longest} at most"))
    return found


def check_data(
    data: DataFolder,
    alphabet: str,
    longest: int,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda items: items,
) -> Findings:
    """Look at every label and open every picture. track: hands the pictures on and may show how far it is."""
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
                for kind, what in check_plate(plate, size, alphabet, longest):
                    findings.faults[kind].append(f"{picture.path}: {what}")
    for crop in data.crops:
        findings.pictures[crop.split] += 1
        findings.plates[crop.split] += 1
        _count(findings, splits, crop.text, crop.split, crop.path)
        unknown = [character for character in crop.text if character not in alphabet]
        if unknown:
            findings.faults["alphabet"].append(f"{crop.path}: '{unknown[0]}' in {crop.text}")
        if len(crop.text) > longest:
            findings.faults["length"].append(f"{crop.path}: {len(crop.text)} characters, {longest} at most")
        size = size_of(_as_picture(crop.path))
        if isinstance(size, str):
            findings.faults["broken"].append(size)
    for text, places in splits.items():
        if len(places) > 1:
            findings.faults["leak"].append(f"{text} is in {' and '.join(f'{s} ({p.name})' for s, p in places.items())}")
    return findings


def _as_picture(path: Path) -> LabelledPicture:
    return LabelledPicture(path, subset=path.parent.name)


def _count(findings: Findings, splits: dict[str, dict[str, Path]], text: str | None, split: str, path: Path) -> None:
    if text:
        findings.provinces[text[0]] += 1
        findings.lengths[len(text)] += 1
        splits[text].setdefault(split, path)
