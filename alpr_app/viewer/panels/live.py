"""The left side for cameras, videos and streams: how the source does, and what can be done with it."""

from __future__ import annotations

from time import monotonic

from alpr_app.viewer.commands import snapshot
from alpr_app.viewer.live import ENDED, OPENING, PAUSED, RUNNING, WAITING
from alpr_app.viewer.panels.cameras import cameras_part
from alpr_app.viewer.panels.cars import cars_part
from alpr_app.viewer.panels.stage import Stage, pair

_SAYS = {OPENING: "opening", RUNNING: "running", PAUSED: "held", WAITING: "not there", ENDED: "at its end"}


def live_side(stage: Stage) -> None:
    ui, program, state = stage.ui, stage.program, stage.program.state
    theme, status = ui.theme, state.live_status
    left, top = ui.cursor
    width, step = ui.room[0], ui.line_height + 4 * ui.em
    colour = theme.right if status.state == RUNNING else theme.wrong if status.state == WAITING else theme.dim
    rows = [("Source", _SAYS[status.state], colour)]
    if status.state == WAITING:
        rows.append(("tried again in", f"{max(0.0, status.until - monotonic()):.0f} s", None))
    rows.append(("Pictures a second", f"{state.source_rate.per_second():.1f}", None))
    rows.append(("Read a second", f"{state.recogniser_rate.per_second():.1f}", None))
    if state.outcome is not None:
        rows.append(("From picture to plate", f"{1000 * (state.outcome.finished - state.outcome.taken):.0f} ms", None))
    if state.shot is not None:
        rows.append(("Size", f"{state.shot.size[0]} × {state.shot.size[1]}", None))
    for name, value, tint in rows:
        pair(ui, ui.painter, (left, top, width, step), name, value, tint)
        top += step
    ui.cursor = (left, top + 8 * ui.em)
    half = (width - ui.gap[0]) / 2
    held = program.live is not None and program.live.paused
    if ui.button("Go on" if held else "Hold", half, on=held, tip="Space"):
        program.play()
    ui.beside()
    if ui.button("Play again" if state.live_is_file else "Connect again", half, tip="R"):
        program.live.reconnect()
    if ui.button("Keep this picture", width, enabled=state.shot is not None, tip="With and without the plates (S)"):
        snapshot(program)
    cameras_part(stage, program.open)
    cars_part(stage)
