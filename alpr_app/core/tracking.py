"""One car across frames: plates that belong together become a track, and the readings of a track are put to the vote.

A plate belongs to the track that is nearest and reads most alike. What counts is time, not frames, so it makes no
difference how many frames a second there are, nor whether some are missed. A single reading errs now and then; of all
readings of a track, similar ones are put together and the group with the most confidence wins, as Frigate does it. In
that group the text speaks for the car that was read surely most often; where none was, the most confident reading.

Cars of a fleet have plates that differ in a digit. So a sure reading that differs from what a track was surely read as
is another car's, unless the plate has not been out of sight and is where the track's must be by now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, hypot, inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpr_app.core.plate import Plate

# Seconds after which a car that is not seen has left.
PATIENCE_SECONDS = 1.5
# How far a plate may lie from where it is expected, in plate widths: at once, and more for every second.
REACH = 0.75
REACH_PER_SECOND = 6.0
# Plates that read alike may be further apart.
ALIKE_REACH = 3.0
# A plate grows or shrinks at most so much, and more for every second.
SIZE_RATIO = 1.8
# Texts that differ by no more than so many characters are similar.
SIMILAR_EDITS = 2
# Two sure readings that share less than this are of two cars, wherever they are.
SURE = 0.8
SAME_CAR_SHARE = 0.5
# Two sure readings that differ at all are of two cars, unless the plate was never away for longer than this, or for no
# frame at all, and lies no more than so many plate widths from where it is expected.
BREAK_SECONDS = 0.5
UNBROKEN_REACH = 1.0
# Sightings since a break that may turn out to be those of another car.
SIGHTINGS_KEPT = 250
# Over so many seconds a velocity is averaged: single corners shake.
VELOCITY_SECONDS = 0.3
# Different texts that a track remembers; the ones with the least confidence are forgotten first.
TEXTS_KEPT = 12
LEFT_KEPT = 1000


@dataclass(frozen=True)
class Track:
    """One car as far as it has been seen.

    number: counts the cars from 1 and stays the same. plate: the reading that won the vote, as it was found then.
    last: the plate as it was found last. count: how often it was found. first, until: the first and the last time it
    was found, read: when it was found as `plate`; in seconds on the clock of `Tracker.update`.
    """

    number: int
    plate: Plate
    last: Plate
    count: int
    first: float
    until: float
    read: float

    @property
    def text(self) -> str:
        """What was read, by the vote."""
        return self.plate.text


class Tracker:
    """Follows the plates of one camera or video. patience: seconds after which a car that is not seen has left.

    tracker = Tracker()
    for time, image in frames:
        for track in tracker.update(alpr.read(image), time):
            print(track.number, track.text, track.count)
    """

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        if not patience > 0:
            raise ValueError(f"patience must be more than 0 seconds, not {patience}")
        self.patience = patience
        self._cars: list[_Car] = []
        self._left: deque[Track] = deque(maxlen=LEFT_KEPT)
        self._number = 0
        self._now = -inf

    def update(self, plates: Sequence[Plate], time: float) -> list[Track]:
        """Take in what was found in one frame, taken at `time` in seconds; the tracks of `plates`, in their order.

        Raises ValueError if `time` lies before that of the frame before.
        """
        if time < self._now:
            raise ValueError(f"frames must come in the order of their times: {time} after {self._now}")
        before, self._now = self._now, time
        self._part([car for car in self._cars if time - car.until > self.patience])
        found = self._assign(plates, time, before)
        for place, plate in enumerate(plates):
            if place not in found:
                found[place] = self._another_car(plate, time, before)
            found[place].see(plate, time, before)
        return [found[place].track() for place in range(len(plates))]

    def _another_car(self, plate: Plate, time: float, before: float) -> _Car:
        """A new car, which `plate` was read from. Where it was taken for an earlier one until it could be read, it is
        given what was seen of it."""
        self._number += 1
        car = _Car(self._number, time)
        for other in self._cars:
            if other.was_another(plate, time, before):
                for sighting, when, frame_before in other.hand_over():
                    car.see(sighting, when, frame_before)
                break
        self._cars.append(car)
        return car

    @property
    def following(self) -> int:
        """How many cars are in sight, or have been a moment ago."""
        return len(self._cars)

    def ended(self) -> list[Track]:
        """The tracks of cars that have left since the last call, in the order in which they left; of more than
        `LEFT_KEPT` the last ones, so that nobody has to ask."""
        left = list(self._left)
        self._left.clear()
        return left

    def finish(self) -> list[Track]:
        """All tracks that `ended` has not given yet, those in sight too: there are no more frames."""
        self._part(list(self._cars))
        return self.ended()

    def _part(self, cars: list[_Car]) -> None:
        self._left += [car.track() for car in sorted(cars, key=lambda car: (car.until, car.number))]
        self._cars = [car for car in self._cars if car not in cars]

    def _assign(self, plates: Sequence[Plate], time: float, before: float) -> dict[int, _Car]:
        """The car of each place in `plates` that has one: the best pairs first, each car and each plate once."""
        pairs = [
            (fit, place, number)
            for place, plate in enumerate(plates)
            for number, car in enumerate(self._cars)
            if (fit := car.fit(plate, time, before)) > 0
        ]
        found: dict[int, _Car] = {}
        taken = set()
        for _, place, number in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
            if place not in found and number not in taken:
                taken.add(number)
                found[place] = self._cars[number]
        return found


# A plate, the time of its frame and that of the frame before.
_Sighting = tuple["Plate", float, float]


@dataclass
class _Ballot:
    """All readings of one text. weight: the sum of their confidences; sure: of the sure ones. best: the most confident
    one; time: its."""

    weight: float
    sure: float
    best: Plate
    time: float


class _Car:
    """A track that goes on. Times are those of frames, `before` is that of the frame before."""

    def __init__(self, number: int, time: float) -> None:
        self.number, self.first, self.until = number, time, time
        self.count = 0
        # Not there before it is first seen, which is at once.
        self._last: Plate
        self._winner: _Ballot
        self._velocity = (0.0, 0.0)
        self._ballots: dict[str, _Ballot] = {}
        # What was seen since the place broke off, until the text is surely read again; and what was known before.
        self._sightings: deque[_Sighting] = deque(maxlen=SIGHTINGS_KEPT)
        self._known: dict[str, Any] = {}

    def see(self, plate: Plate, time: float, before: float) -> None:
        """It was found as `plate`."""
        if self.count == 0:
            self.first = time
        else:
            self._note_break(plate, time, before)
            if time > self.until:
                self._velocity = self._moving(plate, time)
        self._last, self.until = plate, time
        self.count += 1
        self._poll(plate, time)
        self._winner = self._vote()

    def _note_break(self, plate: Plate, time: float, before: float) -> None:
        if _sure(plate) and plate.text == self._winner.best.text:
            self._sightings.clear()
        elif self._sightings:
            self._sightings.append((plate, time, before))
        elif _sure(self._winner.best) and not self._unbroken(plate, time, before):
            kept = ("count", "until", "_last", "_velocity")
            self._known = {name: getattr(self, name) for name in kept}
            self._known["_ballots"] = {text: replace(ballot) for text, ballot in self._ballots.items()}
            self._sightings.append((plate, time, before))

    def was_another(self, plate: Plate, time: float, before: float) -> bool:
        """Whether what was seen since the place broke off was another car: the one that is read as `plate` now."""
        return bool(self._sightings) and self._differs(plate) and self._unbroken(plate, time, before)

    def hand_over(self) -> list[_Sighting]:
        """What was seen since the place broke off; this car forgets it."""
        sightings = list(self._sightings)
        self._sightings.clear()
        vars(self).update(self._known)
        self._winner = self._vote()
        return sightings

    def _moving(self, plate: Plate, time: float) -> tuple[float, float]:
        """Its velocity, in pixels a second."""
        seconds = time - self.until
        share = 1 - exp(-seconds / VELOCITY_SECONDS)
        (from_x, from_y), (to_x, to_y), (old_x, old_y) = _centre(self._last.box), _centre(plate.box), self._velocity
        new_x, new_y = (to_x - from_x) / seconds, (to_y - from_y) / seconds
        return old_x + share * (new_x - old_x), old_y + share * (new_y - old_y)

    def _poll(self, plate: Plate, time: float) -> None:
        sure = plate.confidence if _sure(plate) else 0.0
        ballot = self._ballots.get(plate.text)
        if ballot is None:
            self._ballots[plate.text] = _Ballot(plate.confidence, sure, plate, time)
            if len(self._ballots) > TEXTS_KEPT:
                others = (text for text in self._ballots if text != plate.text)
                del self._ballots[min(others, key=lambda text: self._ballots[text].weight)]
            return
        ballot.weight += plate.confidence
        ballot.sure += sure
        if plate.confidence > ballot.best.confidence:
            ballot.best, ballot.time = plate, time

    def track(self) -> Track:
        winner = self._winner
        return Track(self.number, winner.best, self._last, self.count, self.first, self.until, winner.time)

    def _vote(self) -> _Ballot:
        """What speaks for the car: around every text, those similar to it are one group."""
        groups = [
            [other for text, other in self._ballots.items() if edits(centre, text) <= SIMILAR_EDITS]
            for centre in self._ballots
        ]
        winners = max(groups, key=lambda group: sum(ballot.weight for ballot in group))
        return max(winners, key=lambda ballot: (ballot.sure, ballot.best.confidence))

    def fit(self, plate: Plate, time: float, before: float) -> float:
        """How well `plate` continues this track: 0 not at all, up to 3."""
        seconds = time - self.until
        voted = self._winner.best
        shared = max(alikeness(known.text, plate.text) for known in (voted, self._last))
        if self._differs(plate):
            may_be_misread = not self._sightings and self._unbroken(plate, time, before)
            if shared < SAME_CAR_SHARE or not may_be_misread:
                return 0.0
        widths = sorted((_width(self._last.box), _width(plate.box)))
        if widths[1] > widths[0] * (SIZE_RATIO + seconds):
            return 0.0
        distance = self._distance(plate, time)
        reach = REACH + REACH_PER_SECOND * seconds
        if len(plate.text) > SIMILAR_EDITS and edits(voted.text, plate.text) <= SIMILAR_EDITS:
            reach *= ALIKE_REACH
        return 0.0 if distance >= reach else 1 - distance / reach + 2 * shared

    def _differs(self, plate: Plate) -> bool:
        """Whether both are sure, and not of the same text."""
        voted = self._winner.best
        return _sure(voted) and _sure(plate) and voted.text != plate.text

    def _distance(self, plate: Plate, time: float) -> float:
        """From where it is expected, or was last, for it may have stopped: in plate widths."""
        place, last = _centre(plate.box), _centre(self._last.box)
        seconds = time - self.until
        expected = tuple(side + speed * seconds for side, speed in zip(last, self._velocity, strict=True))
        width = max(_width(self._last.box), _width(plate.box))
        return min(hypot(place[0] - x, place[1] - y) for x, y in (last, expected)) / width

    def _unbroken(self, plate: Plate, time: float, before: float) -> bool:
        """Whether the place has gone on without a break until `plate`."""
        in_sight = self.until >= before or time - self.until <= BREAK_SECONDS
        return in_sight and self._distance(plate, time) < UNBROKEN_REACH


def _sure(plate: Plate) -> bool:
    return plate.confidence >= SURE


def _centre(box: Sequence[float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _width(box: Sequence[float]) -> float:
    return max(1.0, box[2] - box[0])


@lru_cache(maxsize=4096)
def edits(first: str, second: str) -> int:
    """Characters to change, add or leave out to make `second` of `first` (Levenshtein, 1966)."""
    row = list(range(len(second) + 1))
    for number, character in enumerate(first, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (character != other))
    return row[-1]


def alikeness(first: str, second: str) -> float:
    """How much of two texts is the same, 0 to 1; 0 if either is empty."""
    return 1 - edits(first, second) / max(len(first), len(second)) if first and second else 0.0
