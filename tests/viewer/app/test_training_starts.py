"""Trainings that the window starts, stops and resumes as processes of their own."""

from __future__ import annotations

import os
import shlex

import pytest
from short_runs import DETECTOR, SHORT

from alpr_app.data.run_folder import LOG, STOP, stop_requested
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.training_starts import KINDS, TrainingForm
from alpr_app.viewer.workers.training_process import last_line

# Too many samples to end before it is stopped.
LONG = [*(option for option in SHORT), "--samples", "100000000"]


@pytest.fixture
def starts(program):
    """The trainings of a program without a window; what is still running at the end is killed."""
    viewer = program()
    yield viewer.training_starts, viewer
    for process in viewer.training_starts._processes.values():
        process.kill()


def arguments(data, output, options=SHORT):
    return ["detector", "--dataset_path", str(data), "--output", str(output), *DETECTOR, *options]


def test_the_form_gives_the_exact_command(tmp_path):
    form = TrainingForm(1, str(tmp_path / "my data"), "runs/one", "--samples 1000 --glyphs 'my glyphs'")
    assert shlex.split(form.command) == [
        *("python", "-m", "alpr_app.train", "maskocr", "--dataset_path", str(tmp_path / "my data")),
        *("--output", "runs/one", "--samples", "1000", "--glyphs", "my glyphs"),
    ]
    assert not form.problem
    assert [TrainingForm(kind, "a", "b").arguments[0] for kind in range(len(KINDS))] == ["detector", *["maskocr"] * 3]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        (TrainingForm(0, " ", "runs/one"), "Name the folder of labelled pictures"),
        (TrainingForm(0, "data", ""), "Name a folder for the run"),
        (TrainingForm(0, "data", "runs/one", "--plates 'open"), "A quotation mark in the options is not closed"),
    ],
)
def test_what_is_missing_is_said(form, problem):
    assert form.problem == problem


def test_a_started_run_is_watched_stopped_and_resumed(starts, data_folder, tmp_path, until):
    training, viewer = starts
    run = tmp_path / "run"
    training.start(arguments(data_folder, run, LONG), run)
    until(lambda: viewer.collect() or training.is_running(run), "the process")
    assert viewer.training.view.folder == run and viewer.state.run_open
    until(lambda: viewer.collect() or (run / "train.csv").exists() or not training.is_running(run), "steps", 120)
    assert training.is_running(run), last_line(run)
    training.stop(run)
    assert stop_requested(run) and training.is_stopping(run)
    until(lambda: viewer.collect() or not training.is_running(run), "the end", 60)
    assert "has stopped; it can be resumed" in viewer.state.message.text
    assert (run / "last.pt").exists() and not (run / STOP).exists()
    # The same command would start anew; --resume goes on, here to an end that is reached already.
    training.start([*arguments(data_folder, run, LONG), "--resume"], run)
    until(lambda: viewer.collect() or training.is_running(run), "the process")
    steps = (run / "train.csv").read_text().count("\n")
    more = lambda: (run / "train.csv").read_text().count("\n") > steps  # noqa: E731
    until(lambda: viewer.collect() or more() or not training.is_running(run), "more steps", 120)
    assert more(), last_line(run)
    # Twice: at once, without waiting for a step.
    training.stop(run)
    training.stop(run)
    until(lambda: viewer.collect() or not training.is_running(run), "the end", 30)


def test_a_run_that_fails_says_why(starts, data_folder, tmp_path, until):
    training, viewer = starts
    run = tmp_path / "run"
    training.start(["detector", "--dataset_path", str(tmp_path / "nothing"), "--output", str(run)], run)
    until(lambda: viewer.collect() or training.is_running(run), "the process")
    until(lambda: viewer.collect() or not training.is_running(run), "the end", 60)
    message = viewer.state.message
    assert message.is_error and "Training run has ended: alpr_app.train: " in message.text and "nothing" in message.text
    assert "nothing" in (run / LOG).read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_one_line(starts, tmp_path, until):
    training, viewer = starts
    (tmp_path / "file").write_text("")
    training.start(["detector"], tmp_path / "file" / "run")
    until(lambda: viewer.collect() or viewer.state.message, "the message")
    assert "training cannot be started" in viewer.state.message.text


def test_a_run_outlives_the_window_that_has_started_it_unless_it_is_told_not_to(data_folder, tmp_path, program, until):
    for outlives in (True, False):
        viewer, run = program(), tmp_path / f"run {outlives}"
        training = viewer.training_starts
        training.outlives = outlives
        training.start(arguments(data_folder, run, LONG), run)
        until(lambda: viewer.collect() or training.is_running(run), "the process")  # noqa: B023
        process = training._processes[run]
        if os.name != "nt":
            # Ctrl-C in the terminal of the window does not reach it.
            assert os.getsid(process._process.pid) == process._process.pid
        until(lambda: (run / "train.csv").exists(), "steps", 120)  # noqa: B023
        viewer.close(5)
        if outlives:
            assert process.status is None
            process.kill()
        until(lambda: process.status is not None, "the end", 60)  # noqa: B023
        assert (run / "last.pt").exists() is not outlives


def test_the_form_starts_by_a_click(window, data_folder, tmp_path, until):
    made = window()
    viewer, training = made.viewer, made.viewer.training_starts
    press(viewer, "W")
    made.draw()
    training.open_form()
    training.form = TrainingForm(0, str(data_folder), str(tmp_path / "run"), shlex.join([*DETECTOR, *SHORT]))
    made.draw()
    ui = made.frame.context.ui
    places, button = {}, ui.button

    def noted(label, *rest, **more):
        places[label] = (ui.cursor[0] + 10, ui.cursor[1] + ui.row_height / 2)
        return button(label, *rest, **more)

    ui.button = noted
    try:
        made.draw()
        made.click(*places["Start##training"])
    finally:
        del ui.button
    run = tmp_path / "run"
    until(lambda: viewer.collect() or training.is_running(run), "the process")
    assert not training.form_open and viewer.training.view.folder == run
    until(lambda: viewer.collect() or not training.is_running(run), "the end of the short run", 120)
    assert viewer.state.message.text == "Training run is done"
    made.draw()
