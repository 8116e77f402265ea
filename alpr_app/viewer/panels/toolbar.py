"""The row above the picture: steps, place in the folder, zoom, and a toggle for each overlay."""

from __future__ import annotations

from dataclasses import dataclass

from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage, icon_button, icon_width
from alpr_app.viewer.state import FOLDER, LIVE

# Between buttons and toggles on one row, in spaces between two buttons.
GAP = 2
# Name, setting, explanation, and the name where there is little room.
_TOGGLES = (
    ("Box", "show_boxes", "Boxes (B)", "B"),
    ("Corners", "show_corners", "Corners (C)", "C"),
    ("Text", "show_text", "Texts (T)", "T"),
    ("Truth", "show_truth", "Ground truth of labels (G)", "G"),
)


@dataclass(frozen=True)
class Layout:
    """steps: left end and row of each button on the left. toggles: left end of the first one, its row, and the place
    of its name in `_TOGGLES`. rows: how many there are. begin, end: between them the first row is free."""

    steps: list[tuple[float, int]]
    toggles: tuple[float, int, int]
    rows: int
    begin: float
    end: float


def arranged(steps: list[float], long: list[float], short: list[float], room: float, spacing: float) -> Layout:
    """Where buttons of these widths go: toggles at the right end, so that they keep their place, with shorter names
    where there is too little room, and in a row of their own where that is too much as well."""
    places, x, row = [], 0.0, 0
    for width in steps:
        if x and x + width > room:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += width + spacing
    first = max((left + width for (left, line), width in zip(places, steps, strict=True) if not line), default=0.0)
    for name, widths in ((0, long), (1, short)):
        left = room - _total(widths, spacing)
        if left >= x + GAP * spacing:
            return Layout(places, (left, row, name), row + 1, first, left if row == 0 else room)
    name = 0 if _total(long, spacing) <= room else 1
    return Layout(places, (0.0, row + 1, name), row + 2, first, room)


def _total(widths: list[float], spacing: float) -> float:
    return sum(widths) + spacing * (len(widths) - 1)


def toolbar(stage: Stage, rect: Rect) -> float:
    """Draw it at the top of `rect`; returns its height."""
    ui, state = stage.ui, stage.program.state
    pad, spacing = 7 * ui.em, 5 * ui.em
    live = state.kind == LIVE
    usable = live or bool(state.browse.names)
    chosen = [toggle for toggle in _TOGGLES if toggle[1] != "show_truth" or state.kind == FOLDER]
    buttons = ([_next] if live else [_previous, _next]) + [_play, _fit, _own_size]
    widths = [ui.text_width(_WORDS[button]) + 18 * ui.em if button in _WORDS else icon_width(ui) for button in buttons]
    long, short = ([ui.text_width(toggle[part]) + 18 * ui.em for toggle in chosen] for part in (0, 3))
    layout = arranged(widths, long, short, rect[2] - 2 * pad, spacing)
    step = ui.row_height + spacing
    height = layout.rows * step - spacing + 2 * pad
    ui.painter.surface((rect[0], rect[1], rect[2], height), ui.theme.panel)
    left, top = rect[0] + pad, rect[1] + pad
    for button, (x, row) in zip(buttons, layout.steps, strict=True):
        ui.cursor = (left + x, top + row * step)
        button(stage, usable)
    _place(stage, left + layout.begin + 3 * spacing, left + layout.end - 2 * spacing, top)
    x, row, name = layout.toggles
    for toggle, width in zip(chosen, (long, short)[name], strict=True):
        ui.cursor = (left + x, top + row * step)
        _toggle(stage, toggle, toggle[3 if name else 0], width)
        x += width + spacing
    return height


def _previous(stage: Stage, usable: bool) -> None:
    if icon_button(stage, "previous", "previous", "Previous picture (←)", enabled=usable):
        stage.program.step(-1)


def _next(stage: Stage, usable: bool) -> None:
    tip = "One frame on (→)" if stage.program.state.kind == LIVE else "Next picture (→)"
    if icon_button(stage, "next", "next", tip, enabled=usable):
        stage.program.step(1)


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


def _fit(stage: Stage, usable: bool) -> None:
    view = stage.program.state.view
    if stage.ui.button(_WORDS[_fit], on=view.zoom is None, tip="Fit the whole picture in (F)"):
        view.fit()


def _own_size(stage: Stage, usable: bool) -> None:
    view = stage.program.state.view
    if stage.ui.button(_WORDS[_own_size], on=view.zoom == 1.0, tip="One picture pixel for one of the screen (1)"):
        view.set_zoom(1.0)


_WORDS = {_fit: "Fit", _own_size: "1:1"}


def _toggle(stage: Stage, toggle: tuple[str, str, str, str], name: str, width: float) -> None:
    state = stage.program.state
    _, setting, tip, _ = toggle
    if stage.ui.button(f"{name}##{setting}", width, on=getattr(state.settings, setting), tip=tip):
        state.change(**{setting: not getattr(state.settings, setting)})


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
