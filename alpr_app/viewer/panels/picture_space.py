"""Where something lies on the picture that the canvas shows: conversion of coordinates, and room for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alpr_app.viewer.toolkit.painter import Painter, Point, Rect
from alpr_app.viewer.toolkit.theme import Colour

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit


class PictureTransform:
    """Converts between picture pixels and window coordinates.

    Args:
        origin: Position of the picture on the canvas.
        scale: Screen pixels per picture pixel.
        canvas: Rectangle of the canvas in the window.

    Attributes:
        scale, canvas: As given.
    """

    def __init__(self, origin: Point, scale: float, canvas: Rect) -> None:
        # Rounded like the picture itself.
        self._left, self._top = round(canvas[0] + origin[0]), round(canvas[1] + origin[1])
        self.scale, self.canvas = scale, canvas

    def to_screen(self, point: Sequence[float] | np.ndarray) -> Point:
        """Window coordinates of a point of the picture."""
        return self._left + float(point[0]) * self.scale, self._top + float(point[1]) * self.scale

    def to_picture(self, point: Point) -> Point:
        """Picture coordinates of a point in the window."""
        return (point[0] - self._left) / self.scale, (point[1] - self._top) / self.scale


def label_rect(
    box: Rect, size: Point, area: Rect, gap: float, taken: Sequence[Rect], below_first: bool = False
) -> Rect | None:
    """Find a rectangle for a label: above its box, else below (or the other way round with `below_first`).

    Returns:
        A rectangle inside `area` that overlaps none of `taken`; None if the box is not visible.
    """
    left, top, width, height = box
    if left > area[0] + area[2] or left + width < area[0] or top > area[1] + area[3] or top + height < area[1]:
        return None
    x = min(max(left, area[0] + 2), max(area[0] + 2, area[0] + area[2] - size[0] - 2))
    highest, lowest = area[1] + 2, area[1] + area[3] - size[1] - 2
    above, below = top - gap - size[1], top + height + gap
    steps = [number * (size[1] + 2) for number in range(6)]
    sides = [[above - step for step in steps], [below + step for step in steps]]
    rows = [y for side in (reversed(sides) if below_first else sides) for y in side]
    free = [y for y in rows if highest <= y <= lowest and not any(_overlap((x, y, *size), other) for other in taken)]
    return (x, free[0] if free else min(max(above, highest), lowest), *size)


def draw_label(
    ui: Toolkit,
    paint: Painter,
    text: str,
    colour: Colour,
    box: Rect,
    area: Rect,
    taken: list[Rect],
    gap: float,
    marked: bool = False,
    below: bool = False,
) -> None:
    """Draw a label at `box` where `label_rect` finds room for it, which is then taken."""
    pad = 6 * ui.unit
    size = (ui.text_width(text) + 2 * pad + 4 * ui.unit, ui.line_height + pad)
    rect = label_rect(box, size, area, gap, taken, below)
    if rect is None:
        return
    taken.append(rect)
    paint.fill(rect, ui.theme.label, 3 * ui.unit)
    paint.fill((rect[0], rect[1], 4 * ui.unit, rect[3]), colour, 2 * ui.unit)
    if marked:
        paint.outline(rect, colour, 3 * ui.unit, 1.5 * ui.unit)
    paint.text((rect[0] + pad + 4 * ui.unit, rect[1] + pad / 2), text, ui.theme.label_text)


def _overlap(first: Rect, second: Rect) -> bool:
    return (
        first[0] < second[0] + second[2]
        and second[0] < first[0] + first[2]
        and first[1] < second[1] + second[3]
        and second[1] < first[1] + first[3]
    )
