"""The middle of the window: the picture with its overlays, at any zoom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alpr_app.core.plate import Plate
from alpr_app.data.overlay import label
from alpr_app.evaluation.ground_truth import GroundTruth, Label
from alpr_app.evaluation.outcomes import MISSED, TEXT_WRONG
from alpr_app.viewer.app.commands import reset_light
from alpr_app.viewer.panels.busy import busy_note
from alpr_app.viewer.panels.comparison import comparison_strip
from alpr_app.viewer.panels.context import PanelContext, draw_dashed, elide, picture_colour
from alpr_app.viewer.panels.correction_canvas import CorrectionCanvas
from alpr_app.viewer.panels.detail import PIXELATED_FROM, draw_detail
from alpr_app.viewer.panels.menu import open_menu
from alpr_app.viewer.panels.picture_space import PictureTransform, draw_label
from alpr_app.viewer.panels.timeline import TimelinePanel, timeline_height
from alpr_app.viewer.panels.toolbar import toolbar
from alpr_app.viewer.panels.welcome import interruption_banner, model_banner, welcome
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.inputs import Hit
from alpr_app.viewer.toolkit.painter import Painter, Point, Rect
from alpr_app.viewer.toolkit.textures import Texture
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.workers.images import ImageItem

# Movement of the pointer that still counts as a click, in units.
CLICK_SLACK = 4.0


class CanvasPanel:
    """The picture with its overlays, below the toolbar."""

    def __init__(self) -> None:
        self._dragging = False
        self._timeline = TimelinePanel()
        self._corrections = CorrectionCanvas()

    def draw(self, context: PanelContext, rect: Rect) -> None:
        ui, state = context.ui, context.program.state
        with ui.area("canvas", rect, ui.theme.ground, padding=0):
            height = toolbar(context, rect)
            # A film has a timeline, a picture of a folder the readings of two models that are compared.
            below = timeline_height(context) or comparison_strip(context, rect)
            area = (rect[0], rect[1] + height, rect[2], rect[3] - height - below)
            image_item = state.image_item
            if image_item is None or image_item.display is None:
                state.hovered = -1
                welcome(context, area)
                model_banner(context, area)
                return
            ui.cursor = area[:2]
            hit = ui.hit("picture", area[2], area[3], overlap=True)
            self._handle_mouse(context, area, image_item, hit)
            with ui.painter.clip(area):
                texture = self._picture(context, area, image_item)
                if not self._corrections.draw(context, area, image_item, texture):
                    self._overlays(context, area, image_item)
            interruption_banner(context, area)
            busy_note(context, area)
            if not state.light.neutral:
                _light_banner(context, area)
            model_banner(context, area)
            self._timeline.draw(context, (rect[0], area[1] + area[3], rect[2], below))

    def _handle_mouse(self, context: PanelContext, area: Rect, image_item: ImageItem, hit: Hit) -> None:
        """Zoom, move and select with the mouse."""
        ui, state, view = context.ui, context.program.state, context.program.state.view
        size, canvas = image_item.size, area[2:]
        pointer = (ui.mouse.position[0] - area[0], ui.mouse.position[1] - area[1])
        if hit.hovered and ui.mouse.wheel:
            view.zoom_at(ui.mouse.wheel, pointer, size, canvas)
        if self._corrections.handle_mouse(context, area, image_item, hit):
            return
        if hit.held and max(map(abs, ui.drag_distance)) > CLICK_SLACK * ui.unit:
            self._dragging = True
        if hit.held and self._dragging:
            view.drag(ui.mouse.delta, size, canvas)
        if hit.double:
            view.fit()
        transform = PictureTransform(state.view.origin(size, canvas), state.view.scale(size, canvas), area)
        under = plate_under(state.plates, transform.to_picture(ui.mouse.position)) if hit.hovered else -1
        state.hovered = under
        if hit.clicked and not self._dragging:
            state.selected = under
        if not hit.held:
            self._dragging = False
        if hit.menu:
            self._menu(context, image_item, under)

    def _menu(self, context: PanelContext, image_item: ImageItem, under: int) -> None:
        """Open the menu of the plate under the pointer, else of the picture with the texts of all its plates."""
        state = context.program.state
        plate = state.plates[under] if under >= 0 else None
        if plate is not None:
            state.selected = under
        texts = [plate.text] if plate is not None else [other.text for other in state.plates if other.text]
        open_menu(context, "" if image_item.live else image_item.key, plate, ", ".join(texts))

    def _picture(self, context: PanelContext, area: Rect, image_item: ImageItem) -> Texture:
        view = context.program.state.view
        view.drawn_scale = scale = view.scale(image_item.size, area[2:])
        left, top = view.origin(image_item.size, area[2:])
        light = context.program.state.light
        display = image_item.display
        assert display is not None
        texture = context.textures.get(
            "canvas", (image_item.key, light, image_item.is_preview), lambda: light.applied(display)
        )
        context.textures.show_pixels(texture, scale * context.ui.pixel_ratio >= PIXELATED_FROM)
        # Aligned to whole pixels, so that a picture in actual size is not resampled.
        corner = (round(area[0] + left), round(area[1] + top))
        # At least one pixel, for very long and thin pictures.
        across, down = (max(1.0, side * scale) for side in image_item.size)
        context.ui.painter.picture(texture, (*corner, across, down))
        draw_detail(context, area, image_item, corner)
        return texture

    def _overlays(self, context: PanelContext, area: Rect, image_item: ImageItem) -> None:
        state, view = context.program.state, context.program.state.view
        transform = PictureTransform(
            view.origin(image_item.size, area[2:]), view.scale(image_item.size, area[2:]), area
        )
        taken: list[Rect] = []
        paint = context.ui.painter
        truth = state.ground_truth if state.settings.show_truth else None
        # A label may have a text but no position.
        placed = [label for label in (*truth.labels, *truth.unread) if label.box is not None] if truth else []
        for labelled in placed:
            self._draw_label_outline(context, paint, transform, labelled)
        marked = {state.selected, state.hovered, state.hovered_card}
        plates = list(enumerate(state.plates))
        for number, plate in plates:
            self._plate(context, paint, transform, plate, number in marked)
        if state.settings.show_text:
            self._label_texts(context, transform, taken, truth)
            for (number, plate), car in zip(plates, state.car_numbers, strict=True):
                colour = picture_colour(context, plate.confidence)
                text = f"#{car}  {label(plate)}" if car else label(plate)
                match = state.plate_match(plate) if truth else None
                text = f"{text}  {tr(match.outcome)}" if match is not None and match.outcome else text
                self._label(context, paint, transform, taken, plate.box, text, colour, number in marked)

    def _label_texts(
        self, context: PanelContext, transform: PictureTransform, taken: list[Rect], truth: GroundTruth | None
    ) -> None:
        """Write the labels of plates that were missed or whose text is wrong."""
        record, state, ui = context.program.state.canvas_record, context.program.state, context.ui
        matching = record.matching(state.settings.score, state.settings.confidence) if record is not None else None
        if truth is None or matching is None:
            return
        for labelled, outcome in zip(truth.labels, matching.labels, strict=True):
            if labelled.box is None or outcome not in (TEXT_WRONG, MISSED):
                continue
            missed = outcome == MISSED
            text = tr("label {text}", text=labelled.text) + (f"  {tr(outcome)}" if missed else "")
            colour = ui.theme.missed if missed else ui.theme.ground_truth
            self._label(context, ui.painter, transform, taken, labelled.box, text, colour, False, below=True)

    def _draw_label_outline(
        self, context: PanelContext, paint: Painter, transform: PictureTransform, labelled: Label
    ) -> None:
        ui = context.ui
        assert labelled.corners is not None
        points = [transform.to_screen(point) for point in labelled.corners]
        paint.line(points, ui.theme.halo, 4 * ui.unit, closed=True)
        draw_dashed(paint, points, ui.theme.ground_truth, 2 * ui.unit, 5 * ui.unit)

    def _plate(
        self, context: PanelContext, paint: Painter, transform: PictureTransform, plate: Plate, marked: bool
    ) -> None:
        ui, settings = context.ui, context.program.state.settings
        colour = picture_colour(context, plate.confidence)
        width = (3.0 if marked else 2.0) * ui.unit
        if settings.show_boxes:
            left, top, right, bottom = plate.box
            corners = [
                transform.to_screen(point) for point in ((left, top), (right, top), (right, bottom), (left, bottom))
            ]
            paint.line(corners, ui.theme.halo, width + 2 * ui.unit, closed=True)
            paint.line(corners, colour, width, closed=True)
        if settings.show_corners:
            points = [transform.to_screen(point) for point in plate.corners]
            if not settings.show_boxes:
                paint.line(points, ui.theme.halo, width + 2 * ui.unit, closed=True)
                paint.line(points, colour, width, closed=True)
            for number, point in enumerate(points):
                paint.dot(point, (4.4 if marked else 3.6) * ui.unit, ui.theme.halo)
                # The first corner is white and so shows the reading direction.
                paint.dot(point, (3.2 if marked else 2.5) * ui.unit, colour if number else ui.theme.label_text)

    def _label(
        self,
        context: PanelContext,
        paint: Painter,
        transform: PictureTransform,
        taken: list[Rect],
        box: Sequence[float] | np.ndarray,
        text: str,
        colour: Colour,
        marked: bool,
        below: bool = False,
    ) -> None:
        left, top = transform.to_screen(box[:2])
        right, bottom = transform.to_screen(box[2:])
        rect, gap = (left, top, right - left, bottom - top), 7 * context.ui.unit
        draw_label(context.ui, paint, text, colour, rect, transform.canvas, taken, gap, marked, below)


def _light_banner(context: PanelContext, area: Rect) -> None:
    """Button at the bottom that shows the changed brightness and contrast; a click resets them."""
    ui = context.ui
    margin = 10 * ui.unit
    text = elide(ui, f"{context.program.state.light.text}  ×", area[2] - 2 * margin - 18 * ui.unit)
    ui.cursor = (area[0] + margin, area[1] + area[3] - ui.row_height - margin)
    if ui.button(text, on=True, tip=tr("Reset brightness and contrast (0)")):
        reset_light(context.program)


def plate_under(plates: Sequence[Plate], point: Point) -> int:
    """Index of the smallest plate whose box contains `point`; -1 if there is none."""
    found, smallest = -1, np.inf
    for number, plate in enumerate(plates):
        left, top, right, bottom = plate.box
        area = (right - left) * (bottom - top)
        if left <= point[0] <= right and top <= point[1] <= bottom and area < smallest:
            found, smallest = number, area
    return found
