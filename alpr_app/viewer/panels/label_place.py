"""The dialog that chooses where corrected labels are saved."""

from __future__ import annotations

import os

from alpr_app.viewer.panels.context import PanelContext, elide
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import Rect

WIDTH = 620


class PlaceDialog:
    """The dialog that chooses where corrected labels are saved."""

    def __init__(self) -> None:
        self._text = ""
        self._opened = False

    def draw(self, context: PanelContext, window: Rect) -> None:
        """Draw the dialog if it is open."""
        ui, corrections = context.ui, context.program.corrections
        place = corrections.session.place if corrections.session is not None else None
        if not corrections.place_dialog_open or place is None or corrections.places is None:
            self._opened = False
            corrections.place_dialog_open = False
            return
        focus = not self._opened
        if focus:
            self._text, self._opened = place.labels, True
        own = corrections.places.own_folder(place.pictures)
        width = min(WIDTH * ui.unit, window[2] - 20)
        height = min(3 * (ui.row_height + ui.gap[1]) + 5 * (ui.line_height + ui.gap[1]) + 50 * ui.unit, window[3] - 20)
        with ui.area("place ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                corrections.place_dialog_open = False
        rect = ((window[2] - width) / 2, (window[3] - height) / 2.6, width, height)
        with ui.area("place dialog", rect, ui.theme.panel, padding=16, on_top=True):
            ui.text(tr("Where the labels of these pictures are saved"))
            ui.text(elide(ui, place.pictures, ui.room[0], middle=True), ui.theme.dim)
            ui.space(4 * ui.unit)
            if self._choice(context, tr("With the program's data"), own, place.labels == own):
                self._choose(context, own)
            if self._choice(context, tr("Beside the pictures"), place.pictures, place.is_beside):
                self._choose(context, place.pictures)
            ui.text(tr("Or in this folder"), ui.theme.dim)
            button = ui.text_width(tr("Save there")) + 30 * ui.unit
            self._text, entered = ui.text_field(
                "place", self._text, tr("/path/of/a/folder"), ui.room[0] - button - ui.gap[0], focus
            )
            ui.same_line()
            target = os.path.expanduser(self._text.strip())
            if (ui.button(tr("Save there"), button, enabled=os.path.isabs(target)) or entered) and os.path.isabs(
                target
            ):
                self._choose(context, target)
            note = tr("Labels saved so far move there; training and `alpr eval` take that folder")
            ui.text(note, ui.theme.dim, wrapped=True)

    def _choice(self, context: PanelContext, title: str, path: str, chosen: bool) -> bool:
        """Draw a row with a folder; returns whether it was clicked."""
        ui = context.ui
        left, top = ui.cursor
        width, height = ui.room[0], ui.row_height
        hit = ui.hit(title, width, height)
        ui.tooltip(path)
        ground = ui.theme.accent_dim if chosen else ui.theme.pressed if hit.hovered else ui.theme.raised
        ui.painter.fill((left, top, width, height), ground, 4 * ui.unit)
        if chosen:
            ui.painter.outline((left, top, width, height), ui.theme.accent, 4 * ui.unit)
        y, pad = top + (height - ui.line_height) / 2, 10 * ui.unit
        ui.painter.text((left + pad, y), title, ui.theme.text)
        room = width - ui.text_width(title) - 4 * pad
        shown = elide(ui, path, room, middle=True) if room > 40 * ui.unit else ""
        colour = ui.theme.text if chosen or hit.hovered else ui.theme.dim
        ui.painter.text((left + width - ui.text_width(shown) - pad, y), shown, colour)
        return hit.clicked

    def _choose(self, context: PanelContext, folder: str) -> None:
        corrections = context.program.corrections
        corrections.place_dialog_open = False
        if corrections.session is not None:
            corrections.session.choose_place(folder)
