"""Tiles of pictures that are much larger than the detector's input, for plates too small in the whole picture.

The smallest tiles are twice as long as the detector's input, so that a plate 60 pixels wide is 30 pixels wide there,
with an input of 480. Each further size doubles the last one until the whole picture shows whatever is larger. Sizes
that grow like this need a small overlap only, and all larger ones together cost a third of the smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpr_app.core.geometry import Letterbox
from alpr_app.networks.detector.postprocess import Detection

# Length of the smallest tiles, in lengths of the detector's input.
SMALLEST_TILE = 2
# A picture is divided if it is longer than this many lengths of the detector's input, because plates 60 pixels wide
# are then narrower than 24 in an input of 480: of 60 scenes whose plate was so wide, 56 were found, and of those whose
# plate was half as wide, 7. At 30 pixels, as in the smallest tiles, it is 59.
MAXIMUM_REDUCTION = 2.5
# Share of a tile's length that it has in common with the next one. Plates up to an eighth of the length must lie within
# a tile with a margin on either side; for wider ones, there are tiles of twice the length or the whole picture.
OVERLAP = 1 / 6
# A detection nearer to a tile's edge than this, in pixels of the detector's input, may be a part of a plate.
CUT_MARGIN = 3.0
# Boxes that share more than this part of the smaller one show the same plate.
SAME_PLATE = 0.5


@dataclass(frozen=True)
class Tile:
    """A part of a picture in whole pixels: right and bottom are beyond the last ones."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        return self.bottom - self.top, self.right - self.left


def choose_tiles(height: int, width: int, long_side: int) -> list[list[Tile]]:
    """Divide a picture into overlapping tiles of several lengths.

    Args:
        height, width: Size of the picture in pixels.
        long_side: Length of the detector's input in pixels.

    Returns:
        The tiles of each length, smallest first; those of one length have the same size. No list if the picture is
        small enough to be seen whole.
    """
    levels = []
    shown = long_side
    length = SMALLEST_TILE * long_side
    while max(height, width) > MAXIMUM_REDUCTION * shown:
        rows, columns = _starts(height, length), _starts(width, length)
        high, wide = min(height, length), min(width, length)
        levels.append([Tile(left, top, left + wide, top + high) for top in rows for left in columns])
        shown, length = length, 2 * length
    return levels


def _starts(side: int, length: int) -> list[int]:
    """Return where tiles of `length` begin along a `side` of the picture, evenly spread."""
    overlap = round(OVERLAP * length)
    steps = max(0, -(-(side - length) // (length - overlap)))
    return [round(step * (side - length) / steps) for step in range(steps + 1)] if steps else [0]


@dataclass(frozen=True, eq=False)
class View:
    """What the detector is shown of a picture.

    Attributes:
        picture: The whole picture, H x W x 3 uint8.
        letterbox: How the view is put into the detector's input.
        tile: The part of the picture; None for the whole.
    """

    picture: np.ndarray
    letterbox: Letterbox
    tile: Tile | None = None

    @classmethod
    def of(cls, picture: np.ndarray, long_side: int, tile: Tile | None = None) -> View:
        """Choose the letterbox for a detector's input of length `long_side`."""
        height, width = picture.shape[:2] if tile is None else tile.size
        return cls(picture, Letterbox.for_long_side(height, width, long_side), tile)

    @property
    def part(self) -> np.ndarray:
        """The pixels of the view, not copied."""
        tile = self.tile
        return self.picture if tile is None else self.picture[tile.top : tile.bottom, tile.left : tile.right]

    def in_picture(self, plates: list[Detection]) -> list[Detection]:
        """Move detections from pixels of the view to pixels of the picture. Those at a tile's edge are left out,
        because they may be parts of plates, which lie whole in the next tile."""
        if self.tile is None:
            return plates
        offset = np.array([self.tile.left, self.tile.top], np.float32)
        moved = [Detection(each.score, each.box + np.tile(offset, 2), each.corners + offset) for each in plates]
        return [plate for plate in moved if not self._is_cut(plate)]

    def _is_cut(self, plate: Detection) -> bool:
        tile = self.tile
        assert tile is not None
        height, width = self.picture.shape[:2]
        across, down = (CUT_MARGIN / scale for scale in self.letterbox.scale)
        left, top, right, bottom = plate.box.tolist()
        # The picture's own edges cut nothing off that another tile shows.
        return (
            (left < tile.left + across and tile.left > 0)
            or (top < tile.top + down and tile.top > 0)
            or (right > tile.right - across and tile.right < width)
            or (bottom > tile.bottom - down and tile.bottom < height)
        )


def merge(plates: Sequence[Detection]) -> list[Detection]:
    """Keep each plate once although several views show it: non-maximum suppression by the shared part of the smaller
    box, because a part of a large plate may look like a plate in a small tile. Best first."""
    ordered = sorted(plates, key=lambda plate: -plate.score)
    boxes = np.array([plate.box for plate in ordered], np.float32).reshape(-1, 4)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept: list[int] = []
    for index, box in enumerate(boxes):
        shared = np.minimum(boxes[kept, 2:], box[2:]) - np.maximum(boxes[kept, :2], box[:2])
        common = shared.clip(0).prod(axis=1)
        if (common <= SAME_PLATE * np.minimum(areas[kept], areas[index])).all():
            kept.append(index)
    return [ordered[index] for index in kept]
