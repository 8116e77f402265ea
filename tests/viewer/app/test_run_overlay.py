"""Curves of several runs over each other."""

from __future__ import annotations

import numpy as np
import pytest

from alpr_app.data.run_folder import TRAIN, VAL, About, Curves, write_about
from alpr_app.viewer.app.run_overlay import columns_of, names_of, overlaid
from alpr_app.viewer.app.training import RunView


def run_view(folder, steps, **columns):
    arrays = {"step": np.array(steps, float)} | {name: np.array(values, float) for name, values in columns.items()}
    return RunView(folder, train=Curves(arrays), begun=True)


def test_runs_of_different_steps_share_one_axis(tmp_path):
    first = run_view(tmp_path / "first", [10, 20, 30], loss=[3, 2, 1], box=[1, 1, 1])
    second = run_view(tmp_path / "second", [15, 25], loss=[5, 4])
    assert columns_of([first, second], TRAIN) == ["loss", "box"] and columns_of([first, second], VAL) == []
    steps, lines, end = overlaid([first, second], TRAIN, "loss")
    assert steps.tolist() == [10, 15, 20, 25, 30] and end == 30
    assert lines["first"].tolist() == [3, 2.5, 2, 1.5, 1]
    np.testing.assert_array_equal(lines["second"], [np.nan, 5, 4.5, 4, np.nan])
    assert list(overlaid([first, second], TRAIN, "box")[1]) == ["first"]


def test_figures_that_are_missing_are_bridged(tmp_path):
    view = run_view(tmp_path / "a", [1, 2, 3], loss=[1, np.nan, 3])
    assert overlaid([view], TRAIN, "loss")[1]["a"].tolist() == [1, 2, 3]
    view = run_view(tmp_path / "a", [1, 2], loss=[np.nan, np.nan])
    assert np.isnan(overlaid([view], TRAIN, "loss")[1]["a"]).all()


def test_names_have_as_many_folders_as_tell_the_runs_apart(tmp_path):
    views = [RunView(tmp_path / name) for name in ("a/detector", "b/detector", "reader")]
    assert names_of(views[1:]) == ["detector", "reader"]
    assert names_of(views)[:2] == ["a/detector", "b/detector"]


@pytest.fixture
def runs(tmp_path):
    """Two runs on disk."""
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write_about(folder, About("detector", 1000, 16, "judgement", 5))
        (folder / "train.csv").write_text("step,loss\n50,2\n100,1\n")
        (folder / "val.csv").write_text("step,judgement,recall\n50,0.5,0.6\n100,0.7,0.8\n")
    return tmp_path


def test_runs_are_added_and_taken_out_on_the_page(window, runs, until):
    made = window()
    viewer, overlay = made.viewer, made.viewer.run_overlay
    viewer.open(str(runs / "one"))
    assert overlay.add(str(runs / "two"))
    assert not overlay.add(str(runs / "two")), "it is there already"
    until(lambda: viewer.collect() or (overlay.views[0].val and viewer.training.view.val), "the figures")
    made.draw()
    # The tab "Compare runs".
    made.click(230, 77)
    made.draw()
    assert list(overlaid([viewer.training.view, *overlay.views], VAL, "judgement")[1]) == ["one", "two"]
    # The button of the second run.
    made.click(60, 138)
    assert not overlay.views


def test_a_folder_without_a_run_is_said(program, tmp_path):
    viewer = program()
    assert not viewer.run_overlay.add(str(tmp_path))
    assert "there is no training run in this folder" in viewer.state.message.text


def test_the_number_of_runs_has_a_limit(program, tmp_path):
    viewer = program()
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_about(folder, About("detector", 10, 1))
        assert viewer.run_overlay.add(str(folder)) is (number < 7)
    assert "No more than 8 runs" in viewer.state.message.text
