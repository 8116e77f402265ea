"""The sign over the picture that models of a training run read it, not the shipped ones, with the way back."""

from __future__ import annotations

from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage, elided


def own_sign(stage: Stage, place: Rect) -> None:
    """Draw it at the top of the canvas at `place`; nothing while no such model is in use. A click on it leads back."""
    ui, training = stage.ui, stage.program.training
    if not training.own:
        return
    theme, em = ui.theme, ui.em
    margin, pad = 10 * em, 10 * em
    left, top = place[0] + margin, place[1] + margin
    room = place[2] - 2 * margin
    text = elided(ui, f"{training.sign[0].upper()}{training.sign[1:]}  ×", room - 2 * pad)
    width = ui.text_width(text) + 2 * pad
    ui.cursor = (left, top)
    hit = ui.hit("own models", width, ui.row_height)
    ui.tip(f"Back to the {training.first_name}")
    ui.painter.surface((left, top, width, ui.row_height), theme.label, 4 * em)
    ui.painter.frame((left, top, width, ui.row_height), theme.doubtful, 4 * em, (2.5 if hit.hovered else 1.5) * em)
    ui.painter.text((left + pad, top + (ui.row_height - ui.line_height) / 2), text, theme.label_text)
    if training.newer:
        label = "Load the newer one"
        wide = ui.text_width(label) + 20 * em
        beside = width + wide + ui.gap[0] <= room
        ui.cursor = (left + width + ui.gap[0], top) if beside else (left, top + ui.row_height + ui.gap[1])
        tip = "The training has written a newer model since"
        if ui.button(label, min(wide, room), on=True, enabled=not training.trying, tip=tip):
            training.try_newest()
    if hit.clicked:
        training.back()
