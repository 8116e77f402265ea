"""The robustness set: harder copies of labelled pictures (night, rain, far away, tilted), to see where models fail.

Each kind of copy has one fixed strength. The copies are for measuring, never for training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.geometry import LETTERBOX_GREY, corners_to_box, rectify, widened
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import TABLE_NAME, write_table, written
from alpr_app.data.labels import LabelledPicture, read_labelled
from alpr_app.synth.plates import blanks
from alpr_app.synth.plates.painters import Painter, make_painter
from alpr_app.train.augment.paste import paint_out, paste_plate
from alpr_app.train.datasets.mosaic import MOSAIC, Copy, mosaic_groups, mosaics

# Width of the first plate, and width and height of the picture, in pixels, for the kind `far`.
FAR_PLATE_WIDTH = 60.0
FAR_SIZE = (720, 1160)
# Height and width of crops of the kind `small`, as in some public datasets.
SMALL_SIZE = (24, 94)
# Width of most Chinese plates, in heights.
USUAL_SHAPE = blanks.WIDTH / blanks.HEIGHT

DegradedPicture = tuple[np.ndarray, np.ndarray]
"""A picture H x W x 3 uint8 and the corners (M, 4, 2) of its plates; (2 * M, 4, 2) if it shows each plate twice."""


def _uint8(values: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(values, 0, 255).astype(np.uint8)
    return clipped


def night(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """A fifth of the light, with the noise of amplification."""
    return _uint8(image * 0.2 + 6 + rng.normal(0, 12, image.shape) * 0.5), plates


def dark(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Nearly black: the plates' mean level becomes 12 to 25, blacks are cut off, then JPEG of quality 75."""
    level = max(1.0, float(np.mean([_part(image, box).mean() for box in corners_to_box(plates)])))
    darkened = _uint8(image * (rng.uniform(15, 28) / level) - rng.uniform(0, 3, 3) + 0.5)
    return _compressed(darkened, 75), plates


def black(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Black to the eye: the plates' mean level becomes 5 to 9, so that few grey levels are left."""
    level = max(1.0, float(np.mean([_part(image, box).mean() for box in corners_to_box(plates)])))
    return _compressed(_uint8(image * (rng.uniform(6, 10) / level) - rng.uniform(0, 1.5, 3) + 0.5), 85), plates


def overexposed(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Blown out: the plates' mean level becomes about 225 with bright parts clipped, under a bloom of highlights."""
    level = max(1.0, float(np.mean([_part(image, box).mean() for box in corners_to_box(plates)])))
    bright = image.astype(np.float32) * (rng.uniform(190, 225) / level) + 25
    bloom = cv2.GaussianBlur(np.maximum(bright - 200, 0), (0, 0), image.shape[0] * 0.02)
    return _uint8(bright + bloom * 0.5), plates


def defocus(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Out of focus: a Gaussian blur with a sigma of 5 to 7 % of the plate's height, about the width of a stroke."""
    boxes = corners_to_box(plates)
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.05, 0.07) * float(np.mean(boxes[:, 3] - boxes[:, 1]))), plates


def rain(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Streaks of rain, a blur as from drops on the lens, and a veil over the picture."""
    height, width = image.shape[:2]
    streaks: np.ndarray = (rng.random((height, width)) < 0.004).astype(np.float32)
    length = max(5, height // 40)
    kernel = cv2.getRotationMatrix2D((length / 2, length / 2), float(rng.uniform(-15, 15)), 1)
    line = np.zeros((length, length), np.float32)
    line[:, length // 2] = 1 / 3
    streaks = cv2.filter2D(streaks, -1, cv2.warpAffine(line, kernel, (length, length)))
    veiled = cv2.GaussianBlur(image, (0, 0), 1.2) * 0.7 + 45
    return _uint8(veiled + 130 * np.clip(streaks, 0, 1)[..., None]), plates


def motion(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Motion blur of a quarter of the plate's height."""
    boxes = corners_to_box(plates)
    length = max(3, round(0.25 * float(np.mean(boxes[:, 3] - boxes[:, 1])))) | 1
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(-0.6, 0.6)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length // 2)
    ends = [tuple(int(value) for value in np.round(length // 2 + side * reach)) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA)
    return cv2.filter2D(image, -1, kernel / kernel.sum()), plates


def far(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Reduced until the first plate is 60 pixels wide, in a blurred picture of 720 x 1160 pixels."""
    width = float(np.ptp(plates[0, :, 0]))
    scale = min(1.0, FAR_PLATE_WIDTH / width)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    placed = plates * scale
    left, top = (
        _shift(rng, full, part, placed[0, :, axis])
        for axis, (full, part) in enumerate(zip(FAR_SIZE, small.shape[1::-1], strict=True))
    )
    # Surrounded by a blurred copy: grey does not occur in use, and a sharp one would show the plate twice.
    around = cv2.GaussianBlur(cv2.resize(image, FAR_SIZE, interpolation=cv2.INTER_AREA), (0, 0), 25)
    part = small[max(0, -top) : FAR_SIZE[1] - top, max(0, -left) : FAR_SIZE[0] - left]
    around[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]] = part
    return around, (placed + np.array([left, top], np.float32)).astype(np.float32)


def _shift(rng: np.random.Generator, full: int, part: int, plate: np.ndarray) -> int:
    """A random offset at which `part` pixels are placed within `full` pixels, or cover them if they are more; the
    coordinates `plate` stay inside."""
    minimum, maximum = sorted((0, full - part))
    return int(np.clip(int(rng.uniform(minimum, maximum)), -np.floor(plate.min()), full - np.ceil(plate.max())))


def beside(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """The picture with the result of `far` to its right: small plates beside large ones."""
    away, small = far(image, plates, rng)
    height = max(image.shape[0], away.shape[0])
    both = [
        cv2.copyMakeBorder(part, 0, height - part.shape[0], 0, 0, cv2.BORDER_CONSTANT, value=(LETTERBOX_GREY,) * 3)
        for part in (image, away)
    ]
    return np.hstack(both), np.concatenate([plates, small + np.array([image.shape[1], 0], np.float32)])


def tilt(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Rotated by 20 to 45 degrees, as by a tilted camera."""
    height, width = image.shape[:2]
    angle = float(rng.uniform(20, 45) * rng.choice([-1, 1]))
    matrix = cv2.getRotationMatrix2D(tuple(map(float, plates[0].mean(axis=0))), angle, 0.85)
    turned = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(LETTERBOX_GREY,) * 3)
    # Corners count from pixel edges, OpenCV from pixel centres.
    return turned, ((plates - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5).astype(np.float32)


def steep(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Seen from near and far aside: the plate turned by 45 to 60 degrees about its upright axis, the camera four plate
    widths away and rolled by up to 15 degrees."""
    height, width = image.shape[:2]
    centre = plates[0].mean(axis=0)
    yaw, roll = np.deg2rad(rng.uniform(45, 60) * rng.choice([-1, 1])), np.deg2rad(rng.uniform(-15, 15))
    distance = 4 * float(np.ptp(plates[0, :, 0]))
    turned = np.array([[np.cos(yaw), 0, 0], [0, 1, 0], [np.sin(yaw) / distance, 0, 1]])
    rolled = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    homography = _moved(centre) @ rolled @ turned @ _moved(-centre)
    # Only the part of the picture within three plate widths, which stays in front of the camera.
    reach = 0.7 * distance
    left, right = max(0, int(centre[0] - reach)), min(width, int(centre[0] + reach))
    part = np.full_like(image, LETTERBOX_GREY)
    part[:, left:right] = image[:, left:right]
    half = _moved(np.array([0.5, 0.5]))
    view = cv2.warpPerspective(
        part, np.linalg.inv(half) @ homography @ half, (width, height), borderValue=(LETTERBOX_GREY,) * 3
    )
    return view, cv2.perspectiveTransform(plates.astype(np.float32), homography)


def compound(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Steep, moved by a seventh of the plate's height, and in a third of the light."""
    view, corners = steep(image, plates, rng)
    boxes = corners_to_box(corners)
    length = max(3, round(0.14 * float(np.mean(boxes[:, 3] - boxes[:, 1])))) | 1
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    return _compressed(_uint8(cv2.filter2D(view, -1, kernel) * 0.33), 80), corners


def annotated(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """With the box of another program drawn around each plate, and a name above it, as in pictures from papers."""
    drawn = image.copy()
    colour = tuple(map(int, rng.choice([(255, 0, 0), (0, 255, 0), (255, 255, 0), (0, 0, 255)])))
    width = int(rng.integers(2, 5))
    for left, top, right, bottom in corners_to_box(plates).round().astype(int).tolist():
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, width)
        cv2.rectangle(drawn, (left, top - 22), (left + 90, top), colour, -1)
        cv2.putText(drawn, "plate 0.9", (left + 2, top - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return drawn, plates


def _moved(shift: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = shift
    return matrix


def near(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """Cut out so that the first plate is as wide as 65 to 85 % of the picture."""
    left, top, right, bottom = corners_to_box(plates[0])
    size = np.array([1.0, 1.2]) * (right - left) / rng.uniform(0.65, 0.85)
    start = np.array([left, top]) - rng.uniform(0, 1, 2) * (size - (right - left, bottom - top))
    first = np.maximum(0, np.floor(start)).astype(int)
    last = np.minimum(image.shape[1::-1], np.ceil(start + size)).astype(int)
    cut = image[first[1] : last[1], first[0] : last[0]]
    return np.ascontiguousarray(cut), (plates - first).astype(np.float32)


def glare(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """The reflection of a lamp: a bright spot over a third of the plate."""
    height, width = image.shape[:2]
    left, top, right, bottom = corners_to_box(plates[0])
    x = (np.arange(width) - rng.uniform(left, right)) / max(1.0, 0.17 * (right - left))
    y = (np.arange(height) - rng.uniform(top, bottom)) / max(1.0, 0.5 * (bottom - top))
    return _uint8(image + 170 * np.exp(-(x[None] ** 2 + y[:, None] ** 2))[..., None]), plates


def jpeg(image: np.ndarray, plates: np.ndarray, rng: np.random.Generator) -> DegradedPicture:
    """JPEG of quality 20 at half the size, as from a cheap recorder."""
    return _compressed(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 20), plates / 2


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """The picture after JPEG compression."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1])


def _part(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The part of a picture inside a box, or all of it if the box lies outside."""
    left, top, right, bottom = box.astype(int)
    part = image[max(0, top) : bottom, max(0, left) : right]
    return part if part.size else image


LIGHT = (night, dark, black, overexposed, rain, glare)
SHARPNESS = (motion, defocus, jpeg)
POSITION = (far, beside, near, tilt, steep)
KINDS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], DegradedPicture]] = {
    function.__name__: function for function in (*LIGHT, *SHARPNESS, *POSITION, compound, annotated)
}


# Small crops of single plates, and pictures with their plates painted out, in which any detection is a false box.
CROPS, BARE = "small", "bare"
ALL_KINDS = (*KINDS, CROPS, BARE)
# Pictures with drawn Chinese plates of one or two rows in place of their own.
DRAWN = {"one_row": 1, "two_rows": 2}
# Made only when asked for: drawn plates are not those of the pictures, and mosaics take long and many megabytes.
KIND_CHOICES = (*ALL_KINDS, *DRAWN, MOSAIC)


def write_robustness_set(
    pictures: Sequence[LabelledPicture],
    folder: Path,
    kinds: Sequence[str] = ALL_KINDS,
    seed: int = 0,
    track: Callable[[Iterable[Any], str], Iterable[Any]] = lambda items, name: items,
) -> int:
    """Write copies of all pictures with a labelled text into `folder`/KIND, with labels.

    The kind `small` holds a crop of each plate instead, and `bare` excludes pictures with ignored areas, where there
    may be unlabelled plates. So does `mosaic`, which puts several pictures into each copy. `one_row` and `two_rows`
    show drawn Chinese plates in place of the pictures' own.

    Args:
        pictures: The labelled pictures.
        folder: The folder in which each kind gets a folder.
        kinds: Kinds of copies, of `KIND_CHOICES`.
        seed: Random seed.
        track: Wraps the pictures of a kind to show progress.

    Returns:
        The number of copies.

    Raises:
        AlprError: the folder of a kind is not empty, or there is nothing to copy.
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
        if kind == MOSAIC:
            copies = mosaics(track(mosaic_groups(labelled), kind), seed)
        else:
            numbered = enumerate(track(labelled, kind))
            copies = (copy for number, picture in numbered for copy in _copies(picture, number, kind, seed))
        for name, image, lines in copies:
            write_picture(target / name, image)
            rows += lines
            count += 1
        # A table without boxes and corners, as of `small`, means that the pictures are plates.
        if rows:
            write_table(target / TABLE_NAME, rows, tuple(rows[0]))
    return count


def _copies(picture: LabelledPicture, number: int, kind: str, seed: int) -> Iterator[Copy]:
    if kind == CROPS:
        return _crops(picture, number)
    if kind == BARE:
        return _bare(picture, number)
    if kind in DRAWN:
        return _redrawn(picture, number, kind, seed)
    return _degraded(picture, number, kind, seed)


def _degraded(picture: LabelledPicture, number: int, kind: str, seed: int) -> Iterator[Copy]:
    known = [plate for plate in picture.plates if plate.text]
    rng = np.random.default_rng((seed, number))
    image = read_labelled(picture.path)
    degraded, corners = KINDS[kind](image, np.array([plate.corners for plate in known], np.float32), rng)
    name, rows = f"{number:05d}.png", []
    for plate, placed in zip(known * (len(corners) // len(known)), corners, strict=True):
        centre = placed.mean(axis=0)
        if (centre < 0).any() or (centre > degraded.shape[1::-1]).any():
            # A plate other than the first may end up outside the picture.
            continue
        label = {"text": plate.text or "", "colour": plate.colour or "", "corners": written(placed)}
        rows.append({"file": name, "split": picture.split, "subset": kind, **label})
    yield name, degraded, rows


def _bare(picture: LabelledPicture, number: int) -> Iterator[Copy]:
    if picture.ignored is not None and len(picture.ignored):
        return
    image = read_labelled(picture.path)
    name = f"{number:05d}.png"
    # A row without text, box and corners stands for a picture without plates.
    row = {"file": name, "split": picture.split, "subset": BARE, "text": "", "corners": ""}
    yield name, paint_out(image, np.array([plate.corners for plate in picture.plates], np.float32)), [row]


@cache
def _painter() -> Painter:
    return make_painter(None)


def _redrawn(picture: LabelledPicture, number: int, kind: str, seed: int) -> Iterator[Copy]:
    """With a drawn plate as wide as each of its own, and as high as such a plate is."""
    rng = np.random.default_rng((seed, number))
    corners = np.array([plate.corners for plate in picture.plates], np.float32)
    image = paint_out(read_labelled(picture.path), corners)
    name, rows = f"{number:05d}.png", []
    for own in corners:
        drawn = _painter().random_plate(rng, rows=DRAWN[kind])
        height, width = drawn.image.shape[:2]
        placed = widened(own, 0.0, (height / width * USUAL_SHAPE - 1) / 2)
        paste_plate(image, drawn.image, placed, rng, light=1.0)
        label = {"text": drawn.text, "colour": drawn.colour, "rows": str(drawn.rows), "corners": written(placed)}
        rows.append({"file": name, "split": picture.split, "subset": kind, **label})
    yield name, image, rows


def _crops(picture: LabelledPicture, number: int) -> Iterator[Copy]:
    image = read_labelled(picture.path)
    for index, plate in enumerate(plate for plate in picture.plates if plate.text):
        name, text = f"{number:05d}_{index}.png", plate.text or ""
        yield name, rectify(image, plate.corners, *SMALL_SIZE), [{"file": name, "split": picture.split, "text": text}]
