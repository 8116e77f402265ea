"""Labels on the picture while they are corrected: plates and corners that can be dragged, a loupe, new plates."""

from __future__ import annotations

from collections.abc import Sequence

from alpr_app.viewer.app import label_draft
from alpr_app.viewer.app.corrections import Corrections
from alpr_app.viewer.app.label_draft import STATE_NAMES, Corners, DraftPlate
from alpr_app.viewer.panels.context import PanelContext, draw_dashed
from alpr_app.viewer.panels.picture_space import PictureTransform, draw_label
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.inputs import Hit
from alpr_app.viewer.toolkit.painter import Painter, Point, Rect
from alpr_app.viewer.toolkit.textures import Texture
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.workers.images import ImageItem

# Radius of a handle, and how near to a corner the pointer takes hold of it, in units.
HANDLE, REACH = 6.0, 12.0
# Movement of the pointer that still counts as a click, in units.
SLACK = 3.0
LOUPE_SIDE = 168.0
# Enlargement of the loupe over the canvas, and its least and greatest scale in screen pixels per picture pixel.
LOUPE_TIMES, LOUPE_SCALES = 4.0, (6.0, 32.0)


class CorrectionCanvas:
    """The labels of the picture on the canvas."""

    def __init__(self) -> None:
        self._held = False
        # Where the button was pressed, in pixels of the picture, and whether the pointer has moved since.
        self._pressed: Point = (0.0, 0.0)
        self._moved = False
        # Corners of the plate that is held when it was taken hold of; None if none is.
        self._start: Corners | None = None
        # The corner under the pointer, which the loupe shows; None if there is none.
        self._near: Point | None = None

    def handle_mouse(self, context: PanelContext, area: Rect, image_item: ImageItem, hit: Hit) -> bool:
        """Drag, select and draw plates; returns whether the mouse is used for that."""
        corrections = context.program.corrections
        if not corrections.active or not corrections.path:
            self._held, self._start, self._near = False, None, None
            return False
        ui = context.ui
        transform = _transform(context, area, image_item)
        pointer = transform.to_picture(ui.mouse.position)
        began, ended = hit.held and not self._held, self._held and not hit.held
        self._held = hit.held
        if began:
            self._pressed, self._moved, self._start = pointer, False, None
        self._moved |= hit.held and max(map(abs, ui.drag_distance)) > SLACK * ui.unit
        if corrections.drawing is not None:
            if ended:
                self._finish_drawing(corrections, pointer)
            return True
        reach = REACH * ui.unit / transform.scale
        grip = _grip(corrections, pointer, reach) if hit.hovered and not hit.held else None
        if grip is not None or not hit.held:
            self._near = _corner_at(corrections, grip) if grip is not None and grip[1] >= 0 else None
        if began and (grip := _grip(corrections, pointer, reach)) is not None:
            corrections.select(grip[0])
            corrections.corner = grip[1]
            plate = corrections.plate
            self._start = corrections.dragged or (plate.corners if plate is not None else None)
        if self._start is None:
            return False
        if hit.double:
            corrections.focus_field = True
        if self._moved:
            self._drag(corrections, pointer)
        if ended:
            if self._moved and corrections.dragged is not None:
                corrections.set_corners(corrections.dragged)
            self._start = None
        context.program.state.hovered = -1
        return True

    def _drag(self, corrections: Corrections, pointer: Point) -> None:
        assert self._start is not None
        delta = pointer[0] - self._pressed[0], pointer[1] - self._pressed[1]
        if corrections.corner < 0:
            corrections.dragged = label_draft.moved(self._start, delta, corrections.size)
            return
        corners = list(self._start)
        x, y = corners[corrections.corner]
        corners[corrections.corner] = self._near = label_draft.clamped((x + delta[0], y + delta[1]), corrections.size)
        corrections.dragged = tuple(corners)

    def _finish_drawing(self, corrections: Corrections, pointer: Point) -> None:
        """The button was released: the end of a box, or one more corner."""
        if self._moved:
            corrections.add(_box(self._pressed, pointer))
            return
        assert corrections.drawing is not None
        corrections.drawing.append(label_draft.clamped(pointer, corrections.size))
        if len(corrections.drawing) == 4:
            corrections.add(corrections.drawing)

    def draw(self, context: PanelContext, area: Rect, image_item: ImageItem, texture: Texture) -> bool:
        """Draw the labels; returns whether they are being corrected, so that nothing else is drawn over the picture."""
        corrections = context.program.corrections
        if not corrections.active or not corrections.path:
            return False
        transform = _transform(context, area, image_item)
        taken: list[Rect] = []
        for number, plate in enumerate(corrections.plates):
            corners = corrections.dragged if number == corrections.selected else None
            corners = corners or plate.corners
            if corners is not None:
                _plate(context, transform, number, plate, corners, taken)
        if corrections.drawing is not None:
            self._draw_new(context, area, transform, corrections.drawing)
        elif self._near is not None:
            _loupe(context, area, image_item, texture, self._near)
        return True

    def _draw_new(self, context: PanelContext, area: Rect, transform: PictureTransform, points: list[Point]) -> None:
        """Draw the plate that is being drawn, and lines through the pointer."""
        ui, paint = context.ui, context.ui.painter
        x, y = ui.mouse.position
        if area[0] <= x <= area[0] + area[2] and area[1] <= y <= area[1] + area[3]:
            for line in ([(area[0], y), (area[0] + area[2], y)], [(x, area[1]), (x, area[1] + area[3])]):
                paint.line(line, ui.theme.halo, 3 * ui.unit)
                paint.line(line, ui.theme.label_text, 1 * ui.unit)
        pointer = transform.to_picture((x, y))
        corners = _box(self._pressed, pointer) if self._held and self._moved else (*points, pointer)
        shown = [transform.to_screen(point) for point in corners]
        if len(shown) > 1:
            paint.line(shown, ui.theme.halo, 4 * ui.unit, closed=True)
            paint.line(shown, ui.theme.ground_truth, 2 * ui.unit, closed=True)
        for point in shown[: len(points)]:
            paint.dot(point, (HANDLE - 1) * ui.unit, ui.theme.ground_truth)


def _transform(context: PanelContext, area: Rect, image_item: ImageItem) -> PictureTransform:
    view, size, canvas = context.program.state.view, image_item.size, area[2:]
    return PictureTransform(view.origin(size, canvas), view.scale(size, canvas), area)


def _box(first: Point, second: Point) -> Corners:
    left, right = sorted((first[0], second[0]))
    top, bottom = sorted((first[1], second[1]))
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _grip(corrections: Corrections, pointer: Point, reach: float) -> tuple[int, int] | None:
    """The plate and the corner within `reach` of the pointer, -1 for the plate as a whole; None if there is none.

    The selected plate comes first, then the smaller one.
    """
    found: list[tuple[bool, float, int, int]] = []
    for number, plate in enumerate(corrections.plates):
        selected = number == corrections.selected
        corners = (corrections.dragged if selected else None) or plate.corners
        if corners is None:
            continue
        for corner, (x, y) in enumerate(corners):
            distance = max(abs(x - pointer[0]), abs(y - pointer[1]))
            if distance <= reach:
                found.append((not selected, distance - 1e6, number, corner))
        if _inside(corners, pointer):
            left, top, right, bottom = (end(point[axis] for point in corners) for end in (min, max) for axis in (0, 1))
            found.append((not selected, (right - left) * (bottom - top), number, -1))
    return min(found)[2:] if found else None


def _corner_at(corrections: Corrections, grip: tuple[int, int]) -> Point | None:
    number, corner = grip
    corners = (corrections.dragged if number == corrections.selected else None) or corrections.plates[number].corners
    return corners[corner] if corners is not None else None


def _inside(corners: Corners, point: Point) -> bool:
    """Whether a point is in a quadrilateral, by the number of edges to its right."""
    inside = False
    for (x, y), (to_x, to_y) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (y > point[1]) != (to_y > point[1]) and point[0] < x + (to_x - x) * (point[1] - y) / (to_y - y):
            inside = not inside
    return inside


def _colour(context: PanelContext, plate: DraftPlate, corners: Corners) -> Colour:
    theme = context.ui.theme
    if label_draft.fault(corners):
        return theme.wrong
    return theme.picture_uncertain if context.program.corrections.guessed else theme.ground_truth


def _plate(
    context: PanelContext,
    transform: PictureTransform,
    number: int,
    plate: DraftPlate,
    corners: Corners,
    taken: list[Rect],
) -> None:
    ui, paint, corrections = context.ui, context.ui.painter, context.program.corrections
    selected, colour = number == corrections.selected, _colour(context, plate, corners)
    points = [transform.to_screen(point) for point in corners]
    width = (2.5 if selected else 2.0) * ui.unit
    paint.line(points, ui.theme.halo, width + 2.5 * ui.unit, closed=True)
    if corrections.guessed or plate.unreadable:
        draw_dashed(paint, points, colour, width, 5 * ui.unit)
    else:
        paint.line(points, colour, width, closed=True)
    if selected:
        _handles(context, paint, points, colour)
    note = tr("first guess") if corrections.guessed else tr(STATE_NAMES.get(plate.state, ""))
    text = "  ".join(part for part in (plate.text or "?", note) if part)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    draw_label(ui, paint, text, colour, box, transform.canvas, taken, 10 * ui.unit, selected)


def _handles(context: PanelContext, paint: Painter, points: Sequence[Point], colour: Colour) -> None:
    ui, corrections = context.ui, context.program.corrections
    for number, point in enumerate(points):
        near = number == corrections.corner
        paint.dot(point, (HANDLE + (3 if near else 1.5)) * ui.unit, ui.theme.halo)
        # The first corner is white and so shows the reading direction.
        paint.ring(point, HANDLE * ui.unit, colour if number else ui.theme.label_text, (3.5 if near else 2) * ui.unit)


def _loupe(context: PanelContext, area: Rect, image_item: ImageItem, texture: Texture, corner: Point) -> None:
    """Draw the surroundings of a corner enlarged, on the side of the canvas where the pointer is not."""
    ui, paint, corrections = context.ui, context.ui.painter, context.program.corrections
    unit = ui.unit
    side = min(LOUPE_SIDE * unit, area[2] / 2, area[3] / 2)
    scale = min(max(LOUPE_TIMES * context.program.state.view.drawn_scale, LOUPE_SCALES[0]), LOUPE_SCALES[1])
    at_right = ui.mouse.position[0] < area[0] + area[2] / 2
    margin = 10 * unit
    left = area[0] + area[2] - side - margin if at_right else area[0] + margin
    rect = (left, area[1] + margin, side, side)
    middle = (left + side / 2, rect[1] + side / 2)
    with paint.clip(rect):
        paint.fill(rect, ui.theme.ground)
        x, y = middle[0] - corner[0] * scale, middle[1] - corner[1] * scale
        paint.picture(texture, (x, y, image_item.size[0] * scale, image_item.size[1] * scale))
        for number, plate in enumerate(corrections.plates):
            corners = (corrections.dragged if number == corrections.selected else None) or plate.corners
            if corners is not None:
                points = [(x + point[0] * scale, y + point[1] * scale) for point in corners]
                paint.line(points, ui.theme.halo, 3 * unit, closed=True)
                paint.line(points, _colour(context, plate, corners), 1.5 * unit, closed=True)
        paint.ring(middle, 5 * unit, ui.theme.label_text, 1.5 * unit)
    paint.outline(rect, ui.theme.halo, 0, 4 * unit)
    paint.outline(rect, ui.theme.label_text, 0, 1.5 * unit)
