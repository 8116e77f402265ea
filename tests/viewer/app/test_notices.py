from __future__ import annotations

import logging
import threading

import pytest

from alpr_app.viewer.app.notices import report_threads


def test_a_warning_of_any_part_is_shown_in_the_window_and_on_the_terminal(program, capsys):
    viewer = program()
    log = logging.getLogger("alpr_app.runtime.engine")
    log.warning("torch on the processor runs the %s from now on", "reader")
    log.info("nothing of interest")
    viewer.collect()
    assert viewer.state.message.text == "torch on the processor runs the reader from now on"
    assert viewer.state.message.is_error
    assert capsys.readouterr().err == "alpr_viewer: torch on the processor runs the reader from now on\n"
    count = len(viewer.state.messages)
    viewer.close(5)
    log.warning("later")
    viewer.collect()
    assert len(viewer.state.messages) == count


def test_a_thread_that_ends_with_an_error_is_reported(program, monkeypatch):
    seen = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    report_threads()
    viewer = program()
    thread = threading.Thread(target=lambda: 1 / 0, name="alpr-example")
    thread.start()
    thread.join()
    viewer.collect()
    assert viewer.state.message.text.startswith("alpr-example has ended: ZeroDivisionError")
    assert len(seen) == 1, "the terminal has the traceback"


@pytest.mark.parametrize("times", [(100.0, 50.0), (0.0, -5.0)])
def test_a_clock_that_is_set_back_does_no_harm(program, until, few_pictures, fakes, monkeypatch, times):
    """The system clock is set back while the window is open, and the files of a run are from the future."""
    viewer = program(capture=lambda address: fakes.Capture(["new"]))
    clock = iter([*times, *([times[1]] * 10_000)])
    monkeypatch.setattr("time.time", lambda: next(clock))
    viewer.open(str(few_pictures))
    until(lambda: viewer.collect() or viewer.state.recognition is not None, "a picture")
    viewer.open(0)
    until(lambda: viewer.collect() or viewer.state.cars.listed, "a car")
    (car,) = viewer.state.cars.listed.values()
    assert car.track.number == 1
