"""Hard copies of labelled pictures: the same plates at night, in rain, far away, tilted, to see where models fail.

Each kind has one stated strength. They are for measuring, never for training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import LETTERBOX_GREY, corners_to_box, rectify
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import TABLE_NAME, write_table, written
from alpr_app.data.labels import LabelledPicture, read_labelled
from alpr_app.train.augment.paste import paint_out

FAR_PLATE_WIDTH = 60.0
SIZE = (720, 1160)
# Height and width of plates that are cut out small, as those of some public sets are.
SMALL = (24, 94)

Made = tuple[np.ndarray, np.ndarray]
"""A picture H x W x 3 uint8 and the corners (M, 4, 2) of its plates, or (2 * M, 4, 2) of a first and a second copy."""


def _uint8(values: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(values, 0, 255).astype(np.uint8)
    return clipped


def night(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """A fifth of the light, and the noise of 12 grey levels that amplifying it brings."""
    return _uint8(image * 0.2 + 6 + rng.normal(0, 12, image.shape) * 0.5), plates


def rain(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """Streaks, drops on the lens, and a veil over everything."""
    height, width = image.shape[:2]
    streaks: np.ndarray = (rng.random((height, width)) < 0.004).astype(np.float32)
    length = max(5, height // 40)
    kernel = cv2.getRotationMatrix2D((length / 2, length / 2), float(rng.uniform(-15, 15)), 1)
    line = np.zeros((length, length), np.float32)
    line[:, length // 2] = 1 / 3
    streaks = cv2.filter2D(streaks, -1, cv2.warpAffine(line, kernel, (length, length)))
    veiled = cv2.GaussianBlur(image, (0, 0), 1.2) * 0.7 + 45
    return _uint8(veiled + 130 * np.clip(streaks, 0, 1)[..., None]), plates


def motion(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """Moved by a quarter of the plate's height while the shutter was open."""
    boxes = corners_to_box(plates)
    length = max(3, round(0.25 * float(np.mean(boxes[:, 3] - boxes[:, 1])))) | 1
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(-0.6, 0.6)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length // 2)
    ends = [tuple(int(value) for value in np.round(length // 2 + side * reach)) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA)
    return cv2.filter2D(image, -1, kernel / kernel.sum()), plates


def far(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """So far away that the first plate is 60 px wide, in a picture of 720 x 1160 that is out of focus around it."""
    width = float(np.ptp(plates[0, :, 0]))
    scale = min(1.0, FAR_PLATE_WIDTH / width)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    placed = plates * scale
    left, top = (
        _shift(rng, full, part, placed[0, :, axis])
        for axis, (full, part) in enumerate(zip(SIZE, small.shape[1::-1], strict=True))
    )
    # Around it a blurred copy: neither grey, which is never seen in use, nor a second plate.
    around = cv2.GaussianBlur(cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA), (0, 0), 25)
    part = small[max(0, -top) : SIZE[1] - top, max(0, -left) : SIZE[0] - left]
    around[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]] = part
    return around, (placed + np.array([left, top], np.float32)).astype(np.float32)


def _shift(rng: np.random.Generator, full: int, part: int, plate: np.ndarray) -> int:
    """Where in `full` pixels a side of `part` pixels begins, by chance: within it, or around it if it is longer; the
    coordinates `plate` are inside in any case."""
    least, most = sorted((0, full - part))
    return int(np.clip(int(rng.uniform(least, most)), -np.floor(plate.min()), full - np.ceil(plate.max())))


def beside(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """The same once more on its right, as `far` makes it: small plates beside large ones."""
    away, small = far(image, plates, rng)
    height = max(image.shape[0], away.shape[0])
    both = [
        cv2.copyMakeBorder(part, 0, height - part.shape[0], 0, 0, cv2.BORDER_CONSTANT, value=(LETTERBOX_GREY,) * 3)
        for part in (image, away)
    ]
    return np.hstack(both), np.concatenate([plates, small + np.array([image.shape[1], 0], np.float32)])


def tilt(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """The camera held askew by 20 to 45 degrees."""
    height, width = image.shape[:2]
    angle = float(rng.uniform(20, 45) * rng.choice([-1, 1]))
    matrix = cv2.getRotationMatrix2D(tuple(map(float, plates[0].mean(axis=0))), angle, 0.85)
    turned = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(LETTERBOX_GREY,) * 3)
    # Corners are in pixel edges; cv2 counts from pixel centres.
    return turned, ((plates - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5).astype(np.float32)


def glare(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """A lamp mirrored in the plate: a bright spot over a third of it."""
    height, width = image.shape[:2]
    left, top, right, bottom = corners_to_box(plates[0])
    x = (np.arange(width) - rng.uniform(left, right)) / max(1.0, 0.17 * (right - left))
    y = (np.arange(height) - rng.uniform(top, bottom)) / max(1.0, 0.5 * (bottom - top))
    return _uint8(image + 170 * np.exp(-(x[None] ** 2 + y[:, None] ** 2))[..., None]), plates


def jpeg(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> Made:
    """JPEG of quality 20 at half the size, as from a cheap recorder."""
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 20])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1]), plates / 2


KINDS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], Made]] = {
    function.__name__: function for function in (night, rain, motion, far, beside, tilt, glare, jpeg)
}


# Not a picture with plates in it but each plate by itself; the picture with its plates painted out: whatever is still
# found in it is none.
CUT_OUT, BARE = "small", "bare"
ALL_KINDS = (*KINDS, CUT_OUT, BARE)

Copy = tuple[str, np.ndarray, list[dict[str, str]]]
"""A copy's file name, the copy, and its lines in the table of labels."""


def write_robustness_set(
    pictures: Sequence[LabelledPicture],
    folder: Path,
    kinds: Sequence[str] = ALL_KINDS,
    seed: int = 0,
    track: Callable[[Iterable[Any], str], Iterable[Any]] = lambda items, name: items,
) -> int:
    """A copy of every picture with a labelled text a kind into `folder`/KIND, with labels; for the kind `small`, of
    each of their plates, cut out; none for `bare` where there may be more plates than are labelled. Returns how many.

    Raises AlprError if there is something in a folder already, or nothing to copy.
    """
    labelled = [picture for picture in pictures if any(plate.text for plate in picture.plates)]
    if not labelled:
        raise AlprError("there are no whole pictures with known texts in this split")
    count = 0
    for kind in kinds:
        target = folder / kind
        if target.exists() and any(target.iterdir()):
            raise AlprError(f"{target}: is not empty; choose a new folder for the copies")
        target.mkdir(parents=True, exist_ok=True)
        rows = []
        for number, picture in enumerate(track(labelled, kind)):
            if kind == CUT_OUT:
                copies = _cut_out(picture, number)
            elif kind == BARE:
                copies = _bare(picture, number)
            else:
                copies = _whole(picture, number, kind, seed)
            for name, image, lines in copies:
                write_picture(target / name, image)
                rows += lines
                count += 1
        # Without columns of places, the pictures are plates already.
        if rows:
            write_table(target / TABLE_NAME, rows, tuple(rows[0]))
    return count


def _whole(picture: LabelledPicture, number: int, kind: str, seed: int) -> Iterator[Copy]:
    known = [plate for plate in picture.plates if plate.text]
    rng = np.random.default_rng((seed, number))
    image = read_labelled(picture.path)
    made, corners = KINDS[kind](image, np.array([plate.corners for plate in known], np.float32), rng)
    name, rows = f"{number:05d}.png", []
    for plate, placed in zip(known * (len(corners) // len(known)), corners, strict=True):
        centre = placed.mean(axis=0)
        if (centre < 0).any() or (centre > made.shape[1::-1]).any():
            # Another one than the first, of which nothing is left.
            continue
        about = {"text": plate.text or "", "colour": plate.colour or "", "corners": written(placed)}
        rows.append({"file": name, "split": picture.split, "subset": kind, **about})
    yield name, made, rows


def _bare(picture: LabelledPicture, number: int) -> Iterator[Copy]:
    if picture.ignored is not None and len(picture.ignored):
        return
    image = read_labelled(picture.path)
    name = f"{number:05d}.png"
    # A line without text and place: a picture without plates.
    row = {"file": name, "split": picture.split, "subset": BARE, "text": "", "corners": ""}
    yield name, paint_out(image, np.array([plate.corners for plate in picture.plates], np.float32)), [row]


def _cut_out(picture: LabelledPicture, number: int) -> Iterator[Copy]:
    image = read_labelled(picture.path)
    for index, plate in enumerate(plate for plate in picture.plates if plate.text):
        name, text = f"{number:05d}_{index}.png", plate.text or ""
        yield name, rectify(image, plate.corners, *SMALL), [{"file": name, "split": picture.split, "text": text}]
