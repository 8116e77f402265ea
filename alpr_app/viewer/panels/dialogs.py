"""The dialogs: to open another source (a path or an address, a folder found by going there, a camera) and to go to a
picture by its number.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from alpr_app.data.assets import SAMPLES
from alpr_app.viewer.panels.context import Stage, elided, follow, heading, icon_button, icon_width
from alpr_app.viewer.toolkit.painter import SMALL, Rect
from alpr_app.viewer.workers.cameras import Camera
from alpr_app.viewer.workers.folders import ABOVE, places, trouble_with


def cameras_part(stage: Stage, open_camera: Callable[[int], None]) -> None:
    """A heading with a button that looks again, and a row for each camera, which opens it."""
    ui, program = stage.ui, stage.program
    listing, address = program.cameras, program.live.address if program.live is not None else None
    busy = address if isinstance(address, int) else None
    if listing.result is None:
        listing.refresh(busy)
    ui.space(2 * ui.em)
    left, top = ui.cursor
    width = ui.room[0]
    ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2 + 2 * ui.em), "CAMERAS", ui.theme.dim, SMALL)
    ui.cursor = (left + width - icon_width(ui), top)
    if icon_button(stage, "cameras again", "again", "Look for cameras again", enabled=not listing.busy):
        listing.refresh(busy)
    if not listing.result:
        ui.text("No camera is there" if listing.result == () and not listing.busy else "Looking...", ui.theme.dim)
        return
    for camera in listing.result:
        if _row(stage, camera, camera.number == busy):
            open_camera(camera.number)


def _row(stage: Stage, camera: Camera, current: bool) -> bool:
    """Whether it was clicked."""
    ui, theme, em = stage.ui, stage.ui.theme, stage.ui.em
    left, top = ui.cursor
    width, height = ui.room[0], ui.row_height
    hit = ui.hit(f"camera {camera.number}", width, height)
    name = camera.name or "Camera"
    ui.tip(f"Open camera {camera.number}, {name}")
    ground = theme.accent_dim if current else theme.pressed if hit.hovered else theme.raised
    ui.painter.surface((left, top, width, height), ground, 4 * em)
    y = top + (height - ui.line_height) / 2
    ui.painter.text((left + 10 * em, y), str(camera.number), theme.text if current else theme.dim)
    ui.painter.text((left + 32 * em, y), elided(ui, name, width - 42 * em), theme.text)
    return hit.clicked


WIDTH = 260


class Jumper:
    def __init__(self) -> None:
        self._text = ""
        # The field is empty and ready to be typed into as soon as it appears.
        self.fresh = True

    def draw(self, stage: Stage, window: Rect) -> None:
        ui, state = stage.ui, stage.program.state
        if self.fresh:
            self._text = ""
        width, height = min(WIDTH * ui.em, window[2] - 20), ui.row_height + 20 * ui.em
        with ui.area("jumper ground", window, ui.theme.clear, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.jump_open = False
        place = ((window[2] - width) / 2, 60 * ui.em, width, height)
        with ui.area("jumper", place, ui.theme.raised, on_top=True):
            hint = f"Go to picture 1 to {len(state.browse.names):,}"
            self._text, entered = ui.field("number", self._text, hint, focus=self.fresh)
        self.fresh = False
        if entered:
            state.jump_open = False
            # Also of `1,234`, as numbers are shown. What holds no digit leads nowhere.
            digits = "".join(letter for letter in self._text if letter in "0123456789")
            if digits:
                # More digits than there are pictures in the world; Python refuses to read thousands.
                stage.program.go(int(digits[:18]))



WIDTH, HEIGHT = 760, 560
# Of the width: places, cameras and folders of late.
LEFT_SHARE = 0.4


class Opener:
    def __init__(self) -> None:
        self._text = self._trouble = ""
        self._places: list[tuple[str, str]] = []
        # The field is ready to be typed into as soon as the dialog appears.
        self.fresh = True
        self._focus = False
        self._followed = -1

    def draw(self, stage: Stage, window: Rect) -> None:
        ui, state = stage.ui, stage.program.state
        if self.fresh:
            self._begin(stage)
        width, height = min(WIDTH * ui.em, window[2] - 20), min(HEIGHT * ui.em, window[3] - 20)
        rect = ((window[2] - width) / 2, (window[3] - height) / 2.6, width, height)
        with ui.area("opener ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.open_open = False
        with ui.area("opener", rect, ui.theme.panel, padding=16, on_top=True):
            self._address(stage)
            share = LEFT_SHARE * ui.room[0]
            with ui.child("left", share):
                self._known_places(stage)
                cameras_part(stage, lambda number: self._open(stage, number))
                self._recent(stage)
            ui.beside(14 * ui.em)
            with ui.child("right", scrolls=False):
                self._folders(stage)
        self.fresh = False

    def _begin(self, stage: Stage) -> None:
        program = stage.program
        self._text = self._trouble = ""
        self._places, self._focus = places(), True
        program.chooser.go(program.state.folder or program.chooser.path or self._places[0][1])

    def _open(self, stage: Stage, target: str | int) -> None:
        """Open it, or say why that cannot be."""
        self._trouble = trouble_with(target) if isinstance(target, str) else ""
        if not self._trouble:
            stage.program.state.open_open = False
            stage.program.open(target)

    def _address(self, stage: Stage) -> None:
        ui, chooser = stage.ui, stage.program.chooser
        ui.text("Open a folder, a picture, a video or an address")
        width = ui.text_width("Open") + 30 * ui.em
        hint = "/path/to/pictures   or   rtsp://camera/stream"
        before = self._text
        focus, self._focus = self._focus, False
        self._text, entered = ui.field("address", before, hint, ui.room[0] - width - ui.gap[0], focus=focus)
        if self._text != before:
            self._trouble, chooser.cursor = "", -1
        ui.beside()
        target = self._text.strip()
        # Also when a click in the list has taken the keyboard away from the field.
        entered |= any(key in ("Enter", "Keypad enter") for key, _ in ui.inputs.pressed)
        clicked = ui.button("Open", width, enabled=bool(target))
        if entered and chooser.cursor >= 0:
            self._enter(stage, chooser.cursor)
        elif (clicked or entered) and target:
            self._open(stage, int(target) if target.isdecimal() else target)
        self._focus |= entered
        for key, _ in ui.inputs.pressed:
            if key in ("Down", "Up"):
                chooser.move(1 if key == "Down" else -1)
        says = self._trouble or "Enter opens what is written here; ↑ and ↓ choose a folder below"
        ui.text(elided(ui, says, ui.room[0]), ui.theme.wrong if self._trouble else ui.theme.dim)

    def _enter(self, stage: Stage, row: int) -> None:
        """Go into a folder of the list; Enter or a click on Open then opens it."""
        stage.program.chooser.enter(row)
        self._follow(stage)

    def _follow(self, stage: Stage) -> None:
        """The field says where the list has gone."""
        self._text, self._trouble, self._followed = stage.program.chooser.path, "", -2

    def _known_places(self, stage: Stage) -> None:
        heading(stage.ui, "Places")
        for number, (name, path) in enumerate(self._places):
            if self._line(stage, f"place {number}", name, path if path != name else ""):
                stage.program.chooser.go(path)
                self._follow(stage)

    def _recent(self, stage: Stage) -> None:
        ui, state = stage.ui, stage.program.state
        heading(ui, "Folders of late")
        recent = [folder for folder in state.settings.recent if folder != str(SAMPLES)]
        for number, folder in enumerate([*recent, str(SAMPLES)]):
            name = "Sample pictures" if folder == str(SAMPLES) else os.path.basename(folder) or folder
            if self._line(stage, f"recent {number}", name, folder):
                self._open(stage, folder)

    def _line(self, stage: Stage, key: str, name: str, path: str) -> bool:
        """A row with a name and, smaller, where that is; whether it was clicked."""
        ui = stage.ui
        left, top = ui.cursor
        width, height = ui.room[0], ui.row_height
        hit = ui.hit(key, width, height)
        ui.tip(path)
        paint, y = ui.painter, top + (height - ui.line_height) / 2
        paint.surface((left, top, width, height), ui.theme.raised if hit.hovered else ui.theme.field, 4 * ui.em)
        pad = 10 * ui.em
        shown = elided(ui, name, width * 0.6)
        paint.text((left + pad, y), shown, ui.theme.text)
        room = width - ui.text_width(shown) - 4 * pad
        if path and room > 40 * ui.em:
            where = elided(ui, path, room, middle=True)
            paint.text((left + width - ui.text_width(where) - pad, y), where, ui.theme.dim)
        return hit.clicked

    def _folders(self, stage: Stage) -> None:
        """The folders in the present place; of thousands, those in sight are drawn."""
        ui, chooser = stage.ui, stage.program.chooser
        heading(ui, "Folders")
        left, top = ui.cursor
        if icon_button(stage, "chooser up", "up", "The folder above", enabled=chooser.rows[:1] == [ABOVE]):
            self._enter(stage, 0)
        x = left + icon_width(ui) + ui.gap[0]
        y = top + (ui.row_height - ui.line_height) / 2
        ui.painter.text((x, y), elided(ui, chooser.path, left + ui.room[0] - x, middle=True), ui.theme.text)
        found = chooser.found
        below = ui.line_height + ui.gap[1]
        with ui.child("folders", 0, -below):
            self._rows(stage)
        if found is None:
            ui.text("Looking...", ui.theme.dim)
        elif found.error:
            ui.text(found.error, ui.theme.wrong)
        else:
            ui.text(f"{found.pictures:,} pictures directly in this folder", ui.theme.dim)

    def _rows(self, stage: Stage) -> None:
        ui, chooser = stage.ui, stage.program.chooser
        rows = chooser.rows
        left, top = ui.cursor
        width, height = ui.room
        row = round(ui.line_height + 8 * ui.em)
        if chooser.cursor != self._followed:
            follow(ui, max(0, chooser.cursor) * row, row, height)
            self._followed = chooser.cursor
        first = int(ui.scroll / row)
        for number, name in enumerate(rows[first : first + int(height / row) + 2], first):
            y = top + number * row
            ui.cursor = (left, y)
            hit = ui.hit(f"row {number}", width, row)
            if hit.hovered or number == chooser.cursor:
                ground = ui.theme.accent_dim if number == chooser.cursor else ui.theme.field
                ui.painter.surface((left, y, width, row), ground, 3 * ui.em)
            label = elided(ui, "the folder above" if name == ABOVE else name, width - 20 * ui.em, middle=True)
            tint = ui.theme.dim if name == ABOVE else ui.theme.text
            ui.painter.text((left + 10 * ui.em, y + (row - ui.line_height) / 2), label, tint)
            if hit.clicked:
                self._enter(stage, number)
                # Other rows from now on.
                break
        ui.cursor = (left, top)
        ui.space(len(rows) * row)
