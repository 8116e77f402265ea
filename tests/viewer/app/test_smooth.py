"""The window keeps drawing, whatever the other threads wait for."""

from __future__ import annotations

import threading
from time import monotonic, sleep

import pytest


@pytest.fixture
def slow(fakes):
    """A recogniser that stays in a picture until it is released (`go`) and tells when it is there (`inside`)."""
    alpr = fakes.Alpr()
    read, alpr.inside, alpr.go = alpr.analyse, threading.Event(), threading.Event()

    def analyse(image):
        alpr.inside.set()
        alpr.go.wait(30)
        alpr.inside.clear()
        return read(image)

    alpr.analyse = analyse
    yield alpr
    alpr.go.set()


def test_sixty_frames_are_drawn_and_keys_act_while_one_picture_of_a_folder_is_being_read(
    window, few_pictures, until, slow
):
    shown = window(alpr=slow)
    shown.viewer.open(str(few_pictures))
    until(lambda: shown.viewer.collect() or slow.inside.is_set(), "the reading to begin")
    for number in range(60):
        shown.draw(1)
        if number in (10, 20, 30):
            shown.viewer.step(1)
    until(lambda: shown.draw(1) is not None and shown.state.image_item.key.endswith("4.png"), "the picture stepped to")
    assert slow.inside.is_set(), "all of this happened within one reading"
    assert slow.calls == 0
    slow.go.set()
    until(lambda: shown.draw(1) is not None and shown.state.recognition is not None, "what was read in the end")
    assert shown.state.recognition.key == shown.state.image_item.key


def test_a_camera_goes_on_moving_while_one_of_its_frames_is_being_read(window, fakes, until, slow):
    shown = window(alpr=slow, capture=lambda address: fakes.Capture(["new"]))
    shown.viewer.open(0)
    until(slow.inside.is_set, "the reading to begin")
    seen = set()

    def moved():
        shown.draw(1)
        seen.update([shown.state.image_item.key] if shown.state.image_item is not None else [])
        return len(seen) >= 20

    until(moved, "twenty frames", 30)
    assert slow.inside.is_set(), "all of this happened within one reading"
    assert shown.state.recognition is None


def test_frames_go_on_during_a_reading_that_takes_a_second(window, few_pictures, fakes, until):
    alpr = fakes.Alpr()
    read, span = alpr.analyse, []

    def analyse(image):
        if span:
            return read(image)
        span.append(monotonic())
        sleep(1.0)
        span.append(monotonic())
        return read(image)

    alpr.analyse = analyse
    shown = window(alpr=alpr)
    shown.viewer.open(str(few_pictures))
    until(lambda: shown.viewer.collect() or span, "the reading to begin")
    drawn = 0
    while len(span) == 1:
        shown.draw(1)
        drawn += 1
    # If it waited for the reading, the first frame would end after it. Ten leave room for a busy machine.
    assert drawn >= 10


def test_closing_in_the_middle_of_a_live_reading_leaves_no_thread(program, fakes, until):
    alpr = fakes.Alpr(seconds=0.4)
    viewer = program(alpr, capture=lambda address: fakes.Capture(["new"]))
    viewer.open(0)
    viewer.cameras.refresh(0)
    until(lambda: alpr.calls, "a reading to begin")
    began = monotonic()
    assert viewer.close(1.0)
    assert monotonic() - began < 1.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("alpr-")]
