from __future__ import annotations

import os
import threading
from time import monotonic, sleep

import numpy as np
import pytest

from alpr_app.viewer.app.settings import load_settings
from alpr_app.viewer.app.state import FOLDER, LIVE, NOTHING
from alpr_app.viewer.workers import folders
from alpr_app.viewer.workers.images import make_image_item
from alpr_app.viewer.workers.live import WAITING


@pytest.fixture
def shows(until):
    """Takes over results from the threads until `holds` is true."""

    def wait(viewer, holds, what, seconds=10.0):
        until(lambda: viewer.collect() or holds(viewer.state), what, seconds)

    return wait


def named(name):
    return lambda state: state.recognition is not None and os.path.basename(state.recognition.key) == name


def test_a_folder_is_stepped_through_and_every_overlay_sits_on_its_own_picture(program, shows, few_pictures):
    viewer = program()
    viewer.open(str(few_pictures))
    for number in range(1, 13):
        shows(viewer, named(f"{number}.png"), f"picture {number}")
        state = viewer.state
        assert state.image_item.key == state.recognition.key
        if number == 5:
            assert "not a picture" in state.image_item.error
            assert "not a picture" in state.message.text
        else:
            assert int(state.image_item.image[0, 0, 0]) == 8 * number
            assert len(state.plates) == 1
        viewer.step(1)
    assert viewer.state.image_list.name == "12.png"


def test_a_picture_opens_its_folder_at_its_place(program, shows, few_pictures):
    viewer = program()
    viewer.open(str(few_pictures / "10.png"))
    shows(viewer, named("10.png"), "the picture")
    assert len(viewer.state.image_list.names) == 12
    assert viewer.state.kind == FOLDER


def test_pictures_passed_quickly_are_all_read(program, shows, few_pictures, fakes):
    viewer = program(fakes.Alpr(seconds=0.005))
    viewer.open(str(few_pictures))
    shows(viewer, named("1.png"), "the first")
    for _ in range(11):
        viewer.step(1)
        viewer.collect()
    shows(viewer, lambda state: len(state.image_list.records) == 12, "all of them")


def test_the_whole_folder_is_read_on_demand(program, shows, few_pictures):
    viewer = program()
    viewer.open(str(few_pictures))
    shows(viewer, named("1.png"), "the first")
    viewer.read_all(True)
    shows(viewer, lambda state: len(state.image_list.records) == 12 and not state.read_all_total, "all of them")
    assert "12 pictures" in viewer.state.messages[-1].text


def test_a_folder_whose_list_still_grows_is_read_to_its_end(program, shows, few_pictures, monkeypatch):
    gate, walk = threading.Event(), folders.walk

    def slow(folder, recursive, requested=""):
        for number, found in enumerate(walk(folder, recursive, requested)):
            if number == 7:
                gate.wait(10)
            yield found

    monkeypatch.setattr(folders, "walk", slow)
    monkeypatch.setattr(folders, "FIRST_SECONDS", -1)
    viewer = program()
    viewer.open(str(few_pictures))
    shows(viewer, lambda state: len(state.image_list.names) == 7, "the beginning of the list")
    viewer.read_all(True)
    shows(viewer, lambda state: len(state.image_list.records) == 7, "what is listed")
    viewer.collect()
    assert viewer.state.read_all_total, "there is more to come"
    gate.set()
    shows(viewer, lambda state: len(state.image_list.records) == 12 and not state.read_all_total, "all of them")
    ends = [message.text for message in viewer.state.messages if "have been read" in message.text]
    assert ends == ["All 12 pictures of this folder have been read; U shows the summary"]


def test_ten_thousand_pictures_open_at_once_and_the_last_is_reached_as_fast_as_the_first(program, shows, tmp_path):
    for number in range(10_000):
        (tmp_path / f"{number}.jpg").touch()
    viewer = program(load=lambda path: make_image_item(path, np.zeros((6, 8, 3), np.uint8)))
    slowest = 0.0
    viewer.open(str(tmp_path))
    deadline = monotonic() + 20
    while not (viewer.state.image_list.names and not viewer.state.scanning):
        began = monotonic()
        viewer.collect()
        slowest = max(slowest, monotonic() - began)
        assert monotonic() < deadline
        sleep(0.001)
    viewer.step(100_000)
    shows(viewer, named("9999.jpg"), "the last")
    assert slowest < 2, "the window never waits for the list"


def test_thresholds_act_without_reading_again(program, shows, few_pictures, fakes):
    alpr = fakes.Alpr([fakes.plate(score=0.6, confidence=0.9), fakes.plate("沪B12345", score=0.4)])
    viewer = program(alpr)
    viewer.open(str(few_pictures / "12.png"))
    shows(viewer, lambda state: state.recognition and len(state.image_list.records) == 2, "picture and neighbour")
    calls = alpr.calls
    assert [plate.text for plate in viewer.state.plates] == ["皖A12345"]
    viewer.state.change(score=0.3)
    assert [plate.text for plate in viewer.state.plates] == ["皖A12345", "沪B12345"]
    viewer.state.change(confidence=0.95)
    assert [plate.text for plate in viewer.state.plates] == ["沪B12345"]
    viewer.collect()
    assert alpr.calls == calls


def test_a_slow_recogniser_does_not_block_the_window(program, shows, few_pictures, fakes):
    viewer = program(fakes.Alpr(seconds=0.4))
    viewer.open(str(few_pictures))
    shows(viewer, lambda state: state.image_item is not None, "the picture, before it is read")
    assert viewer.state.recognition is None
    viewer.step(1)
    shows(viewer, lambda state: state.image_item.key.endswith("2.png"), "the next picture")


def test_the_slide_show_waits_for_each_result_and_stops_at_the_end(program, shows, few_pictures):
    viewer = program()
    viewer.state.change(slide_seconds=0.01)
    viewer.open(str(few_pictures))
    shows(viewer, named("1.png"), "the first")
    viewer.play()
    shows(viewer, lambda state: state.image_list.name == "12.png" and not state.playing, "the end")
    assert len(viewer.state.image_list.records) == 12


def test_other_models_read_the_picture_again(program, shows, few_pictures, fakes, monkeypatch):
    viewer = program()
    viewer.open(str(few_pictures / "12.png"))
    shows(viewer, named("12.png"), "the picture")
    other = fakes.Alpr([fakes.plate("京A00001")])
    monkeypatch.setattr("alpr_app.pipeline.options.ModelChoice.make", lambda self: other)
    viewer.choose_models(threads=3)
    shows(viewer, lambda state: [plate.text for plate in state.plates] == ["京A00001"], "the other reading")


def test_a_live_source_shows_each_frame_with_its_own_plates(program, shows, fakes):
    viewer = program(capture=lambda address: fakes.Capture(["new"]))
    viewer.open(0)
    assert viewer.state.kind == LIVE
    seen = set()

    def several(state):
        if state.recognition is not None:
            assert state.recognition.image_item is state.image_item
            seen.add(state.image_item.key)
        return len(seen) >= 5

    shows(viewer, several, "five frames")
    viewer.play()
    assert viewer.live.paused


def test_a_live_source_is_shown_while_the_models_load(program, shows, fakes):
    gate = threading.Event()
    viewer = program(capture=lambda address: fakes.Capture(["new"]))
    viewer.recogniser.reload(lambda: gate.wait(10) and fakes.Alpr())
    viewer.open(0)
    shows(viewer, lambda state: state.image_item is not None, "a frame")
    gate.set()
    shows(viewer, lambda state: state.recognition is not None, "a result")


def test_a_missing_camera_is_reported_and_another_source_can_be_opened(program, shows, fakes, few_pictures):
    viewer = program(capture=lambda address: fakes.Capture([], opens=False))
    viewer.open(0)
    shows(viewer, lambda state: state.live_status.state == WAITING, "the failure")
    assert viewer.state.live_status.detail == "cannot be opened"
    viewer.open(str(few_pictures))
    shows(viewer, named("1.png"), "the folder")


def test_a_dropped_text_file_is_one_message_and_leaves_the_folder_open(program, shows, few_pictures):
    viewer = program()
    viewer.open(str(few_pictures))
    shows(viewer, named("1.png"), "the folder")
    count = len([message for message in viewer.state.messages if message.is_error])
    viewer.open(str(few_pictures / "notes.txt"))
    errors = [message.text for message in viewer.state.messages if message.is_error]
    assert errors[count:] == ["notes.txt is neither a folder nor a picture nor a video"]
    assert viewer.live is None and viewer.state.folder == str(few_pictures)


def test_a_missing_file_is_a_message(program, tmp_path):
    viewer = program()
    viewer.open(str(tmp_path / "gone"))
    assert viewer.state.kind == NOTHING
    assert "there is no such file or folder" in viewer.state.message.text


def test_an_empty_folder_shows_nothing_and_raises_nothing(program, shows, tmp_path):
    viewer = program()
    viewer.open(str(tmp_path))
    shows(viewer, lambda state: not state.scanning, "the list")
    for by in (1, -1):
        viewer.step(by)
        viewer.collect()
    viewer.read_all(True)
    viewer.play()
    viewer.collect()
    assert viewer.state.image_item is None


def test_settings_and_recent_folders_are_saved(program, few_pictures, tmp_path):
    path = tmp_path / "config" / "viewer.json"
    viewer = program(settings_file=path)
    viewer.open(str(few_pictures))
    viewer.state.change(theme="light")
    assert viewer.close(5)
    settings, message = load_settings(path)
    assert (settings.theme, settings.recent, message) == ("light", (str(few_pictures),), "")


def test_closing_while_reading_ends_within_a_second_with_no_thread_left(program, shows, few_pictures, fakes, until):
    viewer = program(fakes.Alpr(seconds=0.5))
    viewer.open(str(few_pictures))
    shows(viewer, lambda state: state.image_item is not None, "a picture")
    began = monotonic()
    assert viewer.close(1.0)
    assert monotonic() - began < 1.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("alpr-")]
