"""Draws plates onto a copy of the picture: box, corners and text."""

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

# A font face has scratch memory of its own, so only one thread may draw with it at a time.
_lock = threading.Lock()
_faces: list[cv2.FontFace] = []


def _face() -> cv2.FontFace:
    if not _faces:
        # OpenCV would silently use another font, which lacks Chinese characters.
        if not assets.FONT.is_file():
            raise AlprError(f"{assets.FONT}: the font is missing; install the program again")
        _faces.append(cv2.FontFace(str(assets.FONT)))
    return _faces[0]


def label(plate: Plate) -> str:
    """Return the label of a plate: its text, followed by ? if it fits no format, and its confidence."""
    return f"{plate.marked_text} {100 * plate.confidence:.0f}%" if plate.text else "?"


def line_width(height: int, width: int) -> int:
    """Return a line width in pixels that looks equally fine on pictures of any size."""
    return max(1, round(min(height, width) / 400))


def text_height(height: int, width: int) -> int:
    """Return a letter size in pixels: legible on a screen, at most a quarter of the picture's height."""
    return max(12, min(round(max(height, width) / 42), height // 4))


def _outlined(image: np.ndarray, points: np.ndarray, thickness: int) -> None:
    """Draw a bright line on a wider dark one, so that one of them is visible on any background. Points (N, 2)."""
    ring = np.round(points).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(image, [ring], True, DARK, 3 * thickness, cv2.LINE_AA)
    cv2.polylines(image, [ring], True, BOX, thickness, cv2.LINE_AA)


def _dots(image: np.ndarray, corners: np.ndarray, thickness: int) -> None:
    for number, (x, y) in enumerate(np.round(corners).astype(int)):
        centre, radius = (int(x), int(y)), 2 * thickness
        cv2.circle(image, centre, radius + thickness, DARK, cv2.FILLED, cv2.LINE_AA)
        # The first corner is white, to show which way up the plate reads.
        cv2.circle(image, centre, radius, CORNER if number else WHITE, cv2.FILLED, cv2.LINE_AA)


def label_place(box: Sequence[float], size: tuple[int, int], picture: tuple[int, int], gap: int) -> tuple[int, int]:
    """Return left and top of a label of `size` (width, height) for a plate at `box`: above it, or below it if there is
    no room above, and inside the `picture` (height, width) as far as possible."""
    left, top, _, bottom = box
    width, height = size
    y = top - gap - height
    if y < 0:
        y = bottom + gap
    x_limit, y_limit = max(0, picture[1] - width), max(0, picture[0] - height)
    return int(min(max(0, left), x_limit)), int(min(max(0, y), y_limit))


def _write(image: np.ndarray, text: str, box: Sequence[float], size: int, gap: int) -> None:
    """Write `text` in white on a dark background."""
    height, width = image.shape[:2]
    pad = max(2, size // 5)
    _, _, text_width, _ = cv2.getTextSize((0, 0), text, (0, 0), _face(), size)
    # On small pictures, use smaller letters instead of cutting the text off.
    if text_width + 2 * pad > width:
        size = max(6, int(size * (width - 2 * pad) / text_width))
        _, _, text_width, _ = cv2.getTextSize((0, 0), text, (0, 0), _face(), size)
    # Room for descenders.
    below = round(size * 0.22)
    ground = (text_width + 2 * pad, size + below + pad)
    left, top = label_place(box, ground, (height, width), gap)
    part = image[top : top + ground[1], left : left + ground[0]]
    part[:] = np.asarray(DARK, np.uint8)
    cv2.putText(image, text, (left + pad, top + pad // 2 + size), WHITE, _face(), size)


def annotate(image: np.ndarray, plates: Sequence[Plate]) -> np.ndarray:
    """Return a copy of `image` (H x W x 3 uint8 RGB) with every plate's box, corners and text."""
    drawn = image.copy()
    thickness = line_width(*image.shape[:2])
    size = text_height(*image.shape[:2])
    for plate in plates:
        left, top, right, bottom = plate.box
        _outlined(drawn, np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32), thickness)
        _dots(drawn, np.asarray(plate.corners, np.float32), thickness)
    # Texts last, so that no lines of other plates cross them.
    with _lock:
        for plate in plates:
            _write(drawn, label(plate), plate.box, size, 3 * thickness)
    return drawn
