"""The left side for cameras, videos and streams: how the source does, and the cars that came by."""

from __future__ import annotations

from time import monotonic

from alpr_app.viewer.app.cars import Car
from alpr_app.viewer.app.commands import save_frame, save_results
from alpr_app.viewer.app.folder_results import CSV, JSON_LINES
from alpr_app.viewer.panels.context import PanelContext, confidence_colour, heading, pair
from alpr_app.viewer.panels.dialogs import camera_list
from alpr_app.viewer.toolkit.painter import SMALL, Rect
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.workers.live import ENDED, OPENING, PAUSED, RUNNING, WAITING

ROW, CROP_HEIGHT = 54, 30
LEAST_HEIGHT = 120


def car_list(context: PanelContext) -> None:
    """Fills the room that is left; of the rows those in sight are drawn."""
    ui, state = context.ui, context.program.state
    cars = list(state.cars.listed.values())
    if not cars and not state.settings.follow_cars:
        return
    heading(ui, f"Cars seen: {len(cars):,}" if cars else "Cars seen")
    if not cars:
        ui.text("Cars are listed here as they appear", ui.theme.dim, wrapped=True)
        return
    _buttons(context)
    row = round(ROW * ui.em)
    with ui.child("cars", 0, max(ui.room[1], LEAST_HEIGHT * ui.em)):
        left, top = ui.cursor
        width, height = ui.room
        first = max(0, int(ui.scroll / row))
        present = set(state.car_numbers)
        for place in range(first, min(len(cars), first + int(height / row) + 2)):
            car = cars[-1 - place]
            _row(context, car, (left, top + place * row, width, row - 4 * ui.em), car.track.number in present)
        ui.cursor = (left, top)
        ui.space(len(cars) * row)


def _buttons(context: PanelContext) -> None:
    ui, program = context.ui, context.program
    width = (ui.room[0] - 2 * ui.gap[0]) / 3
    if ui.button("JSON lines##cars", width, tip="Save this list and the crops (E)"):
        save_results(program, JSON_LINES)
    ui.beside()
    if ui.button("CSV##cars", width, tip="Save this list and the crops (Ctrl E)"):
        save_results(program, CSV)
    ui.beside()
    if ui.button("Clear##cars", width, tip="Clear this list"):
        program.state.cars.clear()


def _row(context: PanelContext, car: Car, rect: Rect, present: bool) -> None:
    """present: it is in the picture just now."""
    ui, theme, em, track = context.ui, context.ui.theme, context.ui.em, car.track
    left, top, width, height = rect
    ui.cursor = (left, top)
    hit = ui.hit(f"car {track.number}", width, height)
    paint = ui.painter
    paint.surface(rect, theme.raised if hit.hovered else theme.field, 4 * em)
    if present:
        paint.surface((left, top, 3 * em, height), confidence_colour(context, track.plate.confidence), 1.5 * em)
    texture = context.textures.get(("car", track.number), track.read, lambda: track.plate.crop)
    crop = CROP_HEIGHT * em
    # A plate is four times as wide as high; in a narrow panel the letters matter more.
    across = min(4 * crop, width * 0.42)
    paint.picture(texture, (left + 8 * em, top + (height - across / 4) / 2, across, across / 4))
    x, y = left + across + 18 * em, top + 5 * em
    text = track.plate.marked_text
    paint.text((x, y), text, theme.text)
    number_left, number = x + ui.text_width(text) + 8 * em, f"#{track.number}"
    sure, right = f"{100 * track.plate.confidence:.0f} %", left + width - 8 * em
    sure_left = right - ui.text_width(sure)
    paint.text((sure_left, y), sure, confidence_colour(context, track.plate.confidence))
    if number_left + ui.text_width(number, SMALL) < sure_left - 4 * em:
        paint.text((number_left, y + 2 * em), number, theme.dim, SMALL)
    y += ui.line_height + 3 * em
    began, ended = f"{car.first:%H:%M:%S}", f"{car.last:%H:%M:%S}"
    often = f"×{track.count}"
    paint.text((x, y), began if began == ended else f"{began} - {ended}", theme.dim, SMALL)
    often_left = right - ui.text_width(often, SMALL)
    if often_left > x + ui.text_width(f"{began} - {ended}", SMALL) + 4 * em:
        paint.text((often_left, y), often, theme.dim, SMALL)
    if hit.hovered:
        ui.tip(f"Car #{track.number}, seen {track.count} times from {began} to {ended}; click to copy its text")
    if hit.clicked:
        ui.copy(track.text)
        context.program.state.add_message(f"Copied {track.text}")


_SAYS = {OPENING: "opening", RUNNING: "running", PAUSED: "paused", WAITING: "not available", ENDED: "ended"}


def live_side(context: PanelContext) -> None:
    ui, program, state = context.ui, context.program, context.program.state
    theme, status = ui.theme, state.live_status
    left, top = ui.cursor
    width, step = ui.room[0], ui.line_height + 4 * ui.em
    colour = theme.right if status.state == RUNNING else theme.wrong if status.state == WAITING else theme.dim
    rows: list[tuple[str, str, Colour | None]] = [("Source", _SAYS[status.state], colour)]
    if status.state == WAITING:
        rows.append(("Next attempt in", f"{max(0.0, status.until - monotonic()):.0f} s", None))
    rows.append(("Frames per second", f"{state.source_rate.per_second():.1f}", None))
    rows.append(("Read per second", f"{state.recogniser_rate.per_second():.1f}", None))
    if state.recognition is not None:
        rows.append(("Latency", f"{1000 * (state.recognition.finished - state.recognition.captured):.0f} ms", None))
    if state.image_item is not None:
        rows.append(("Size", f"{state.image_item.size[0]} × {state.image_item.size[1]}", None))
    for name, value, tint in rows:
        pair(ui, ui.painter, (left, top, width, step), name, value, tint)
        top += step
    ui.cursor = (left, top + 8 * ui.em)
    half = (width - ui.gap[0]) / 2
    held = program.live is not None and program.live.paused
    if ui.button("Resume" if held else "Pause", half, on=held, tip="Space"):
        program.play()
    ui.beside()
    if ui.button("Replay" if state.live_is_file else "Reconnect", half, tip="R") and program.live is not None:
        program.live.reconnect()
    if ui.button(
        "Save this picture", width, enabled=state.image_item is not None, tip="With and without the overlays (S)"
    ):
        save_frame(program)
    camera_list(context, program.open)
    car_list(context)
