"""The row below a training run: the command that resumes or repeats it, and the buttons that run it or stop the run."""

from __future__ import annotations

import time

from alpr_app.viewer.app.training import RunView
from alpr_app.viewer.panels.context import PanelContext, elide
from alpr_app.viewer.text.language import tr


def run_commands(context: PanelContext, view: RunView) -> None:
    """Draw the row at the cursor."""
    ui, program = context.ui, context.program
    left, top = ui.cursor
    right = left + ui.room[0]
    x = _stop_or_resume(context, view)
    folder = view.about.place if view.about is not None else ""
    tip = (
        tr("Run it in {folder}", folder=folder)
        if folder
        else tr("Outside the run's folder, only the names of files are known")
    )
    ui.cursor = (x, top)
    label = tr("Copy command")
    width = ui.text_width(label) + 20 * ui.unit
    if ui.button(label, width, enabled=bool(view.command), tip=tip):
        ui.copy(view.command)
        program.state.add_message(tr("Copied the command"))
    x += width + 10 * ui.unit
    y = top + (ui.row_height - ui.line_height) / 2
    shown = elide(ui, view.command or tr("The command is unknown"), right - x, middle=True)
    ui.painter.text((x, y), shown, ui.theme.dim)


def _stop_or_resume(context: PanelContext, view: RunView) -> float:
    """Draw the button that stops or resumes the run, unless it is done; returns where the row goes on."""
    ui, starts, about = context.ui, context.program.training_starts, view.about
    left, _ = ui.cursor
    own = starts.is_running(view.folder)
    runs = own or (bool(view.changed) and not view.done and not view.is_stalled(time.time()))
    if runs and starts.is_stopping(view.folder):
        label = tr("Stop at once") if own else tr("Stopping...")
        tip = tr("Ends it without a checkpoint") if own else ""
    elif runs:
        label, tip = tr("Stop"), tr("Saves a checkpoint and ends; the run can be resumed")
    elif not view.done and about is not None and about.arguments:
        label, tip = tr("Resume"), tr("Continues from the last checkpoint, with the command beside")
    else:
        return left
    width = ui.text_width(label) + 20 * ui.unit
    enabled = (own or not starts.is_stopping(view.folder)) if runs else not starts.starting
    if ui.button(f"{label}##run", width, enabled=enabled, tip=tip):
        if runs:
            starts.stop(view.folder)
        elif about is not None:
            arguments = [argument for argument in about.arguments if argument != "--resume"]
            starts.start([*arguments, "--resume"], view.folder, about.place)
    return left + width + 8 * ui.unit
