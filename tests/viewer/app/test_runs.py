from __future__ import annotations

import os
import time

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.data.run_folder import About, Curves, write_about
from alpr_app.viewer.app.training import RunView, RunWatch, thin

HEAD = "step,learning_rate,loss,samples_per_s,waiting_share\n"


def line(step, rate=40.0):
    return f"{step},0.001,{1 / step},{rate},0.1\n"


@pytest.fixture
def run(tmp_path):
    """A run of 1000 steps that has started."""
    folder = tmp_path / "mine"
    folder.mkdir()
    arguments = ["detector", "--output", "mine"]
    write_about(folder, About("detector", 1000, 16, "judgement", 5, arguments=arguments))
    (folder / "train.csv").write_text(HEAD + line(50))
    return folder


@pytest.fixture
def watch(until):
    """Watches a folder; returns the first view for which `holds` is true."""
    made = []

    def begin(folder):
        made.append(RunWatch(folder, period=0.02))

        def see(holds, what):
            latest = []

            def look():
                view = made[-1].views.take()
                if view is not None:
                    latest[:] = [view]
                return latest and holds(latest[0])

            until(look, what)
            return latest[0]

        return see

    yield begin
    for one in made:
        assert one.close(5)


def test_curves_grow_while_the_run_writes_them(run, watch):
    see = watch(run)
    view = see(lambda view: view.train, "the first figures")
    assert (view.step, view.steps, view.done, view.rate) == (50, 1000, False, 40)
    assert view.seconds_left == pytest.approx(950 * 16 / 40)
    assert view.command == "python -m alpr_app.train detector --output mine --resume"
    with (run / "train.csv").open("a") as file:
        file.write(line(100)[:7])
        file.flush()
        see(lambda view: view.step == 50, "half a line")
        file.write(line(100)[7:])
    (run / "val.csv").write_text("step,judgement,recall\n50,0.9,0.5\n100,0.8,0.6\n")
    view = see(lambda view: view.step == 100 and view.val, "more figures")
    assert (view.best("recall"), view.val.last("recall")) == (0.5, 0.6)
    with (run / "train.csv").open("a") as file:
        file.write(line(1000))
    view = see(lambda view: view.done, "the end")
    assert view.seconds_left == 0 and not view.is_stalled(time.time() + 1e6)
    assert not view.command.endswith("--resume")


def test_broken_files_are_one_line_each_until_they_are_repaired(run, watch):
    see = watch(run)
    see(lambda view: view.train, "the first figures")
    for name in ("train.csv", "val.csv", "run.json", "newest.json", "mistakes.png"):
        (run / name).write_bytes(b"\xff\x00{")
    view = see(lambda view: len(view.problems) == 5, "five lines")
    assert all("\n" not in line for line in view.problems)
    assert not view.train and view.newest is None and view.sheet is None
    (run / "train.csv").write_text(HEAD + line(50))
    for name in ("val.csv", "run.json", "newest.json", "mistakes.png"):
        (run / name).unlink()
    (run / "command.txt").write_text("python -m alpr_app.train detector --output mine")
    view = see(lambda view: not view.problems, "no trouble")
    assert view.step == 50


def test_a_run_that_is_gone_is_reported(run, watch):
    see = watch(run)
    see(lambda view: view.train, "the first figures")
    for path in list(run.iterdir()):
        path.unlink()
    run.rmdir()
    view = see(lambda view: view.problems, "the trouble")
    assert "no training run in this folder any more" in view.problems[0]


def test_the_sheet_of_mistakes_is_shown_when_it_appears_and_again_when_it_changes(run, watch):
    see = watch(run)
    see(lambda view: view.sheet is None and view.train, "no sheet")
    write_picture(run / "mistakes.png", np.full((30, 40, 3), 9, np.uint8))
    first = see(lambda view: view.sheet is not None, "the sheet").sheet
    write_picture(run / "mistakes.png", np.full((50, 40, 3), 9, np.uint8))
    second = see(lambda view: view.sheet.size == (40, 50), "the other sheet").sheet
    assert first.captured != second.captured


def test_a_run_without_new_figures_is_stalled_after_a_while(run, watch):
    os.utime(run / "train.csv", (1000, 1000))
    view = watch(run)(lambda view: view.train, "the figures")
    assert view.changed == 1000
    assert not view.is_stalled(1060) and view.is_stalled(1200)
    # A row every 500 s, which is waited for.
    slow = Curves({"step": np.array([50.0, 100.0]), "samples_per_s": np.array([1.6, 1.6])})
    assert not RunView(run, view.about, train=slow, changed=1000).is_stalled(1000 + 2400)


def test_an_unknown_run_has_no_end(tmp_path):
    view = RunView(tmp_path)
    assert (view.step, view.steps, view.done, view.rate, view.seconds_left) == (0, 0, False, 0, None)
    assert np.isnan(view.best("judgement"))


def test_long_curves_are_thinned_and_keep_both_ends():
    steps = np.arange(100_000.0)
    curves = thin(Curves({"step": steps, "loss": steps**2}, "trouble"), 500)
    assert len(curves.columns["step"]) == len(curves.columns["loss"]) == 500
    assert (curves.columns["step"][0], curves.last("step"), curves.trouble) == (0, 99_999, "trouble")
