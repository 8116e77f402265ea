"""The page of a training run: its curves while they grow, its mistakes, its figures, and its model to try."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from alpr_app.data.run_folder import NO_LOSSES
from alpr_app.viewer.commands import open_dialog
from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.browser import duration
from alpr_app.viewer.panels.chart import Chart, draw_chart
from alpr_app.viewer.panels.run_facts import run_facts
from alpr_app.viewer.panels.sheet import SheetPanel
from alpr_app.viewer.panels.stage import Stage, elided
from alpr_app.viewer.runs import RunView, age

EDGE, PAD = 18, 14
FACTS_WIDTH, FACTS_SHARE = 330, 0.34
GAP = 8
NOTHING_SIZE = 620, 170


class TrainingPage:
    def __init__(self) -> None:
        self._sheet = SheetPanel()

    def draw(self, stage: Stage, window: Rect) -> None:
        ui, state, view = stage.ui, stage.program.state, stage.program.training.view
        em = ui.em
        edge = EDGE * em
        rect = (edge, edge, window[2] - 2 * edge, window[3] - 2 * edge)
        if view is None:
            width, height = min(NOTHING_SIZE[0] * em, rect[2]), min(NOTHING_SIZE[1] * em, rect[3])
            rect = ((window[2] - width) / 2, (window[3] - height) / 2.6, width, height)
        with ui.area("training ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.run_open = False
        with ui.area("training", rect, ui.theme.panel, padding=PAD, on_top=True):
            if view is None:
                _nothing(stage)
                return
            self._head(stage, view)
            facts = min(FACTS_WIDTH * em, FACTS_SHARE * ui.room[0])
            below = ui.row_height + ui.gap[1]
            with ui.child("run left", ui.room[0] - facts - PAD * em, -below, scrolls=False):
                self._pictures(stage, view)
            ui.beside(PAD * em)
            with ui.child("run right", 0, -below):
                run_facts(stage, view)
            _command(stage, view)

    def _head(self, stage: Stage, view: RunView) -> None:
        """The run's name, what it trains and how it does; buttons at the right end."""
        ui, theme = stage.ui, stage.ui.theme
        start, top = ui.cursor
        left, right = start, start + ui.room[0]
        for label, tip, act in (
            ("Close", "W or Escape", lambda: setattr(stage.program.state, "run_open", False)),
            ("Another run...", "Open the folder of another run (O)", lambda: open_dialog(stage.program)),
        ):
            width = ui.text_width(label) + 20 * ui.em
            right -= width
            ui.cursor = (right, top)
            if ui.button(label, width, tip=tip):
                act()
            right -= ui.gap[0]
        y = top + (ui.row_height - ui.line_height) / 2
        says, colour = doing(view), theme.right if not view.still(time.time()) else theme.missed
        name = elided(ui, view.name, (right - left) * 0.4, middle=True)
        ui.painter.text((left, y), name, theme.text)
        left += ui.text_width(name) + 18 * ui.em
        ui.painter.dot((left, y + ui.line_height / 2), 4 * ui.em, colour)
        left += 12 * ui.em
        ui.painter.text((left, y), elided(ui, says, right - left), theme.dim)
        ui.cursor = (start, top + ui.row_height + ui.gap[1])

    def _pictures(self, stage: Stage, view: RunView) -> None:
        ui = stage.ui
        with ui.tabs("run tabs"):
            with ui.tab("Curves") as shown:
                if shown:
                    _curves(stage, view)
            with ui.tab("Mistakes") as shown:
                if shown:
                    self._sheet.draw(stage, view)


def doing(view: RunView) -> str:
    """What it trains, and how far it is."""
    what = f"{view.about.kind}, {view.about.parameters / 1e6:.2f} M parameters" if view.about is not None else ""
    if not view.changed:
        says = "nothing has been written yet"
    elif view.done:
        says = "done"
    elif view.still(time.time()):
        says = f"stands still, the last figures are {duration(age(view.changed))} old"
    else:
        says = "running"
    return f"{what}  ·  {says}" if what else says


def charts_of(view: RunView) -> list[Chart]:
    """Losses, what validation wants high, what it wants low, and the learning rate; speed where one of these is not
    there."""
    train, val = view.train.columns, view.val.columns
    losses = {name: values for name, values in train.items() if name not in NO_LOSSES}
    figures = {name: values for name, values in val.items() if name != "step"}
    low = {name: values for name, values in figures.items() if "error" in name or "false" in name}
    high = {name: values for name, values in figures.items() if name not in low}
    steps, validated, end = train.get("step", np.zeros(0)), val.get("step", np.zeros(0)), float(view.step)
    errors = Chart("validation: errors", validated, low, end)
    speed = Chart("samples a second", steps, _only(train, "samples_per_s"), end)
    return [
        Chart("losses", steps, losses, end, logarithmic=True),
        Chart("validation", validated, high, end),
        Chart("learning rate", steps, _only(train, "learning_rate"), end),
        errors if low else speed,
    ]


def _only(columns: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {name: columns[name]} if name in columns else {}


def _curves(stage: Stage, view: RunView) -> None:
    """Four charts, two by two; the upper ones hold more and are higher."""
    ui = stage.ui
    left, top = ui.cursor
    gap = GAP * ui.em
    width, height = (ui.room[0] - gap) / 2, ui.room[1] - gap
    upper = 0.54 * height
    for number, chart in enumerate(charts_of(view)):
        row, column = divmod(number, 2)
        place = (left + column * (width + gap), top + row * (upper + gap), width, height - upper if row else upper)
        draw_chart(ui, chart, place)


def _command(stage: Stage, view: RunView) -> None:
    """What to type to go on, or to begin anew, with a button that copies it."""
    ui, program = stage.ui, stage.program
    left, top = ui.cursor
    label = "Copy the command"
    width = ui.text_width(label) + 20 * ui.em
    place = view.about.place if view.about is not None else ""
    tip = f"To be run in {place}" if place else "Of files other than the run's own, only the names are known"
    if ui.button(label, width, enabled=bool(view.command), tip=tip):
        ui.copy(view.command)
        program.state.say("Copied the command")
    start = left + width + 10 * ui.em
    y = top + (ui.row_height - ui.line_height) / 2
    shown = elided(ui, view.command or "The command is not known", left + ui.room[0] - start, middle=True)
    ui.painter.text((start, y), shown, ui.theme.dim)


def _nothing(stage: Stage) -> None:
    ui = stage.ui
    ui.text("No training run is open")
    ui.text(
        "Open the folder that was given to a training as --output: curves and figures move while it trains, and its "
        "newest model can be tried on the picture.",
        ui.theme.dim,
        wrapped=True,
    )
    ui.space(6 * ui.em)
    if ui.button("Open a run's folder...", ui.text_width("Open a run's folder...") + 30 * ui.em):
        open_dialog(stage.program)
