from __future__ import annotations

import numpy as np
import pytest

import alpr_app
from alpr_app.core.plate import Plate
from alpr_app.core.tracking import LEFT_KEPT, Tracker, edit_distance, similarity

CROP = np.zeros((48, 192, 3), np.uint8)
FIRST, SECOND = "皖A12345", "京B67890"


def plate(text: str, x: float, y: float = 100.0, confidence: float = 0.95, width: float = 60.0) -> Plate:
    """A plate whose middle is at (x, y)."""
    box = (x - width / 2, y - width / 8, x + width / 2, y + width / 8)
    corners = ((box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3]))
    count = len(text)
    confidence = confidence if text else 0.0
    return Plate(text, confidence, (confidence,) * count, (("", 0.01),) * count, "blue", 0.9, box, corners, CROP)


def times(seconds: float, rate: float) -> list[float]:
    return [number / rate for number in range(round(seconds * rate))]


@pytest.mark.parametrize("rate", [4, 10, 30, 120])
def test_a_car_keeps_its_number_at_any_frame_rate(rate):
    tracker = Tracker()
    seen = [tracker.update([plate(FIRST, 50 + 150 * time)], time)[0] for time in times(4, rate)]
    assert {track.number for track in seen} == {1}
    assert seen[-1].count == 4 * rate
    assert (seen[-1].first, seen[-1].until) == (0, 4 - 1 / rate)
    assert seen[-1].last.box[0] > seen[0].last.box[0] + 400


@pytest.mark.parametrize("rate", [5, 25])
@pytest.mark.parametrize("legible", [True, False])
def test_two_cars_that_cross_keep_their_numbers(rate, legible):
    tracker = Tracker()
    texts = (FIRST, SECOND) if legible else ("", "")
    for time in times(4, rate):
        there = plate(texts[0], 100 + 120 * time, 100 + 5 * time)
        back = plate(texts[1], 580 - 120 * time, 120 - 5 * time)
        # The detector's order says nothing about who is who.
        found = [there, back] if round(time * rate) % 2 else [back, there]
        tracks = tracker.update(found, time)
        numbers = {id(given): track.number for given, track in zip(found, tracks, strict=True)}
        if time == 0:
            first = (numbers[id(there)], numbers[id(back)])
        assert (numbers[id(there)], numbers[id(back)]) == first, f"at {time} s"
    assert sorted(first) == [1, 2]
    if legible:
        assert {track.number: track.text for track in tracks} == dict(zip(first, texts, strict=True))


def test_missed_frames_do_not_break_a_track():
    tracker = Tracker()
    numbers = set()
    for step, time in enumerate(times(6, 10)):
        # Seen in one second, hidden for most of the next.
        found = [] if step % 20 >= 10 else [plate(FIRST, 50 + 90 * time)]
        numbers |= {track.number for track in tracker.update(found, time)}
    assert numbers == {1}


def test_a_car_that_is_away_for_longer_than_patience_is_another_one():
    tracker = Tracker(patience=1.0)
    tracker.update([plate(FIRST, 100)], 0.0)
    assert tracker.update([], 1.5) == []
    (left,) = tracker.ended()
    assert (left.number, left.until) == (1, 0.0)
    assert tracker.ended() == []
    (again,) = tracker.update([plate(FIRST, 100)], 2.0)
    assert again.number == 2


def test_a_flickering_character_does_not_change_what_is_said():
    tracker = Tracker()
    rng = np.random.default_rng(3)
    said = []
    for step, time in enumerate(times(5, 10)):
        wrong = step % 3 == 2
        text, confidence = ("皖A12B45", 0.6) if wrong else (FIRST, 0.9)
        found = plate(text, 100 + rng.normal(0, 2), confidence=confidence + 0.05 * rng.random())
        said.append(tracker.update([found], time)[0])
    assert {track.text for track in said} == {FIRST}
    assert {track.number for track in said} == {1}
    assert said[-1].plate.confidence == max(track.plate.confidence for track in said)


def test_the_larger_group_wins_over_the_single_surest_reading_and_its_surest_member_speaks():
    tracker = Tracker()
    readings = [("C00D", 0.79), (FIRST, 0.5), ("皖A1234S", 0.45), (FIRST, 0.55), ("皖A12345", 0.52)]
    for step, (text, confidence) in enumerate(readings):
        (track,) = tracker.update([plate(text, 100, confidence=confidence)], step / 10)
    assert (track.number, track.count) == (1, 5)
    assert (track.text, track.plate.confidence, track.read) == (FIRST, 0.55, 0.3)


def test_another_car_at_the_same_place_is_another_one_and_both_are_told():
    tracker = Tracker()
    for time in times(1, 10):
        tracker.update([plate(FIRST, 100)], time)
    for time in times(1, 10):
        (track,) = tracker.update([plate(SECOND, 100)], 1.2 + time)
    assert (track.number, track.text, track.count) == (2, SECOND, 10)
    assert [(one.number, one.text, one.count) for one in tracker.finish()] == [(1, FIRST, 10), (2, SECOND, 10)]
    assert tracker.finish() == []


LIKE_FIRST = "皖A12346"


def passes(tracker, text, start, rate=25, seconds=2.0, confidence=0.99, unsure_seconds=0.0):
    """A car that comes in at the top of a picture and leaves at its bottom: the numbers it was given, and when it left.

    unsure_seconds: at its start, in which a character is misread, without confidence."""
    numbers = []
    for time in times(seconds, rate):
        unsure = time < unsure_seconds
        read, sure = (f"{text[:-1]}Z", 0.5) if unsure else (text, confidence)
        found = plate(read, 560, 80 + 560 * time / seconds, sure, width=150)
        numbers.append(tracker.update([found], start + time)[0].number)
    return numbers, start + seconds


@pytest.mark.parametrize("rate", [5, 25, 60])
@pytest.mark.parametrize("gap", [0.0, 0.4, 1.0, 1.4, 2.0])
@pytest.mark.parametrize("other", [LIKE_FIRST, "皖A12354", "皖A1234"])
def test_cars_of_a_fleet_are_told_apart_by_one_digit(rate, gap, other):
    tracker = Tracker()
    first, until = passes(tracker, FIRST, 0.0, rate)
    for time in times(gap, rate):
        tracker.update([], until + time)
    second, _ = passes(tracker, other, until + gap, rate)
    assert set(first) == {1} and set(second) == {2}
    assert [(one.text, one.count) for one in tracker.finish()] == [(FIRST, 2 * rate), (other, 2 * rate)]


def test_what_was_seen_of_a_car_before_it_could_be_read_becomes_its_own():
    tracker = Tracker()
    _, until = passes(tracker, FIRST, 0.0)
    second, _ = passes(tracker, LIKE_FIRST, until + 1.0, unsure_seconds=0.4)
    assert second[-1] == 2
    told = [(one.number, one.text, one.count, one.first, one.until) for one in tracker.finish()]
    assert told[0][:3] == (1, FIRST, 50) and told[0][4] == pytest.approx(1.96)
    assert told[1][:3] == (2, LIKE_FIRST, 50) and told[1][3] == pytest.approx(3.0)


def test_a_car_that_was_out_of_sight_is_the_same_one_when_it_is_read_as_before():
    tracker = Tracker()
    passes(tracker, FIRST, 0.0)
    again, _ = passes(tracker, FIRST, 3.0, unsure_seconds=0.4)
    assert set(again) == {1}
    assert [(one.text, one.count) for one in tracker.finish()] == [(FIRST, 100)]


@pytest.mark.parametrize("rate", [4, 25])
def test_a_sure_misreading_of_a_car_in_sight_is_no_other_car_and_loses_the_vote(rate):
    tracker = Tracker()
    for step, time in enumerate(times(4, rate)):
        text, confidence = (LIKE_FIRST, 0.999) if step % 4 == 1 else (FIRST, 0.95)
        (track,) = tracker.update([plate(text, 100 + 150 * time, confidence=confidence)], time)
    assert (track.number, track.text, track.count) == (1, FIRST, 4 * rate)


def test_one_sure_reading_speaks_for_a_car_that_was_mostly_read_badly():
    tracker = Tracker()
    for step in range(20):
        text, confidence = (FIRST, 0.98) if step > 17 else (LIKE_FIRST, 0.6)
        (track,) = tracker.update([plate(text, 100, confidence=confidence)], step / 10)
    assert (track.number, track.text) == (1, FIRST)


def test_one_wild_reading_does_not_make_another_car():
    tracker = Tracker()
    for step, text in enumerate([FIRST, FIRST, "苏U0K9D1", FIRST, "", FIRST]):
        (track,) = tracker.update([plate(text, 100, confidence=0.4 if text != FIRST else 0.95)], step / 10)
    assert (track.number, track.text, track.count) == (1, FIRST, 6)


def test_every_plate_of_a_frame_gets_a_track_of_its_own():
    tracker = Tracker()
    found = [plate(FIRST, 100), plate(FIRST, 104), plate(SECOND, 400)]
    for time in times(1, 5):
        tracks = tracker.update(found, time)
        assert [track.number for track in tracks] == [1, 2, 3]
        assert [track.last for track in tracks] == found


def test_a_plate_too_far_away_or_of_another_size_is_another_car():
    for other in (plate("", 700), plate("", 100, width=200)):
        tracker = Tracker()
        tracker.update([plate("", 100)], 0.0)
        assert tracker.update([other], 0.04)[0].number == 2


def test_frames_out_of_order_and_no_patience_are_refused():
    tracker = Tracker()
    tracker.update([], 1.0)
    with pytest.raises(ValueError, match="order of their times"):
        tracker.update([], 0.5)
    with pytest.raises(ValueError, match="patience"):
        Tracker(patience=0)


def test_days_of_flickering_texts_and_passing_cars_take_no_more_memory():
    tracker = Tracker(patience=0.5)
    for step in range(LEFT_KEPT + 50):
        tracker.update([plate(f"皖A{step:05d}", 100, confidence=0.3)], float(step))
    assert len(tracker.finish()) == LEFT_KEPT
    tracker = Tracker()
    for step in range(200):
        tracker.update([plate(f"皖A{37 * step % 90001:05d}", 100, confidence=0.3)], step / 20)
    assert len(tracker._cars) == 1
    assert len(tracker._cars[0]._ballots) <= 12


def test_edits_are_counted():
    assert [edit_distance(FIRST, other) for other in (FIRST, "皖A1234", "皖A123456", "皖A1B345", "")] == [0, 1, 1, 1, 7]
    assert similarity(FIRST, "皖A12399") == pytest.approx(5 / 7)
    assert similarity("", "") == 0.0


def test_the_front_door_gives_the_tracker():
    assert alpr_app.Tracker is Tracker
