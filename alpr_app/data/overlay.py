"""Draws what was found onto a copy of the picture: box, corners, and the text."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.core.plate import Plate
from alpr_app.data import assets

Colour = tuple[int, int, int]

DARK: Colour = (16, 18, 22)
WHITE: Colour = (255, 255, 255)
BOX: Colour = (255, 196, 0)
CORNER: Colour = (255, 64, 96)

# A font face keeps scratch memory of its own, so one thread draws with it at a time.
_lock = threading.Lock()
_faces: list[cv2.FontFace] = []


def _face() -> cv2.FontFace:
    if not _faces:
        # OpenCV would take another font without a word, one that has no Chinese characters.
        if not assets.FONT.is_file():
            raise AlprError(f"{assets.FONT}: the font is missing; install the program again")
        _faces.append(cv2.FontFace(str(assets.FONT)))
    return _faces[0]


def label(plate: Plate) -> str:
    """What is written beside a plate: its text, with a ? behind it if it fits no format, and how sure it is."""
    return f"{plate.marked_text} {100 * plate.confidence:.0f}%" if plate.text else "?"


def line_width(height: int, width: int) -> int:
    """Strokes that look equally fine on any picture, in pixels."""
    return max(1, round(min(height, width) / 400))


def text_height(height: int, width: int) -> int:
    """Size of the letters in pixels: readable on a screen, at most a quarter of the picture's height."""
    return max(12, min(round(max(height, width) / 42), height // 4))


def _outlined(image: np.ndarray, points: np.ndarray, thickness: int) -> None:
    """A bright line on a dark one: one of the two shows on any ground. Points (N, 2)."""
    ring = np.round(points).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(image, [ring], True, DARK, 3 * thickness, cv2.LINE_AA)
    cv2.polylines(image, [ring], True, BOX, thickness, cv2.LINE_AA)


def _dots(image: np.ndarray, corners: np.ndarray, thickness: int) -> None:
    for number, (x, y) in enumerate(np.round(corners).astype(int)):
        centre, radius = (int(x), int(y)), 2 * thickness
        cv2.circle(image, centre, radius + thickness, DARK, cv2.FILLED, cv2.LINE_AA)
        # The first one is filled white, so that one sees which way up the plate reads.
        cv2.circle(image, centre, radius, CORNER if number else WHITE, cv2.FILLED, cv2.LINE_AA)


def label_place(box: Sequence[float], size: tuple[int, int], picture: tuple[int, int], gap: int) -> tuple[int, int]:
    """Left and top of a label of `size` (width, height) for a plate at `box`: above it, below it if there is no room
    above, and always inside the `picture` (height, width) as far as it fits."""
    left, top, _, bottom = box
    width, height = size
    y = top - gap - height
    if y < 0:
        y = bottom + gap
    x_limit, y_limit = max(0, picture[1] - width), max(0, picture[0] - height)
    return int(min(max(0, left), x_limit)), int(min(max(0, y), y_limit))


def _write(image: np.ndarray, text: str, box: Sequence[float], size: int, gap: int) -> None:
    """`text` in white on a dark ground."""
    height, width = image.shape[:2]
    pad = max(2, size // 5)
    _, _, text_width, _ = cv2.getTextSize((0, 0), text, (0, 0), _face(), size)
    # Too long for a small picture: smaller letters, so that nothing is cut off.
    if text_width + 2 * pad > width:
        size = max(6, int(size * (width - 2 * pad) / text_width))
        _, _, text_width, _ = cv2.getTextSize((0, 0), text, (0, 0), _face(), size)
    # Letters reach a little below the line they stand on.
    below = round(size * 0.22)
    ground = (text_width + 2 * pad, size + below + pad)
    left, top = label_place(box, ground, (height, width), gap)
    part = image[top : top + ground[1], left : left + ground[0]]
    part[:] = np.asarray(DARK, np.uint8)
    cv2.putText(image, text, (left + pad, top + pad // 2 + size), WHITE, _face(), size)


def annotate(image: np.ndarray, plates: Sequence[Plate]) -> np.ndarray:
    """A copy of `image` (H x W x 3 uint8 RGB) with every plate's box, corners and text."""
    drawn = image.copy()
    thickness = line_width(*image.shape[:2])
    size = text_height(*image.shape[:2])
    for plate in plates:
        left, top, right, bottom = plate.box
        _outlined(drawn, np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32), thickness)
        _dots(drawn, np.asarray(plate.corners, np.float32), thickness)
    # Texts last: no other plate's lines go through them.
    with _lock:
        for plate in plates:
            _write(drawn, label(plate), plate.box, size, 3 * thickness)
    return drawn
