"""What the user does with a film: seeks, steps, changes its speed, repeats a passage, and goes to a car."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from alpr_app.data.videos import Capture
from alpr_app.viewer.app.film_cars import FilmCars
from alpr_app.viewer.app.state import State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.films import SPEEDS, FilmSource, FilmStatus
from alpr_app.viewer.workers.images import ImageItem
from alpr_app.viewer.workers.recogniser import LOADING, Recogniser, Recognition

# Frames shown with plates may lie so far, in milliseconds, from the moment that was asked for.
SAME_MOMENT_MS = 1.0


def film_time(seconds: float, digits: int = 2) -> str:
    """A time in a film: 1:05.24, 1:02:03.50."""
    parts = 10**digits
    whole, part = divmod(round(max(0.0, seconds) * parts), parts)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{rest:02d}.{part:0{digits}d}"


def file_time(state: State) -> str:
    """The time of the film's frame on the canvas for the beginning of a file name, such as `65.24 s `; empty for other
    pictures."""
    film = state.image_item.film if state.image_item is not None else None
    return f"{film.time_ms / 1000:.2f} s " if film is not None else ""


class FilmPlayer:
    """The film that is open, if the source is one. All methods belong to the main thread.

    Args:
        state: State of the window.

    Attributes:
        source: Its thread; None for other sources.
        passage: Beginning and end of the passage to repeat in milliseconds, as far as they are set.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.source: FilmSource | None = None
        self.passage: tuple[float | None, float | None] = (None, None)
        # Number and best moment of the car that the user wants to see, until its frame has been read.
        self._wanted: tuple[int, float] | None = None
        self._reported = ""

    def open(
        self,
        path: str,
        offer: Callable[[ImageItem], None],
        wake: Callable[[], None],
        capture: Callable[[int | str], Capture],
        recogniser: Recogniser,
    ) -> FilmSource:
        """Open a film. It waits at its first frame for the models; otherwise its beginning would not be read."""
        wait = recogniser.status.state == LOADING
        self.source = FilmSource(path, offer, wake, capture, wait, lambda: recogniser.live_taken)
        self._state.cars, self._state.film = FilmCars(), FilmStatus()
        return self.source

    def close(self) -> None:
        """Leave the film; its thread is closed by the program."""
        self.source, self.passage, self._wanted, self._reported = None, (None, None), None, ""
        self._state.film = None

    def notify(self) -> None:
        """Called on the recognition thread when it has taken a frame."""
        source = self.source
        if source is not None:
            source.notify()

    def collect(self) -> None:
        """Take over the state of the film."""
        source, state = self.source, self._state
        if source is None:
            return
        source.hold_file(state.models.state == LOADING)
        state.film = film = source.film
        if film.at_end and film.trouble and film.trouble != self._reported:
            self._reported = film.trouble
            state.add_message(f"{source.name}: {film.trouble}", is_error=True)

    def in_order(self, recognitions: Sequence[Recognition]) -> list[Recognition]:
        """Those results that may be shown: none of a frame before a jump that has already been shown."""
        shown, source = self._state.image_item, self.source
        if source is None or shown is None or shown.film is None:
            return list(recognitions)
        before = shown.film
        in_order = []
        for recognition in recognitions:
            film = recognition.image_item.film if recognition.image_item is not None else None
            stale = film is not None and film.order < before.order and (film.jump != before.jump or source.paused)
            if not stale:
                in_order.append(recognition)
        return in_order

    def shows_at_once(self, frame: ImageItem) -> bool:
        """Whether a frame is shown before it has been read, because the user waits for it: after a jump, and while
        paused."""
        shown, source = self._state.image_item, self.source
        if source is None or frame.film is None:
            return False
        before = shown.film if shown is not None else None
        return before is None or before.jump != frame.film.jump or (source.paused and frame.film.order > before.order)

    def select_wanted(self) -> None:
        """Select the card of the car that the user has asked for, once its frame has been read."""
        state, item = self._state, self._state.image_item
        if self._wanted is None or item is None or item.film is None or state.recognition is None:
            return
        number, best_ms = self._wanted
        if abs(item.film.time_ms - best_ms) <= SAME_MOMENT_MS:
            numbers = state.car_numbers
            state.selected = numbers.index(number) if number in numbers else state.selected
            self._wanted = None

    def show_car(self, number: int) -> None:
        """Go to the moment at which a car was read best and select its card; with other sources, select its card while
        it is in sight."""
        state, car = self._state, self._state.cars.listed.get(number)
        numbers = state.car_numbers
        if self.source is None or car is None or car.film is None:
            state.selected = numbers.index(number) if number in numbers else state.selected
            return
        if not self._may_seek():
            return
        self._wanted = (number, 1000 * car.film.best)
        self.source.pause(True)
        self.source.seek(1000 * car.film.best)

    def seek(self, time_ms: float) -> None:
        """Show the frame at a time."""
        if self.source is not None and self._may_seek():
            self._wanted = None
            self.source.seek(time_ms)

    def step(self, count: int) -> None:
        """Pause and go so many frames forward or back; see `FilmSource.step_frames`."""
        if self.source is not None and (count > 0 or self._may_seek()):
            self._wanted = None
            self.source.step_frames(count)

    def play(self) -> None:
        """Pause or go on; from the beginning if the film has ended."""
        source = self.source
        if source is not None:
            self._wanted = None
            if source.film.at_end:
                source.reconnect()
            else:
                source.pause(not source.paused)

    def change_speed(self, by: int) -> None:
        """Go so many steps up or down in SPEEDS."""
        if self.source is not None:
            place = SPEEDS.index(self.source.speed) + by
            self.source.set_speed(SPEEDS[min(max(place, 0), len(SPEEDS) - 1)])

    def toggle_loop(self) -> None:
        """Repeat the passage, or the whole film if none is set; or stop that."""
        if self.source is not None and self._may_seek():
            self.source.set_loop(None if self.source.loop is not None else self._chosen())

    def mark(self, end: bool) -> None:
        """Set the beginning or the end of the passage to the present frame, or forget it if it is there; a complete
        passage is repeated at once."""
        source = self.source
        position = source.film.position if source is not None else None
        if source is None or position is None or not self._may_seek():
            return
        begin_ms, end_ms = self.passage
        now = position.time_ms
        if end:
            end_ms = None if end_ms == now else now
        else:
            begin_ms = None if begin_ms == now else now
        if begin_ms is not None and end_ms is not None and begin_ms > end_ms:
            begin_ms, end_ms = end_ms, begin_ms
        self.passage = (begin_ms, end_ms)
        if source.loop is not None or None not in self.passage:
            source.set_loop(self._chosen())

    def _chosen(self) -> tuple[float, float]:
        begin_ms, end_ms = self.passage
        return 0.0 if begin_ms is None else begin_ms, inf if end_ms is None else end_ms

    def _may_seek(self) -> bool:
        film = self._state.film
        if film is not None and film.can_seek:
            return True
        if film is not None and film.position is not None:
            self._state.add_message(tr("This film only plays forward"))
        return False
