"""The timeline of a film, the keys of films, and the list of cars beside it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.film_player import film_time
from alpr_app.viewer.panels.timeline import LANES, lanes, timeline_height
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.toolkit.theme import DARK
from alpr_app.viewer.workers.export import ExportWorker
from alpr_app.viewer.workers.films import FULL_SPEED
from tests.builders import make_plate
from tests.data.test_films import FILMS, NUMBERED, number_in, write_film
from tests.viewer.conftest import FakeAlpr, FakeResult

TEXT = "皖A12345"
COUNT = 60


class Watcher(FakeAlpr):
    """Finds a car in the frames 10 to 40 of a numbered film; surest in frame 25."""

    def analyse(self, image):
        number = number_in(image)
        plates = [make_plate(TEXT, confidence=0.99 if number == 25 else 0.9)] if 10 <= number <= 40 else []
        return FakeResult(plates)


@pytest.fixture
def film(window, until, monkeypatch, tmp_path):
    """A film of 60 numbered frames, read to its end at full speed."""
    path = write_film(tmp_path / "film.mp4", COUNT)
    shown = window(alpr=Watcher())
    viewer, state = shown.viewer, shown.state
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    viewer.open(str(path))
    viewer.film.source.set_speed(FULL_SPEED)
    until(lambda: viewer.collect() or (state.film.at_end and state.recognition is not None), "the end")
    until(lambda: viewer.collect() or state.cars.parts == [(0.0, 2.36)], "the last frame to be read")
    ui, places, copied = shown.frame.context.ui, {}, []
    hit = ui.hit

    def noted(name, width, height, **more):
        places[name] = (*ui.cursor, width, height)
        return hit(name, width, height, **more)

    monkeypatch.setattr(ui, "hit", noted)
    monkeypatch.setattr(ui, "copy", copied.append)
    shown.draw(3)

    def number():
        viewer.collect()
        return number_in(state.image_item.image)

    def middle(name, share=0.5):
        left, top, width, height = places[name]
        return left + share * width, top + height / 2

    return SimpleNamespace(**vars(shown), ui=ui, places=places, copied=copied, number=number, middle=middle)


def test_a_film_shows_every_frame_to_the_reader_and_its_car_with_film_times(film):
    (car,) = film.state.cars.listed.values()
    assert (car.track.text, car.track.count) == (TEXT, 31)
    assert car.film.spans == ((0.4, 1.6),)
    assert (car.film.best, car.film.frame) == (1.0, 25)


def test_a_click_on_a_car_goes_to_its_best_moment_selects_its_card_and_copies_nothing(film, until):
    film.click(*film.middle("car 1"))
    until(lambda: film.number() == 25 and film.state.selected == 0, "the car")
    assert film.state.car_numbers == [1]
    assert film.copied == []
    assert film.viewer.live.paused
    assert film.state.cars.listed[1].track.count == 31, "seen again, not counted again"


def test_a_click_on_the_timeline_seeks_and_dragging_follows_the_pointer(film, until):
    film.viewer.live.pause(True)
    film.click(*film.middle("timeline", 30.5 / COUNT))
    until(lambda: film.number() == 30, "the frame")
    film.ui.inputs.button(0, True)
    film.draw(1)
    for share in (20.5, 15.5, 45.5):
        film.ui.inputs.move(*film.middle("timeline", share / COUNT))
        film.draw(1)
    until(lambda: film.number() == 45, "the frame under the pointer")
    assert film.viewer.live.paused, "it does not play on while it is held"
    film.ui.inputs.button(0, False)
    film.draw()


def test_a_film_that_was_playing_plays_on_after_a_click(film, until):
    film.viewer.film.source.set_speed(1.0)
    film.click(*film.middle("timeline", 0.1))
    until(lambda: film.number() > 10, "it to play on")
    assert not film.viewer.live.paused


def test_the_keys_step_jump_and_play(film, until):
    press(film.viewer, "Home")
    until(lambda: film.number() == 0, "the first frame")
    press(film.viewer, "Right")
    press(film.viewer, "Right")
    until(lambda: film.number() == 2, "two frames on")
    press(film.viewer, "Left")
    until(lambda: film.number() == 1, "one frame back")
    press(film.viewer, "Page down")
    until(lambda: film.number() == 11, "ten frames on")
    until(lambda: film.viewer.collect() or film.state.car_numbers == [1], "the car in it")
    press(film.viewer, "End")
    until(lambda: film.number() == COUNT - 1, "the last frame")
    film.viewer.film.source.set_speed(1.0)
    press(film.viewer, "Space")
    until(lambda: film.number() < 30, "it to begin again")


def test_the_keys_choose_speed_and_passage(film, until):
    source = film.viewer.film.source
    press(film.viewer, "[")
    assert source.speed == 4.0
    for _ in range(9):
        press(film.viewer, "[")
    assert source.speed == 0.25
    press(film.viewer, "]")
    assert source.speed == 0.5
    film.viewer.film.seek(800)
    until(lambda: film.number() == 20, "the end of the passage")
    press(film.viewer, "]", CONTROL)
    assert source.loop is None
    film.viewer.film.seek(400)
    until(lambda: film.number() == 10, "its beginning")
    press(film.viewer, "[", CONTROL)
    assert source.loop == (400.0, 800.0)
    press(film.viewer, "R", CONTROL)
    assert source.loop is None
    press(film.viewer, "[", CONTROL)
    press(film.viewer, "R", CONTROL)
    assert source.loop == (0.0, 800.0), "pressed there again, it has no beginning"


def test_the_timeline_shows_the_parts_that_were_read_the_car_and_the_playhead(film, near):
    pixels = film.draw(3)
    left, top, width, height = map(round, film.places["timeline"])
    bar = pixels[top : top + height, left : left + width]
    assert near(bar[-3:], DARK.accent).mean() > 0.9, "the whole film was read"
    green = bar[6:16, :, 1].astype(int) - bar[6:16, :, 0] > 40
    columns = np.flatnonzero(green.any(axis=0))
    # The car is in sight from 0.4 to 1.6 s of 2.4 s.
    assert columns.min() == pytest.approx(width * 0.4 / 2.4, abs=3)
    assert columns.max() == pytest.approx(width * 1.6 / 2.4, abs=3)
    assert np.flatnonzero(near(bar[20:30], DARK.text).any(axis=0)).min() == pytest.approx(width * 2.36 / 2.4, abs=3)


def test_film_times_are_exported(film, tmp_path):
    press(film.viewer, "E")
    press(film.viewer, "E", CONTROL)
    press(film.viewer, "S")
    assert film.viewer.export_worker.close(5)
    (lines,), (rows,) = (tmp_path / "kept").glob("*.jsonl"), (tmp_path / "kept").glob("*.csv")
    car = json.loads(lines.read_text(encoding="utf-8"))
    assert [car[name] for name in ("frame", "time_ms", "first_ms", "last_ms")] == [25, 1000.0, 400.0, 1600.0]
    head, row = rows.read_text(encoding="utf-8-sig").splitlines()
    assert head.endswith('"crop","frame","time_ms","first_ms","last_ms"') and row.endswith("25,1000.0,400.0,1600.0")
    assert len(list((tmp_path / "kept").glob("*2.36 s film.mp4*.png"))) == 2


def test_a_film_without_times_hides_what_it_cannot_do_and_says_so(window, until):
    shown = window()
    viewer, state = shown.viewer, shown.state
    viewer.open(str(FILMS / "film.h264"))
    until(lambda: viewer.collect() or state.film.position is not None, "the first frame")
    shown.draw()
    ui = shown.frame.context.ui
    assert timeline_height(shown.frame.context) < 2 * ui.row_height
    press(viewer, "Left")
    assert state.message.text == "This film only plays forward"
    viewer.film.seek(1000)
    press(viewer, "V")
    assert viewer.film.source.loop is None
    press(viewer, "Space")
    press(viewer, "Right")
    assert viewer.live.paused


def test_a_live_source_has_no_timeline(window, fakes, until):
    shown = window(capture=lambda address: fakes.Capture(["new"]))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or shown.state.image_item is not None, "a frame")
    assert shown.state.film is None and timeline_height(shown.frame.context) == 0
    press(shown.viewer, "V")
    press(shown.viewer, "]")


def test_what_a_damaged_film_lacks_is_reported_once(program, until, tmp_path):
    path = write_film(tmp_path / "film.avi", 200, codec="MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    viewer = program()
    viewer.open(str(path))
    viewer.film.source.set_speed(4.0)
    until(lambda: viewer.collect() or viewer.state.film.at_end, "the end")
    viewer.collect()
    told = [message.text for message in viewer.state.messages if message.is_error]
    assert len(told) == 1 and told[0].startswith("film.avi: it ends at ")


def test_cars_that_are_in_sight_together_are_drawn_in_rows():
    spans = [(0.0, 2.0, 1), (1.0, 3.0, 2), (2.5, 4.0, 3), (5.0, 6.0, 4)]
    assert lanes(spans) == [[(0.0, 2.0, 1), (2.5, 4.0, 3), (5.0, 6.0, 4)], [(1.0, 3.0, 2)]]
    assert len(lanes([(0.0, 9.0, number) for number in range(9)])) == LANES


def test_times_are_written_like_a_clock():
    assert [film_time(value) for value in (0, 5.239, 65.24, 3723.5, 59.999)] == [
        *("0:00.00", "0:05.24", "1:05.24", "1:02:03.50", "1:00.00")
    ]


def test_a_film_of_unknown_length_shows_what_has_been_seen_of_it(window, until):
    shown = window()
    viewer, state = shown.viewer, shown.state
    viewer.open(str(NUMBERED / "unknown_length.mkv"))
    viewer.live.pause(True)
    until(lambda: viewer.collect() or state.film.position is not None, "the first frame")
    assert state.film.length_ms is None and state.film.can_seek
    press(viewer, "Page down")
    until(lambda: viewer.collect() or state.film.position.number >= 10, "ten frames on")
    assert state.film.span_ms == 40.0 * (state.film.position.number + 1)
    ui = shown.frame.context.ui
    assert timeline_height(shown.frame.context) > 2 * ui.row_height, "and that much of it can be clicked"
    press(viewer, "Left")
    until(lambda: viewer.collect() or state.film.position.number == 9, "one frame back")
    viewer.film.source.set_speed(4.0)
    press(viewer, "Space")
    until(lambda: viewer.collect() or state.film.at_end, "the end")
    assert state.film.length_ms == 4800.0
