"""The right side of a training run's page: how far it is, how fast, its last figures, its model."""

from __future__ import annotations

from math import isfinite

from alpr_app.data.run_folder import NO_LOSSES
from alpr_app.viewer.fonts import SMALL
from alpr_app.viewer.panels.browser import duration
from alpr_app.viewer.panels.chart import figure
from alpr_app.viewer.panels.stage import Stage, elided, heading, pair
from alpr_app.viewer.runs import RunView, age

COLUMN = 76


def run_facts(stage: Stage, view: RunView) -> None:
    """Draw it at the cursor, as wide as there is room."""
    _progress(stage, view)
    _model(stage, view)
    _validation(stage, view)
    _losses(stage, view)
    for line in view.troubles:
        stage.ui.text(line, stage.ui.theme.wrong, wrapped=True)


def _rows(stage: Stage, rows: list[tuple[str, str]]) -> None:
    ui = stage.ui
    left, top = ui.cursor
    step = ui.line_height + 3 * ui.em
    for name, value in rows:
        pair(ui, ui.painter, (left, top, ui.room[0], step), name, value)
        top += step
    ui.cursor = (left, top)
    ui.space(1)


def _progress(stage: Stage, view: RunView) -> None:
    ui = stage.ui
    left = view.seconds_left
    if view.steps:
        rest = f", about {duration(left)} left" if left else ""
        share = min(1.0, view.step / view.steps)
        ui.progress(share, f"{100 * share:.0f} %{rest}")
    of = f"{view.step:,} of {view.steps:,}" if view.steps else f"{view.step:,}"
    waiting = view.train.last("waiting_share")
    rows = [("Steps", of), ("Samples a second", f"{view.rate:.1f}" if view.rate else "–")]
    if waiting is not None and isfinite(waiting):
        rows.append(("Waiting for samples", f"{100 * waiting:.1f} %"))
    memory = view.train.last("memory_gb")
    if memory is not None and isfinite(memory):
        rows.append(("Memory at most", f"{memory:.1f} GB"))
    if view.changed:
        rows.append(("Last figures", f"{duration(age(view.changed))} ago"))
    _rows(stage, rows)


def _model(stage: Stage, view: RunView) -> None:
    """The newest model, to be tried and to be left again."""
    ui, training = stage.ui, stage.program.training
    heading(ui, "Its model")
    newest = view.newest
    if newest is None:
        masked = view.about is not None and view.about.kind == "masked"
        says = (
            "This phase makes no model that could be tried"
            if masked
            else "One is written at each validation; there is none yet"
        )
        ui.text(says, ui.theme.dim, wrapped=True)
    else:
        seen = f"after {newest.samples:,} samples, " if newest.samples is not None else ""
        ui.text(f"The newest {newest.kind}: {seen}{duration(age(newest.written))} ago", ui.theme.dim, wrapped=True)
        label = "Load the newer one" if training.newer else "Try this model on the picture"
        if training.in_use:
            ui.text("It reads the pictures now", ui.theme.doubtful)
        elif ui.button("Loading..." if training.trying else label, ui.room[0], enabled=not training.trying):
            training.try_newest()
    if training.trouble:
        ui.text(training.trouble, ui.theme.wrong, wrapped=True)
    if training.own and ui.button(f"Back to the {training.first_name}", ui.room[0]):
        training.back()


def _validation(stage: Stage, view: RunView) -> None:
    """Each figure of the last validation beside that of the best one."""
    ui, val = stage.ui, view.val
    if not val:
        return
    heading(ui, f"Validation at step {val.last('step'):,.0f}")
    left, top = ui.cursor
    right, step = left + ui.room[0], ui.line_height + 3 * ui.em
    column = COLUMN * ui.em
    names = [name for name in val.columns if name != "step"]
    table = [(name, figure(val.last(name)), figure(view.best(name)), False) for name in names]
    for name, last, best, small in [("", "last", "best", True), *table]:
        font = {"font": SMALL} if small else {}
        for text, end, colour in ((last, right - column, ui.theme.text), (best, right, ui.theme.dim)):
            width = ui.text_width(text, **font)
            ui.painter.text((end - width, top), text, ui.theme.dim if small else colour, **font)
        room = right - 2 * column - left
        ui.painter.text((left, top), elided(ui, name.replace("_", " "), room), ui.theme.dim)
        top += step
    ui.cursor = (left, top)
    ui.space(1)


def _losses(stage: Stage, view: RunView) -> None:
    if not view.train:
        return
    heading(stage.ui, f"Losses at step {view.train.last('step'):,.0f}")
    names = [name for name in view.train.columns if name not in NO_LOSSES]
    rows = [(name.replace("_", " "), figure(view.train.last(name))) for name in names]
    rate = view.train.last("learning_rate")
    _rows(stage, [*rows, *([("learning rate", figure(rate))] if rate is not None else [])])
