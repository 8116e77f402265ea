"""The toolbar above the picture (steps, zoom, overlays) and the status line at the bottom."""

from __future__ import annotations

from dataclasses import dataclass

from alpr_app.viewer.app.state import FOLDER, LIVE
from alpr_app.viewer.panels.context import PanelContext, elide, flow, icon_button, icon_width, threads_text
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import Rect
from alpr_app.viewer.workers.recogniser import FAILED, LOADING

# Gap between buttons and toggles in one row, in multiples of the spacing.
GAP = 2
# Name, setting, tooltip, and short name.
_TOGGLES = (
    (mark("Box"), "show_boxes", mark("Boxes (B)"), "B"),
    (mark("Corners"), "show_corners", mark("Corners (C)"), "C"),
    (mark("Text"), "show_text", mark("Texts (T)"), "T"),
    (mark("Ground truth"), "show_truth", mark("Ground truth of labels (G)"), "G"),
)


@dataclass(frozen=True)
class ToolbarLayout:
    """The arrangement of the toolbar.

    Attributes:
        steps: Left end and row of each button on the left.
        toggles: Left end of the first toggle, its row, and whether names are long (0) or short (1).
        rows: Number of rows.
        begin, end: The free part of the first row.
    """

    steps: list[tuple[float, int]]
    toggles: tuple[float, int, int]
    rows: int
    begin: float
    end: float


def arrange(steps: list[float], long: list[float], short: list[float], room: float, spacing: float) -> ToolbarLayout:
    """Arrange buttons of these widths.

    Toggles are right-aligned, so that they keep their place. They have short names if the long ones do not fit, and a
    row of their own if the short ones do not fit either.
    """
    places = flow(steps, room, spacing)
    left, row = places[-1]
    x = left + steps[-1] + spacing
    first = max((left + width for (left, line), width in zip(places, steps, strict=True) if not line), default=0.0)
    for name, widths in ((0, long), (1, short)):
        left = room - _total(widths, spacing)
        if left >= x + GAP * spacing:
            return ToolbarLayout(places, (left, row, name), row + 1, first, left if row == 0 else room)
    name = 0 if _total(long, spacing) <= room else 1
    return ToolbarLayout(places, (0.0, row + 1, name), row + 2, first, room)


def _total(widths: list[float], spacing: float) -> float:
    return sum(widths) + spacing * (len(widths) - 1)


def toolbar(context: PanelContext, rect: Rect) -> float:
    """Draw the toolbar at the top of `rect`; returns its height."""
    ui, state = context.ui, context.program.state
    pad, spacing = 7 * ui.unit, 5 * ui.unit
    live = state.kind == LIVE
    usable = live or bool(state.image_list.names)
    chosen = [toggle for toggle in _TOGGLES if toggle[1] != "show_truth" or state.kind == FOLDER]
    back = not live or (state.film is not None and state.film.can_seek)
    star = [_star] if state.kind == FOLDER else []
    correct = [] if live else [_correct]
    buttons = [*([_previous] if back else []), _next, _play, *star, _fit, _actual_size, *correct]
    widths = [
        ui.text_width(tr(_LABELS[button])) + 18 * ui.unit if button in _LABELS else icon_width(ui) for button in buttons
    ]
    long, short = ([ui.text_width(tr(toggle[part])) + 18 * ui.unit for toggle in chosen] for part in (0, 3))
    layout = arrange(widths, long, short, rect[2] - 2 * pad, spacing)
    step = ui.row_height + spacing
    height = layout.rows * step - spacing + 2 * pad
    ui.painter.fill((rect[0], rect[1], rect[2], height), ui.theme.panel)
    left, top = rect[0] + pad, rect[1] + pad
    for button, (x, row) in zip(buttons, layout.steps, strict=True):
        ui.cursor = (left + x, top + row * step)
        button(context, usable)
    _image_info(context, left + layout.begin + 3 * spacing, left + layout.end - 2 * spacing, top)
    x, row, name = layout.toggles
    for toggle, width in zip(chosen, (long, short)[name], strict=True):
        ui.cursor = (left + x, top + row * step)
        _toggle(context, toggle, toggle[3 if name else 0], width)
        x += width + spacing
    return height


def _previous(context: PanelContext, usable: bool) -> None:
    tip = tr("Previous frame (←)") if context.program.state.kind == LIVE else tr("Previous picture (←)")
    if icon_button(context, "previous", "previous", tip, enabled=usable):
        context.program.step(-1)


def _next(context: PanelContext, usable: bool) -> None:
    tip = tr("Next frame (→)") if context.program.state.kind == LIVE else tr("Next picture (→)")
    if icon_button(context, "next", "next", tip, enabled=usable):
        context.program.step(1)


def _play(context: PanelContext, usable: bool) -> None:
    state = context.program.state
    if state.kind == LIVE:
        paused = context.program.live is not None and context.program.live.paused
        tip, icon = (tr("Resume (Space)"), "play") if paused else (tr("Pause (Space)"), "pause")
        on = paused
    else:
        on = state.playing
        tip, icon = (tr("Stop the slide show (Space)"), "pause") if on else (tr("Slide show (Space)"), "play")
    if icon_button(context, "play", icon, tip, on=on, enabled=usable):
        context.program.play()


def _star(context: PanelContext, usable: bool) -> None:
    image_list = context.program.state.image_list
    on = image_list.name in image_list.starred
    tip = tr("Remove the star (Q)") if on else tr("Give the picture a star (Q)")
    if icon_button(context, "star", "star", tip, on=on, enabled=usable):
        context.program.stars.toggle()


def _fit(context: PanelContext, usable: bool) -> None:
    view = context.program.state.view
    if context.ui.button(tr(_LABELS[_fit]), on=view.zoom is None, tip=tr("Fit the whole picture (F)")):
        view.fit()


def _actual_size(context: PanelContext, usable: bool) -> None:
    view = context.program.state.view
    if context.ui.button(tr(_LABELS[_actual_size]), on=view.zoom == 1.0, tip=tr("Actual size (1)")):
        view.set_zoom(1.0)


def _correct(context: PanelContext, usable: bool) -> None:
    corrections = context.program.corrections
    if icon_button(context, "correct", "pencil", tr("Correct labels (X)"), on=corrections.active, enabled=usable):
        corrections.toggle()


_LABELS = {_fit: mark("Fit"), _actual_size: "1:1"}


def _toggle(context: PanelContext, toggle: tuple[str, str, str, str], name: str, width: float) -> None:
    state = context.program.state
    _, setting, tip, _ = toggle
    if context.ui.button(f"{tr(name)}##{setting}", width, on=getattr(state.settings, setting), tip=tr(tip)):
        state.change(**{setting: not getattr(state.settings, setting)})


def _image_info(context: PanelContext, left: float, right: float, top: float) -> None:
    """Draw zoom and size of the picture, as far as they fit."""
    ui, state, image_item = context.ui, context.program.state, context.program.state.image_item
    if image_item is None or image_item.display is None:
        return
    texts = [f"{image_item.size[0]} × {image_item.size[1]}"]
    if state.view.zoom is not None:
        texts.insert(0, f"{100 * state.view.zoom:.0f} %")
    for text in texts:
        width = ui.text_width(text)
        if left + width > right:
            return
        ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), text, ui.theme.dim)
        left += width + 14 * ui.unit


def status_line(context: PanelContext, rect: Rect, frame_rate: float) -> None:
    """Draw the state of the models, the last message, and rates and durations."""
    ui, state = context.ui, context.program.state
    theme, unit = ui.theme, ui.unit
    with ui.area("status", rect, theme.panel, padding=0):
        paint = ui.painter
        paint.line([(rect[0], rect[1] + 0.5), (rect[0] + rect[2], rect[1] + 0.5)], theme.line)
        middle, y = rect[1] + rect[3] / 2, rect[1] + (rect[3] - ui.line_height) / 2
        colour = {LOADING: theme.missed, FAILED: theme.wrong}.get(state.models.state, theme.right)
        paint.dot((rect[0] + 16 * unit, middle), 4 * unit, colour)
        right = _rates(context, rect, y, frame_rate)
        left = rect[0] + 30 * unit
        text = elide(ui, _models(context), right - left)
        paint.text((left, y), text, theme.dim)
        left += ui.text_width(text) + 24 * unit
        message = state.message
        if message is not None and left < right:
            tint = theme.wrong if message.is_error else theme.text
            paint.text((left, y), elide(ui, message.text, right - left), tint)


def _models(context: PanelContext) -> str:
    state = context.program.state
    if state.models.state == LOADING:
        return tr("Loading the models...")
    if state.models.state == FAILED:
        return tr("The models cannot be used")
    threads = context.program.choice.threads
    run_models = context.program.training.model_description
    ready = tr("Ready: {models}", models=state.models.detail or tr("models"))
    return ", ".join(part for part in (ready, threads_text(threads) if threads else "", run_models) if part)


def _rates(context: PanelContext, rect: Rect, y: float, frame_rate: float) -> float:
    """Draw rates and durations from the right end; returns where they begin."""
    ui, state = context.ui, context.program.state
    rates = []
    waiting = context.program.recogniser.queue_length()
    if state.kind == LIVE or state.read_all_total:
        rates.append(f"{tr('Read per second')} {state.recogniser_rate.per_second():.0f}")
        rates.append(f"{tr('Drawn per second')} {frame_rate:.0f}")
    elif waiting > 2:
        rates.append(tr("{count} queued", count=waiting))
    recognition = state.recognition
    if recognition is not None and recognition.timings is not None:
        rates.append(tr("detection {time:.0f} ms", time=recognition.timings.detect_ms))
        rates.append(tr("reading {time:.0f} ms", time=recognition.timings.read_ms))
    rates.append(tr("F1 help"))
    text = "   ·   ".join(rates)
    left = rect[0] + rect[2] - ui.text_width(text) - 14 * ui.unit
    ui.painter.text((left, y), text, ui.theme.dim)
    return left - 20 * ui.unit
