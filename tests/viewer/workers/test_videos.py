"""Real videos, read by OpenCV."""

from __future__ import annotations

import threading
from time import monotonic, sleep

import cv2
import numpy as np
import pytest
from servers import web_camera

from alpr_app.viewer.panels import welcome
from alpr_app.viewer.workers.live import ENDED, WAITING, LiveSource
from alpr_app.viewer.workers.recogniser import LOADING


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50, (64, 48))
    for number in range(10):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


def test_a_video_is_played_to_its_end(program, until, video):
    viewer = program()
    viewer.open(str(video))
    until(lambda: viewer.collect() or viewer.state.live_status.state == ENDED, "the end")
    until(lambda: viewer.collect() or viewer.state.recognition is not None, "a frame that was read")
    assert viewer.state.image_item.size == (64, 48)
    assert viewer.state.film.length_ms == 200
    assert viewer.state.title == "film.avi"


def test_no_frame_of_a_video_is_lost_while_the_models_load(program, until, video, fakes):
    gate = threading.Event()
    viewer = program()
    viewer.recogniser.reload(lambda: gate.wait(10) and fakes.Alpr())
    until(lambda: viewer.recogniser.status.state == LOADING, "the loading")
    viewer.open(str(video))
    until(lambda: viewer.collect() or viewer.state.image_item is not None, "the first frame")
    sleep(0.5)
    viewer.collect()
    assert viewer.state.image_item.key.endswith("#1"), "ten frames last a fifth of a second"
    gate.set()
    until(lambda: viewer.collect() or viewer.state.live_status.state == ENDED, "the end")


def test_a_file_that_is_not_a_video_is_reported(program, until, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"no video at all")
    viewer = program()
    viewer.open(str(tmp_path / "film.mp4"))
    until(lambda: viewer.collect() or viewer.state.live_status.state == ENDED, "the failure")
    assert viewer.state.live_status.detail == "cannot be opened", "and nothing is tried again by itself"
    assert welcome._live(viewer.state) == ("Film.mp4 cannot be opened", ["R tries again"], True)


def test_an_address_without_an_answer_is_reported(program, until):
    viewer = program()
    viewer.open("http://127.0.0.1:9/stream")
    until(lambda: viewer.collect() or viewer.state.live_status.state == WAITING, "the failure")
    assert viewer.state.live_status.detail.startswith("cannot be read: connection refused")


def test_no_frame_is_lost_while_a_second_set_of_models_loads(program, until, video, fakes):
    first, second = threading.Event(), threading.Event()
    alpr = fakes.Alpr()
    viewer = program()
    begun = threading.Event()
    viewer.recogniser.reload(lambda: begun.set() or (first.wait(10) and fakes.Alpr()))
    assert begun.wait(10)
    viewer.recogniser.reload(lambda: second.wait(10) and alpr)
    viewer.open(str(video))
    until(lambda: viewer.collect() or viewer.state.image_item is not None, "the first frame")
    first.set()
    # Longer than the whole film.
    deadline = monotonic() + 0.5
    while monotonic() < deadline:
        viewer.collect()
        sleep(0.01)
    assert viewer.state.image_item.key == "film.avi #1"
    second.set()
    until(lambda: viewer.collect() or viewer.state.live_status.state == ENDED, "the end")


def test_a_password_is_in_no_title_and_no_message(program, until):
    viewer = program()
    viewer.open("http://me:geheim@127.0.0.1:9/stream?pwd=geheim")
    until(lambda: viewer.collect() or viewer.state.live_status.state == WAITING, "the failure")
    state = viewer.state
    assert state.live_name == "http://127.0.0.1:9/stream?pwd=***"
    assert "geheim" not in state.live_name + state.live_status.detail
    title, _, bad = welcome._live(state)
    assert bad and title.startswith("http://127.0.0.1:9/stream?pwd=*** cannot be read: connection refused")


def test_an_address_of_single_pictures_is_requested_repeatedly(until):
    with web_camera() as camera:
        shots = []
        source = LiveSource(f"{camera}/snapshot.jpg", shots.append)
        until(lambda: len(shots) >= 3, "three pictures")
        assert source.close()
    assert [image_item.key for image_item in shots[:2]] == [
        f"{camera}/snapshot.jpg #1",
        f"{camera}/snapshot.jpg #2",
    ]


def test_the_fault_of_an_address_is_reported(until):
    with web_camera() as camera:
        source = LiveSource(f"{camera}/secret.jpg", lambda image_item: None)
        until(lambda: source.status.state == WAITING, "the failure")
        assert "not authorised" in source.status.detail
        source.close()
