"""One car across frames: plates that belong together form a track, and the readings of a track are put to the vote.

A plate belongs to the track that is nearest and reads most alike. Time counts, not frames, so that neither the frame
rate nor missed frames make a difference. Single readings err now and then: similar readings of a track are grouped, and
the group with the highest total confidence wins, as in Frigate. Within it, the text that was surely read most often
represents the car; if none was, the most confident reading does.

Cars of a fleet have plates that differ in a single digit. A sure reading that differs from the sure reading of a track
therefore belongs to another car, unless the plate has stayed in sight and is where the track must be by now.
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

# Seconds without a detection after which a car has left.
PATIENCE_SECONDS = 1.5
# How far a plate may lie from its expected position, in plate widths: at once, and per second in addition.
REACH = 0.75
REACH_PER_SECOND = 6.0
# Plates with similar texts may be further apart by this factor.
ALIKE_REACH = 3.0
# A plate grows or shrinks by at most this factor, plus one per second.
SIZE_RATIO = 1.8
# Texts are similar up to this edit distance.
SIMILAR_EDITS = 2
# Two sure readings with less similarity than this belong to two cars, wherever they are.
SURE = 0.8
SAME_CAR_SHARE = 0.5
# Two sure readings that differ at all belong to two cars, unless the plate was never out of sight for longer than this
# (or for a single frame) and lies within this many plate widths of its expected position.
BREAK_SECONDS = 0.5
UNBROKEN_REACH = 1.0
# Sightings since an interruption that may turn out to belong to another car.
SIGHTINGS_KEPT = 250
# Time constant of the velocity average: single corners jitter.
VELOCITY_SECONDS = 0.3
# Different texts that a track remembers; those with the least confidence are forgotten first.
TEXTS_KEPT = 12
LEFT_KEPT = 1000


@dataclass(frozen=True)
class Track:
    """One car as far as it has been seen. Times are seconds on the clock of `Tracker.update`.

    Attributes:
        number: Counts the cars from 1 and stays the same.
        plate: The reading that won the vote, as it was found then.
        last: The plate as found most recently.
        count: How often the car was found.
        first, until: The first and the last time it was found.
        read: When it was found as `plate`.
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
        """The text that won the vote."""
        return self.plate.text


class Tracker:
    """Follows the plates of one camera or video.

    Args:
        patience: Seconds without a detection after which a car has left.

    Raises:
        ValueError: `patience` is not positive.

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
        """Add the plates of one frame and return their tracks, in the order of `plates`.

        Args:
            plates: All plates found in the frame.
            time: When the frame was taken, in seconds.

        Raises:
            ValueError: `time` is earlier than that of the previous frame.
        """
        if time < self._now:
            raise ValueError(f"frames must come in the order of their times: {time} after {self._now}")
        before, self._now = self._now, time
        self._remove([car for car in self._cars if time - car.until > self.patience])
        found = self._assign(plates, time, before)
        for place, plate in enumerate(plates):
            if place not in found:
                found[place] = self._another_car(plate, time, before)
            found[place].see(plate, time, before)
        return [found[place].track() for place in range(len(plates))]

    def _another_car(self, plate: Plate, time: float, before: float) -> _Car:
        """Start a new car with `plate`. If it was mistaken for an earlier car until it could be read, its sightings are
        handed over to it."""
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
        """Number of cars in sight now or a moment ago."""
        return len(self._cars)

    def ended(self) -> list[Track]:
        """Return the tracks of cars that have left since the last call, in the order in which they left; at most the
        last `LEFT_KEPT`, so that not calling this costs no memory."""
        left = list(self._left)
        self._left.clear()
        return left

    def finish(self) -> list[Track]:
        """Return all tracks that `ended` has not returned yet, including cars in sight: there are no more frames."""
        self._remove(list(self._cars))
        return self.ended()

    def _remove(self, cars: list[_Car]) -> None:
        self._left += [car.track() for car in sorted(cars, key=lambda car: (car.until, car.number))]
        self._cars = [car for car in self._cars if car not in cars]

    def _assign(self, plates: Sequence[Plate], time: float, before: float) -> dict[int, _Car]:
        """Match plates (by index) with cars, best pairs first, each car and each plate at most once."""
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
    """All readings of one text: the sum of their confidences (`weight`), that of the sure ones (`sure`), and the most
    confident reading with its time."""

    weight: float
    sure: float
    best: Plate
    time: float


class _Car:
    """A track in progress. Times are those of frames; `before` is that of the previous frame."""

    def __init__(self, number: int, time: float) -> None:
        self.number, self.first, self.until = number, time, time
        self.count = 0
        # Set by the first call of `see`, which follows at once.
        self._last: Plate
        self._winner: _Ballot
        self._velocity = (0.0, 0.0)
        self._ballots: dict[str, _Ballot] = {}
        # Sightings since the track was interrupted, until the text is surely read again; and the state before that.
        self._sightings: deque[_Sighting] = deque(maxlen=SIGHTINGS_KEPT)
        self._known: dict[str, Any] = {}

    def see(self, plate: Plate, time: float, before: float) -> None:
        """Add a sighting."""
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
        """Whether the sightings since the interruption belong to another car, the one now read as `plate`."""
        return bool(self._sightings) and self._differs(plate) and self._unbroken(plate, time, before)

    def hand_over(self) -> list[_Sighting]:
        """Return the sightings since the interruption, and forget them."""
        sightings = list(self._sightings)
        self._sightings.clear()
        vars(self).update(self._known)
        self._winner = self._vote()
        return sightings

    def _moving(self, plate: Plate, time: float) -> tuple[float, float]:
        """Return the smoothed velocity in pixels per second."""
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
        """Return the winning ballot: similar texts are grouped around each text, and the heaviest group wins."""
        groups = [
            [other for text, other in self._ballots.items() if edit_distance(centre, text) <= SIMILAR_EDITS]
            for centre in self._ballots
        ]
        winners = max(groups, key=lambda group: sum(ballot.weight for ballot in group))
        return max(winners, key=lambda ballot: (ballot.sure, ballot.best.confidence))

    def fit(self, plate: Plate, time: float, before: float) -> float:
        """Return how well `plate` continues this track, from 0 (not at all) to 3."""
        seconds = time - self.until
        voted = self._winner.best
        shared = max(similarity(known.text, plate.text) for known in (voted, self._last))
        if self._differs(plate):
            may_be_misread = not self._sightings and self._unbroken(plate, time, before)
            if shared < SAME_CAR_SHARE or not may_be_misread:
                return 0.0
        widths = sorted((_width(self._last.box), _width(plate.box)))
        if widths[1] > widths[0] * (SIZE_RATIO + seconds):
            return 0.0
        distance = self._distance(plate, time)
        reach = REACH + REACH_PER_SECOND * seconds
        if len(plate.text) > SIMILAR_EDITS and edit_distance(voted.text, plate.text) <= SIMILAR_EDITS:
            reach *= ALIKE_REACH
        return 0.0 if distance >= reach else 1 - distance / reach + 2 * shared

    def _differs(self, plate: Plate) -> bool:
        """Whether both readings are sure and have different texts."""
        voted = self._winner.best
        return _sure(voted) and _sure(plate) and voted.text != plate.text

    def _distance(self, plate: Plate, time: float) -> float:
        """Return the distance, in plate widths, from the expected or the last position (the car may have stopped)."""
        place, last = _centre(plate.box), _centre(self._last.box)
        seconds = time - self.until
        expected = tuple(side + speed * seconds for side, speed in zip(last, self._velocity, strict=True))
        width = max(_width(self._last.box), _width(plate.box))
        return min(hypot(place[0] - x, place[1] - y) for x, y in (last, expected)) / width

    def _unbroken(self, plate: Plate, time: float, before: float) -> bool:
        """Whether the track has continued without interruption up to `plate`."""
        in_sight = self.until >= before or time - self.until <= BREAK_SECONDS
        return in_sight and self._distance(plate, time) < UNBROKEN_REACH


def _sure(plate: Plate) -> bool:
    return plate.confidence >= SURE


def _centre(box: Sequence[float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _width(box: Sequence[float]) -> float:
    return max(1.0, box[2] - box[0])


@lru_cache(maxsize=4096)
def edit_distance(first: str, second: str) -> int:
    """Return the edit distance between two texts (Levenshtein, 1966)."""
    row = list(range(len(second) + 1))
    for number, character in enumerate(first, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (character != other))
    return row[-1]


def similarity(first: str, second: str) -> float:
    """Return the similarity of two texts, 0 to 1; 0 if either is empty."""
    return 1 - edit_distance(first, second) / max(len(first), len(second)) if first and second else 0.0
