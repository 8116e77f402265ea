"""The cars of a live session: one row each, the newest first, with the best crop, the text, how often and when."""

from __future__ import annotations

from alpr_app.viewer.cars import Car
from alpr_app.viewer.commands import keep_results
from alpr_app.viewer.fonts import SMALL
from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage, confidence_colour, heading
from alpr_app.viewer.results import CSV, JSON_LINES

ROW, CROP_HEIGHT = 54, 30
LEAST_HEIGHT = 120


def cars_part(stage: Stage) -> None:
    """Fills the room that is left; of the rows those in sight are drawn."""
    ui, state = stage.ui, stage.program.state
    cars = list(state.cars.listed.values())
    if not cars and not state.settings.follow_cars:
        return
    heading(ui, f"Cars seen: {len(cars):,}" if cars else "Cars seen")
    if not cars:
        ui.text("They are listed here as they come", ui.theme.dim, wrapped=True)
        return
    _buttons(stage)
    row = round(ROW * ui.em)
    with ui.child("cars", 0, max(ui.room[1], LEAST_HEIGHT * ui.em)):
        left, top = ui.cursor
        width, height = ui.room
        first = max(0, int(ui.scroll / row))
        present = set(state.car_numbers)
        for place in range(first, min(len(cars), first + int(height / row) + 2)):
            car = cars[-1 - place]
            _row(stage, car, (left, top + place * row, width, row - 4 * ui.em), car.track.number in present)
        ui.cursor = (left, top)
        ui.space(len(cars) * row)


def _buttons(stage: Stage) -> None:
    ui, program = stage.ui, stage.program
    width = (ui.room[0] - 2 * ui.gap[0]) / 3
    if ui.button("JSON lines##cars", width, tip="Keep this list and the crops (E)"):
        keep_results(program, JSON_LINES)
    ui.beside()
    if ui.button("CSV##cars", width, tip="Keep this list and the crops (Ctrl E)"):
        keep_results(program, CSV)
    ui.beside()
    if ui.button("Clear##cars", width, tip="Forget the cars seen so far"):
        program.state.cars.clear()


def _row(stage: Stage, car: Car, rect: Rect, present: bool) -> None:
    """present: it is in the picture just now."""
    ui, theme, em, track = stage.ui, stage.ui.theme, stage.ui.em, car.track
    left, top, width, height = rect
    ui.cursor = (left, top)
    hit = ui.hit(f"car {track.number}", width, height)
    paint = ui.painter
    paint.surface(rect, theme.raised if hit.hovered else theme.field, 4 * em)
    if present:
        paint.surface((left, top, 3 * em, height), confidence_colour(stage, track.plate.confidence), 1.5 * em)
    texture = stage.textures.get(("car", track.number), track.read, lambda: track.plate.crop)
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
    paint.text((sure_left, y), sure, confidence_colour(stage, track.plate.confidence))
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
        ui.tip(f"Car #{track.number}, seen {track.count} times from {began} to {ended}; a click copies its text")
    if hit.clicked:
        ui.copy(track.text)
        stage.program.state.say(f"Copied {track.text}")
