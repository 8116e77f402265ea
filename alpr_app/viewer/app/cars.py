"""The cars of a live session: tracked from frame to frame, with their readings combined, and listed."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from alpr_app.core.plate import Plate
from alpr_app.core.tracking import PATIENCE_SECONDS, Track, Tracker
from alpr_app.data.images import write_picture
from alpr_app.data.result_writers import OutputFile, Sheet
from alpr_app.viewer.workers.recogniser import Recognition

# Maximum number of cars in the list; the oldest are removed first.
MAXIMUM_CARS = 1000
# Time counted for a longer gap between frames: while a source is paused, no car leaves the scene.
LONGEST_BREAK = PATIENCE_SECONDS / 2

CAR_COLUMNS = (
    *("car", "text", "confidence", "colour", "fits_format", "seen", "first", "last", "source", "crop"),
    # Empty for other sources than films; the names are those of `alpr read`.
    *("frame", "time_ms", "first_ms", "last_ms"),
)


@dataclass(frozen=True)
class FilmMoments:
    """When a car is seen in a film. Times are seconds of the film.

    Attributes:
        spans: From when until when, one pair for each time that it was in sight, in order.
        best: When it was read best.
        frame: Number of that frame; None if it is unknown.
    """

    spans: tuple[tuple[float, float], ...]
    best: float
    frame: int | None = None

    def to_dict(self) -> dict[str, object]:
        """The fields of the export, named as `alpr read` names them."""
        frame = {} if self.frame is None else {"frame": self.frame}
        times = {"time_ms": self.best, "first_ms": self.spans[0][0], "last_ms": self.spans[-1][1]}
        return frame | {name: round(1000 * time, 1) for name, time in times.items()}


@dataclass(frozen=True, eq=False)
class Car:
    """A car of the session.

    Attributes:
        track: State of the tracker; the crop of its plate is that of the best reading.
        first, last: Time of day when it was seen first and last.
        film: When it is seen in a film; None for other sources.
    """

    track: Track
    first: datetime
    last: datetime
    film: FilmMoments | None = None

    def to_dict(self, source: str) -> dict[str, object]:
        """One line of the export: the car, then its plate as `alpr read` writes it."""
        about = {"source": source, "car": self.track.number, "seen": self.track.count}
        times = {name: when.isoformat(timespec="milliseconds") for name, when in self._times()}
        return about | times | (self.film.to_dict() if self.film is not None else {}) | self.track.plate.to_dict()

    def _times(self) -> tuple[tuple[str, datetime], ...]:
        return ("first", self.first), ("last", self.last)


class Cars:
    """Tracks the cars of a live session.

    Attributes:
        listed: Cars by number, in order of appearance; only those with a text.
    """

    def __init__(self) -> None:
        self.listed: dict[int, Car] = {}
        self._tracker = Tracker()
        self._clock = 0.0
        self._last_captured: float | None = None

    def follow(self, recognition: Recognition, score: float, confidence: float) -> Recognition:
        """Track the plates of a live frame that reach both thresholds.

        Returns:
            The recognition with the combined reading of each tracked plate, and with the number of each plate's car.
        """
        if recognition.error:
            return recognition
        shown = [plate for plate in recognition.plates if plate.score >= score and plate.confidence >= confidence]
        tracks = dict(zip(map(id, shown), self._tracks(shown, recognition), strict=True))
        plates_and_tracks = [(plate, tracks.get(id(plate))) for plate in recognition.plates]
        plates = tuple(
            plate if track is None else with_combined_reading(plate, track.plate) for plate, track in plates_and_tracks
        )
        return replace(
            recognition, plates=plates, cars=tuple(track.number if track else 0 for _, track in plates_and_tracks)
        )

    def _tracks(self, plates: Sequence[Plate], recognition: Recognition) -> list[Track | None]:
        """Track and list the cars with these plates of a frame; returns the track of each plate."""
        if self._last_captured is not None:
            self._clock += min(max(0.0, recognition.captured - self._last_captured), LONGEST_BREAK)
        self._last_captured = recognition.captured
        tracks = self._tracker.update(plates, self._clock)
        self._tracker.ended()
        for track in tracks:
            self._list(track, time_of_day(recognition))
        return [*tracks]

    def _list(self, track: Track, when: datetime, film: FilmMoments | None = None) -> None:
        if not track.text:
            return
        car = self.listed.get(track.number)
        first = car.first if car else when
        # A clock that is set back must not make a car leave before it came.
        self.listed[track.number] = Car(track, first, max(first, when), film)
        if len(self.listed) > MAXIMUM_CARS:
            del self.listed[next(iter(self.listed))]

    def clear(self) -> None:
        """Clear the list; cars still in view keep their numbers and are listed again."""
        self.listed = {}


def time_of_day(recognition: Recognition) -> datetime:
    """When a live frame was taken."""
    return datetime.now().astimezone() - timedelta(seconds=max(0.0, monotonic() - recognition.captured))


def with_combined_reading(plate: Plate, winner: Plate) -> Plate:
    """The best reading of a car at the current position of its plate."""
    return replace(winner, score=plate.score, box=plate.box, corners=plate.corners, crop=plate.crop)


def write_cars(path: Path, cars: Sequence[Car], source: str) -> None:
    """Write `cars` to `path`, one line (.jsonl) or row (.csv) per car, and their crops into a folder beside it.

    Raises:
        OutputError, PictureError: A file cannot be written.
    """
    folder = path.with_name(path.stem + "-crops")
    lines = []
    with OutputFile(path) as stream:
        folder.mkdir(exist_ok=True)
        for car in cars:
            crop = f"{folder.name}/{car.track.number:04d}-{car.track.text}.png"
            write_picture(folder.parent / crop, car.track.plate.crop)
            lines.append(car.to_dict(source) | {"crop": crop})
        stream.write(_rows(lines) if path.suffix == ".csv" else _json_lines(lines))


def _json_lines(lines: Sequence[dict[str, object]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _rows(lines: Sequence[dict[str, object]]) -> str:
    text = io.StringIO()
    sheet = Sheet(text, CAR_COLUMNS)
    for line in lines:
        sheet.row(line.get(column) for column in CAR_COLUMNS)
    return text.getvalue()
