"""The dialog that opens a folder, file, camera or address, and the one that goes to a picture by its number."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from alpr_app.data.assets import SAMPLES
from alpr_app.data.network import MASK, is_address
from alpr_app.viewer.panels.context import PanelContext, elide, heading, icon_button, icon_width, scroll_to_row
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import SMALL, Point, Rect
from alpr_app.viewer.workers.cameras import Camera
from alpr_app.viewer.workers.folders import open_error, start_folders
from alpr_app.viewer.workers.picker import PARENT

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit


def camera_list(context: PanelContext, open_camera: Callable[[int], None]) -> None:
    """Draw the list of cameras with a button that searches again; a click on a row calls `open_camera`."""
    ui, program = context.ui, context.program
    listing, address = program.cameras, program.live.address if program.live is not None else None
    busy = address if isinstance(address, int) else None
    if listing.result is None:
        listing.refresh(busy)
    ui.space(2 * ui.unit)
    left, top = ui.cursor
    width = ui.room[0]
    ui.painter.text(
        (left, top + (ui.row_height - ui.line_height) / 2 + 2 * ui.unit), tr("Cameras").upper(), ui.theme.dim, SMALL
    )
    ui.cursor = (left + width - icon_width(ui), top)
    if icon_button(context, "refresh cameras", "refresh", tr("Look for cameras again"), enabled=not listing.busy):
        listing.refresh(busy)
    if not listing.result:
        ui.text(
            tr("No camera found") if listing.result == () and not listing.busy else tr("Searching..."), ui.theme.dim
        )
        return
    for camera in listing.result:
        if _row(context, camera, camera.number == busy):
            open_camera(camera.number)


def _row(context: PanelContext, camera: Camera, current: bool) -> bool:
    """Draw the row of a camera; returns whether it was clicked."""
    ui, theme, unit = context.ui, context.ui.theme, context.ui.unit
    left, top = ui.cursor
    width, height = ui.room[0], ui.row_height
    hit = ui.hit(f"camera {camera.number}", width, height)
    name = camera.name or tr("Camera")
    ui.tooltip(tr("Open camera {number}, {name}", number=camera.number, name=name))
    ground = theme.accent_dim if current else theme.pressed if hit.hovered else theme.raised
    ui.painter.fill((left, top, width, height), ground, 4 * unit)
    y = top + (height - ui.line_height) / 2
    ui.painter.text((left + 10 * unit, y), str(camera.number), theme.text if current or hit.hovered else theme.dim)
    ui.painter.text((left + 32 * unit, y), elide(ui, name, width - 42 * unit), theme.text)
    return hit.clicked


GOTO_WIDTH = 260


class GotoDialog:
    """The dialog that goes to a picture by its number."""

    def __init__(self) -> None:
        self._text = ""
        # The field is empty and has the focus when the dialog appears.
        self.just_opened = True

    def draw(self, context: PanelContext, window: Rect) -> None:
        ui, state = context.ui, context.program.state
        if self.just_opened:
            self._text = ""
        width, height = min(GOTO_WIDTH * ui.unit, window[2] - 20), ui.row_height + 20 * ui.unit
        with ui.area("goto ground", window, ui.theme.clear, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.goto_dialog_open = False
        rect = ((window[2] - width) / 2, 60 * ui.unit, width, height)
        with ui.area("goto", rect, ui.theme.raised, on_top=True):
            hint = tr("Go to picture 1 to {last:,}", last=len(state.image_list.names))
            self._text, entered = ui.text_field("number", self._text, hint, focus=self.just_opened)
        self.just_opened = False
        if entered:
            state.goto_dialog_open = False
            # Accepts `1,234` as well, the format in which numbers are shown; text without digits is ignored.
            digits = "".join(letter for letter in self._text if letter in "0123456789")
            if digits:
                # Limited because Python refuses to parse thousands of digits.
                context.program.go(int(digits[:18]))


OPEN_WIDTH, OPEN_HEIGHT = 760, 560
# Fraction of the width for places, cameras and recent folders.
LEFT_SHARE = 0.4


class OpenDialog:
    """The dialog that opens another source."""

    def __init__(self) -> None:
        self._text = self._error = ""
        self._places: list[tuple[str, str]] = []
        # The field has the focus when the dialog appears.
        self.just_opened = True
        self._focus = False
        self._scrolled_to = -1

    def draw(self, context: PanelContext, window: Rect) -> None:
        ui, state = context.ui, context.program.state
        if self.just_opened:
            self._begin(context)
        width, height = min(OPEN_WIDTH * ui.unit, window[2] - 20), min(OPEN_HEIGHT * ui.unit, window[3] - 20)
        rect = ((window[2] - width) / 2, (window[3] - height) / 2.6, width, height)
        with ui.area("open dialog ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.open_dialog_open = False
        with ui.area("open dialog", rect, ui.theme.panel, padding=16, on_top=True):
            self._address(context)
            share = LEFT_SHARE * ui.room[0]
            with ui.child("left", share):
                self._known_places(context)
                camera_list(context, lambda number: self._open(context, number))
                self._recent(context)
            ui.same_line(14 * ui.unit)
            with ui.child("right", scrolls=False):
                self._folders(context)
        self.just_opened = False

    def _begin(self, context: PanelContext) -> None:
        program = context.program
        self._text = self._error = ""
        self._places, self._focus = start_folders(), True
        program.folder_picker.go(program.state.folder or program.folder_picker.path or self._places[0][1])

    def _open(self, context: PanelContext, target: str | int) -> None:
        """Open `target`, or show why it cannot be opened."""
        self._error = open_error(target) if isinstance(target, str) else ""
        if not self._error:
            context.program.state.open_dialog_open = False
            context.program.open(target)

    def _address(self, context: PanelContext) -> None:
        ui, folder_picker = context.ui, context.program.folder_picker
        ui.text(tr("Open a folder, a picture, a video or an address"))
        width = ui.text_width(tr("Open")) + 30 * ui.unit
        hint = tr("/path/to/pictures   or   rtsp://camera/stream")
        before = self._text
        focus, self._focus = self._focus, False
        self._text, entered = ui.text_field("address", before, hint, ui.room[0] - width - ui.gap[0], focus=focus)
        if self._text != before:
            self._error, folder_picker.cursor = "", -1
            folder_picker.follow(self._text.strip())
        ui.same_line()
        target = self._text.strip()
        # Also without the focus, which a click in the list has taken from the field.
        entered |= any(key in ("Enter", "Keypad enter") for key, _ in ui.inputs.pressed)
        clicked = ui.button(tr("Open"), width, enabled=bool(target))
        if entered and folder_picker.cursor >= 0:
            self._enter(context, folder_picker.cursor)
        elif (clicked or entered) and target:
            self._open(context, int(target) if target.isdecimal() else target)
        self._focus |= entered
        for key, _ in ui.inputs.pressed:
            if key in ("Down", "Up"):
                folder_picker.move(1 if key == "Down" else -1)
        message = self._error or tr("Enter opens the path or address; ↑ and ↓ choose a row below")
        ui.text(elide(ui, message, ui.room[0]), ui.theme.wrong if self._error else ui.theme.dim)

    def _enter(self, context: PanelContext, row: int) -> None:
        """Go into a folder of the list, which Enter or a click on Open then opens; or open a file."""
        folder_picker = context.program.folder_picker
        chosen = folder_picker.rows[row]
        path = folder_picker.path_of(chosen)
        if chosen.is_folder:
            folder_picker.go(path)
            self._show_path(context)
        else:
            self._open(context, path)

    def _show_path(self, context: PanelContext) -> None:
        """Show the current folder of the list in the field."""
        self._text, self._error, self._scrolled_to = context.program.folder_picker.path, "", -2

    def _known_places(self, context: PanelContext) -> None:
        heading(context.ui, tr("Places"))
        for number, (name, path) in enumerate(self._places):
            if self._place_row(context, f"place {number}", name, path if path != name else ""):
                context.program.folder_picker.go(path)
                self._show_path(context)

    def _recent(self, context: PanelContext) -> None:
        ui, state = context.ui, context.program.state
        heading(ui, tr("Recently opened"))
        recent = [target for target in state.settings.recent if target != str(SAMPLES)]
        for number, target in enumerate([*recent, str(SAMPLES)]):
            name = tr("Sample pictures") if target == str(SAMPLES) else os.path.basename(target) or target
            if is_address(target):
                self._address_row(context, number, target)
            elif self._place_row(context, f"recent {number}", name, target):
                self._open(context, target)

    def _address_row(self, context: PanelContext, number: int, address: str) -> None:
        """A recent address; the password was not stored, so that an address with *** can only be completed."""
        if not self._place_row(context, f"recent {number}", address, ""):
            return
        if MASK in address:
            self._text, self._error, self._focus = address, "", True
        else:
            self._open(context, address)

    def _place_row(self, context: PanelContext, key: str, name: str, path: str) -> bool:
        """Draw a row with a name and its path; returns whether it was clicked."""
        ui = context.ui
        left, top = ui.cursor
        width, height = ui.room[0], ui.row_height
        hit = ui.hit(key, width, height)
        ui.tooltip(path)
        paint, y = ui.painter, top + (height - ui.line_height) / 2
        paint.fill((left, top, width, height), ui.theme.raised if hit.hovered else ui.theme.field, 4 * ui.unit)
        pad = 10 * ui.unit
        shown = elide(ui, name, width * 0.6)
        paint.text((left + pad, y), shown, ui.theme.text)
        room = width - ui.text_width(shown) - 4 * pad
        if path and room > 40 * ui.unit:
            shown_path = elide(ui, path, room, middle=True)
            paint.text((left + width - ui.text_width(shown_path) - pad, y), shown_path, ui.theme.dim)
        return hit.clicked

    def _folders(self, context: PanelContext) -> None:
        """The content of the current folder; only visible rows are drawn."""
        ui, folder_picker, path = context.ui, context.program.folder_picker, context.program.folder_picker.path
        heading(ui, tr("Folders and files"))
        left, top = ui.cursor
        if icon_button(context, "picker up", "up", tr("Parent folder"), enabled=os.path.dirname(path) != path):
            folder_picker.go(os.path.dirname(path))
            self._show_path(context)
        x = left + icon_width(ui) + ui.gap[0]
        y = top + (ui.row_height - ui.line_height) / 2
        ui.painter.text((x, y), elide(ui, folder_picker.path, left + ui.room[0] - x, middle=True), ui.theme.text)
        content = folder_picker.content
        below = ui.line_height + ui.gap[1]
        with ui.child("folders", 0, -below):
            self._rows(context)
        if content is None:
            ui.text(tr("Loading..."), ui.theme.dim)
        elif content.error:
            ui.text(content.error, ui.theme.wrong)
        else:
            ui.text(tr("{count:,} pictures directly in this folder", count=content.pictures), ui.theme.dim)

    def _rows(self, context: PanelContext) -> None:
        ui, folder_picker = context.ui, context.program.folder_picker
        rows = folder_picker.rows
        left, top = ui.cursor
        width, height = ui.room
        row = round(ui.line_height + 8 * ui.unit)
        if folder_picker.cursor != self._scrolled_to:
            scroll_to_row(ui, max(0, folder_picker.cursor) * row, row, height)
            self._scrolled_to = folder_picker.cursor
        first = int(ui.scroll / row)
        for number, entry in enumerate(rows[first : first + int(height / row) + 2], first):
            y = top + number * row
            ui.cursor = (left, y)
            hit = ui.hit(f"row {number}", width, row)
            if hit.hovered or number == folder_picker.cursor:
                ground = ui.theme.accent_dim if number == folder_picker.cursor else ui.theme.field
                ui.painter.fill((left, y, width, row), ground, 3 * ui.unit)
            left_of_text = left + (28 if entry.is_folder else 10) * ui.unit
            if entry.is_folder:
                _folder_icon(ui, (left + 10 * ui.unit, y + row / 2))
            title = tr("parent folder") if entry.name == PARENT else entry.name
            label = elide(ui, title, left + width - left_of_text - 10 * ui.unit, middle=True)
            tint = ui.theme.dim if entry.name == PARENT else ui.theme.text
            ui.painter.text((left_of_text, y + (row - ui.line_height) / 2), label, tint)
            if hit.clicked:
                self._enter(context, number)
                # The list has changed.
                break
        ui.cursor = (left, top)
        ui.space(len(rows) * row)


def _folder_icon(ui: Toolkit, point: Point) -> None:
    """Draw a folder; `point` is the middle of its left edge."""
    x, y = point
    unit, colour = ui.unit, ui.theme.dim
    ui.painter.fill((x, y - 5 * unit, 6 * unit, 4 * unit), colour, 1 * unit)
    ui.painter.fill((x, y - 3 * unit, 13 * unit, 9 * unit), colour, 1 * unit)
