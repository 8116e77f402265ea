"""A sheet of pictures that can be enlarged and moved: the mistakes of a training run."""

from __future__ import annotations

from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage
from alpr_app.viewer.runs import RunView
from alpr_app.viewer.shot import Shot
from alpr_app.viewer.view import View


class SheetPanel:
    def __init__(self) -> None:
        self._view = View()
        self._of = ""

    def draw(self, stage: Stage, view: RunView) -> None:
        """Draw the sheet where the cursor is, as large as there is room, or say how to come by one."""
        ui, shot = stage.ui, view.sheet
        if shot is None or shot.display is None:
            ui.text("There is no sheet of mistakes yet. This makes one, also while the run goes on:", wrapped=True)
            ui.text(f"python -m alpr_app.train report {view.folder} --dataset_path DATA", ui.theme.dim, wrapped=True)
            return
        place = (*ui.cursor, *ui.room)
        if min(place[2:]) < 1:
            return
        if self._of != shot.key:
            self._of = shot.key
            self._begin(shot, place)
        ui.painter.surface(place, ui.theme.ground)
        hit = ui.hit("sheet", *place[2:])
        pointer = (ui.mouse.place[0] - place[0], ui.mouse.place[1] - place[1])
        if hit.hovered and ui.mouse.wheel:
            self._view.zoom_at(ui.mouse.wheel, pointer, shot.size, place[2:])
        if hit.held:
            self._view.drag(ui.mouse.delta, shot.size, place[2:])
        if hit.double:
            self._whole_or_wide(shot, place)
        ui.tip("Wheel: larger and smaller; drag: move; double click: the whole sheet")
        self._paint(stage, shot, place)

    def _begin(self, shot: Shot, place: Rect) -> None:
        """As wide as there is room, from its top."""
        zoom = min(place[2] / shot.size[0], 2.0)
        self._view.set_zoom(zoom)
        self._view.centre = (0.5, min(0.5, place[3] / 2 / (shot.size[1] * zoom)))

    def _whole_or_wide(self, shot: Shot, place: Rect) -> None:
        if self._view.zoom is None:
            self._begin(shot, place)
        else:
            self._view.fit()

    def _paint(self, stage: Stage, shot: Shot, place: Rect) -> None:
        scale = self._view.scale(shot.size, place[2:])
        left, top = self._view.origin(shot.size, place[2:])
        texture = stage.textures.get("sheet", (shot.key, shot.taken), lambda: shot.display)
        with stage.ui.painter.within(place):
            rect = (round(place[0] + left), round(place[1] + top), shot.size[0] * scale, shot.size[1] * scale)
            stage.ui.painter.picture(texture, rect)
