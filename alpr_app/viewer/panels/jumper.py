"""The small field above the picture into which the number of a picture is typed."""

from __future__ import annotations

from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage

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
