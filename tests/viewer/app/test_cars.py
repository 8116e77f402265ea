from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.data.images import read_picture
from alpr_app.viewer.app.cars import CAR_COLUMNS, MAXIMUM_CARS, Cars
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers.export import ExportWorker
from alpr_app.viewer.workers.recogniser import Recognition

TEXT = "皖A12345"


@pytest.fixture
def seen(fakes):
    """Tracks cars; `frame(time, *plates)` returns the recognition with the combined readings."""
    cars = Cars()

    def frame(time, *plates, score=0.5, confidence=0.0, error=""):
        return cars.follow(Recognition("camera 0 #1", plates, captured=time, error=error), score, confidence)

    return SimpleNamespace(cars=cars, frame=frame, plate=fakes.plate)


def test_the_combined_reading_is_shown_at_the_current_position_of_the_car(seen):
    for step in range(6):
        seen.frame(step / 10, seen.plate(TEXT, confidence=0.95))
    corners = ((24, 30), (64, 30), (64, 42), (24, 42))
    recognition = seen.frame(0.6, seen.plate("皖A12B45", confidence=0.6, corners=corners))
    (plate,) = recognition.plates
    assert (plate.text, plate.confidence, plate.corners) == (TEXT, 0.95, corners)
    assert recognition.cars == (1,)
    (car,) = seen.cars.listed.values()
    assert (car.track.text, car.track.count) == (TEXT, 7)
    assert 0.5 < (car.last - car.first).total_seconds() < 0.7


def test_the_combined_reading_tells_whether_it_fits_a_format(seen):
    for step in range(4):
        seen.frame(step / 10, replace(seen.plate("皖A1234", confidence=0.95), fits_format=False))
    recognition = seen.frame(0.4, replace(seen.plate(TEXT, confidence=0.6), fits_format=True))
    assert [(plate.text, plate.fits_format) for plate in recognition.plates] == [("皖A1234", False)]
    (car,) = seen.cars.listed.values()
    assert car.to_dict("camera 0")["fits_format"] is False


def test_plates_below_the_thresholds_are_not_tracked_and_stay_unchanged(seen):
    weak = seen.plate("沪B12345", score=0.4)
    recognition = seen.frame(0.0, weak, seen.plate(TEXT))
    assert recognition.cars == (0, 1)
    assert recognition.plates[0] is weak
    assert [car.track.text for car in seen.cars.listed.values()] == [TEXT]


def test_a_pause_of_the_source_does_not_make_a_new_car(seen):
    for time in (0.0, 0.1, 60.0, 120.0):
        recognition = seen.frame(time, seen.plate(TEXT))
    assert recognition.cars == (1,)
    for step in range(30):
        seen.frame(120 + step / 10)
    assert seen.frame(123.1, seen.plate(TEXT)).cars == (2,)


def test_frames_that_could_not_be_read_and_cars_without_text_are_not_listed(seen):
    assert seen.frame(0.0, error="recognition failed").cars == ()
    blank = replace(seen.plate(), text="", confidence=0.0, characters=(), alternatives=())
    assert seen.frame(0.1, blank).cars == (1,)
    assert seen.cars.listed == {}
    seen.frame(0.2, seen.plate(TEXT))
    assert [car.track.text for car in seen.cars.listed.values()] == [TEXT]


def test_the_list_does_not_grow_for_ever_and_can_be_cleared(seen):
    for number in range(MAXIMUM_CARS + 5):
        for step in range(4):
            seen.frame(3.0 * number + step / 2, *([seen.plate(f"皖A{number:05d}")] if not step else []))
    assert len(seen.cars.listed) == MAXIMUM_CARS
    assert min(seen.cars.listed) == 6
    seen.cars.clear()
    assert seen.cars.listed == {}


@pytest.fixture
def live(program, fakes, until, tmp_path):
    """A program with a camera that shows one standing car; files are saved to `tmp_path / "kept"`."""
    crop = np.arange(48 * 192 * 3, dtype=np.uint8).reshape(48, 192, 3)
    viewer = program(
        fakes.Alpr([replace(fakes.plate(TEXT), crop=crop)]), capture=lambda address: fakes.Capture(["new"])
    )
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    viewer.open(0)
    until(lambda: viewer.collect() or any(car.track.count > 4 for car in viewer.state.cars.listed.values()), "a car")
    return viewer


def test_a_live_session_lists_its_cars_and_the_next_session_starts_empty(live):
    state = live.state
    assert state.car_numbers == [1]
    assert [car.track.text for car in state.cars.listed.values()] == [TEXT]
    state.change(score=0.95)
    assert state.car_numbers == state.plates == []
    live.open(1)
    assert state.cars.listed == {}


def test_tracking_can_be_switched_off(live, until):
    live.state.change(follow_cars=False)
    until(
        lambda: live.collect() or (live.state.recognition and not live.state.recognition.cars), "a frame as it was read"
    )
    assert live.state.car_numbers == [0]
    count = live.state.cars.listed[1].track.count
    key = live.state.image_item.key
    until(lambda: live.collect() or live.state.image_item.key != key, "another frame")
    assert live.state.cars.listed[1].track.count == count


def test_cars_are_saved_as_json_lines_with_their_crops(live, tmp_path):
    press(live, "Space")
    press(live, "E")
    assert live.export_worker.close(5)
    live.collect()
    (file,) = (tmp_path / "kept").glob("*.jsonl")
    assert str(file) in live.state.message.text
    (line,) = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    assert (line["source"], line["car"], line["text"]) == ("camera 0", 1, TEXT)
    assert line["seen"] > 4
    assert line["first"] < line["last"]
    assert np.array_equal(read_picture(file.parent / line["crop"]), live.state.cars.listed[1].track.plate.crop)


def test_cars_are_saved_as_csv(live, tmp_path):
    press(live, "E", CONTROL)
    assert live.export_worker.close(5)
    (file,) = (tmp_path / "kept").glob("*.csv")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert tuple(row) == CAR_COLUMNS
    assert (row["car"], row["text"], row["colour"], row["fits_format"]) == ("1", TEXT, "blue", "")
    assert (file.parent / row["crop"]).is_file()


def test_without_cars_nothing_is_saved(program, fakes, tmp_path):
    viewer = program(capture=lambda address: fakes.Capture([], opens=False))
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    viewer.open(0)
    press(viewer, "E")
    assert "No car" in viewer.state.message.text
    assert not (tmp_path / "kept").exists()


def test_a_click_on_a_car_selects_its_card_and_the_menu_copies_its_text(window, fakes, until, monkeypatch):
    shown = window(plates=[fakes.plate(TEXT)], capture=lambda address: fakes.Capture(["new"]))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or shown.state.cars.listed, "a car")
    ui, places, copied = shown.frame.context.ui, {}, []
    hit = ui.hit

    def noted(name, width, height, **more):
        places[name] = (ui.cursor[0] + width / 2, ui.cursor[1] + height / 2)
        return hit(name, width, height, **more)

    monkeypatch.setattr(ui, "hit", noted)
    monkeypatch.setattr(ui, "copy", copied.append)
    shown.draw(3)
    shown.click(*places["car 1"])
    assert (shown.state.selected, copied) == (0, [])
    ui.inputs.button(1, True)
    ui.inputs.button(1, False)
    shown.draw()
    shown.click(*places["menu Copy text"])
    assert copied == [TEXT]


def test_a_clock_that_is_set_back_does_not_make_a_car_leave_before_it_came(fakes, monkeypatch):
    times = iter([datetime(2026, 1, 31, 10, 0, 5), datetime(2026, 1, 31, 9, 0, 0)])

    class Clock(datetime):
        @classmethod
        def now(cls, zone=None):
            return next(times)

    monkeypatch.setattr("alpr_app.viewer.app.cars.datetime", Clock)
    cars = Cars()
    for taken in (1.0, 1.1):
        cars.follow(Recognition("camera 0 #1", (fakes.plate(),), captured=taken), 0.5, 0.0)
    (car,) = cars.listed.values()
    assert car.first == car.last and car.track.count == 2
