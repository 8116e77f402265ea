"""The page of a training run: curves, figures, the sheet of mistakes, and the newest model to try."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import isfinite

import numpy as np

from alpr_app.data.run_folder import NO_LOSSES
from alpr_app.viewer.app.commands import open_dialog
from alpr_app.viewer.app.state import View
from alpr_app.viewer.app.training import RunView, age
from alpr_app.viewer.panels.chart import Chart, ChartView, column_title, draw_chart, format_value
from alpr_app.viewer.panels.context import PanelContext, draw_pair, duration, elide, heading
from alpr_app.viewer.panels.run_commands import run_commands
from alpr_app.viewer.panels.run_overlay import OverlayTab
from alpr_app.viewer.panels.training_form import training_form
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import SMALL, Rect
from alpr_app.viewer.workers.images import ImageItem

COLUMN = 64
NO_SCORE = mark(
    "No labelled plate of its data has the split val, so that no score is measured: the newest model counts as the best"
)


def run_panel(context: PanelContext, view: RunView) -> None:
    """Draw the figures of a run at the cursor, over the available width."""
    _progress(context, view)
    _newest_model(context, view)
    _validation(context, view)
    _losses(context, view)
    for line in view.problems:
        context.ui.text(line, context.ui.theme.wrong, wrapped=True)


def _rows(context: PanelContext, rows: list[tuple[str, str]]) -> None:
    ui = context.ui
    left, top = ui.cursor
    step = ui.line_height + 3 * ui.unit
    for name, value in rows:
        draw_pair(ui, ui.painter, (left, top, ui.room[0], step), name, value)
        top += step
    ui.cursor = (left, top)
    ui.space(1)


def _progress(context: PanelContext, view: RunView) -> None:
    ui = context.ui
    left = view.seconds_left
    if view.steps:
        rest = tr(", about {time} left", time=duration(left)) if left else ""
        share = min(1.0, view.step / view.steps)
        ui.progress(share, f"{100 * share:.0f} %{rest}")
    of = tr("{count:,} of {total:,}", count=view.step, total=view.steps) if view.steps else f"{view.step:,}"
    waiting = view.train.last("waiting_share")
    rows = [(tr("Steps"), of), (tr("Samples per second"), f"{view.rate:.1f}" if view.rate else "–")]
    if waiting is not None and isfinite(waiting):
        rows.append((tr("Waiting for samples"), f"{100 * waiting:.1f} %"))
    memory = view.train.last("memory_gb")
    if memory is not None and isfinite(memory):
        rows.append((tr("Peak memory"), f"{memory:.1f} GB"))
    if view.changed:
        rows.append((tr("Last update"), tr("{time} ago", time=duration(age(view.changed)))))
    _rows(context, rows)


def _newest_model(context: PanelContext, view: RunView) -> None:
    """Draw the newest model, with buttons to use it and to return to the initial models."""
    ui, training = context.ui, context.program.training
    heading(ui, tr("Model"))
    newest = view.newest
    if newest is None:
        masked = view.about is not None and view.about.kind == "masked"
        status = (
            tr("This phase produces no model to try")
            if masked
            else tr("A model is written at each validation; none has been written yet")
        )
        ui.text(status, ui.theme.dim, wrapped=True)
    else:
        kind, time_ago = tr(newest.kind), duration(age(newest.written))
        if newest.samples is None:
            newest_text = tr("Newest {kind}: {time} ago", kind=kind, time=time_ago)
        else:
            newest_text = tr(
                "Newest {kind}: after {count:,} samples, {time} ago", kind=kind, count=newest.samples, time=time_ago
            )
        ui.text(newest_text, ui.theme.dim, wrapped=True)
        label = tr("Load the newer model") if training.newer_available else tr("Try this model on the picture")
        if training.newest_in_use:
            ui.text(tr("This model is in use"), ui.theme.uncertain)
        elif ui.button(tr("Loading...") if training.loading else label, ui.room[0], enabled=not training.loading):
            training.load_newest()
    if training.error:
        ui.text(training.error, ui.theme.wrong, wrapped=True)
    if training.models_in_use and ui.button(training.restore_label, ui.room[0]):
        training.restore_initial_models()


def _validation(context: PanelContext, view: RunView) -> None:
    """Draw each figure of the last validation beside that of the best one."""
    ui, val = context.ui, view.val
    if view.unvalidated:
        heading(ui, tr("No score"))
        ui.text(tr(NO_SCORE), ui.theme.uncertain, wrapped=True)
    if not val:
        return
    heading(ui, tr("Validation at step {step:,.0f}", step=val.last("step")))
    left, top = ui.cursor
    right, step = left + ui.room[0], ui.line_height + 3 * ui.unit
    column = COLUMN * ui.unit
    names = [name for name in val.columns if name != "step"]
    table = [(name, format_value(float(val.columns[name][-1])), format_value(view.best(name)), False) for name in names]
    for name, last, best, small in [("", tr("last"), tr("best"), True), *table]:
        font = {"font": SMALL} if small else {}
        for text, end, colour in ((last, right - column, ui.theme.text), (best, right, ui.theme.dim)):
            width = ui.text_width(text, **font)
            ui.painter.text((end - width, top), text, ui.theme.dim if small else colour, **font)
        room = right - 2 * column - left
        ui.painter.text((left, top), elide(ui, column_title(name), room), ui.theme.dim)
        top += step
    ui.cursor = (left, top)
    ui.space(1)


def _losses(context: PanelContext, view: RunView) -> None:
    if not view.train:
        return
    heading(context.ui, tr("Losses at step {step:,.0f}", step=view.train.last("step")))
    names = [name for name in view.train.columns if name not in NO_LOSSES]
    rows = [(column_title(name), format_value(float(view.train.columns[name][-1]))) for name in names]
    rate = view.train.last("learning_rate")
    _rows(context, [*rows, *([(tr("learning rate"), format_value(rate))] if rate is not None else [])])


class MistakeSheet:
    """The sheet of the worst mistakes, which can be zoomed and moved."""

    def __init__(self) -> None:
        self._view = View()
        self._shown_key = ""

    def draw(self, context: PanelContext, view: RunView) -> None:
        """Draw the sheet at the cursor in the available room, or the command that makes one."""
        ui, image_item = context.ui, view.sheet
        if image_item is None or image_item.display is None:
            ui.text(
                tr("There is no sheet of mistakes yet. This command makes one, even while the run goes on:"),
                wrapped=True,
            )
            ui.text(f"python -m alpr_app.train report {view.folder} --dataset_path DATA", ui.theme.dim, wrapped=True)
            return
        area = (*ui.cursor, *ui.room)
        if min(area[2:]) < 1:
            return
        if self._shown_key != image_item.key:
            self._shown_key = image_item.key
            self._fit_width(image_item, area)
        ui.painter.fill(area, ui.theme.ground)
        hit = ui.hit("sheet", *area[2:])
        pointer = (ui.mouse.position[0] - area[0], ui.mouse.position[1] - area[1])
        if hit.hovered and ui.mouse.wheel:
            self._view.zoom_at(ui.mouse.wheel, pointer, image_item.size, area[2:])
        if hit.held:
            self._view.drag(ui.mouse.delta, image_item.size, area[2:])
        if hit.double:
            self._toggle_fit(image_item, area)
        ui.tooltip(tr("Wheel: zoom; drag: move; double click: fit the whole sheet"))
        self._paint(context, image_item, area)

    def _fit_width(self, image_item: ImageItem, area: Rect) -> None:
        """Fit the width, starting at the top."""
        zoom = min(area[2] / image_item.size[0], 2.0)
        self._view.set_zoom(zoom)
        self._view.centre = (0.5, min(0.5, area[3] / 2 / (image_item.size[1] * zoom)))

    def _toggle_fit(self, image_item: ImageItem, area: Rect) -> None:
        if self._view.zoom is None:
            self._fit_width(image_item, area)
        else:
            self._view.fit()

    def _paint(self, context: PanelContext, image_item: ImageItem, area: Rect) -> None:
        scale = self._view.scale(image_item.size, area[2:])
        left, top = self._view.origin(image_item.size, area[2:])
        display = image_item.display
        assert display is not None
        texture = context.textures.get("sheet", (image_item.key, image_item.captured), lambda: display)
        with context.ui.painter.clip(area):
            rect = (
                round(area[0] + left),
                round(area[1] + top),
                image_item.size[0] * scale,
                image_item.size[1] * scale,
            )
            context.ui.painter.picture(texture, rect)


EDGE, PAD = 18, 14
FACTS_WIDTH, FACTS_SHARE = 330, 0.34
GAP = 8
NO_RUN_SIZE, FORM_SIZE = (620, 190), (720, 400)


class TrainingPage:
    """The page of the run that is watched."""

    def __init__(self) -> None:
        self._sheet, self._overlay = MistakeSheet(), OverlayTab()
        # What the user has chosen of each chart, by its title.
        self._charts: dict[str, ChartView] = {}
        # What was typed into the field for the folder of a run.
        self._folder = ""

    def draw(self, context: PanelContext, window: Rect) -> None:
        ui, state, view = context.ui, context.program.state, context.program.training.view
        unit = ui.unit
        edge = EDGE * unit
        rect = (edge, edge, window[2] - 2 * edge, window[3] - 2 * edge)
        form_open = context.program.training_starts.form_open
        if form_open or view is None or not view.begun:
            wanted = FORM_SIZE if form_open else NO_RUN_SIZE
            width, height = min(wanted[0] * unit, rect[2]), min(wanted[1] * unit, rect[3])
            rect = ((window[2] - width) / 2, (window[3] - height) / 2.6, width, height)
        with ui.area("training ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.run_open = False
        with ui.area("training", rect, ui.theme.panel, padding=PAD, on_top=True):
            if form_open:
                training_form(context)
                return
            if view is None or not view.begun:
                self._no_run(context, view)
                return
            self._header(context, view)
            facts = min(FACTS_WIDTH * unit, FACTS_SHARE * ui.room[0])
            below = ui.row_height + ui.gap[1]
            with ui.child("run left", ui.room[0] - facts - PAD * unit, -below, scrolls=False):
                self._tabs(context, view)
            ui.same_line(PAD * unit)
            with ui.child("run right", 0, -below):
                run_panel(context, view)
            run_commands(context, view)

    def _no_run(self, context: PanelContext, view: RunView | None) -> None:
        """Draw the state of a run that has not begun, and a field for the folder of another one."""
        ui, program = context.ui, context.program
        if view is None:
            ui.text(tr("No training run is open"))
            explanation = tr(
                "Name the folder that is given to a training command as --output; the run need not have begun. The "
                "newest model can then be tried on the picture."
            )
        else:
            ui.text(elide(ui, tr("Waiting for a run to begin in {name}", name=view.name), ui.room[0], middle=True))
            explanation = tr(
                "{path} holds no run yet. Its curves and figures appear here as soon as it writes them. The newest "
                "model can then be tried on the picture.",
                path=view.folder,
            )
        ui.text(explanation, ui.theme.dim, wrapped=True)
        ui.space(4 * ui.unit)
        watch, look, close = tr("Watch"), tr("Look for a folder..."), tr("Close")
        width = ui.text_width(watch) + 30 * ui.unit
        self._folder, entered = ui.text_field(
            "run folder", self._folder, "runs/detector", ui.room[0] - width - ui.gap[0]
        )
        ui.same_line()
        if (ui.button(watch, width) or entered) and self._folder.strip():
            program.training.open(self._folder.strip())
        ui.space(4 * ui.unit)
        if ui.button(look, ui.text_width(look) + 30 * ui.unit):
            open_dialog(program)
        ui.same_line()
        start = tr("Start a training...")
        if ui.button(start, ui.text_width(start) + 30 * ui.unit):
            program.training_starts.open_form()
        if view is not None:
            ui.same_line()
            tip = tr("W or Escape; it goes on waiting")
            if ui.button(f"{close}##waiting", ui.text_width(close) + 30 * ui.unit, tip=tip):
                program.state.run_open = False

    def _header(self, context: PanelContext, view: RunView) -> None:
        """Draw the name of the run, what it trains and its state; buttons at the right end."""
        ui, theme = context.ui, context.ui.theme
        start, top = ui.cursor
        left, right = start, start + ui.room[0]
        buttons: tuple[tuple[str, str, Callable[[], None]], ...] = (
            (tr("Close"), tr("W or Escape"), lambda: setattr(context.program.state, "run_open", False)),
            (tr("Another run..."), tr("Open the folder of another run (O)"), lambda: open_dialog(context.program)),
            (tr("Start a training..."), "", context.program.training_starts.open_form),
        )
        for label, tip, act in buttons:
            width = ui.text_width(label) + 20 * ui.unit
            right -= width
            ui.cursor = (right, top)
            if ui.button(label, width, tip=tip):
                act()
            right -= ui.gap[0]
        y = top + (ui.row_height - ui.line_height) / 2
        status, colour = run_status(view), theme.right if not view.is_stalled(time.time()) else theme.missed
        name = elide(ui, view.name, (right - left) * 0.4, middle=True)
        ui.painter.text((left, y), name, theme.text)
        left += ui.text_width(name) + 18 * ui.unit
        ui.painter.dot((left, y + ui.line_height / 2), 4 * ui.unit, colour)
        left += 12 * ui.unit
        ui.painter.text((left, y), elide(ui, status, right - left), theme.dim)
        ui.cursor = (start, top + ui.row_height + ui.gap[1])

    def _tabs(self, context: PanelContext, view: RunView) -> None:
        ui = context.ui
        with ui.tabs("run tabs"):
            with ui.tab(tr("Curves")) as shown:
                if shown:
                    self._curves(context, view)
            with ui.tab(tr("Mistakes")) as shown:
                if shown:
                    self._sheet.draw(context, view)
            with ui.tab(tr("Compare runs")) as shown:
                if shown:
                    self._overlay.draw(context, view)

    def _curves(self, context: PanelContext, view: RunView) -> None:
        """Draw four charts, two by two; the upper row is higher because it has more lines."""
        ui = context.ui
        left, top = ui.cursor
        gap = GAP * ui.unit
        width, height = (ui.room[0] - gap) / 2, ui.room[1] - gap
        upper = 0.54 * height
        for number, chart in enumerate(charts_of(view)):
            row, column = divmod(number, 2)
            area = (left + column * (width + gap), top + row * (upper + gap), width, height - upper if row else upper)
            draw_chart(ui, chart, area, self._charts.setdefault(chart.title, ChartView()))


def run_status(view: RunView) -> str:
    """What the run trains, and its state."""
    about = view.about
    what = (
        tr("{kind}, {millions:.2f} M parameters", kind=tr(about.kind), millions=about.parameters / 1e6) if about else ""
    )
    if not view.begun:
        status = tr("waiting for it to begin")
    elif not view.changed:
        status = tr("no figures yet")
    elif view.done:
        status = tr("done")
    elif view.is_stalled(time.time()):
        status = tr("stalled, last update {time} ago", time=duration(age(view.changed)))
    else:
        status = tr("running")
    return f"{what}  ·  {status}" if what else status


def charts_of(view: RunView) -> list[Chart]:
    """Losses, validation scores, validation errors, and the learning rate; speed if there are no errors."""
    train, val = view.train.columns, view.val.columns
    losses = {name: values for name, values in train.items() if name not in NO_LOSSES}
    figures = {name: values for name, values in val.items() if name != "step"}
    low = {name: values for name, values in figures.items() if "error" in name or "false" in name}
    high = {name: values for name, values in figures.items() if name not in low}
    steps, validated, end = train.get("step", np.zeros(0)), val.get("step", np.zeros(0)), float(view.step)
    errors = Chart(tr("validation: errors"), validated, low, end)
    speed = Chart(tr("samples per second"), steps, _only(train, "samples_per_s"), end)
    return [
        Chart(tr("losses"), steps, losses, end, logarithmic=True),
        Chart(tr("validation"), validated, high, end),
        Chart(tr("learning rate"), steps, _only(train, "learning_rate"), end),
        errors if low else speed,
    ]


def _only(columns: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {name: columns[name]} if name in columns else {}
