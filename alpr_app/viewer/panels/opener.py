"""The dialog that opens another source: a path or an address, a camera, a folder of late."""

from __future__ import annotations

import os

from alpr_app.resources import SAMPLES
from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.live import CAMERAS
from alpr_app.viewer.panels.stage import Stage, elided, heading

HEIGHT = 400


class Opener:
    def __init__(self) -> None:
        self._text = ""
        # The field is ready to be typed into as soon as the dialog appears.
        self.fresh = True

    def draw(self, stage: Stage, window: Rect) -> None:
        ui, state = stage.ui, stage.program.state
        width, height = min(620 * ui.em, window[2] - 20), min(HEIGHT * ui.em, window[3] - 20)
        rect = ((window[2] - width) / 2, (window[3] - height) / 2.6, width, height)
        with ui.area("opener ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.open_open = False
        with ui.area("opener", rect, ui.theme.panel, padding=18, on_top=True):
            self._address(stage)
            self._cameras(stage)
            self._recent(stage)
        self.fresh = False

    def _open(self, stage: Stage, target: str | int) -> None:
        stage.program.state.open_open = False
        stage.program.open(target)

    def _address(self, stage: Stage) -> None:
        ui = stage.ui
        ui.text("Open a folder, a picture, a video or an address")
        width = ui.text_width("Open") + 30 * ui.em
        room = ui.room[0]
        hint = "/path/to/pictures   or   rtsp://camera/stream"
        self._text, entered = ui.field("address", self._text, hint, room - width - ui.gap[0], focus=self.fresh)
        ui.beside()
        target = self._text.strip()
        if (ui.button("Open", width, enabled=bool(target)) or entered) and target:
            self._open(stage, int(target) if target.isdecimal() else target)

    def _cameras(self, stage: Stage) -> None:
        ui = stage.ui
        heading(ui, "Cameras")
        width = (ui.room[0] - (CAMERAS - 1) * ui.gap[0]) / CAMERAS
        for number in range(CAMERAS):
            if number:
                ui.beside()
            if ui.button(f"Camera {number}", width):
                self._open(stage, number)

    def _recent(self, stage: Stage) -> None:
        ui, state = stage.ui, stage.program.state
        heading(ui, "Folders of late")
        recent = [folder for folder in state.settings.recent if folder != str(SAMPLES)]
        with ui.child("recent"):
            for number, folder in enumerate([*recent, str(SAMPLES)]):
                name = "Sample pictures" if folder == str(SAMPLES) else os.path.basename(folder) or folder
                left, top = ui.cursor
                width = ui.room[0]
                if ui.hit(f"recent {number}", width, ui.row_height).clicked:
                    self._open(stage, folder)
                paint, y = ui.painter, top + (ui.row_height - ui.line_height) / 2
                paint.surface((left, top, width, ui.row_height), ui.theme.field, 4 * ui.em)
                shown = elided(ui, name, width * 0.45)
                paint.text((left + 10 * ui.em, y), shown, ui.theme.text)
                start = left + 26 * ui.em + ui.text_width(shown)
                where = elided(ui, folder, left + width - start - 10 * ui.em, middle=True)
                paint.text((left + width - ui.text_width(where) - 10 * ui.em, y), where, ui.theme.dim)
