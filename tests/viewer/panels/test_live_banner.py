"""A live source whose frames have stopped."""

from __future__ import annotations

from time import monotonic

import pytest

from alpr_app.viewer.panels.welcome import interruption
from alpr_app.viewer.toolkit.theme import DARK
from alpr_app.viewer.workers.live import ENDED, OPENING, PAUSED, RUNNING, WAITING, LiveStatus


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
