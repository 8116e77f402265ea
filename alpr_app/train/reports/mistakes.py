"""Sheets of pictures: training samples as the networks get them, and the worst mistakes of a run in validation."""

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
    """Arrange pictures of one size in rows of `columns`: H x W x 3 uint8, the last row padded with grey."""
    blank = np.full_like(pictures[0], 90)
    padded = pictures + [blank] * (-len(pictures) % columns)
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    return np.vstack(rows)


def scene_sheet(dataset: SceneDataset, count: int, columns: int = 4) -> np.ndarray:
    """The first `count` samples of the detector, with the corners of plates and the ignored boxes."""
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
    """The first `count` samples of the reader, each above its text."""
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
# Corner errors below this share of the plate's height are no mistakes: labels by hand differ as much.
GOOD_CORNERS = 0.1


@dataclass(frozen=True, eq=False)
class ReadingMistake:
    """A plate that was misread.

    Attributes:
        plate: The rectified plate, 48 x 192 x 3 uint8 RGB.
        truth: The true text.
        read: The text that was read.
        confidence: Confidence of the reading, which is that of its least confident character.
    """

    plate: np.ndarray
    truth: str
    read: str
    confidence: float


@dataclass(frozen=True, eq=False)
class DetectionMistake:
    """A mistake of the detector in a picture.

    Attributes:
        path: The picture.
        kind: MISSED, CORNERS or FALSE_BOX.
        badness: For MISSED 1 - IoU of the best box, for CORNERS the corner error in heights of the plate, for FALSE_BOX
            the score.
        true: Corners of the labelled plate, (4, 2); None for a false box.
        found: Corners of the detection, (4, 2); None for a missed plate.
    """

    path: Path
    kind: str
    badness: float
    true: np.ndarray | None = None
    found: np.ndarray | None = None

    @property
    def quadrilaterals(self) -> list[np.ndarray]:
        return [corners for corners in (self.true, self.found) if corners is not None]


def reading_mistakes(network: Reader, data: DataFolder) -> tuple[list[ReadingMistake], int]:
    """The plates of `data` that `network`, in eval mode, misreads.

    Returns:
        The mistakes, the most confident first, and the total number of plates.

    Raises:
        PictureError: a picture cannot be read.
    """
    wrong: list[ReadingMistake] = []
    count = 0
    batch: list[tuple[np.ndarray, str]] = []
    sources = plate_sources(data, network.config.alphabet)
    plates = rectified(load_plates(sources, limit=0), network.config.img_height, network.config.img_width)
    for item in zip(plates, (source.text for source in sources), strict=True):
        batch.append(item)
        count += 1
        if len(batch) == BATCH:
            wrong += _misread(network, batch)
            batch = []
    wrong += _misread(network, batch)
    return sorted(wrong, key=lambda reading: -reading.confidence), count


def _misread(network: Reader, batch: Sequence[tuple[np.ndarray, str]]) -> list[ReadingMistake]:
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
    """The mistakes of `network`, in eval mode, on the val split and on held-out pictures labelled by machine.

    Detections of unlabelled plates count as false boxes.

    Returns:
        The mistakes, the worst first, and the number of labelled plates.

    Raises:
        PictureError: a picture cannot be read.
    """
    pictures = [
        picture
        for picture in data.pictures
        if picture.plates and (picture.split == "val" or (picture.by_machine and held_out(picture)))
    ]
    wrong: list[DetectionMistake] = []
    with torch.inference_mode():
        for picture, found in zip(pictures, detect_all(network, (picture.path for picture in pictures)), strict=True):
            wrong += picture_mistakes(picture, found)
        plate_free = [picture.path for picture in data.of_split("val").negatives]
        for path, found in zip(plate_free, detect_all(network, plate_free), strict=True):
            wrong += [DetectionMistake(path, FALSE_BOX, box.score, found=box.corners) for box in found]
    return sorted(wrong, key=lambda mistake: -mistake.badness), sum(len(picture.plates) for picture in pictures)


def picture_mistakes(picture: LabelledPicture, found: list[Detection]) -> list[DetectionMistake]:
    """Missed plates, inaccurate corners and false boxes in one picture."""
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
    ignored_overlaps = box_iou(boxes, picture.ignored) if picture.ignored is not None else np.zeros((len(boxes), 1))
    for index, detection in enumerate(found):
        if overlaps[:, index].max(initial=0) < 0.5 and ignored_overlaps[index].max(initial=0) < 0.1:
            wrong.append(DetectionMistake(picture.path, FALSE_BOX, detection.score, found=detection.corners))
    return wrong


def balanced_selection(wrong: Sequence[DetectionMistake], maximum: int) -> list[DetectionMistake]:
    """At most `maximum` mistakes, as many of each kind; kinds with fewer leave their share to the others."""
    kinds = [[mistake for mistake in wrong if mistake.kind == kind] for kind in (MISSED, CORNERS, FALSE_BOX)]
    taken = [0, 0, 0]
    while sum(taken) < maximum and any(count < len(kind) for count, kind in zip(taken, kinds, strict=True)):
        for index, kind in enumerate(kinds):
            if taken[index] < len(kind) and sum(taken) < maximum:
                taken[index] += 1
    return [mistake for count, kind in zip(taken, kinds, strict=True) for mistake in kind[:count]]


# Colours and sizes in pixels of the sheets of mistakes.
BACKGROUND, TEXT, DIM_TEXT, WRONG_TEXT = (24, 26, 30), (235, 235, 235), (150, 156, 166), (255, 110, 90)
TRUE_COLOUR, FOUND_COLOUR = (214, 140, 255), (255, 196, 0)
PAD = 8
# Width and height of a plate, with three lines below it, and of a view of a picture, with one line.
PLATE_SIZE, VIEW_SIZE = (240, 60), (320, 210)
LINE = 24
CHARACTER_SIZE = 18
# Surroundings of a plate in a view, in widths of the plate.
SURROUNDINGS = 0.6


_face = cache(load_font)


def _write(image: np.ndarray, start: tuple[int, int], text: str, colour: tuple[int, int, int], size: int = 16) -> None:
    """Write a text with the left end of its baseline at `start`."""
    cv2.putText(image, text, start, colour, _face(), size)


def reading_mistake_sheet(wrong: Sequence[ReadingMistake], columns: int = 5) -> np.ndarray:
    """Misread plates with their true and their read texts, H x W x 3 uint8 RGB; wrong characters are red."""
    return (
        sheet([_reading_cell(reading) for reading in wrong], columns)
        if wrong
        else _message("All plates are read right")
    )


def _reading_cell(wrong: ReadingMistake) -> np.ndarray:
    width, height = PLATE_SIZE
    cell = np.full((height + 2 * LINE + 3 * PAD, width + 2 * PAD, 3), BACKGROUND, np.uint8)
    cell[PAD : PAD + height, PAD : PAD + width] = cv2.resize(wrong.plate, PLATE_SIZE, interpolation=cv2.INTER_CUBIC)
    same = len(wrong.truth) == len(wrong.read)
    for row, (title, text) in enumerate((("true", wrong.truth), ("read", wrong.read or "–"))):
        y = 2 * PAD + height + row * LINE + 16
        _write(cell, (PAD, y), title, DIM_TEXT, 14)
        for index, character in enumerate(text):
            # With different lengths it is unknown which character is wrong.
            right = row == 0 or (same and wrong.truth[index] == character)
            # In columns, so that different characters are one above the other.
            _write(cell, (PAD + 40 + index * 19, y), character, TEXT if right else WRONG_TEXT, CHARACTER_SIZE)
    _write(cell, (PAD + width - 34, y), f"{100 * wrong.confidence:.0f}%", DIM_TEXT, 14)
    return cell


def detection_mistake_sheet(wrong: Sequence[DetectionMistake], columns: int = 4) -> np.ndarray:
    """Views of the pictures, H x W x 3 uint8 RGB, with labels in violet, detections in yellow. Raises PictureError."""
    return (
        sheet([_detection_cell(mistake) for mistake in wrong], columns)
        if wrong
        else _message("All plates are found, and no false boxes")
    )


def _detection_cell(wrong: DetectionMistake) -> np.ndarray:
    cell = np.full((VIEW_SIZE[1] + LINE + 3 * PAD, VIEW_SIZE[0] + 2 * PAD, 3), BACKGROUND, np.uint8)
    view, matrix = _view(wrong)
    for corners, colour in ((wrong.true, TRUE_COLOUR), (wrong.found, FOUND_COLOUR)):
        if corners is not None:
            points = np.asarray(cv2.perspectiveTransform(np.asarray(corners, np.float32)[None], matrix) * 16, np.int32)
            cv2.polylines(view, [points], True, colour, 1, cv2.LINE_AA, shift=4)
    cell[PAD : PAD + VIEW_SIZE[1], PAD : PAD + VIEW_SIZE[0]] = view
    y = 2 * PAD + VIEW_SIZE[1] + 14
    _write(cell, (PAD, y), f"{wrong.kind}: {_how_bad(wrong)}", TEXT, 15)
    name = _shortened(wrong.path)
    size = cv2.getTextSize((0, 0), name, (0, 0), _face(), 12)[2]
    _write(cell, (PAD + VIEW_SIZE[0] - size, y), name, DIM_TEXT, 12)
    return cell


def _how_bad(wrong: DetectionMistake) -> str:
    if wrong.kind == MISSED:
        return f"best overlap {1 - wrong.badness:.2f}"
    return f"{wrong.badness:.2f} of the height" if wrong.kind == CORNERS else f"score {wrong.badness:.2f}"


def _shortened(path: Path) -> str:
    return path.name if len(path.name) <= 16 else f"{path.name[:6]}...{path.name[-8:]}"


def _view(wrong: DetectionMistake) -> tuple[np.ndarray, np.ndarray]:
    """The part of the picture around the mistake, of VIEW_SIZE, and the homography (3, 3) into it."""
    image = read_labelled(wrong.path)
    left, top, right, bottom = corners_to_box(np.concatenate(wrong.quadrilaterals))
    width = max((right - left) * (1 + 2 * SURROUNDINGS), (bottom - top) * 3 * VIEW_SIZE[0] / VIEW_SIZE[1], 40.0)
    scale = VIEW_SIZE[0] / width
    middle = np.array([(left + right) / 2, (top + bottom) / 2], np.float32)
    shift = np.asarray(VIEW_SIZE, np.float32) / 2 - scale * middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]], np.float32)
    # A warp that shrinks would skip pixels, so that the picture is resized first.
    small = min(1.0, scale)
    if small < 1:
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    warp = matrix @ np.diag(np.array([1 / small, 1 / small, 1], np.float32))
    return cv2.warpPerspective(image, warp, VIEW_SIZE, flags=cv2.INTER_CUBIC, borderValue=BACKGROUND), matrix


def _message(text: str) -> np.ndarray:
    image = np.full((80, 480, 3), BACKGROUND, np.uint8)
    _write(image, (20, 46), text, TEXT, 20)
    return image
