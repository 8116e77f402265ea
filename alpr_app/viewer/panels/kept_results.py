"""The question whether results may be kept on disk, and the same as a section of the settings."""

from __future__ import annotations

from alpr_app.viewer.app.commands import DIALOGS
from alpr_app.viewer.app.settings import YES
from alpr_app.viewer.panels.context import PanelContext, heading, wrap
from alpr_app.viewer.toolkit.painter import Rect

QUESTION = "Keep results on this computer, to have them after a restart?"
_TIP = (
    "Texts, boxes and confidences, no pictures; readable by you alone.\n"
    "At most 256 MB, of which the results not used for longest go first."
)
_WIDTH = 470


def keep_question(context: PanelContext, canvas: Rect) -> None:
    """Draw the question at the bottom of the picture until the user has decided; not in front of a dialog."""
    ui, memory, state = context.ui, context.program.memory, context.program.state
    if not memory.question_open or any(getattr(state, dialog) for dialog in DIALOGS):
        return
    unit = ui.unit
    width = min(_WIDTH * unit, canvas[2] - 20 * unit)
    lines = wrap(ui, QUESTION, width - 24 * unit)
    height = len(lines) * (ui.line_height + ui.gap[1]) + ui.row_height + 24 * unit
    left, top = canvas[0] + (canvas[2] - width) / 2, canvas[1] + canvas[3] - height - 12 * unit
    with ui.area("keep results", (left, top, width, height), ui.theme.panel, padding=12, on_top=True):
        for line in lines:
            ui.text(line)
        ui.tooltip(f"{_TIP}\n{memory.file}")
        half = (ui.room[0] - ui.gap[0]) / 2
        if ui.button("Keep results", half, on=True, tip=f"{_TIP}\n{memory.file}"):
            memory.permit(True)
        ui.same_line()
        if ui.button("Do not keep", half, tip="Nothing is written; Settings can change this later"):
            memory.permit(False)


def kept_results_section(context: PanelContext) -> None:
    """Draw the section of the settings."""
    ui, memory = context.ui, context.program.memory
    if memory.file is None:
        return
    heading(ui, "Kept results")
    keeps = context.program.state.settings.keep_results == YES
    wanted = ui.checkbox("Keep results on this computer", keeps, f"{_TIP}\n{memory.file}")
    if wanted != keeps:
        memory.permit(wanted)
    if ui.button("Forget the kept results", ui.room[0], tip=f"Deletes {memory.file}"):
        memory.forget()
