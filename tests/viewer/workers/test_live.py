from __future__ import annotations

import threading
from time import monotonic

import pytest

from alpr_app.viewer.workers import live
from alpr_app.viewer.workers.live import PAUSED, RUNNING, WAITING, LiveSource, address_name


@pytest.fixture
def camera(monkeypatch, fakes):
    """Makes sources that follow the given scripts, one per opening; the last repeats. Delays are short."""
    monkeypatch.setattr(live, "SILENCE_SECONDS", 0.15)
    monkeypatch.setattr(live, "OPENING_SECONDS", 0.3)
    monkeypatch.setattr(live, "RETRY_SECONDS", (0.02, 0.04, 0.08))
    made = []

    def make(*scripts, address=0, fps=200.0):
        scripts = list(scripts)
        source = None

        def capture(_):
            # Records its states from the first one on.
            ready.wait(5)
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
            opened.append(monotonic())
            return fakes.Capture(list(script), opens=bool(script), fps=fps)

        opened, shots, states, ready = [], [], [], threading.Event()
        source = LiveSource(address, shots.append, lambda: states.append(source and source.status), capture)
        source.shots, source.opened, source.states = shots, opened, states
        made.append(source)
        ready.set()
        return source

    yield make
    for source in made:
        source.close(1)


def details(source):
    return [status.detail for status in source.states if status is not None and status.state == WAITING]


def test_frames_come_with_names_of_their_own(camera, until):
    source = camera(["new"])
    until(lambda: len(source.shots) >= 5 and source.status.state == RUNNING, "frames")
    keys = [image_item.key for image_item in source.shots]
    assert len(set(keys)) == len(keys)
    assert keys[0] == "camera 0 #1"
    assert source.shots[0].live


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ([], "cannot be opened"),
        (["fail"], "sends no more frames"),
        (["new", "new", "fail"], "sends no more frames"),
        (["nothing"], "sends no more frames"),
        (["new", "new", "nothing"], "sends no more frames"),
        (["new", "empty"], "sends no more frames"),
        (["new", "raise"], "cannot be read: the driver has gone"),
        (["hang"], "does not answer"),
        (["new", "new", "hang"], "sends no more frames"),
        (["new", "new", "same"], "repeats the same frame"),
    ],
)
def test_a_camera_that_fails_is_noticed_shown_and_opened_again(camera, until, script, says):
    source = camera(script, ["new"])
    until(lambda: len(source.opened) == 2 and source.status.state == RUNNING, "the camera to run again")
    assert details(source)[0] == says
    seen = len(source.shots)
    until(lambda: len(source.shots) > seen, "frames to come again")


def test_a_camera_that_fails_in_every_way_in_turn_runs_in_the_end(camera, until):
    scripts = [[], ["fail"], ["new", "nothing"], ["new", "raise"], ["new", "same"], ["new", "hang"], ["new"]]
    source = camera(*scripts)
    until(lambda: len(source.opened) == len(scripts) and source.status.state == RUNNING, "the camera to run", 30)
    assert len(details(source)) == len(scripts) - 1
    # Numbers continue, so that no result is attributed to another frame.
    keys = [image_item.key for image_item in source.shots]
    assert len(set(keys)) == len(keys)


def test_silence_is_noticed_within_two_seconds():
    assert live.SILENCE_SECONDS + 0.25 <= 2.0


def test_delays_grow_from_attempt_to_attempt(camera, until):
    source = camera([])
    until(lambda: len(source.opened) >= 5, "five attempts")
    waits = [later - earlier for earlier, later in zip(source.opened, source.opened[1:], strict=False)]
    assert all(wait >= least for wait, least in zip(waits, (0.02, 0.04, 0.08, 0.08), strict=False))


def test_reconnecting_does_not_wait(camera, until, monkeypatch):
    monkeypatch.setattr(live, "RETRY_SECONDS", (60.0,))
    source = camera([], ["new"])
    until(lambda: source.status.state == WAITING, "the failure")
    source.reconnect()
    until(lambda: source.status.state == RUNNING, "the camera")


def test_a_paused_camera_gives_one_frame_per_step(camera, until):
    source = camera(["new"])
    until(lambda: source.shots, "a frame")
    source.pause(True)
    until(lambda: source.status.state == PAUSED, "the pause")
    seen = len(source.shots)
    source.step()
    until(lambda: len(source.shots) == seen + 1, "one more frame")
    source.pause(False)
    until(lambda: len(source.shots) > seen + 1, "frames to go on")


def test_a_camera_whose_driver_hangs_does_not_delay_closing(camera, until):
    source = camera(["hang"])
    until(lambda: source.opened, "the opening")
    began = monotonic()
    source.close(0.2)
    assert monotonic() - began < 1


def test_passwords_are_not_shown():
    assert address_name("rtsp://user:secret@host:554/stream?x=1") == "rtsp://host:554/stream?x=1"
    assert address_name(2) == "camera 2"
    assert address_name("/videos/film.mp4") == "film.mp4"
