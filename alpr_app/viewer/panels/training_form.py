"""The form that starts a training."""

from __future__ import annotations

from alpr_app.viewer.app.training_starts import KINDS
from alpr_app.viewer.panels.context import PanelContext, field_title
from alpr_app.viewer.text.language import tr


def training_form(context: PanelContext) -> None:
    """Draw the form over the available area."""
    ui, program = context.ui, context.program
    starts = program.training_starts
    form = starts.form
    ui.text(tr("Start a training"))
    ui.text(
        tr(
            "It runs as a program of its own with the command below, and its run is shown here. Stopped runs are "
            "resumed from their last checkpoint."
        ),
        ui.theme.dim,
        wrapped=True,
    )
    ui.space(6 * ui.unit)
    titles = (tr("Train"), tr("Labelled pictures"), tr("Folder of the run"), tr("Further options"))
    column = max(map(ui.text_width, titles)) + 16 * ui.unit
    kinds = [tr(title) for title, _ in KINDS]
    field_title(ui, titles[0], column)
    form.kind = ui.combo("kind", form.kind, kinds, ui.room[0])
    form.data = _field(context, titles[1], "data", form.data, tr("a folder"), column)
    form.output = _field(context, titles[2], "output", form.output, "runs/detector", column)
    hint = "--samples 200000 --num_workers 2"
    form.options = _field(context, titles[3], "options", form.options, hint, column)
    starts.outlives = ui.checkbox(
        tr("It goes on when the window is closed"),
        starts.outlives,
        tr("Otherwise it is asked to save a checkpoint and to end"),
    )
    ui.space(4 * ui.unit)
    ui.text(form.command, ui.theme.dim, wrapped=True)
    if form.problem:
        ui.text(form.problem, ui.theme.uncertain, wrapped=True)
    ui.space(4 * ui.unit)
    start, copy, close = tr("Start"), tr("Copy command"), tr("Close")
    ready = not form.problem and not starts.starting
    if ui.button(f"{start}##training", ui.text_width(start) + 40 * ui.unit, enabled=ready):
        starts.start_form()
    ui.same_line()
    if ui.button(f"{copy}##training", ui.text_width(copy) + 24 * ui.unit, enabled=bool(form.command)):
        ui.copy(form.command)
        program.state.add_message(tr("Copied the command"))
    ui.same_line()
    if ui.button(f"{close}##training", ui.text_width(close) + 24 * ui.unit):
        starts.form_open = False


def _field(context: PanelContext, title: str, name: str, value: str, hint: str, column: float) -> str:
    ui = context.ui
    field_title(ui, title, column)
    typed, _ = ui.text_field(f"training-{name}", value, hint, ui.room[0])
    return typed
