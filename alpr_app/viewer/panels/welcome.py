"""What the canvas shows while there is no picture, and the banner for models of a training run."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

from alpr_app.data.assets import SAMPLES
from alpr_app.data.network import is_address
from alpr_app.viewer.app.commands import open_dialog
from alpr_app.viewer.app.state import FOLDER, LIVE, State
from alpr_app.viewer.panels.context import PanelContext, elide, wrap
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import BODY, LARGE, Rect
from alpr_app.viewer.workers.live import ENDED, OPENING, WAITING


def model_banner(context: PanelContext, area: Rect) -> None:
    """Draw a banner while models of a training run are in use; a click returns to the initial models."""
    ui, training = context.ui, context.program.training
    if not training.models_in_use:
        return
    theme, unit = ui.theme, ui.unit
    margin, pad = 10 * unit, 10 * unit
    left, top = area[0] + margin, area[1] + margin
    room = area[2] - 2 * margin
    text = elide(ui, f"{training.model_description[0].upper()}{training.model_description[1:]}  ×", room - 2 * pad)
    width = ui.text_width(text) + 2 * pad
    ui.cursor = (left, top)
    hit = ui.hit("own models", width, ui.row_height)
    ui.tooltip(training.restore_label)
    ui.painter.fill((left, top, width, ui.row_height), theme.label, 4 * unit)
    ui.painter.outline(
        (left, top, width, ui.row_height), theme.uncertain, 4 * unit, (2.5 if hit.hovered else 1.5) * unit
    )
    ui.painter.text((left + pad, top + (ui.row_height - ui.line_height) / 2), text, theme.label_text)
    if training.newer_available:
        label = tr("Load the newer model")
        wide = ui.text_width(label) + 20 * unit
        beside = width + wide + ui.gap[0] <= room
        ui.cursor = (left + width + ui.gap[0], top) if beside else (left, top + ui.row_height + ui.gap[1])
        tip = tr("The training run has written a newer model")
        if ui.button(label, min(wide, room), on=True, enabled=not training.loading, tip=tip):
            training.load_newest()
    if hit.clicked:
        training.restore_initial_models()


def welcome(context: PanelContext, area: Rect) -> None:
    """Draw the message in the middle of the canvas, with buttons that open other sources."""
    ui = context.ui
    title, lines, offers = explain(context.program.state)
    width = min(area[2] - 40 * ui.unit, 640 * ui.unit)
    left = area[0] + (area[2] - width) / 2
    top = area[1] + area[3] * 0.34
    paint = ui.painter
    # A large title that needs several lines would take too much room.
    font, step = (
        (LARGE, 50 * ui.unit) if ui.text_width(title, LARGE) <= width else (BODY, ui.line_height + 10 * ui.unit)
    )
    for text, colour, size in [(title, ui.theme.text, font), *((line, ui.theme.dim, BODY) for line in lines)]:
        for part in wrap(ui, text, width, size):
            paint.text((area[0] + (area[2] - ui.text_width(part, size)) / 2, top), part, colour, size)
            top += ui.line_height + 4 * ui.unit
        top += step - ui.line_height - 4 * ui.unit if text is title else 0
    if offers:
        _offers(context, (left, top + 16 * ui.unit, width, 0))


def explain(state: State) -> tuple[str, list[str], bool]:
    """A title, lines below it, and whether other sources are offered."""
    if state.kind == FOLDER:
        return _folder(state)
    if state.kind == LIVE:
        return _live(state)
    trouble = [message.text for message in list(state.messages)[-1:] if message.is_error]
    return (
        tr("Nothing is open"),
        [*trouble, tr("Open a folder, a camera, a video or an address; or drop one onto this window")],
        True,
    )


def _folder(state: State) -> tuple[str, list[str], bool]:
    image_list = state.image_list
    if state.image_item is not None and state.image_item.error:
        return (
            tr("This picture cannot be read"),
            [os.path.basename(state.image_item.key), state.image_item.error],
            False,
        )
    if image_list.names:
        return "", [], False
    if state.scanning:
        return tr("Looking for pictures..."), [state.folder], False
    if state.listing_error:
        why = state.listing_error.removeprefix(tr("{path}: cannot be opened: {reason}", path=state.folder, reason=""))
        return tr("This folder cannot be opened"), [state.folder, why], True
    lines, in_subfolders = [state.folder], _pictures_in_subfolders(state)
    if in_subfolders:
        lines.append(
            tr("Its subfolders hold {count:,}: choose one on the left, or include them all", count=in_subfolders)
        )
    return tr("There are no pictures in this folder"), lines, True


def _pictures_in_subfolders(state: State) -> int:
    """Number of pictures in subfolders that are not listed, as far as it is known."""
    node = state.tree.find(state.folder)
    return node.total - node.pictures if node is not None and not state.settings.recursive else 0


def _live(state: State) -> tuple[str, list[str], bool]:
    status, name = state.live_status, state.live_title
    if status.state == WAITING:
        return _failure(state), [tr("Next attempt in {seconds} s", seconds=_seconds_left(state))], True
    if status.state == OPENING:
        return tr("Opening {name}...", name=name), [], False
    if status.state == ENDED and status.detail:
        return _failure(state), [tr("R tries again")], True
    if status.state == ENDED:
        return tr("The video has ended"), [name], True
    return tr("Waiting for {name}...", name=name), [], False


def _failure(state: State) -> str:
    name = state.live_title
    # An address keeps its spelling.
    head = name if is_address(name) else f"{name[0].upper()}{name[1:]}"
    return f"{head} {state.live_status.detail}"


def _seconds_left(state: State) -> int:
    return max(0, round(state.live_status.until - monotonic()))


def interruption(state: State) -> str:
    """What has happened to a live source whose last frame is still shown, how old that frame is, and what will be done;
    empty while frames come."""
    status = state.live_status
    if state.kind != LIVE or state.image_item is None:
        return ""
    age = tr("Last frame {seconds:.0f} s ago", seconds=max(0.0, monotonic() - state.live_last_frame))
    if status.state == WAITING:
        return tr(
            "{failure}. {age}; next attempt in {seconds} s",
            failure=_failure(state),
            age=age,
            seconds=_seconds_left(state),
        )
    if status.state == OPENING:
        return tr("Opening {name} again. {age}", name=state.live_title, age=age)
    if status.state == ENDED and status.detail:
        return tr("{failure}. {age}; R tries again", failure=_failure(state), age=age)
    return ""


def interruption_banner(context: PanelContext, area: Rect) -> None:
    """Dim the picture and say why no frames come."""
    ui = context.ui
    text = interruption(context.program.state)
    if not text:
        return
    pad, step = 12 * ui.unit, ui.line_height + 4 * ui.unit
    width = min(620 * ui.unit, area[2] - 2 * pad)
    lines = wrap(ui, text, width - 2 * pad, BODY)
    rect = (area[0] + (area[2] - width) / 2, area[1] + pad, width, len(lines) * step + pad)
    with ui.painter.clip(area):
        ui.painter.fill(area, ui.theme.shade)
        ui.painter.fill(rect, ui.theme.panel, 4 * ui.unit)
        ui.painter.outline(rect, ui.theme.wrong, 4 * ui.unit, 2 * ui.unit)
        for number, line in enumerate(lines):
            ui.painter.text((rect[0] + pad, rect[1] + pad / 2 + number * step), line, ui.theme.text)


def _offers(context: PanelContext, area: Rect) -> None:
    ui, program = context.ui, context.program
    offers: list[tuple[str, Callable[[], None]]] = [(tr("Open another source..."), lambda: open_dialog(program))]
    if program.live is not None:
        retry_label = tr("Replay") if program.state.live_status.state == ENDED else tr("Reconnect")
        offers.insert(0, (retry_label, program.live.reconnect))
    if program.state.kind == FOLDER and _pictures_in_subfolders(program.state):
        offers.insert(0, (tr("Include subfolders"), lambda: program.rescan(True)))
    if SAMPLES.is_dir():
        offers.append((tr("Sample pictures"), lambda: program.open(str(SAMPLES))))
    widths = [ui.text_width(label) + 30 * ui.unit for label, _ in offers]
    total_width = sum(widths) + ui.gap[0] * (len(offers) - 1)
    # One below the other if they do not fit side by side.
    stacked = total_width > area[2]
    left, top = area[0] + (area[2] - total_width) / 2, area[1]
    for (label, act), width in zip(offers, widths, strict=True):
        ui.cursor = (area[0] + (area[2] - width) / 2, top) if stacked else (left, top)
        if ui.button(label, width):
            act()
        left += width + ui.gap[0]
        top += (ui.row_height + ui.gap[1]) * stacked
