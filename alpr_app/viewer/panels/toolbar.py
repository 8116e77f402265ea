"""The row above the picture: steps, place in the folder, zoom, and a toggle for each overlay."""

from __future__ import annotations

from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage, icon_button
from alpr_app.viewer.state import FOLDER, LIVE

# Name, setting, explanation, and the name where there is little room.
_TOGGLES = (
    ("Box", "show_boxes", "Boxes (B)", "B"),
    ("Corners", "show_corners", "Corners (C)", "C"),
    ("Text", "show_text", "Texts (T)", "T"),
    ("Truth", "show_truth", "Ground truth of CCPD names (G)", "G"),
)


def toolbar(stage: Stage, rect: Rect) -> float:
    """Draw it at the top of `rect`; returns its height."""
    ui, program, state = stage.ui, stage.program, stage.program.state
    pad = 7 * ui.em
    height = ui.row_height + 2 * pad
    ui.painter.surface((rect[0], rect[1], rect[2], height), ui.theme.panel)
    ui.cursor = (rect[0] + pad, rect[1] + pad)
    spacing = 5 * ui.em
    live = state.kind == LIVE
    usable = state.kind == LIVE or bool(state.browse.names)
    if not live:
        if icon_button(stage, "previous", "previous", "Previous picture (←)", enabled=usable):
            program.step(-1)
        ui.beside(spacing)
    if icon_button(stage, "next", "next", "One frame on (→)" if live else "Next picture (→)", enabled=usable):
        program.step(1)
    ui.beside(spacing)
    _play(stage, usable)
    ui.beside(spacing * 2)
    _zoom(stage)
    _toggles(stage, rect, pad, spacing)
    return height


def _play(stage: Stage, usable: bool) -> None:
    state = stage.program.state
    if state.kind == LIVE:
        held = stage.program.live is not None and stage.program.live.paused
        tip, icon = ("Go on (Space)", "play") if held else ("Hold (Space)", "hold")
        on = held
    else:
        on = state.playing
        tip, icon = ("Stop the slide show (Space)", "hold") if on else ("Slide show (Space)", "play")
    if icon_button(stage, "play", "hold" if icon == "hold" else "play", tip, on=on, enabled=usable):
        stage.program.play()


def _zoom(stage: Stage) -> None:
    ui, state = stage.ui, stage.program.state
    if ui.button("Fit", on=state.view.zoom is None, tip="Fit the whole picture in (F)"):
        state.view.fit()
    ui.beside(5 * ui.em)
    if ui.button("1:1", on=state.view.zoom == 1.0, tip="One picture pixel for one of the screen (1)"):
        state.view.set_zoom(1.0)


def _toggles(stage: Stage, rect: Rect, pad: float, spacing: float) -> None:
    """At the right end, so that they keep their place; shorter or none at all where there is too little room."""
    ui, state = stage.ui, stage.program.state
    ui.beside(12 * ui.em)
    begin, right, top = ui.cursor[0], rect[0] + rect[2] - pad, rect[1] + pad
    chosen = [toggle for toggle in _TOGGLES if toggle[1] != "show_truth" or state.kind == FOLDER]
    for names in ([toggle[0] for toggle in chosen], [toggle[3] for toggle in chosen], []):
        widths = [ui.text_width(name) + 18 * ui.em for name in names]
        left = right - sum(widths) - spacing * (len(widths) - 1)
        if left >= begin:
            break
    _place(stage, begin, left - 12 * ui.em, top)
    for name, width, (_, setting, tip, _) in zip(names, widths, chosen, strict=False):
        ui.cursor = (left, top)
        if ui.button(f"{name}##{setting}", width, on=getattr(state.settings, setting), tip=tip):
            state.change(**{setting: not getattr(state.settings, setting)})
        left += width + spacing


def _place(stage: Stage, left: float, right: float, top: float) -> None:
    """Zoom and size of the picture, as far as there is room for them."""
    ui, state, shot = stage.ui, stage.program.state, stage.program.state.shot
    if shot is None or shot.image is None:
        return
    texts = [f"{shot.size[0]} × {shot.size[1]}"]
    if state.view.zoom is not None:
        texts.insert(0, f"{100 * state.view.zoom:.0f} %")
    for text in texts:
        width = ui.text_width(text)
        if left + width > right:
            return
        ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), text, ui.theme.dim)
        left += width + 14 * ui.em
