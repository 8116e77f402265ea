"""The page of a training run, and its models tried on the picture."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.data.run_folder import About, write_about
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.arguments import initial_target, parse
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.training import RunView
from alpr_app.viewer.panels.chart import format_value
from alpr_app.viewer.panels.training import NO_SCORE, charts_of, run_status
from alpr_app.viewer.toolkit.theme import SERIES


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "my run"
    folder.mkdir()
    write_about(folder, About("detector", 1000, 16, "judgement", 5, arguments=["detector"], place="/there"))
    rows = "".join(f"{50 * n},0.001,{4 / n},{1 / n},{40 + n},0.1\n" for n in range(1, 11))
    (folder / "train.csv").write_text("step,learning_rate,loss,corner,samples_per_s,waiting_share\n" + rows)
    rows = "".join(f"{100 * n},{1 - 0.1 / n},{0.3 / n}\n" for n in range(1, 6))
    (folder / "val.csv").write_text("step,judgement,corner_error\n" + rows)
    return folder


@pytest.fixture
def publish(run):
    """Writes the newest model into the folder of the run, as the training does."""

    def write(bundle):
        for suffix in (".safetensors", ".json"):
            shutil.copy(bundle.with_suffix(suffix), run / f"newest{suffix}")

    return write


@pytest.fixture
def shown(window, run, tmp_path, until, monkeypatch, fakes):
    """The window over a picture, with the page of the run open.

    `choices` are the models loaded since; `press` clicks a button by its name, where it was drawn last.
    """
    (tmp_path / "pictures").mkdir()
    write_picture(tmp_path / "pictures" / "p.png", np.full((60, 80, 3), 200, np.uint8))
    made = window(tmp_path / "pictures")
    made.choices, made.buttons = [], {}
    monkeypatch.setattr(ModelChoice, "make", lambda choice: made.choices.append(choice) or fakes.Alpr([]))
    ui = made.frame.context.ui
    button, hit = ui.button, ui.hit

    def noted(call):
        def note(name, width=0, *rest, **more):
            made.buttons[name] = (ui.cursor[0] + 10, ui.cursor[1] + ui.row_height / 2)
            return call(name, width, *rest, **more)

        return note

    ui.button, ui.hit = noted(button), noted(hit)

    def click(name):
        made.buttons.clear()
        made.draw(3)
        made.click(*made.buttons[name])

    made.press = click
    made.viewer.open(str(run))
    until(lambda: made.viewer.collect() or made.viewer.training.view.val, "the run")
    made.draw(3)
    yield made
    del ui.button, ui.hit


def wait(shown, until, holds, what):
    until(lambda: shown.viewer.collect() or holds(), what)


def test_a_runs_folder_opens_its_page_and_the_picture_stays_below_it(shown):
    assert shown.state.run_open
    assert shown.state.image_list.name == "p.png"
    assert "my run" in shown.state.settings.recent[0]
    press(shown.viewer, "Escape")
    assert not shown.state.run_open
    press(shown.viewer, "W")
    assert shown.state.run_open
    shown.click(5, 715)
    assert not shown.state.run_open, "a click beside it"


def test_curves_are_drawn_with_a_legend_and_grow(shown, run, near, until):
    left_upper = np.s_[100:390, 40:460]
    pixels = shown.draw(3)[left_upper]
    before = [near(pixels, SERIES[number], 12).sum() for number in range(3)]
    assert min(before[:2]) > 100 and before[2] == 0
    with (run / "train.csv").open("a") as file:
        file.write("".join(f"{50 * n},0.001,{4 / n},{1 / n},40,0.1\n" for n in range(11, 21)))
    wait(shown, until, lambda: shown.viewer.training.view.step == 1000, "more steps")
    assert (near(shown.draw(3)[left_upper], SERIES[0], 12) != near(pixels, SERIES[0], 12)).sum() > 100


def test_the_sheet_of_mistakes_is_shown_and_enlarged_by_the_wheel(shown, run, until, near):
    sheet = np.full((400, 300, 3), 10, np.uint8)
    sheet[:200, :150] = (250, 0, 250)
    write_picture(run / "mistakes.png", sheet)
    wait(shown, until, lambda: shown.viewer.training.view.sheet is not None, "the sheet")
    shown.draw(3)
    shown.click(130, 80)
    seen = near(shown.draw(3), (250 / 255, 0, 250 / 255), 6).sum()
    assert seen > 10_000
    shown.frame.context.ui.inputs.move(100, 130)
    shown.draw(1)
    shown.frame.context.ui.inputs.wheel(0, 4)
    assert near(shown.draw(3), (250 / 255, 0, 250 / 255), 6).sum() > 1.3 * seen


def test_the_newest_model_reads_the_picture_with_a_banner_and_a_way_back(
    shown, publish, detector_path, run, until, near
):
    publish(detector_path)
    wait(shown, until, lambda: shown.viewer.training.view.newest is not None, "the model")
    shown.press("Try this model on the picture")
    wait(shown, until, lambda: shown.choices, "the model in use")
    assert shown.choices[-1].detector == str(run / "newest.safetensors")
    assert shown.choices[-1].reader is None and shown.choices[-1].version
    assert not shown.state.run_open, "the picture is seen"
    assert shown.viewer.training.model_description == "detector from run my run"
    wait(shown, until, lambda: shown.state.recognition is not None, "the reading")
    shown.press("own models")
    wait(shown, until, lambda: len(shown.choices) == 2, "the way back")
    assert shown.choices[-1] == ModelChoice()
    assert shown.viewer.training.model_description == ""
    shown.buttons.clear()
    shown.draw(3)
    assert "own models" not in shown.buttons


def test_a_newer_model_is_offered_and_loaded(shown, publish, detector_path, reader_path, until, tmp_path):
    publish(detector_path)
    wait(shown, until, lambda: shown.viewer.training.view.newest is not None, "the model")
    shown.viewer.training.load_newest()
    wait(shown, until, lambda: shown.viewer.training.newest_in_use, "the model in use")
    from alpr_app.networks.building import save_bundle
    from alpr_app.networks.bundle import load_detector

    network, _ = load_detector(detector_path)
    network.head.output.bias.data[0] += 1
    publish(save_bundle(tmp_path / "newer", network, {}, "train detector").weights)
    wait(shown, until, lambda: shown.viewer.training.newer_available, "the newer one")
    shown.press("Load the newer model")
    wait(shown, until, lambda: len(shown.choices) == 2, "the newer one in use")
    assert shown.choices[0].detector == shown.choices[1].detector
    assert shown.choices[0].version != shown.choices[1].version
    assert not shown.viewer.training.newer_available


def test_a_reader_and_a_detector_can_be_tried_together(shown, publish, detector_path, reader_path, until):
    training = shown.viewer.training

    def tried(bundle, kind):
        publish(bundle)
        wait(shown, until, lambda: training.view.newest is not None and training.view.newest.kind == kind, kind)
        training.load_newest()
        wait(shown, until, lambda: kind in training.models_in_use, kind)

    tried(detector_path, "detector")
    tried(reader_path, "reader")
    assert training.model_description == "detector from run my run, reader from run my run"
    wait(shown, until, lambda: len(shown.choices) == 2, "both")
    assert shown.choices[-1].reader == shown.choices[-1].detector


def test_a_half_written_model_is_one_line_and_the_models_in_use_stay(shown, publish, detector_path, run, until):
    publish(detector_path)
    weights = run / "newest.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    wait(shown, until, lambda: shown.viewer.training.view.newest is not None, "the model")
    shown.press("Try this model on the picture")
    wait(shown, until, lambda: shown.viewer.training.error, "the trouble")
    assert "sha256 differs" in shown.state.message.text and shown.state.message.is_error
    assert (shown.choices, shown.viewer.training.models_in_use, shown.state.run_open) == ([], {}, True)
    shown.draw(3)


def test_broken_files_do_not_end_the_watching(shown, run, until):
    for name in ("train.csv", "val.csv", "run.json", "newest.json", "mistakes.png"):
        (run / name).write_bytes(b"\xff{")
    wait(shown, until, lambda: len(shown.viewer.training.view.problems) == 5, "the troubles")
    shown.draw(3)
    shown.click(130, 80)
    assert shown.state.run_open


def test_the_command_is_copied(shown, monkeypatch):
    copied = []
    monkeypatch.setattr(shown.frame.context.ui, "copy", copied.append)
    shown.press("Copy command")
    assert copied == ["python -m alpr_app.train detector --resume"]


def test_a_run_that_has_not_begun_is_waited_for_and_its_page_fills_when_it_does(window, run, tmp_path, until):
    later = tmp_path / "later" / "detector"
    made = window()
    assert made.viewer.training.open(str(later))
    assert made.state.run_open and not made.state.messages
    made.draw(3)
    view = made.viewer.training.view
    assert (view.begun, view.problems, run_status(view)) == (False, (), "waiting for it to begin")
    assert made.state.settings.recent == ()
    shutil.copytree(run, later)
    until(lambda: made.viewer.collect() or made.viewer.training.view.val, "the figures")
    made.draw(3)
    assert made.viewer.training.view.begun and made.viewer.training.view.step == 500
    assert made.state.settings.recent == (str(later),)


def test_a_file_is_no_folder_of_a_run(program, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    viewer = program()
    assert not viewer.training.open(str(tmp_path / "notes.txt"))
    assert "this is a file" in viewer.state.message.text
    assert viewer.training.view is None


def test_the_page_without_a_run_takes_the_name_of_a_folder_that_does_not_exist_yet(window, tmp_path, monkeypatch):
    made = window()
    press(made.viewer, "W")
    made.draw(3)
    assert made.state.run_open and made.viewer.training.view is None
    ui = made.frame.context.ui
    texts, text_field = [], ui.text_field
    monkeypatch.setattr(ui, "text", lambda content, *rest, **more: texts.append(content))
    typed = str(tmp_path / "runs" / "mine")
    monkeypatch.setattr(ui, "text_field", lambda label, *rest, **more: (typed, label == "run folder"))
    made.draw(1)
    monkeypatch.setattr(ui, "text_field", text_field)
    texts.clear()
    made.draw()
    assert "Waiting for a run to begin in mine" in texts
    press(made.viewer, "O")
    assert made.state.open_dialog_open and not made.state.run_open


def test_a_run_without_a_val_split_says_so_and_plots_no_score(shown, run, publish, detector_path, until, monkeypatch):
    publish(detector_path)
    (run / "val.csv").unlink()
    wait(shown, until, lambda: shown.viewer.training.view.newest and not shown.viewer.training.view.val, "the change")
    assert shown.viewer.training.view.unvalidated
    texts = []
    monkeypatch.setattr(shown.frame.context.ui, "text", lambda content, *rest, **more: texts.append(content))
    shown.draw()
    assert NO_SCORE in texts
    assert not any(chart.lines for chart in charts_of(shown.viewer.training.view) if chart.title.startswith("valid"))
    (run / "val.csv").write_text("step,false_boxes\n100,0.5\n200,0.25\n")
    wait(shown, until, lambda: shown.viewer.training.view.val, "false boxes alone")
    assert shown.viewer.training.view.unvalidated
    assert np.isnan(shown.viewer.training.view.best("false_boxes")), "without a score, no validation is the best"


def test_errors_have_a_chart_which_shows_the_speed_if_there_are_none(shown, tmp_path):
    view = shown.viewer.training.view
    assert [chart.title for chart in charts_of(view)] == [
        "losses",
        "validation",
        "learning rate",
        "validation: errors",
    ]
    assert list(charts_of(view)[0].lines) == ["loss", "corner"]
    assert charts_of(RunView(tmp_path))[3].title == "samples per second"


def test_a_figure_is_shown_with_its_significant_digits():
    assert [format_value(value) for value in (0.98765, 0.0123456, 123.456, 12345.6, 0, float("nan"))] == [
        "0.9877",
        "0.0123",
        "123.5",
        "12,346",
        "0.0000",
        "–",
    ]


def test_with_a_run_alone_the_sample_pictures_are_there_to_try_it_on():
    assert str(initial_target(parse(["--run", "runs/mine"]))).endswith("samples")
    assert initial_target(parse(["--run", "runs/mine", "--camera", "1"])) == 1
    assert initial_target(parse(["--run", "runs/mine", "--image_folder", "x"])) == "x"
    assert initial_target(parse([])) == 0


def test_models_of_a_run_are_tried_with_the_chosen_backend(monkeypatch):
    seen = []
    monkeypatch.setattr("alpr_app.pipeline.alpr.ALPR", lambda *given, **more: seen.append(given[3]))
    for choice in (ModelChoice(), ModelChoice(version="1"), ModelChoice(version="1", backend="onnx-int8")):
        choice.make()
    assert seen == ["auto", "auto", "onnx-int8"]
