"""The left side for cameras, videos and streams: state of the source, and the list of cars."""

from __future__ import annotations

from time import monotonic

from alpr_app.viewer.app.cars import Car
from alpr_app.viewer.app.commands import save_frame, save_results
from alpr_app.viewer.app.film_player import film_time
from alpr_app.viewer.app.saved_results import CSV, JSON_LINES
from alpr_app.viewer.panels.camera_controls import camera_controls
from alpr_app.viewer.panels.context import PanelContext, confidence_colour, draw_pair, duration, elide, heading
from alpr_app.viewer.panels.dialogs import camera_list
from alpr_app.viewer.panels.menu import open_menu
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import SMALL, Rect
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.workers.live import ENDED, OPENING, PAUSED, RUNNING, WAITING

ROW, CROP_HEIGHT = 54, 30
MINIMUM_HEIGHT = 120


def car_list(context: PanelContext) -> None:
    """Draw the list of cars in the remaining room; only visible rows are drawn."""
    ui, state = context.ui, context.program.state
    cars = list(state.cars.listed.values())
    if not cars:
        return
    heading(ui, tr("Cars seen: {count:,}", count=len(cars)))
    _buttons(context)
    row = round(ROW * ui.unit)
    with ui.child("cars", 0, max(ui.room[1], MINIMUM_HEIGHT * ui.unit)):
        left, top = ui.cursor
        width, height = ui.room
        first = max(0, int(ui.scroll / row))
        in_frame = set(state.car_numbers)
        for place in range(first, min(len(cars), first + int(height / row) + 2)):
            car = cars[-1 - place]
            _row(context, car, (left, top + place * row, width, row - 4 * ui.unit), car.track.number in in_frame)
        ui.cursor = (left, top)
        ui.space(len(cars) * row)


def _buttons(context: PanelContext) -> None:
    ui, program = context.ui, context.program
    width = (ui.room[0] - 2 * ui.gap[0]) / 3
    if ui.button(tr("JSON lines") + "##cars", width, tip=tr("Save this list and the crops (E)")):
        save_results(program, JSON_LINES)
    ui.same_line()
    if ui.button("CSV##cars", width, tip=tr("Save this list and the crops (Ctrl E)")):
        save_results(program, CSV)
    ui.same_line()
    if ui.button(tr("Clear") + "##cars", width, tip=tr("Clear this list")):
        program.state.cars.clear()


def _row(context: PanelContext, car: Car, rect: Rect, in_frame: bool) -> None:
    """Draw the row of a car; `in_frame` marks one that is in the current frame."""
    ui, theme, unit, track = context.ui, context.ui.theme, context.ui.unit, car.track
    left, top, width, height = rect
    ui.cursor = (left, top)
    hit = ui.hit(f"car {track.number}", width, height)
    paint = ui.painter
    paint.fill(rect, theme.raised if hit.hovered else theme.field, 4 * unit)
    if in_frame:
        paint.fill((left, top, 3 * unit, height), confidence_colour(context, track.plate.confidence), 1.5 * unit)
    texture = context.textures.get(("car", track.number), track.read, lambda: track.plate.crop)
    crop = CROP_HEIGHT * unit
    # Crops are four times as wide as high; in a narrow panel the text has priority.
    across = min(4 * crop, width * 0.42)
    paint.picture(texture, (left + 8 * unit, top + (height - across / 4) / 2, across, across / 4))
    x, y = left + across + 18 * unit, top + 5 * unit
    text = track.plate.marked_text
    paint.text((x, y), text, theme.text)
    number_left, number = x + ui.text_width(text) + 8 * unit, f"#{track.number}"
    sure, right = f"{100 * track.plate.confidence:.0f} %", left + width - 8 * unit
    sure_left = right - ui.text_width(sure)
    paint.text((sure_left, y), sure, confidence_colour(context, track.plate.confidence))
    if number_left + ui.text_width(number, SMALL) < sure_left - 4 * unit:
        paint.text((number_left, y + 2 * unit), number, theme.dim, SMALL)
    y += ui.line_height + 3 * unit
    first_seen, last_seen = _moments(car)
    when = first_seen if first_seen == last_seen else f"{first_seen} - {last_seen}"
    count_text = f"×{track.count}"
    paint.text((x, y), elide(ui, when, right - x, SMALL), theme.dim, SMALL)
    count_left = right - ui.text_width(count_text, SMALL)
    if count_left > x + ui.text_width(when, SMALL) + 4 * unit:
        paint.text((count_left, y), count_text, theme.dim, SMALL)
    if hit.hovered:
        ui.tooltip(_tooltip(car, first_seen, last_seen))
    if hit.clicked:
        context.program.film.show_car(track.number)
    if hit.menu:
        open_menu(context, plate=track.plate, text=track.text, in_picture=False)


def _moments(car: Car) -> tuple[str, str]:
    """When a car was seen first and last: times of the film, else times of day."""
    if car.film is None:
        return f"{car.first:%H:%M:%S}", f"{car.last:%H:%M:%S}"
    return film_time(car.film.spans[0][0], 1), film_time(car.film.spans[-1][1], 1)


def _tooltip(car: Car, first: str, last: str) -> str:
    seen = tr(
        "Car #{number}, seen {count} times from {first} to {last}",
        number=car.track.number,
        count=car.track.count,
        first=first,
        last=last,
    )
    act = (
        tr("A click selects its card while it is in sight")
        if car.film is None
        else tr("A click shows it at {time}, where it was read best", time=film_time(car.film.best))
    )
    return "\n".join([seen, act, tr("Right click: menu, to copy its text")])


_STATE_NAMES = {
    OPENING: mark("opening"),
    RUNNING: mark("running"),
    PAUSED: mark("paused"),
    WAITING: mark("not available"),
    ENDED: mark("ended"),
}


def live_panel(context: PanelContext) -> None:
    """Draw the state of the live source, its buttons, the cameras and the cars."""
    ui, program, state = context.ui, context.program, context.program.state
    theme, status = ui.theme, state.live_status
    left, top = ui.cursor
    width, step = ui.room[0], ui.line_height + 4 * ui.unit
    colour = theme.right if status.state == RUNNING else theme.wrong if status.state == WAITING else theme.dim
    rows: list[tuple[str, str, Colour | None]] = [(tr("Source"), tr(_STATE_NAMES[status.state]), colour)]
    if status.state == WAITING:
        rows.append((tr("Next attempt in"), duration(max(0.0, status.until - monotonic())), None))
    running = status.state == RUNNING
    if running:
        rows.append((tr("Frames per second"), f"{state.source_rate.per_second():.1f}", None))
        rows.append((tr("Read per second"), f"{state.recogniser_rate.per_second():.1f}", None))
    if running and state.recognition is not None:
        latency = 1000 * (state.recognition.finished - state.recognition.captured)
        rows.append((tr("Latency"), tr("{time:.0f} ms", time=latency), None))
    if state.image_item is not None:
        rows.append((tr("Picture size"), f"{state.image_item.size[0]} × {state.image_item.size[1]}", None))
    for name, value, tint in rows:
        draw_pair(ui, ui.painter, (left, top, width, step), name, value, tint)
        top += step
    ui.cursor = (left, top + 8 * ui.unit)
    half = (width - ui.gap[0]) / 2
    paused = program.live is not None and program.live.paused
    if ui.button(tr("Resume") if paused else tr("Pause"), half, on=paused, tip=tr("Space")):
        program.play()
    ui.same_line()
    if (
        ui.button(tr("Replay") if state.film is not None else tr("Reconnect"), half, tip="R")
        and program.live is not None
    ):
        program.live.reconnect()
    if ui.button(
        tr("Save this picture"),
        width,
        enabled=state.image_item is not None,
        tip=tr("With and without the overlays (S)"),
    ):
        save_frame(program)
    camera_controls(context)
    camera_list(context, program.open)
    car_list(context)
