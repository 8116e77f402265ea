"""The cars of a film. Its parts may be read in any order and more than once; each car is listed and counted once.

Consecutive frames that were read form a part, with a tracker of its own that continues when reading goes on at its end.
Frames that have been counted are only matched with the cars that were seen there. At high speed frames are left out; if
those are read later, a second tracker follows the cars in them, which are matched with the known ones by their places.
Where reading runs from one part into the next, the cars in sight are the same in both, and are joined.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alpr_app.core.geometry import box_iou
from alpr_app.core.plate import Plate
from alpr_app.core.tracking import PATIENCE_SECONDS, SIMILAR_EDITS, SURE, Track, Tracker, edit_distance
from alpr_app.viewer.app.cars import MAXIMUM_CARS, Cars, FilmMoments, time_of_day
from alpr_app.viewer.workers.recogniser import Recognition

# A frame at most this many seconds after a part follows it, however it was reached.
ADJACENT_SECONDS = 0.25
# Sightings at most this many seconds away show where a car is in a frame that was not read.
NEAR_SECONDS = 0.3
# Overlap of a plate with such a sighting.
SAME_PLACE_IOU = 0.3
# Times this close, in seconds, are those of the same frame.
SAME_TIME = 0.001
# Frames whose numbers are remembered, because a car may turn out to have been read best a moment ago.
RECENT_FRAMES = 1000


@dataclass(frozen=True)
class _Segment:
    """A car in one part of the film: its track there, and the number of the frame in which it was read best."""

    track: Track
    frame: int | None


class _Sightings:
    """Where the cars of a part were seen, in the order of time; compact, because a film has many frames."""

    def __init__(self) -> None:
        self._times, self._cars, self._boxes = array("d"), array("l"), array("f")

    def add(self, time: float, car: int, box: Sequence[float]) -> None:
        place = bisect_right(self._times, time)
        self._times.insert(place, time)
        self._cars.insert(place, car)
        self._boxes[4 * place : 4 * place] = array("f", box)

    def extend(self, later: _Sightings) -> None:
        self._times.extend(later._times)
        self._cars.extend(later._cars)
        self._boxes.extend(later._boxes)

    def find(self, time: float, box: Sequence[float]) -> int:
        """The car that was seen in about the same place at about this time; 0 if there is none."""
        low = bisect_left(self._times, time - NEAR_SECONDS)
        high = bisect_right(self._times, time + NEAR_SECONDS)
        if low == high:
            return 0
        boxes = np.array(self._boxes[4 * low : 4 * high], np.float32).reshape(-1, 4)
        overlaps = box_iou(boxes, np.array([box], np.float32))[:, 0]
        # The nearest frame decides: in the same one, the plate is exactly there.
        fits = overlaps - np.abs(np.array(self._times[low:high]) - time)
        fits[overlaps < SAME_PLACE_IOU] = -1.0
        best = int(fits.argmax())
        return self._cars[low + best] if fits[best] > 0 else 0


class _Part:
    """A part of the film that has been read.

    Attributes:
        begin, end: Times of its first and last frame in seconds.
        serial: Distinguishes its tracker from those of other parts.
        tracker: Continues at its end.
        cars: Number of the car of each of the tracker's tracks.
        times: Times of its frames.
        sightings: Where its cars were seen.
    """

    def __init__(self, serial: int, begin: float) -> None:
        self.serial, self.begin, self.end = serial, begin, begin
        self.tracker = Tracker()
        self.cars: dict[int, int] = {}
        self.times = array("d")
        self.sightings = _Sightings()

    def holds(self, time: float) -> bool:
        return self.begin <= time <= self.end

    def has_read(self, time: float) -> bool:
        """Whether the frame at this time has been counted."""
        place = bisect_left(self.times, time - SAME_TIME)
        return place < len(self.times) and self.times[place] <= time + SAME_TIME

    def extend(self, later: _Part) -> None:
        """Take over the frames of a part that follows."""
        self.times.extend(later.times)
        self.sightings.extend(later.sightings)


class FilmCars(Cars):
    """Tracks the cars of a film.

    Attributes:
        changes: Rises whenever a car or a part changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0
        self._forget()

    def _forget(self) -> None:
        self._parts: list[_Part] = []
        # The part of the last frame, the jump after which it came, and a frame that begins no part yet.
        self._present: _Part | None = None
        self._jump = -1
        self._pending: tuple[float, Sequence[Plate], Recognition] | None = None
        # The tracker of frames that were left out before, the part they are in, and the jump after which they came.
        self._between: tuple[_Part, _Part, int] | None = None
        self._serial = self._numbers = 0
        # The tracks of each car, by part and number of the track.
        self._segments: dict[int, dict[tuple[int, int], _Segment]] = {}
        # Numbers of the frames read last, by time.
        self._frames: dict[float, int | None] = {}
        # Cars that turned out to be another one.
        self._joined: dict[int, int] = {}

    @property
    def parts(self) -> list[tuple[float, float]]:
        """The parts that have been read, from and to in seconds, in order."""
        return [(part.begin, part.end) for part in self._parts]

    def clear(self) -> None:
        """Clear the list; parts that are read again count again."""
        super().clear()
        self._forget()
        self.changes += 1

    def _tracks(self, plates: Sequence[Plate], recognition: Recognition) -> list[Track | None]:
        position = recognition.image_item.film if recognition.image_item is not None else None
        assert position is not None
        time = position.time_ms / 1000
        follows = position.jump == self._jump
        self._jump = position.jump
        pending, self._pending = self._pending, None
        part = next((part for part in self._parts if part.holds(time)), None)
        if part is not None:
            numbers = [self._known_car(part, time, plate) for plate in plates]
            if follows and self._present is not None and self._present.end < time - 1e-9:
                self._join(self._present, part, plates, numbers, time)
                numbers = [self._resolved(number) for number in numbers]
            else:
                self._present = part
            if not part.has_read(time):
                return self._read(self._tracker_between(part, position.jump), time, plates, recognition, part)
            return [self._track(number) for number in numbers]
        part = self._continued_part(time, follows)
        if part is None and pending is not None and follows and 0 < time - pending[0] <= PATIENCE_SECONDS:
            # A single frame, as while the timeline is dragged, begins no part: the same car would be listed many times.
            part = self._begin(pending[0])
            self._read(part, *pending)
        if part is None:
            self._pending, self._present = (time, plates, recognition), None
            return [self._track(self._neighbour(time, plate)) for plate in plates]
        self._present = part
        self._absorb(part, time)
        return self._read(part, time, plates, recognition)

    def _continued_part(self, time: float, follows: bool) -> _Part | None:
        """The part that a frame outside all parts continues."""
        before = max((part for part in self._parts if part.end < time), key=lambda part: part.end, default=None)
        if before is not None and time - before.end <= ADJACENT_SECONDS:
            return before
        present = self._present
        return present if follows and present is not None and 0 < time - present.end <= PATIENCE_SECONDS else None

    def _tracker_between(self, part: _Part, jump: int) -> _Part:
        """The tracker of the cars in frames of `part` that were left out before."""
        if self._between is None or self._between[1:] != (part, jump):
            self._serial += 1
            self._between = (_Part(self._serial, part.begin), part, jump)
        return self._between[0]

    def _begin(self, time: float) -> _Part:
        self._serial += 1
        part = _Part(self._serial, time)
        self._parts.append(part)
        self._parts.sort(key=lambda part: part.begin)
        return part

    def _read(
        self,
        part: _Part,
        time: float,
        plates: Sequence[Plate],
        recognition: Recognition,
        within: _Part | None = None,
    ) -> list[Track | None]:
        """Count the plates of a frame that was not read before, at the end of a part or `within` another one."""
        part.end = time
        whole = within or part
        insort(whole.times, time)
        self.changes += 1
        tracks = part.tracker.update(plates, time)
        part.tracker.ended()
        position = recognition.image_item.film if recognition.image_item is not None else None
        self._frames[time] = position.number if position is not None else None
        if len(self._frames) > RECENT_FRAMES:
            del self._frames[next(iter(self._frames))]
        found: list[Track | None] = []
        for track in tracks:
            number = part.cars.get(track.number, 0)
            if not number:
                known = within.sightings.find(time, track.last.box) if within is not None else 0
                number = part.cars[track.number] = self._resolved(known) or self._number_of(track, part)
            number = self._resolved(number)
            self._add_segment(number, (part.serial, track.number), track)
            whole.sightings.add(time, number, track.last.box)
            found.append(self._update(number, recognition))
        return found

    def _add_segment(self, number: int, key: tuple[int, int], track: Track) -> None:
        segments = self._segments.setdefault(number, {})
        before = segments.get(key)
        known = before is not None and before.track.read == track.read
        segments[key] = _Segment(track, before.frame if before is not None and known else self._frames.get(track.read))
        if len(self._segments) > 2 * MAXIMUM_CARS:
            # Also cars that were never read and so are not listed.
            del self._segments[next(iter(self._segments))]

    def _number_of(self, track: Track, part: _Part) -> int:
        """The number of a new track: that of a car of another part that ended or begins a moment away, else a new
        one."""
        here = set(map(self._resolved, part.cars.values()))
        for number, segments in self._segments.items():
            if number not in here and any(_same_car(track, other.track) for other in segments.values()):
                return number
        self._numbers += 1
        return self._numbers

    def _update(self, number: int, recognition: Recognition) -> Track:
        track, moments = self._combined(number)
        self._list(track, time_of_day(recognition), moments)
        return track

    def _combined(self, number: int) -> tuple[Track, FilmMoments]:
        """The car with this number, out of its tracks in all parts."""
        segments = sorted(self._segments[number].values(), key=lambda segment: segment.track.first)
        tracks = [segment.track for segment in segments]
        # The text read most often; among its readings, the most confident one.
        text = max(tracks, key=lambda track: (bool(track.text), track.count)).text
        winners = [segment for segment in segments if segment.track.text == text]
        winner = max(winners, key=lambda segment: segment.track.plate.confidence)
        best = winner.track
        spans: list[tuple[float, float]] = []
        for track in tracks:
            if spans and track.first - spans[-1][1] <= PATIENCE_SECONDS:
                spans[-1] = (spans[-1][0], max(spans[-1][1], track.until))
            else:
                spans.append((track.first, track.until))
        last = max(tracks, key=lambda track: track.until)
        count = sum(track.count for track in tracks)
        car = Track(number, best.plate, last.last, count, tracks[0].first, last.until, best.read)
        return car, FilmMoments(tuple(spans), best.read, winner.frame)

    def _track(self, number: int) -> Track | None:
        return self._combined(number)[0] if number in self._segments else None

    def _known_car(self, part: _Part, time: float, plate: Plate) -> int:
        """The car that has this plate in a frame of a part; 0 if it was not seen there."""
        number = self._resolved(part.sightings.find(time, plate.box))
        return number or self._neighbour(time, plate)

    def _neighbour(self, time: float, plate: Plate) -> int:
        """The car with the text of this plate that is in sight about this time; 0 if there is none."""
        for number, car in self.listed.items():
            spans = car.film.spans if car.film is not None else ()
            near = any(begin - PATIENCE_SECONDS <= time <= end + PATIENCE_SECONDS for begin, end in spans)
            if near and plate.text and car.track.text == plate.text:
                return number
        return 0

    def _resolved(self, number: int) -> int:
        while number in self._joined:
            number = self._joined[number]
        return number

    def _join(
        self, part: _Part, following: _Part, plates: Sequence[Plate], numbers: Sequence[int], time: float
    ) -> None:
        """Join two parts after reading has run from one into a frame of the next, with cars `numbers` there."""
        self._present = following
        if part is following or time - part.end > PATIENCE_SECONDS:
            return
        # The tracker of the first part says which of its cars these plates belong to.
        known = dict(part.cars)
        for track, number in zip(part.tracker.update(plates, time), numbers, strict=True):
            mine = self._resolved(known.get(track.number, 0))
            if mine and number and mine != number:
                self._merge(mine, number)
        self._absorb(part, time)
        self._merge_alike(part, following)
        following.begin = part.begin
        part.extend(following)
        following.sightings, following.times = part.sightings, part.times
        self._parts.remove(part)
        self.changes += 1

    def _absorb(self, part: _Part, time: float) -> None:
        """Join the parts that were skipped on the way from the end of a part to `time`."""
        for skipped in [other for other in self._parts if part.end < other.begin and other.end < time]:
            self._merge_alike(part, skipped)
            part.extend(skipped)
            self._parts.remove(skipped)

    def _merge_alike(self, part: _Part, following: _Part) -> None:
        """Join cars of two neighbouring parts with the same text that were in sight a moment apart."""
        for mine in {self._resolved(number) for number in part.cars.values()}:
            for other in {self._resolved(number) for number in following.cars.values()} - {mine}:
                mine_tracks, tracks = self._segments.get(mine, {}), self._segments.get(other, {})
                if any(_same_car(a.track, b.track) for a in mine_tracks.values() for b in tracks.values()):
                    self._merge(mine, other)
                    break

    def _merge(self, first: int, second: int) -> None:
        """Make two cars one, with the lower number."""
        number, gone = min(first, second), max(first, second)
        self._joined[gone] = number
        segments = self._segments.setdefault(number, {})
        segments |= self._segments.pop(gone, {})
        old, other = self.listed.pop(gone, None), self.listed.get(number)
        if not segments:
            return
        track, moments = self._combined(number)
        cars = [car for car in (old, other) if car is not None]
        if cars:
            newest = replace(cars[0], track=track, film=moments)
            self.listed[number] = replace(
                newest, first=min(car.first for car in cars), last=max(car.last for car in cars)
            )


def _same_car(first: Track, second: Track) -> bool:
    """Whether two tracks of different parts of the film are of one car: alike, and a moment apart."""
    apart = max(first.first - second.until, second.first - first.until)
    if not first.text or not second.text or apart > PATIENCE_SECONDS:
        return False
    sure = first.plate.confidence >= SURE and second.plate.confidence >= SURE
    edits = edit_distance(first.text, second.text)
    return edits == 0 if sure else edits <= SIMILAR_EDITS
