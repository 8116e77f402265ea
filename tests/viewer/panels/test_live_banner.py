"""A live source whose frames have stopped."""

from __future__ import annotations

import re
from time import monotonic, sleep

import pytest

from alpr_app.viewer.panels.welcome import explain, interruption
from alpr_app.viewer.toolkit.theme import DARK
from alpr_app.viewer.workers.live import ENDED, OPENING, PAUSED, RUNNING, WAITING, LiveStatus, open_capture


@pytest.fixture
def lost(window, fakes, until, monkeypatch):
    """A camera that has sent frames; its state is set by the test."""
    shown = window(capture=lambda address: fakes.Capture(["new"]))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or shown.state.image_item is not None, "a frame")
    assert monotonic() - shown.state.live_last_frame < 5
    monkeypatch.setattr(shown.viewer, "collect", lambda: None)

    def make(state, detail="", until_next=0.0):
        shown.state.live_status = LiveStatus(state, detail, monotonic() + until_next)
        shown.state.live_last_frame = monotonic() - 12
        return shown

    return make


@pytest.mark.parametrize("state", [RUNNING, PAUSED])
def test_frames_that_come_have_no_banner(lost, state):
    assert interruption(lost(state).state) == ""


def test_the_end_of_a_video_is_no_failure(lost):
    assert interruption(lost(ENDED).state) == ""


def test_a_lost_source_says_what_happened_how_old_the_frame_is_and_what_follows(lost):
    said = interruption(lost(WAITING, "repeats the same frame", 3).state)
    assert said == "Camera 0 repeats the same frame. Last frame 12 s ago; next attempt in 3 s"
    assert interruption(lost(OPENING).state) == "Opening camera 0 again. Last frame 12 s ago"
    assert (
        interruption(lost(ENDED, "cannot be read").state)
        == "Camera 0 cannot be read. Last frame 12 s ago; R tries again"
    )


def test_the_picture_dims_and_the_banner_lies_on_it(lost, near):
    bright = lost(RUNNING).draw()[60:680, 310:930]
    shown = lost(WAITING, "sends no more frames", 3)
    dimmed = shown.draw()[60:680, 310:930]
    assert dimmed[300:].mean() < 0.8 * bright[300:].mean()
    assert near(dimmed[:80], DARK.wrong).sum() > 100
    assert near(dimmed[:80], DARK.text).sum() > 50


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (["new"] * 5 + ["same"], "repeats the same frame"),
        (["new"] * 5 + ["fail"], "sends no more frames"),
        (["new"] * 5 + ["hang"], "sends no more frames"),
        (["new"] * 5 + ["raise"], "cannot be read: the driver has gone"),
    ],
    ids=["frozen", "ended", "hanging", "unplugged"],
)
def test_a_camera_that_stops_cannot_be_overlooked(window, fakes, until, monkeypatch, script, reason):
    captures = iter([fakes.Capture(script)])
    # It does not come back.
    shown = window(capture=lambda address: next(captures, None) or fakes.Capture(["fail"], opens=False))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or shown.state.image_item is not None, "a frame")
    until(lambda: shown.draw(1) is not None and shown.state.live_status.state == WAITING, "the failure")
    said = interruption(shown.state)
    assert re.fullmatch(rf"Camera 0 {reason}\. Last frame \d+ s ago; next attempt in \d+ s", said)
    last = shown.state.live_last_frame
    until(lambda: "cannot be opened" in interruption(shown.state) or shown.viewer.collect(), "the next attempt")
    assert shown.state.live_last_frame == last, "the age is that of the last picture that was seen"
    monkeypatch.setattr(shown.viewer, "collect", lambda: None)
    dimmed = shown.draw()[400:660, 310:930].mean()
    shown.state.live_status = LiveStatus(RUNNING)
    assert dimmed < 0.8 * shown.draw()[400:660, 310:930].mean()


def test_the_banner_goes_when_the_camera_comes_back(window, fakes, until):
    captures = iter([fakes.Capture(["new"] * 5 + ["fail"])])
    shown = window(capture=lambda address: next(captures, None) or fakes.Capture(["new"]))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or interruption(shown.state), "the banner")

    def runs():
        shown.viewer.collect()
        return shown.state.live_status.state == RUNNING and not interruption(shown.state)

    until(runs, "frames")


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4"])
def test_a_dropped_file_that_is_no_video_is_not_tried_again_by_itself(window, until, tmp_path, name):
    path = tmp_path / name
    path.write_text("no video\n" * 100)
    opened = []

    def capture(address):
        opened.append(address)
        return open_capture(address)

    shown = window(capture=capture)
    # What the window does with a dropped file.
    shown.viewer.open(str(path))
    state = shown.state

    def settled():
        shown.viewer.collect()
        return state.live_status.state == ENDED or any(message.is_error for message in state.messages)

    until(settled, "the reason")
    sleep(1.0)
    shown.draw()
    assert state.live_status.state != WAITING
    assert len(opened) <= 1
    if opened:
        assert "R tries again" in "".join(explain(state)[1]) and "attempt" not in "".join(explain(state)[1])
    else:
        assert state.messages[-1].text == "notes.txt is neither a folder nor a picture nor a video"
