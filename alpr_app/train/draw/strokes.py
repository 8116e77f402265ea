"""Letters and digits as strokes: the tall, even, half round-cornered lettering that plates are stamped with.

Everything is in millimetres in a cell of 45 x 90. Strokes that end at an edge of the cell run past it, so
that the edge cuts them off square.
"""

from __future__ import annotations

import cv2
import numpy as np

CELL = (45, 90)
# Drawn this much larger, then averaged down.
FINE = 8
THIN = {"W": 0.78, "M": 0.85, "A": 0.92, "V": 0.92, "X": 0.95, "Q": 0.95, "8": 0.95}

Stroke = list[tuple[float, float]]


def _arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Stroke:
    """Points of an ellipse's arc; degrees, 0 to the right and 90 downwards."""
    angles = np.radians(np.linspace(start, end, 24))
    return list(zip(x + across * np.cos(angles), y + down * np.sin(angles), strict=True))


def _turned(strokes: list[Stroke]) -> list[Stroke]:
    return [[(CELL[0] - x, CELL[1] - y) for x, y in stroke] for stroke in strokes]


def _upper(start: float, end: float) -> Stroke:
    return _arc(22.5, 22.5, 17.5, 17.5, start, end)


def _lower(start: float, end: float) -> Stroke:
    return _arc(22.5, 67.5, 17.5, 17.5, start, end)


_STEM = [(5, -9), (5, 99)]
_RIGHT_STEM = [(40, -9), (40, 99)]
_ROUND = _upper(180, 360) + _lower(0, 180) + [(5, 22.5)]
_OPEN = [(40, 29), *_upper(360, 180), *_lower(180, 0), (40, 61)]
_SIX = [[(29, -9), (9, 46)], _arc(22.5, 62, 17.5, 23, 0, 360)]

STROKES: dict[str, list[Stroke]] = {
    "0": [_ROUND],
    "1": [[(22.5, -9), (22.5, 99)]],
    "2": [[*_upper(188, 360), (39.5, 29), (36, 38), (6, 80), (5, 85), (54, 85)]],
    "3": [[(-9, 5), (37, 5), (19, 37)], [(17, 39), *_arc(22.5, 63, 17.5, 22, -78, 172)]],
    "4": [[(34, -9), (4, 67), (54, 67)], [(33, 28), (33, 99)]],
    "5": [[(41, 5), (8, 5), (6.5, 42), *_arc(22.5, 61, 17.5, 24, 226, 528)]],
    "6": _SIX,
    "7": [[(-9, 5), (39, 5), (19, 99)]],
    "8": [_arc(22.5, 24, 15.5, 19, 0, 360), _arc(22.5, 64, 17.5, 21, 0, 360)],
    "9": _turned(_SIX),
    "A": [[(20, -6), (4, 99)], [(25, -6), (41, 99)], [(22.5, -6), (22.5, 20)], [(9, 65), (36, 65)]],
    "B": [_STEM, [(5, 5), *_arc(21, 24, 17, 19, -90, 90), (5, 43)], [(5, 43), *_arc(21, 64, 19, 21, -90, 90), (5, 85)]],
    "C": [_OPEN],
    "D": [_STEM, [(5, 5), *_arc(20, 25, 20, 20, -90, 0), *_arc(20, 65, 20, 20, 0, 90), (5, 85)]],
    "E": [_STEM, [(5, 5), (54, 5)], [(5, 44), (38, 44)], [(5, 85), (54, 85)]],
    "F": [_STEM, [(5, 5), (54, 5)], [(5, 45), (38, 45)]],
    "G": [[*_OPEN, (40, 51), (25, 51)]],
    "H": [_STEM, _RIGHT_STEM, [(5, 43), (40, 43)]],
    "I": [[(22.5, 5), (22.5, 85)], [(11, 5), (34, 5)], [(11, 85), (34, 85)]],
    "J": [[(38, -9), *_arc(21, 67.5, 17, 17.5, 0, 172)]],
    "K": [_STEM, [(43, -9), (8, 56)], [(18, 40), (42, 99)]],
    "L": [_STEM, [(5, 85), (54, 85)]],
    "M": [_STEM, _RIGHT_STEM, [(5, -4), (22.5, 62), (40, -4)]],
    "N": [_STEM, _RIGHT_STEM, [(5, -3), (40, 93)]],
    "O": [_arc(22.5, 45, 17.5, 40, 0, 360)],
    "P": [_STEM, [(5, 5), *_arc(21, 27, 19, 22, -90, 90), (5, 49)]],
    "Q": [_ROUND, [(25, 62), (44, 95)]],
    "R": [_STEM, [(5, 5), *_arc(21, 25, 19, 20, -90, 90), (5, 45)], [(24, 46), (41, 99)]],
    "S": [_arc(22.5, 23.5, 17.5, 18.5, -8, -248) + _arc(22.5, 64.5, 17.5, 20.5, -66, 172)],
    "T": [[(-9, 5), (54, 5)], [(22.5, 5), (22.5, 99)]],
    "U": [[(5, -9), *_lower(180, 0), (40, -9)]],
    "V": [[(3, -9), (20.5, 88), (24.5, 88), (42, -9)]],
    "W": [[(3, -9), (12, 88), (22.5, 4), (33, 88), (42, -9)]],
    "X": [[(3, -6), (42, 96)], [(42, -6), (3, 96)]],
    "Y": [[(3, -9), (22.5, 47), (42, -9)], [(22.5, 47), (22.5, 99)]],
    "Z": [[(-9, 5), (39, 5), (6, 85), (54, 85)]],
}
# New-energy plates stamp the 1 with a flag.
FLAG: Stroke = [(11, 24), (22.5, 6)]


def _strokes(character: str, flag: bool) -> list[Stroke]:
    return STROKES[character] + ([FLAG] if flag and character == "1" else [])


def _drawn(character: str, strokes: list[np.ndarray], size: tuple[int, int], thickness: float) -> np.ndarray:
    """Strokes in a cell of (width, height) at fine scale: uint8, 255 is ink."""
    canvas = np.zeros((size[1] * FINE, size[0] * FINE), np.uint8)
    pen = round(thickness * THIN.get(character, 1) * FINE)
    cv2.polylines(canvas, [np.round(stroke * FINE).astype(np.int32) for stroke in strokes], False, 255, pen)
    return canvas


def stroke_mask(character: str, width: int, thickness: float, flag: bool = False) -> np.ndarray:
    """A letter or digit in a cell of 90 x `width`, strokes of `thickness` mm: uint8, 255 is ink."""
    canvas = _drawn(character, [np.array(stroke) for stroke in _strokes(character, flag)], CELL, thickness)
    return cv2.resize(canvas, (width, CELL[1]), interpolation=cv2.INTER_AREA)


def cell_mask(character: str, width: int, height: int, thickness: float) -> np.ndarray:
    """A letter or digit in a cell of any size, strokes equally thick across and down: height x width uint8."""
    # What stands 5 mm within the edges of CELL is to stand half a stroke within those of the new one.
    half, size = thickness / 2, np.array([width, height])
    scale = (size - thickness) / (np.array(CELL) - 10)
    moved = [(np.array(stroke) - 5) * scale + half for stroke in _strokes(character, flag=True)]
    drawn = _drawn(character, moved, (width, height), thickness)
    return cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
