"""Sheets of pictures: training samples as the networks see them, and the worst mistakes of a run on validation
pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch

from alpr_app.core.geometry import box_iou, corner_distance, corners_to_box
from alpr_app.data.labels import DataFolder, LabelledPicture, read_labelled
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.detector.postprocess import Detection
from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.reader.postprocess import decode
from alpr_app.synth.plates.glyphs import load_font
from alpr_app.train.detector.dataset import SceneDataset
from alpr_app.train.detector.task import detect_all, held_out
from alpr_app.train.reader.dataset import PlateDataset, load_plates, plate_sources, rectified

PLATE_COLOUR, IGNORED_COLOUR = (255, 60, 60), (160, 160, 160)
CAPTION_HEIGHT = 22


def sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size as rows of `columns`, H x W x 3 uint8; the last row is filled with grey."""
    blank = np.full_like(pictures[0], 90)
    padded = pictures + [blank] * (-len(pictures) % columns)
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    return np.vstack(rows)


def scene_sheet(dataset: SceneDataset, count: int, columns: int = 4) -> np.ndarray:
    """The first `count` samples of the detector, with their corners and what is ignored."""
    pictures = []
    for index in range(count):
        sample = dataset[index]
        picture = sample["image"].copy()
        for left, top, right, bottom in sample["ignored"].astype(int):
            cv2.rectangle(picture, (left, top), (right, bottom), IGNORED_COLOUR, 1)
        for corners in sample["plates"][: sample["count"]]:
            cv2.polylines(picture, [np.asarray(corners * 16, np.int32)], True, PLATE_COLOUR, 1, cv2.LINE_AA, shift=4)
        pictures.append(picture)
    return sheet(pictures, columns)


def plate_sheet(dataset: PlateDataset, count: int, columns: int = 6) -> np.ndarray:
    """The first `count` samples of the reader, each over its text."""
    alphabet, face = dataset.config.alphabet, load_font()
    pictures = []
    for index in range(count):
        image, classes, _ = dataset[index]
        text = "".join(alphabet[value] for value in classes if value != dataset.config.blank)
        caption = np.full((CAPTION_HEIGHT, image.shape[1], 3), 30, np.uint8)
        cv2.putText(caption, text, (4, CAPTION_HEIGHT - 6), (255, 255, 255), face, 15)
        pictures.append(np.vstack([image, caption]))
    return sheet(pictures, columns)


BATCH = 64
MISSED, CORNERS, FALSE_BOX = "missed", "corners off", "false box"
# Less than this share of a plate's height is no mistake but what hands that label differ by.
GOOD_CORNERS = 0.1


@dataclass(frozen=True, eq=False)
class ReadingMistake:
    """A plate (48 x 192 x 3 uint8 RGB) that was read as something else; confidence: of its least sure character."""

    plate: np.ndarray
    truth: str
    read: str
    confidence: float


@dataclass(frozen=True, eq=False)
class DetectionMistake:
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


def reading_mistakes(network: Reader, data: DataFolder) -> tuple[list[ReadingMistake], int]:
    """Plates of `data` that `network`, in eval mode, does not read right, the surest first; and how many there are
    in all. Raises PictureError for a picture that cannot be read."""
    wrong: list[ReadingMistake] = []
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


def _read_wrong(network: Reader, batch: Sequence[tuple[np.ndarray, str]]) -> list[ReadingMistake]:
    if not batch:
        return []
    with torch.inference_mode():
        outputs = network(from_pixels(torch.from_numpy(np.stack([plate for plate, _ in batch]))))
    characters, colours = (output.numpy() for output in outputs)
    readings = decode(characters, colours, network.config)
    return [
        ReadingMistake(plate, truth, reading.text, reading.confidence)
        for (plate, truth), reading in zip(batch, readings, strict=True)
        if reading.text != truth
    ]


def detection_mistakes(network: Detector, data: DataFolder) -> tuple[list[DetectionMistake], int]:
    """What `network`, in eval mode, does wrong on the val split and on held-out pictures labelled by machine, of each
    kind the worst first; and how many labelled plates there are. False boxes are also those on plates that nobody
    has labelled. Raises PictureError for a picture that cannot be read."""
    pictures = [
        picture
        for picture in data.pictures
        if picture.plates and (picture.split == "val" or (picture.by_machine and held_out(picture)))
    ]
    wrong: list[DetectionMistake] = []
    with torch.inference_mode():
        for picture, found in zip(pictures, detect_all(network, (one.path for one in pictures)), strict=True):
            wrong += judge(picture, found)
        plate_free = [picture.path for picture in data.of_split("val").negatives]
        for path, found in zip(plate_free, detect_all(network, plate_free), strict=True):
            wrong += [DetectionMistake(path, FALSE_BOX, one.score, found=one.corners) for one in found]
    return sorted(wrong, key=lambda find: -find.badness), sum(len(picture.plates) for picture in pictures)


def judge(picture: LabelledPicture, found: list[Detection]) -> list[DetectionMistake]:
    """Missed plates, bad corners and false boxes of one picture."""
    boxes = np.array([detection.box for detection in found], np.float32).reshape(-1, 4)
    labelled = np.array([plate.box for plate in picture.plates], np.float32).reshape(-1, 4)
    overlaps = box_iou(labelled, boxes)
    wrong = []
    for plate, row in zip(picture.plates, overlaps, strict=True):
        best = int(row.argmax()) if len(row) else -1
        if best < 0 or row[best] < 0.5:
            wrong.append(DetectionMistake(picture.path, MISSED, 1 - float(row.max(initial=0)), plate.corners))
            continue
        error = corner_distance(found[best].corners, plate.corners) / max(1.0, float(plate.box[3] - plate.box[1]))
        if error > GOOD_CORNERS:
            wrong.append(DetectionMistake(picture.path, CORNERS, error, plate.corners, found[best].corners))
    excused = box_iou(boxes, picture.ignored) if picture.ignored is not None else np.zeros((len(boxes), 1))
    for place, detection in enumerate(found):
        if overlaps[:, place].max(initial=0) < 0.5 and excused[place].max(initial=0) < 0.1:
            wrong.append(DetectionMistake(picture.path, FALSE_BOX, detection.score, found=detection.corners))
    return wrong


def shared_out(wrong: Sequence[DetectionMistake], most: int) -> list[DetectionMistake]:
    """At most `most` of them, of each kind as many; what one kind does not need goes to the others."""
    kinds = [[find for find in wrong if find.kind == kind] for kind in (MISSED, CORNERS, FALSE_BOX)]
    taken = [0, 0, 0]
    while sum(taken) < most and any(count < len(kind) for count, kind in zip(taken, kinds, strict=True)):
        for place, kind in enumerate(kinds):
            if taken[place] < len(kind) and sum(taken) < most:
                taken[place] += 1
    return [find for count, kind in zip(taken, kinds, strict=True) for find in kind[:count]]


GROUND, WRITING, DIM, WRONG = (24, 26, 30), (235, 235, 235), (150, 156, 166), (255, 110, 90)
TRUE_COLOUR, FOUND_COLOUR = (214, 140, 255), (255, 196, 0)
PAD = 8
# A plate and the three lines below it; a view into a picture and its line.
PLATE_SIZE, VIEW_SIZE = (240, 60), (320, 210)
LINE = 24
LETTERS = 18
# What is seen around a plate, in widths of it.
SURROUNDINGS = 0.6


_face = cache(load_font)


def _write(image: np.ndarray, place: tuple[int, int], text: str, colour: tuple[int, int, int], size: int = 16) -> None:
    """Write at `place`, left end and baseline."""
    cv2.putText(image, text, place, colour, _face(), size)


def reading_mistake_sheet(wrong: Sequence[ReadingMistake], columns: int = 5) -> np.ndarray:
    """Plates with what they say and what was read, H x W x 3 uint8 RGB; a wrong character is red."""
    return sheet([_reading(reading) for reading in wrong], columns) if wrong else _empty("Every plate is read right")


def _reading(wrong: ReadingMistake) -> np.ndarray:
    width, height = PLATE_SIZE
    cell = np.full((height + 2 * LINE + 3 * PAD, width + 2 * PAD, 3), GROUND, np.uint8)
    cell[PAD : PAD + height, PAD : PAD + width] = cv2.resize(wrong.plate, PLATE_SIZE, interpolation=cv2.INTER_CUBIC)
    same = len(wrong.truth) == len(wrong.read)
    for row, (title, text) in enumerate((("true", wrong.truth), ("read", wrong.read or "–"))):
        y = 2 * PAD + height + row * LINE + 16
        _write(cell, (PAD, y), title, DIM, 14)
        for place, letter in enumerate(text):
            # Of another length, nobody knows which character is the wrong one.
            right = row == 0 or (same and wrong.truth[place] == letter)
            # In columns, so that what differs stands one above the other.
            _write(cell, (PAD + 40 + place * 19, y), letter, WRITING if right else WRONG, LETTERS)
    _write(cell, (PAD + width - 34, y), f"{100 * wrong.confidence:.0f}%", DIM, 14)
    return cell


def detection_mistake_sheet(wrong: Sequence[DetectionMistake], columns: int = 4) -> np.ndarray:
    """Views into the pictures, H x W x 3 uint8 RGB: labels in violet, what was found in yellow. Raises PictureError."""
    return sheet([_find(find) for find in wrong], columns) if wrong else _empty("Every plate is found, and no other")


def _find(wrong: DetectionMistake) -> np.ndarray:
    cell = np.full((VIEW_SIZE[1] + LINE + 3 * PAD, VIEW_SIZE[0] + 2 * PAD, 3), GROUND, np.uint8)
    view, matrix = _view(wrong)
    for corners, colour in ((wrong.true, TRUE_COLOUR), (wrong.found, FOUND_COLOUR)):
        if corners is not None:
            points = np.asarray(cv2.perspectiveTransform(np.asarray(corners, np.float32)[None], matrix) * 16, np.int32)
            cv2.polylines(view, [points], True, colour, 1, cv2.LINE_AA, shift=4)
    cell[PAD : PAD + VIEW_SIZE[1], PAD : PAD + VIEW_SIZE[0]] = view
    y = 2 * PAD + VIEW_SIZE[1] + 14
    _write(cell, (PAD, y), f"{wrong.kind}: {_how_bad(wrong)}", WRITING, 15)
    name = _shortened(wrong.path)
    size = cv2.getTextSize((0, 0), name, (0, 0), _face(), 12)[2]
    _write(cell, (PAD + VIEW_SIZE[0] - size, y), name, DIM, 12)
    return cell


def _how_bad(wrong: DetectionMistake) -> str:
    if wrong.kind == MISSED:
        return f"best overlap {1 - wrong.badness:.2f}"
    return f"{wrong.badness:.2f} of the height" if wrong.kind == CORNERS else f"score {wrong.badness:.2f}"


def _shortened(path: Path) -> str:
    return path.name if len(path.name) <= 16 else f"{path.name[:6]}...{path.name[-8:]}"


def _view(wrong: DetectionMistake) -> tuple[np.ndarray, np.ndarray]:
    """The part of the picture around the place, VIEW_SIZE large, and the homography (3, 3) into it."""
    image = read_labelled(wrong.path)
    left, top, right, bottom = corners_to_box(np.concatenate(wrong.places))
    width = max((right - left) * (1 + 2 * SURROUNDINGS), (bottom - top) * 3 * VIEW_SIZE[0] / VIEW_SIZE[1], 40.0)
    scale = VIEW_SIZE[0] / width
    middle = np.array([(left + right) / 2, (top + bottom) / 2], np.float32)
    shift = np.asarray(VIEW_SIZE, np.float32) / 2 - scale * middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]], np.float32)
    # A warp would leave out pixels of what it makes smaller.
    small = min(1.0, scale)
    if small < 1:
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    warp = matrix @ np.diag(np.array([1 / small, 1 / small, 1], np.float32))
    return cv2.warpPerspective(image, warp, VIEW_SIZE, flags=cv2.INTER_CUBIC, borderValue=GROUND), matrix


def _empty(text: str) -> np.ndarray:
    image = np.full((80, 480, 3), GROUND, np.uint8)
    _write(image, (20, 46), text, WRITING, 20)
    return image
