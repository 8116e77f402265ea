"""The visible part of a picture that is larger than its texture, in all its pixels."""

from __future__ import annotations

from math import ceil, floor

from alpr_app.viewer.panels.context import PanelContext
from alpr_app.viewer.toolkit.painter import Point, Rect
from alpr_app.viewer.workers.images import DISPLAY_SIDE, ImageItem

# From this magnification on, pixels are drawn as squares.
PIXELATED_FROM = 4.0
# Parts begin and end at multiples of this, so that moving the picture does not upload a new one in each frame.
GRID = 512


def visible_part(size: tuple[int, int], corner: Point, scale: float, area: Rect) -> tuple[int, int, int, int]:
    """The part of a picture that is visible in `area`, widened to multiples of GRID: left, top, right, bottom.

    Args:
        size: Width and height of the picture.
        corner: Position of its upper left corner in the window.
        scale: Screen pixels per picture pixel.
        area: Rectangle of the canvas in the window.
    """
    low = [floor((area[axis] - corner[axis]) / scale / GRID) * GRID for axis in (0, 1)]
    high = [ceil((area[axis] + area[axis + 2] - corner[axis]) / scale / GRID) * GRID for axis in (0, 1)]
    left, top = (min(max(0, start), size[axis]) for axis, start in enumerate(low))
    right, bottom = (min(max(0, end), size[axis]) for axis, end in enumerate(high))
    return left, top, right, bottom


def draw_detail(context: PanelContext, area: Rect, image_item: ImageItem, corner: Point) -> None:
    """Draw the visible part over the reduced picture, if the zoom shows more than that has."""
    image, display = image_item.image, image_item.display
    state, ratio = context.program.state, context.ui.pixel_ratio
    scale = state.view.drawn_scale
    if image is None or display is None or display is image:
        return
    if scale * ratio <= display.shape[1] / image.shape[1]:
        return
    left, top, right, bottom = visible_part(image_item.size, corner, scale, area)
    if not (0 < right - left <= DISPLAY_SIDE and 0 < bottom - top <= DISPLAY_SIDE):
        return
    light = state.light
    version = (image_item.key, light, left, top, right, bottom)
    texture = context.textures.get("detail", version, lambda: light.applied(image[top:bottom, left:right]))
    context.textures.show_pixels(texture, scale * ratio >= PIXELATED_FROM)
    place = (corner[0] + left * scale, corner[1] + top * scale)
    context.ui.painter.picture(texture, (*place, (right - left) * scale, (bottom - top) * scale))
