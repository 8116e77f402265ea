"""`alpr read --track`: one result a car of a video instead of one a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from alpr_app.core.tracking import Track, Tracker
from alpr_app.data.result_writers import Outcome


def tracked(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """One outcome a car, as soon as it has left the picture, in the place of one a frame: that of the frame in which
    it was read best. A video without cars has one outcome without plates. Pictures, and what could not be read, are
    passed on as they are."""
    film: _Film | None = None
    for outcome in outcomes:
        number = outcome.frame.number
        if film is not None and (not number or outcome.frame.file != film.file):
            yield from film.end()
            film = None
        # Pages have a number but no time: nothing moves from one to the next.
        if number is None or outcome.frame.time_ms is None or outcome.result is None:
            yield outcome
            continue
        film = film or _Film(outcome.frame.file)
        yield from film.take(outcome)
    if film is not None:
        yield from film.end()


class _Film:
    """The cars of one video."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._tracker = Tracker()
        # What came of the frames since there was no car in sight, without their plates, by their times.
        self._frames: dict[float, Outcome] = {}
        self._time = 0.0
        self._empty = True

    def take(self, outcome: Outcome) -> Iterator[Outcome]:
        """The cars that have left when this frame is there."""
        # Of damaged videos the times jump back.
        self._time = max(self._time, (outcome.frame.time_ms or 0.0) / 1000)
        self._tracker.update(outcome.result.plates, self._time)
        self._frames[self._time] = replace(outcome, result=replace(outcome.result, plates=[]))
        yield from map(self._car, self._tracker.ended())
        if not self._tracker.following:
            self._frames = {self._time: self._frames[self._time]}

    def end(self) -> Iterator[Outcome]:
        """The cars that were in sight at the end."""
        yield from map(self._car, self._tracker.finish())
        if self._empty:
            outcome = self._frames[self._time]
            yield replace(outcome, frame=replace(outcome.frame, number=None, time_ms=None))

    def _car(self, track: Track) -> Outcome:
        self._empty = False
        outcome = self._frames[track.read]
        return replace(outcome, result=replace(outcome.result, plates=[track.plate]), track=track)
