"""The question whether results may be kept on disk, and the same as a section of the settings."""

from __future__ import annotations

from alpr_app.viewer.app.commands import DIALOGS
from alpr_app.viewer.app.settings import YES
from alpr_app.viewer.panels.context import PanelContext, heading, wrap
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import Rect

QUESTION = mark("Keep results on this computer, to have them after a restart?")
_TIPS = (
    mark("Texts, boxes and confidences, no pictures; readable by you alone."),
    mark("At most 256 MB, of which the results not used for longest go first."),
)
_WIDTH = 470


def _tip(context: PanelContext) -> str:
    return "\n".join([*map(tr, _TIPS), str(context.program.memory.file)])


def keep_question(context: PanelContext, canvas: Rect) -> None:
    """Draw the question at the bottom of the picture until the user has decided; not in front of a dialog."""
    ui, memory, state = context.ui, context.program.memory, context.program.state
    if not memory.question_open or any(getattr(state, dialog) for dialog in DIALOGS):
        return
    unit = ui.unit
    width = min(_WIDTH * unit, canvas[2] - 20 * unit)
    lines = wrap(ui, tr(QUESTION), width - 24 * unit)
    height = len(lines) * (ui.line_height + ui.gap[1]) + ui.row_height + 24 * unit
    left, top = canvas[0] + (canvas[2] - width) / 2, canvas[1] + canvas[3] - height - 12 * unit
    with ui.area("keep results", (left, top, width, height), ui.theme.panel, padding=12, on_top=True):
        for line in lines:
            ui.text(line)
        ui.tooltip(_tip(context))
        half = (ui.room[0] - ui.gap[0]) / 2
        if ui.button(tr("Keep results"), half, on=True, tip=_tip(context)):
            memory.permit(True)
        ui.same_line()
        if ui.button(tr("Do not keep"), half, tip=tr("Nothing is written; Settings can change this later")):
            memory.permit(False)


def kept_results_section(context: PanelContext) -> None:
    """Draw the section of the settings."""
    ui, memory = context.ui, context.program.memory
    if memory.file is None:
        return
    heading(ui, tr("Kept results"))
    keeps = context.program.state.settings.keep_results == YES
    wanted = ui.checkbox(tr("Keep results on this computer"), keeps, _tip(context))
    if wanted != keeps:
        memory.permit(wanted)
    if ui.button(tr("Forget the kept results"), ui.room[0], tip=tr("Deletes {path}", path=memory.file)):
        memory.forget()
