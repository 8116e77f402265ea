"""The marks of AVIF and HEIC that say how a picture is to be turned and mirrored (ISO 23008-12, irot and imir)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.boxes import boxes, first_box


@dataclass(frozen=True)
class TurnMarks:
    """marks: in the order in which they apply: ("turn", quarters to the left) or ("mirror", 0: top and bottom change
    places, 1: left and right do)."""

    marks: tuple[tuple[str, int], ...] = ()

    def apply(self, image: np.ndarray) -> np.ndarray:
        """The picture as it is meant to be seen."""
        for kind, value in self.marks:
            image = _turned(image, value) if kind == "turn" else cv2.flip(image, value)
        return image

    def undo(self, image: np.ndarray) -> np.ndarray:
        """The picture as it is stored."""
        for kind, value in reversed(self.marks):
            image = _turned(image, -value % 4) if kind == "turn" else cv2.flip(image, value)
        return image


def _turned(image: np.ndarray, quarters: int) -> np.ndarray:
    codes = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
    return cv2.rotate(image, codes[quarters]) if quarters in codes else image


def turn_marks(data: bytes) -> TurnMarks:
    """Those of the main picture in an AVIF or HEIC file."""
    try:
        return _turn_marks(data)
    except (struct.error, IndexError):
        # Damaged; whether it can be decoded all the same is for the decoder to say.
        return TurnMarks()


def _turn_marks(data: bytes) -> TurnMarks:
    meta = first_box(data, b"meta")
    if meta is None:
        return TurnMarks()
    inside = (meta[0] + 4, meta[1])
    main, holder = first_box(data, b"pitm", *inside), first_box(data, b"iprp", *inside)
    container = first_box(data, b"ipco", *holder) if holder else None
    if main is None or container is None:
        return TurnMarks()
    (item,) = struct.unpack_from(">I" if data[main[0]] else ">H", data, main[0] + 4)
    properties = list(boxes(data, *container))
    marks = []
    for index in _associated(data, holder, item):
        if 1 <= index <= len(properties):
            name, start, _ = properties[index - 1]
            if name == b"irot":
                marks.append(("turn", data[start] & 3))
            elif name == b"imir":
                marks.append(("mirror", data[start] & 1))
    return TurnMarks(tuple(marks))


def _associated(data: bytes, holder: tuple[int, int], item: int) -> list[int]:
    """The numbers of the properties of an item, in their order."""
    for name, start, end in boxes(data, *holder):
        if name != b"ipma":
            continue
        version, wide = data[start], data[start + 3] & 1
        (count,) = struct.unpack_from(">I", data, start + 4)
        position = start + 8
        for _ in range(count):
            if position >= end:
                break
            (owner,) = struct.unpack_from(">I" if version else ">H", data, position)
            position += 4 if version else 2
            number = data[position]
            position += 1
            step = 2 if wide else 1
            if owner == item:
                starts = range(position, position + step * number, step)
                # The highest bit says whether the property must be understood.
                mask = 0x7FFF if wide else 0x7F
                return [int.from_bytes(data[place : place + step], "big") & mask for place in starts]
            position += step * number
    return []
