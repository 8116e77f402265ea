"""The tab that lays the curves of several training runs over each other."""

from __future__ import annotations

from alpr_app.data.run_folder import TRAIN, VAL
from alpr_app.viewer.app.run_overlay import columns_of, names_of, overlaid
from alpr_app.viewer.app.training import RunView
from alpr_app.viewer.panels.chart import Chart, ChartView, colour_of, column_title, draw_chart
from alpr_app.viewer.panels.context import PanelContext, elide
from alpr_app.viewer.text.language import tr

GAP = 8
COLUMN_WIDTH = 260


class OverlayTab:
    """The runs that are compared, and one chart of training above one of validation."""

    def __init__(self) -> None:
        self._folder = ""
        # The chosen column of each chart; empty for the one that says most.
        self._columns = {TRAIN: "", VAL: ""}
        self._views: dict[str, ChartView] = {}

    def draw(self, context: PanelContext, view: RunView) -> None:
        ui, overlay = context.ui, context.program.run_overlay
        add = tr("Add")
        width = ui.text_width(add) + 30 * ui.unit
        self._folder, entered = ui.text_field(
            "overlay-folder", self._folder, tr("folder of another run"), ui.room[0] - width - ui.gap[0]
        )
        ui.same_line()
        wanted = ui.button(f"{add}##overlay", width) or entered
        if wanted and self._folder.strip() and overlay.add(self._folder):
            self._folder = ""
        views = [view, *(other for other in overlay.views if other.folder != view.folder)]
        self._runs(context, views)
        height = (ui.room[1] - GAP * ui.unit) / 2
        for part in (VAL, TRAIN):
            self._chart(context, views, part, height)

    def _runs(self, context: PanelContext, views: list[RunView]) -> None:
        """Draw the added runs; a click takes one out."""
        ui = context.ui
        for number, (name, view) in enumerate(zip(names_of(views), views, strict=True)):
            if number == 0:
                continue
            label = f"{elide(ui, name, 220 * ui.unit, middle=True)}  ×"
            if number > 1:
                ui.same_line()
            left, top = ui.cursor
            width = ui.text_width(label) + 34 * ui.unit
            if ui.button(f"    {label}##{view.folder}", width, tip=tr("Take this run out")):
                context.program.run_overlay.remove(view.folder)
            ui.painter.fill((left + 8 * ui.unit, top + ui.row_height / 2 - 2, 12 * ui.unit, 4), colour_of(number))

    def _chart(self, context: PanelContext, views: list[RunView], part: str, height: float) -> None:
        ui = context.ui
        left, top = ui.cursor
        columns = columns_of(views, part)
        if not columns:
            ui.text(tr("No figures yet"), ui.theme.dim)
            ui.cursor = (left, top + height)
            return
        chosen = self._columns[part] if self._columns[part] in columns else _telling(views, part, columns)
        titles = [column_title(name) for name in columns]
        number = ui.combo(f"overlay-{part}", columns.index(chosen), titles, COLUMN_WIDTH * ui.unit)
        self._columns[part] = columns[number]
        steps, lines, end = overlaid(views, part, columns[number])
        title = tr("validation") if part == VAL else tr("training")
        logarithmic = part == TRAIN and "loss" in chosen
        chart = Chart(f"{title}: {titles[number]}", steps, lines, end, logarithmic, of_columns=False)
        below = top + ui.row_height + ui.gap[1]
        area = (left, below, ui.room[0], height - (below - top) - GAP * ui.unit)
        draw_chart(ui, chart, area, self._views.setdefault(chart.title, ChartView()))
        ui.cursor = (left, top + height)


def _telling(views: list[RunView], part: str, columns: list[str]) -> str:
    """The column that says most: the score by which the run is judged, or the whole loss."""
    judged = views[0].about.judged_by if views[0].about is not None else ""
    wanted = judged if part == VAL else "loss"
    return wanted if wanted in columns else columns[0]
