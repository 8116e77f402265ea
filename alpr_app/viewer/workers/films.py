"""The source thread of a video file: plays it at any speed, jumps, steps back and forth, and repeats a passage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from alpr_app.data.films import SAME_TIME_MS, Film
from alpr_app.data.videos import Capture
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import FilmPosition, ImageItem, make_image_item
from alpr_app.viewer.workers.live import ENDED, FrameReader, LiveSource, open_capture
from alpr_app.viewer.workers.threads import noop

# Speeds to choose from, as multiples of the film's own; FULL_SPEED shows the next frame as soon as the last one is
# read, so that every frame is.
FULL_SPEED = 0.0
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, FULL_SPEED)
# Reaching a frame far from a key frame takes long; a drive that has stalled takes longer.
PATIENCE_SECONDS = 20.0
# Longest wait of the reading thread before it looks for requests again.
_POLL_SECONDS = 0.25
# A step of more frames than this means the beginning or the end.
LARGEST_STEP = 10_000


@dataclass(frozen=True)
class FilmStatus:
    """What is known of a film.

    Attributes:
        can_seek: Whether it can be shown from any position.
        length_ms: Its length; None if it is unknown.
        seen_ms: How far it has been seen.
        period_ms: Time from one frame to the next at its mean rate.
        position: That of the frame shown last; None before the first one.
        at_end: Whether that is the last frame.
        trouble: What is missing; empty if nothing is.
    """

    can_seek: bool = False
    length_ms: float | None = None
    seen_ms: float = 0.0
    period_ms: float = 40.0
    position: FilmPosition | None = None
    at_end: bool = False
    trouble: str = ""

    @property
    def span_ms(self) -> float:
        """Its length as far as it is known; 0 before the first frame."""
        return self.length_ms or self.seen_ms


@dataclass(frozen=True)
class _Request:
    """A jump to a time, then so many steps forward or, if negative, back."""

    time_ms: float | None = None
    steps: int = 0


class FilmSource(LiveSource):
    """The thread that plays a video file.

    Args:
        address: Path of the file.
        offer: Takes every frame that is shown.
        wake: Called when the status has changed.
        capture: Opens the file.
        hold_at_first_frame: Initial state of `hold_file`.
        is_taken: Whether the last frame offered has been taken by the reader of plates; for FULL_SPEED.

    Attributes:
        film: What is known of the film; replaced as a whole, so any thread may read it.
        speed: One of SPEEDS.
        loop: The passage that is repeated, from and to in milliseconds, (0, inf) for the whole film; None for no
            repetition.
    """

    def __init__(
        self,
        address: str,
        offer: Callable[[ImageItem], None],
        wake: Callable[[], None] = noop,
        capture: Callable[[int | str], Capture] = open_capture,
        hold_at_first_frame: bool = False,
        is_taken: Callable[[], bool] = lambda: True,
    ) -> None:
        self.film = FilmStatus()
        self.speed = 1.0
        self.loop: tuple[float, float] | None = None
        self._hold_at_first_frame = hold_at_first_frame
        self._is_taken = is_taken
        self._request: _Request | None = None
        self._order = self._jump = 0
        super().__init__(address, offer, wake, capture)

    def hold_file(self, hold_at_first_frame: bool) -> None:
        """Keep the film at its first frame, while the models are loading."""
        if hold_at_first_frame != self._hold_at_first_frame:
            with self._changed:
                self._hold_at_first_frame = hold_at_first_frame
                self._changed.notify_all()

    def seek(self, time_ms: float) -> None:
        """Show the frame at a time; a later request replaces one that has not been carried out."""
        with self._changed:
            self._request = _Request(time_ms=max(0.0, time_ms))
            self._changed.notify_all()

    def step_frames(self, count: int) -> None:
        """Pause, and go so many frames forward, or back if negative; a very large number goes to the last or first
        frame."""
        with self._changed:
            self._paused = True
            before = self._request
            if abs(count) > LARGEST_STEP:
                self._request = _Request(time_ms=0.0 if count < 0 else self.film.span_ms)
            elif before is None:
                self._request = _Request(steps=count)
            else:
                self._request = replace(before, steps=before.steps + count)
            self._changed.notify_all()

    def set_speed(self, speed: float) -> None:
        """Play at one of SPEEDS from now on."""
        with self._changed:
            self.speed = speed
            self._changed.notify_all()

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Repeat a passage, see `loop`; a position outside it jumps into it."""
        with self._changed:
            self.loop = loop
            position = self.film.position
            if loop is not None and position is not None and not loop[0] <= position.time_ms <= loop[1]:
                self._request = _Request(time_ms=loop[0])
            self._changed.notify_all()

    def reconnect(self) -> None:
        """Play the film from its beginning."""
        with self._changed:
            self._paused = False
            reader = self._reader
            if reader is not None and not reader.done and self.film.can_seek:
                self._request = _Request(time_ms=0.0)
                self._changed.notify_all()
                return
            # From the beginning, not where it was.
            self.film = FilmStatus()
        super().reconnect()

    def notify(self) -> None:
        """Called when a frame has been taken, so that at FULL_SPEED the next one may follow."""
        with self._changed:
            self._changed.notify_all()

    def _make_reader(self) -> FrameReader:
        return _FilmReader(self)

    @property
    def _running_state(self) -> str:
        return ENDED if self.film.at_end else super()._running_state

    def _show(self, film: Film, jumped: bool) -> None:
        """Offer the present frame; `jumped` says that it does not follow the one before."""
        frame = film.frame
        assert frame is not None
        self._number += 1
        self._order += 1
        self._jump += jumped
        position = FilmPosition(frame.time_ms, frame.number, self._jump, self._order)
        self._publish(film, position)
        self.rate.tick()
        item = make_image_item(f"{self.name} #{self._number}", frame.image, live=True)
        self._offer(replace(item, film=position))

    def _publish(self, film: Film, position: FilmPosition) -> None:
        seen_ms = max(self.film.seen_ms, position.time_ms + film.period_ms)
        self.film = FilmStatus(
            film.can_seek, film.length_ms, seen_ms, film.period_ms, position, film.at_end, film.trouble
        )


class _FilmReader(FrameReader):
    """The thread that decodes the film."""

    # A file that cannot be read will not be readable in a few seconds.
    failed_for_good = True

    def __init__(self, source: FilmSource) -> None:
        self._film_source = source
        # When the next frame is to be shown, in seconds of the monotonic clock.
        self._due = 0.0
        super().__init__(source)

    @property
    def patience(self) -> float:
        return PATIENCE_SECONDS

    def _read_source(self) -> str:
        source = self._film_source
        film = Film(str(source.address), source._capture, self._is_cancelled)
        try:
            if not film.opened:
                return tr("cannot be opened")
            return self._play(film)
        finally:
            film.close()

    def _is_cancelled(self) -> bool:
        request = self._film_source._request
        return self._stopped() or (request is not None and request.time_ms is not None)

    def _play(self, film: Film) -> str:
        source = self._film_source
        before = source.film.position
        # After a drive that had stalled, the film goes on where it was.
        resumed = before is not None and film.can_seek and film.at(before.time_ms) is not None
        if not resumed and film.next() is None:
            return tr("was closed") if self._is_cancelled() else tr("has no frame that can be decoded")
        self._show(film, jumped=True)
        while not self._stopped():
            with source._changed:
                request, source._request = source._request, None
                if request is None and not self._frame_is_due(film):
                    continue
            if request is not None:
                self._go(film, request)
            else:
                self._advance(film)
        return tr("was closed")

    def _frame_is_due(self, film: Film) -> bool:
        """Whether the next frame is to be shown now; otherwise wait a moment for that or for a request."""
        source = self._film_source
        wait = 0.0
        if source._hold_at_first_frame or source._paused or (film.at_end and source.loop is None):
            wait = _POLL_SECONDS
        elif source.speed == FULL_SPEED:
            wait = 0.0 if source._is_taken() else _POLL_SECONDS
        else:
            wait = min(self._due - monotonic(), _POLL_SECONDS)
        if wait <= 0:
            return True
        # A film that waits is not silent.
        self.last_frame_time = monotonic()
        source._changed.wait(wait)
        return False

    def _advance(self, film: Film) -> None:
        """Show the next frame; after the last one of the film or of the passage, begin again or stay there."""
        source = self._film_source
        frame, loop = film.peek(), source.loop
        if self._is_cancelled():
            return
        if loop is not None and film.can_seek and (frame is None or frame.time_ms > loop[1] + SAME_TIME_MS):
            if film.at(loop[0]) is not None:
                self._show(film, jumped=True)
            return
        if frame is None:
            return
        film.next()
        self._show(film, jumped=False)

    def _go(self, film: Film, request: _Request) -> None:
        """Carry out a jump or steps; the frame stays if that is impossible or no longer wanted."""
        moved = request.time_ms is not None and film.at(request.time_ms) is not None
        for _ in range(abs(request.steps)):
            if (film.next() if request.steps > 0 else film.previous()) is None:
                break
            moved = True
        if moved and not self._is_cancelled():
            self._show(film, jumped=request.time_ms is not None or request.steps < 0)

    def _show(self, film: Film, jumped: bool) -> None:
        source, frame = self._film_source, film.frame
        assert frame is not None
        source._show(film, jumped)
        self._note_frame()
        now = monotonic()
        # The last frame turns out to be the last one when no other can be decoded, which takes a moment.
        following = film.peek()
        if film.at_end and source.film.position is not None:
            source._publish(film, source.film.position)
        with source._changed:
            source._changed.notify_all()
        period_ms = film.period_ms if following is None else following.time_ms - frame.time_ms
        seconds = period_ms / 1000 / (source.speed or 1.0)
        # What is late is made up for by at most one frame.
        self._due = now + seconds if jumped else max(self._due + seconds, now - seconds)
