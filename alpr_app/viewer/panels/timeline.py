"""The timeline of a film below the picture: its time, the parts that were read, the cars in it, and where to go."""

from __future__ import annotations

from alpr_app.viewer.app.film_cars import FilmCars
from alpr_app.viewer.app.film_player import film_time
from alpr_app.viewer.panels.context import PanelContext, confidence_colour, elide
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import SMALL, Rect
from alpr_app.viewer.toolkit.theme import fade
from alpr_app.viewer.workers.films import FULL_SPEED, SPEEDS, FilmStatus

PAD, SPACING = 7, 5
# Height of the bar, of the strip of the parts that were read, and of the space around the rows of cars.
BAR_HEIGHT, READ_HEIGHT, MARGIN = 38, 4, 4
# Rows of cars at most, their height at most, and the space between two.
LANES, LANE_HEIGHT, LANE_GAP = 3, 14, 2
# Shortest drawn stay of a car.
MINIMUM_WIDTH = 3
COMBO_WIDTH = 92
# Below this width, the buttons for the passage are left out; the keys remain.
NARROW = 460
_FULL = mark("full")

Span = tuple[float, float, int]
"""Begin and end in seconds, and the number of a car."""


def timeline_height(context: PanelContext) -> float:
    """Height of the timeline; 0 if the source is not a film."""
    ui, film = context.ui, context.program.state.film
    if film is None or film.position is None:
        return 0.0
    bar = (SPACING + BAR_HEIGHT) * ui.unit if _is_drawn(film) else 0.0
    return ui.row_height + 2 * PAD * ui.unit + bar


def _is_drawn(film: FilmStatus) -> bool:
    """Whether there is a bar: only if it can be clicked. Without a known length it shows what has been seen."""
    return film.can_seek and film.span_ms > 0


def lanes(spans: list[Span]) -> list[list[Span]]:
    """Distribute spans over at most LANES rows so that they overlap only where more cars are in sight than that."""
    rows: list[list[Span]] = []
    for span in sorted(spans):
        free = next((row for row in rows if row[-1][1] < span[0]), None)
        if free is not None:
            free.append(span)
        elif len(rows) < LANES:
            rows.append([span])
        else:
            min(rows, key=lambda row: row[-1][1]).append(span)
    return rows


class TimelinePanel:
    """The timeline; it remembers what is being dragged, and the arrangement of the cars."""

    def __init__(self) -> None:
        # Whether the film was paused before the pointer was pressed; None while it is not held.
        self._was_paused: bool | None = None
        self._dragged_ms = 0.0
        self._arranged: tuple[int, int] | None = None
        self._lanes: list[list[Span]] = []

    def draw(self, context: PanelContext, rect: Rect) -> None:
        """Draw the timeline into `rect`, whose height is `timeline_height`."""
        ui, film = context.ui, context.program.state.film
        if film is None or film.position is None:
            return
        ui.painter.fill(rect, ui.theme.panel)
        pad = PAD * ui.unit
        left, top, width = rect[0] + pad, rect[1] + pad, rect[2] - 2 * pad
        right = self._controls(context, film, left, top, width)
        self._times(context, film, (left, top, right - left - 10 * ui.unit, ui.row_height))
        if _is_drawn(film):
            top += ui.row_height + SPACING * ui.unit
            self._bar(context, film, (left, top, width, BAR_HEIGHT * ui.unit))

    def _controls(self, context: PanelContext, film: FilmStatus, left: float, top: float, width: float) -> float:
        """Draw the buttons at the right; returns where they begin."""
        ui, player, source = context.ui, context.program.film, context.program.film.source
        if source is None:
            return left + width
        combo = COMBO_WIDTH * ui.unit
        x = left + width - combo
        ui.cursor = (x, top)
        names = [tr(_FULL) if speed == FULL_SPEED else f"{speed:g}×" for speed in SPEEDS]
        current = SPEEDS.index(source.speed)
        chosen = ui.combo("speed", current, names, combo)
        ui.tooltip(tr("Speed ([ slower, ] faster); full: every frame, as fast as it is read"))
        if chosen != current:
            source.set_speed(SPEEDS[chosen])
        if not film.can_seek:
            return x
        loop = tr("Repeat")
        x -= ui.text_width(loop) + 18 * ui.unit + ui.gap[0]
        ui.cursor = (x, top)
        if ui.button(loop + "##film", on=source.loop is not None, tip=tr("Repeat the film or the passage (Ctrl R)")):
            player.toggle_loop()
        if width < NARROW * ui.unit:
            return x
        begin_ms, end_ms = player.passage
        tips = (
            tr("The passage to repeat begins here (Ctrl [); again: no beginning"),
            tr("The passage to repeat ends here (Ctrl ]); again: no end"),
        )
        for name, when, is_end, tip in (("B", end_ms, True, tips[1]), ("A", begin_ms, False, tips[0])):
            x -= ui.row_height * 1.15 + ui.gap[0]
            ui.cursor = (x, top)
            if ui.button(f"{name}##passage", ui.row_height * 1.15, on=when is not None, tip=tip):
                player.mark(is_end)
        return x

    def _times(self, context: PanelContext, film: FilmStatus, rect: Rect) -> None:
        """Draw the time in the film, its length, and the number of the frame, as far as they fit."""
        ui, position = context.ui, film.position
        assert position is not None
        now_ms = self._dragged_ms if self._was_paused is not None else position.time_ms
        total = film_time(film.length_ms / 1000) if film.length_ms else tr("length unknown")
        texts = [(f"{film_time(now_ms / 1000)} / {total}", ui.theme.text)]
        if position.number is not None and self._was_paused is None:
            # Counted from 0, as in the files of `alpr read`.
            texts.append((tr("frame {number:,}", number=position.number), ui.theme.dim))
        if not film.can_seek:
            texts.append((tr("only plays forward"), ui.theme.dim))
        if film.trouble:
            texts.append((film.trouble, ui.theme.uncertain))
        x, room = rect[0], rect[2]
        y = rect[1] + (rect[3] - ui.line_height) / 2
        for text, colour in texts:
            shown = elide(ui, text, room)
            if shown != text and x > rect[0] and room < 60 * ui.unit:
                return
            ui.painter.text((x, y), shown, colour)
            step = ui.text_width(shown) + 18 * ui.unit
            x, room = x + step, room - step
            if room <= 0:
                return

    def _bar(self, context: PanelContext, film: FilmStatus, rect: Rect) -> None:
        ui, program = context.ui, context.program
        left, top, width, height = rect
        length_ms = film.span_ms
        ui.cursor = (left, top)
        hit = ui.hit("timeline", width, height)
        pointer_ms = min(max((ui.mouse.position[0] - left) / width, 0.0), 1.0) * length_ms
        if hit.held:
            self._drag(context, pointer_ms)
        elif self._was_paused is not None:
            if program.film.source is not None:
                program.film.source.pause(self._was_paused)
            self._was_paused = None
        paint, theme, unit = ui.painter, ui.theme, ui.unit
        paint.fill(rect, theme.field, 3 * unit)
        with paint.clip(rect):
            self._passage(context, rect, length_ms)
            cars = program.state.cars
            if isinstance(cars, FilmCars):
                strip = READ_HEIGHT * unit
                for begin, end in cars.parts:
                    x, wide = _across(rect, begin, end, length_ms)
                    paint.fill((x, top + height - strip, max(wide, unit), strip), theme.accent)
                self._cars(context, cars, rect, length_ms)
        position = film.position
        assert position is not None
        now_ms = self._dragged_ms if self._was_paused is not None else position.time_ms
        x = left + min(now_ms / length_ms, 1.0) * width
        paint.fill((x - unit, top - 2 * unit, 2 * unit, height + 4 * unit), theme.text)
        part = 4 * unit
        paint.triangle((x - part, top - 3 * unit), (x + part, top - 3 * unit), (x, top + 3 * unit), theme.text)
        if hit.hovered or hit.held:
            self._hint(context, rect, pointer_ms)

    def _drag(self, context: PanelContext, pointer_ms: float) -> None:
        """Follow the pointer; the film does not play on meanwhile."""
        player = context.program.film
        if player.source is None:
            return
        if self._was_paused is None:
            self._was_paused, self._dragged_ms = player.source.paused, -1.0
            player.source.pause(True)
        if pointer_ms != self._dragged_ms:
            self._dragged_ms = pointer_ms
            player.seek(pointer_ms)

    def _passage(self, context: PanelContext, rect: Rect, length_ms: float) -> None:
        """Draw the passage that is repeated, or that is being chosen."""
        ui, player = context.ui, context.program.film
        begin_ms, end_ms = player.passage
        is_looped = player.source is not None and player.source.loop is not None
        if begin_ms is None and end_ms is None and not is_looped:
            return
        begin, end = (begin_ms or 0.0) / 1000, (length_ms if end_ms is None else end_ms) / 1000
        x, wide = _across(rect, begin, end, length_ms)
        colour = ui.theme.accent
        ui.painter.fill((x, rect[1], wide, rect[3]), fade(colour, 0.22 if is_looped else 0.1))
        for edge, when in ((x, begin_ms), (x + wide, end_ms)):
            if when is not None:
                ui.painter.fill((edge - ui.unit, rect[1], 2 * ui.unit, rect[3]), colour)

    def _cars(self, context: PanelContext, cars: FilmCars, rect: Rect, length_ms: float) -> None:
        """Draw the stays of the cars in rows; those in the present frame stand out."""
        ui, state = context.ui, context.program.state
        arranged = (id(cars), cars.changes)
        if arranged != self._arranged:
            self._arranged = arranged
            spans = [
                (begin, end, number)
                for number, car in cars.listed.items()
                for begin, end in (car.film.spans if car.film is not None else ())
            ]
            self._lanes = lanes(spans)
        present = set(state.car_numbers)
        room = BAR_HEIGHT - READ_HEIGHT - 2 * MARGIN
        lane = min(LANE_HEIGHT, room / max(1, len(self._lanes)) - LANE_GAP) * ui.unit
        minimum = MINIMUM_WIDTH * ui.unit
        for row, spans in enumerate(self._lanes):
            y = rect[1] + MARGIN * ui.unit + row * (lane + LANE_GAP * ui.unit)
            drawn_to = -1.0
            for begin, end, number in spans:
                car = cars.listed.get(number)
                x, wide = _across(rect, begin, end, length_ms)
                wide = max(wide, minimum)
                if car is None or (x + wide <= drawn_to and number not in present):
                    # In a long film, many stays share a pixel.
                    continue
                drawn_to = x + wide
                colour = confidence_colour(context, car.track.plate.confidence)
                ui.painter.fill((x, y, wide, lane), colour if number in present else fade(colour, 0.65), 2 * ui.unit)
                if number in present:
                    ui.painter.outline((x, y, wide, lane), ui.theme.text, 2 * ui.unit)

    def _hint(self, context: PanelContext, rect: Rect, pointer_ms: float) -> None:
        """Draw the time under the pointer, and the cars that are in sight then, above the bar."""
        ui, cars = context.ui, context.program.state.cars
        # A stay is drawn wider than it may be.
        slack = MINIMUM_WIDTH * ui.unit / rect[2] * pointer_ms / 1000 if rect[2] else 0.0
        time = pointer_ms / 1000
        texts = [
            f"#{number} {cars.listed[number].track.text}"
            for spans in self._lanes
            for begin, end, number in spans
            if begin - slack <= time <= end + slack and number in cars.listed
        ]
        text = elide(ui, "   ".join([film_time(time), *dict.fromkeys(texts)]), rect[2] - 12 * ui.unit, SMALL)
        width, height = ui.text_width(text, SMALL) + 12 * ui.unit, ui.line_height + 4 * ui.unit
        x = min(max(rect[0], ui.mouse.position[0] - width / 2), rect[0] + rect[2] - width)
        y = rect[1] - ui.row_height - (SPACING + PAD) * ui.unit - height - 4 * ui.unit
        ui.painter.fill((x, y, width, height), ui.theme.label, 3 * ui.unit)
        ui.painter.text((x + 6 * ui.unit, y + 3 * ui.unit), text, ui.theme.label_text, SMALL)


def _across(rect: Rect, begin: float, end: float, length_ms: float) -> tuple[float, float]:
    """Left end and width on the bar of a span in seconds."""
    scale = 1000 * rect[2] / length_ms
    return rect[0] + begin * scale, (end - begin) * scale
