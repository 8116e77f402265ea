"""The worst mistakes of a network on validation pictures: what was wrong, and how badly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from alpr_app.core.geometry import box_iou, corner_distance
from alpr_app.data.labels import DataFolder, LabelledPicture
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.detector.postprocess import Detection
from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.reader.postprocess import decode
from alpr_app.train.detector import detect_all, held_out
from alpr_app.train.plate_samples import load_plates, plate_sources, rectified

BATCH = 64
MISSED, CORNERS, FALSE_BOX = "missed", "corners off", "false box"
# Less than this share of a plate's height is no mistake but what hands that label differ by.
GOOD_CORNERS = 0.1


@dataclass(frozen=True, eq=False)
class WrongReading:
    """A plate (48 x 192 x 3 uint8 RGB) that was read as something else; confidence: of its least sure character."""

    plate: np.ndarray
    truth: str
    read: str
    confidence: float


@dataclass(frozen=True, eq=False)
class WrongFind:
    """What went wrong at one place of a picture. kind: MISSED, CORNERS or FALSE_BOX. badness: 1 less the overlap with
    the nearest box; corner error in heights of the plate; score of the false box. true, found: corners (4, 2)."""

    path: Path
    kind: str
    badness: float
    true: np.ndarray | None = None
    found: np.ndarray | None = None

    @property
    def places(self) -> list[np.ndarray]:
        return [corners for corners in (self.true, self.found) if corners is not None]


def wrong_readings(network: Reader, data: DataFolder) -> tuple[list[WrongReading], int]:
    """Plates of `data` that `network`, in eval mode, does not read right, the surest first; and how many there are
    in all. Raises PictureError for a picture that cannot be read."""
    wrong: list[WrongReading] = []
    count = 0
    batch: list[tuple[np.ndarray, str]] = []
    sources = plate_sources(data, network.config.alphabet)
    plates = rectified(load_plates(sources, limit=0), network.config.img_height, network.config.img_width)
    for item in zip(plates, (source.text for source in sources), strict=True):
        batch.append(item)
        count += 1
        if len(batch) == BATCH:
            wrong += _read_wrong(network, batch)
            batch = []
    wrong += _read_wrong(network, batch)
    return sorted(wrong, key=lambda reading: -reading.confidence), count


def _read_wrong(network: Reader, batch: Sequence[tuple[np.ndarray, str]]) -> list[WrongReading]:
    if not batch:
        return []
    with torch.inference_mode():
        outputs = network(from_pixels(torch.from_numpy(np.stack([plate for plate, _ in batch]))))
    readings = decode(*(output.numpy() for output in outputs), network.config)
    return [
        WrongReading(plate, truth, reading.text, reading.confidence)
        for (plate, truth), reading in zip(batch, readings, strict=True)
        if reading.text != truth
    ]


def wrong_finds(network: Detector, data: DataFolder) -> tuple[list[WrongFind], int]:
    """What `network`, in eval mode, does wrong on the val split and on held-out pictures labelled by machine, of each
    kind the worst first; and how many labelled plates there are. False boxes are also those on plates that nobody
    has labelled. Raises PictureError for a picture that cannot be read."""
    pictures = [
        picture
        for picture in data.pictures
        if picture.plates and (picture.split == "val" or (picture.by_machine and held_out(picture)))
    ]
    wrong: list[WrongFind] = []
    with torch.inference_mode():
        for picture, found in zip(pictures, detect_all(network, (one.path for one in pictures)), strict=True):
            wrong += judge(picture, found)
        plate_free = [picture.path for picture in data.of_split("val").negatives]
        for path, found in zip(plate_free, detect_all(network, plate_free), strict=True):
            wrong += [WrongFind(path, FALSE_BOX, one.score, found=one.corners) for one in found]
    return sorted(wrong, key=lambda find: -find.badness), sum(len(picture.plates) for picture in pictures)


def judge(picture: LabelledPicture, found: list[Detection]) -> list[WrongFind]:
    """Missed plates, bad corners and false boxes of one picture."""
    boxes = np.float32([detection.box for detection in found]).reshape(-1, 4)
    labelled = np.float32([plate.box for plate in picture.plates]).reshape(-1, 4)
    overlaps = box_iou(labelled, boxes)
    wrong = []
    for plate, row in zip(picture.plates, overlaps, strict=True):
        best = int(row.argmax()) if len(row) else -1
        if best < 0 or row[best] < 0.5:
            wrong.append(WrongFind(picture.path, MISSED, 1 - float(row.max(initial=0)), plate.corners))
            continue
        error = corner_distance(found[best].corners, plate.corners) / max(1.0, float(plate.box[3] - plate.box[1]))
        if error > GOOD_CORNERS:
            wrong.append(WrongFind(picture.path, CORNERS, error, plate.corners, found[best].corners))
    excused = box_iou(boxes, picture.ignored) if picture.ignored is not None else np.zeros((len(boxes), 1))
    for place, detection in enumerate(found):
        if overlaps[:, place].max(initial=0) < 0.5 and excused[place].max(initial=0) < 0.1:
            wrong.append(WrongFind(picture.path, FALSE_BOX, detection.score, found=detection.corners))
    return wrong


def shared_out(wrong: Sequence[WrongFind], most: int) -> list[WrongFind]:
    """At most `most` of them, of each kind as many; what one kind does not need goes to the others."""
    kinds = [[find for find in wrong if find.kind == kind] for kind in (MISSED, CORNERS, FALSE_BOX)]
    taken = [0, 0, 0]
    while sum(taken) < most and any(count < len(kind) for count, kind in zip(taken, kinds, strict=True)):
        for place, kind in enumerate(kinds):
            if taken[place] < len(kind) and sum(taken) < most:
                taken[place] += 1
    return [find for count, kind in zip(taken, kinds, strict=True) for find in kind[:count]]
