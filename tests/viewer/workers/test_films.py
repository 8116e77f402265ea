"""The source thread of films."""

from __future__ import annotations

import threading
from time import sleep

import pytest

from alpr_app.viewer.workers import live
from alpr_app.viewer.workers.films import FULL_SPEED, FilmSource
from alpr_app.viewer.workers.live import ENDED, PAUSED, RUNNING
from tests.data.test_films import FILMS, number_in, write_film


@pytest.fixture
def play(until):
    """Plays films; `shots` are the frames shown."""
    made = []

    def make(path, **more):
        shots = []
        source = FilmSource(str(path), shots.append, **more)
        source.shots = shots
        made.append(source)
        until(lambda: shots or source.status.state == ENDED, "the first frame")
        return source

    yield make
    for source in made:
        assert source.close(5)


@pytest.fixture
def film(tmp_path):
    return write_film(tmp_path / "film.mp4", 100)


def numbers(source):
    return [number_in(item.image) for item in source.shots]


def test_a_film_is_played_to_its_end_in_order_and_can_be_played_again(play, until, tmp_path):
    source = play(write_film(tmp_path / "film.mp4", 10, rate=50))
    until(lambda: source.status.state == ENDED, "the end")
    assert numbers(source) == list(range(10))
    assert source.film.at_end and source.film.length_ms == 200
    assert [item.film.number for item in source.shots] == list(range(10))
    assert len({item.film.jump for item in source.shots}) == 1
    keys = [item.key for item in source.shots]
    assert keys[0] == "film.mp4 #1" and len(set(keys)) == 10
    source.reconnect()
    until(lambda: len(source.shots) == 20, "the second showing")
    assert numbers(source)[10:] == list(range(10))
    assert source.shots[10].film.jump != source.shots[9].film.jump


def test_a_film_without_times_is_played_again_from_its_beginning(play, until):
    source = play(FILMS / "film.h264")
    source.set_speed(4.0)
    until(lambda: source.status.state == ENDED, "the end")
    assert not source.film.can_seek
    count = len(source.shots)
    source.reconnect()
    until(lambda: len(source.shots) == 2 * count, "the second showing")


def test_a_seek_shows_the_exact_frame_and_only_the_last_of_many(play, until, film):
    source = play(film)
    source.pause(True)
    until(lambda: source.status.state == PAUSED, "the pause")
    for number in range(0, 90, 3):
        source.seek(40 * number)
    source.seek(40 * 61)
    until(lambda: numbers(source)[-1] == 61, "the frame")
    sleep(0.1)
    assert numbers(source)[-1] == 61
    assert source.film.position.number == 61
    assert source.shots[-1].film.jump > source.shots[0].film.jump


def test_steps_go_both_ways_add_up_and_follow_a_seek_that_is_still_waiting(play, until, film):
    source = play(film)
    source.pause(True)
    source.seek(40 * 50)
    source.step_frames(-3)
    until(lambda: numbers(source)[-1] == 47, "three frames before the one that was sought")
    source.step_frames(1)
    until(lambda: numbers(source)[-1] == 48, "the next one")
    assert source.shots[-1].film.jump == source.shots[-2].film.jump, "it follows the one before"
    source.step_frames(10**9)
    until(lambda: numbers(source)[-1] == 99, "the last one")
    source.step_frames(-(10**9))
    until(lambda: numbers(source)[-1] == 0, "the first one")
    count = len(source.shots)
    source.step_frames(-1)
    sleep(0.1)
    assert len(source.shots) == count
    assert source.paused


def test_after_a_seek_at_the_end_the_film_goes_on(play, until, tmp_path):
    source = play(write_film(tmp_path / "film.mp4", 20, rate=50))
    until(lambda: source.status.state == ENDED, "the end")
    source.seek(100)
    until(lambda: source.status.state == RUNNING or len(source.shots) > 24, "it to go on")
    until(lambda: source.film.at_end, "the end")
    assert numbers(source)[20:] == list(range(5, 20))


def test_a_passage_is_repeated_and_entered(play, until, film):
    source = play(film)
    source.set_speed(4.0)
    source.set_loop((40 * 30, 40 * 35))
    until(lambda: numbers(source).count(30) >= 3, "three rounds")
    seen = numbers(source)
    inside = seen[seen.index(30) :]
    assert inside[:13] == [*range(30, 36), *range(30, 36), 30]
    source.set_loop(None)
    until(lambda: numbers(source)[-1] > 40, "it to go on")


def test_the_whole_film_is_repeated(play, until, tmp_path):
    source = play(write_film(tmp_path / "film.mp4", 8, rate=100))
    source.set_loop((0.0, float("inf")))
    until(lambda: len(source.shots) > 20, "three rounds")
    assert numbers(source)[:17] == [*range(8), *range(8), 0]
    assert source.status.state == RUNNING


def test_at_full_speed_every_frame_waits_until_the_last_one_is_taken(play, until, film):
    taken = threading.Event()
    source = play(film, is_taken=taken.is_set)
    source.set_speed(FULL_SPEED)
    until(lambda: len(source.shots) in (1, 2), "the wait")
    count = len(source.shots)
    sleep(0.2)
    assert len(source.shots) <= count + 1, "an eighth of a second passes between five frames at the usual speed"
    taken.set()
    source.notify()
    until(lambda: source.film.at_end, "the end")
    assert numbers(source) == list(range(100))


def test_a_held_film_waits_at_its_first_frame(play, until, tmp_path):
    source = play(write_film(tmp_path / "film.mp4", 10, rate=100), hold_at_first_frame=True)
    sleep(0.3)
    assert len(source.shots) == 1
    source.hold_file(False)
    until(lambda: source.status.state == ENDED, "the end")
    assert len(source.shots) == 10


def test_a_file_that_is_no_video_ends_with_the_reason_and_is_not_tried_again(play, until, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "RETRY_SECONDS", (0.01,))
    (tmp_path / "film.mp4").write_bytes(b"no video")
    source = play(tmp_path / "film.mp4")
    sleep(0.1)
    assert (source.status.state, source.status.detail) == (ENDED, "cannot be opened")


def test_a_film_whose_name_is_not_valid_text_is_refused_before_it_is_opened(play):
    source = play("clips/no\udcfftext.avi")
    assert source.status.detail == (
        r"cannot be read: clips/no\udcfftext.avi: OpenCV opens no video whose name is not UTF-8; rename it"
    )
