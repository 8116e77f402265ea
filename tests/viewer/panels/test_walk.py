"""A walk through the whole window: no text is cut off, too pale, or in the wrong language."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace

import cv2
import numpy as np
import pytest

from alpr_app.data.camera_mode import CameraMode
from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.image_list import STARRED
from alpr_app.viewer.app.state import Menu
from alpr_app.viewer.panels import busy, dialogs
from alpr_app.viewer.panels.plates import KIND_NAMES
from alpr_app.viewer.panels.training import NO_SCORE
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.cameras import Camera, CameraList
from alpr_app.viewer.workers.films import FULL_SPEED
from alpr_app.viewer.workers.live import ENDED, OPENING, PAUSED, WAITING, LiveStatus
from alpr_app.viewer.workers.recogniser import Recognition
from tests.cameras import FakeDriver
from tests.data.test_films import FILMS
from tests.kept import KEPT
from tests.viewer.audit import Audit

TIGHT = ((60, 80), (160, 80), (160, 110), (60, 110))
FAR = ((60, 200), (160, 200), (160, 230), (60, 230))
LOOSE = ((60, 80), (240, 80), (240, 110), (60, 110))
LANGUAGES_AND_THEMES = [("en", "dark"), ("en", "light"), ("zh", "dark"), ("zh", "light")]


@pytest.fixture(params=LANGUAGES_AND_THEMES, ids="-".join)
def audited(request, window, monkeypatch):
    """Makes a window whose texts are watched."""
    language, theme = request.param

    # What this computer has is nothing to watch.
    monkeypatch.setattr(dialogs, "start_folders", lambda: [("/", "/")])

    def make(*given, **options):
        cameras = CameraList(find=lambda busy: (Camera(0, "Webcam"), Camera(1, "")))
        shown = window(*given, cameras=cameras, **options)
        shown.state.change(language=language, theme=theme)
        shown.draw(1)
        shown.audit = Audit(shown.frame.context.ui, monkeypatch)
        return shown

    return make


@pytest.fixture
def labelled(tmp_path):
    """A folder with subfolders and a picture of each outcome."""
    root = tmp_path / "pictures"
    for folder in ("", "north", "south", "south/far"):
        (root / folder).mkdir(exist_ok=True)
        for number, (text, corners) in enumerate((("皖A12345", TIGHT), ("皖A12346", TIGHT), ("皖A12345", LOOSE))):
            (left, top), _, (right, bottom), _ = corners
            name = format_name(Annotation(text, (left, top, right, bottom), corners, area=str(number)))
            write_picture(root / folder / name, np.full((300, 400, 3), 30, np.uint8))
    name = format_name(Annotation("京B00001", (60, 200, 160, 230), FAR, area="7"))
    write_picture(root / name, np.full((300, 400, 3), 30, np.uint8))
    (root / "broken.png").write_bytes(b"no picture")
    return root


def problems(shown):
    """What is wrong, one line each."""
    return "\n".join(sorted(shown.audit.problems))


def test_browsing(audited, labelled, fakes, until):
    odd = replace(fakes.plate("皖A1234", confidence=0.4, corners=FAR), fits_format=False)
    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT), odd])
    viewer, state = shown.viewer, shown.state
    shown.draw()
    state.read_all_total, state.read_all_started = 5, 0.0
    shown.draw()
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(state.image_list.records) == 5, "the pictures")
    for _ in range(5):
        viewer.step(1)
        until(lambda: viewer.collect() or state.canvas_record is not None, "the picture")
        shown.draw()
    for order in ("newest", "unsure", "errors"):
        state.change(order=order)
        shown.draw()
    # Below the thresholds.
    state.change(score=0.99)
    shown.draw()
    state.change(score=0.5)
    press(viewer, "I")
    shown.draw()
    state.image_list.filter("nothing of this kind", "all")
    shown.draw()
    state.image_list.filter("", "all")
    viewer.show_folder(str(labelled / "north"))
    shown.draw()
    assert problems(shown) == ""


def test_every_kind_of_plate(audited, labelled, fakes):
    # The longest name of a colour.
    plate = fakes.plate("皖A12345", corners=TIGHT, colour="yellow")
    shown = audited(labelled, [replace(plate, kind=kind) for kind in KIND_NAMES])
    for number, name in enumerate(KIND_NAMES.values()):
        shown.state.selected = number
        shown.draw()
        assert tr("{colour}, {kind}", colour=tr("yellow"), kind=tr(name)) in shown.audit.texts
    assert problems(shown) == ""


def test_the_question_about_kept_results(audited, labelled, fakes, tmp_path, until):
    database = tmp_path / "results.sqlite"
    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT)], results_file=database)
    until(lambda: shown.viewer.collect() or shown.viewer.memory.question_open, "the question")
    shown.draw(3)
    assert {tr("Keep results"), tr("Do not keep")} <= shown.audit.texts
    assert problems(shown) == ""


def test_messages_about_kept_results(audited, tmp_path, until, monkeypatch):
    monkeypatch.setattr("alpr_app.viewer.workers.result_store.LOCKED_SECONDS", 0.05)
    path = tmp_path / "results.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    shown = audited(results_file=path)
    viewer, state = shown.viewer, shown.state
    viewer.memory.permit(True)
    until(lambda: viewer.collect() or state.messages, "the failure")
    ending = tr("{failure}; the window goes on without it", failure="")
    assert state.message.is_error and state.message.text.endswith(ending)
    shown.draw()
    other.close()
    viewer.memory.forget()
    until(lambda: viewer.collect() or not state.message.is_error, "the end of the database")
    shown.draw()
    assert tr("The kept results have been deleted") in shown.audit.texts
    assert problems(shown) == ""


def test_settings(audited, labelled, fakes, tmp_path):
    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT)], results_file=tmp_path / "results.sqlite")
    # The second tab.
    shown.click(1040 if shown.state.settings.language == "en" else 1020, 24)
    shown.draw()
    assert {"auto", "自动"} & shown.audit.texts
    ui = shown.frame.context.ui
    ui.inputs.move(1100, 400)
    for _ in range(3):
        ui.inputs.wheel(0, -8)
        shown.draw()
    assert {tr("Keep results on this computer"), tr("Forget the kept results")} <= shown.audit.texts
    assert problems(shown) == ""


def test_dialogs(audited, labelled, fakes, until):
    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT)])
    viewer, state = shown.viewer, shown.state
    until(lambda: viewer.collect() or len(state.image_list.records) > 2, "the pictures")
    state.menu = Menu((600, 300), "/pictures/p.png", state.plates[0], None, "皖A12345")
    shown.draw(3)
    state.menu = None
    for name in ("help_open", "open_dialog_open", "goto_dialog_open", "summary_open", "run_open"):
        setattr(state, name, True)
        shown.draw()
        until(lambda: viewer.collect() or viewer.summary.result is not None or not state.summary_open, "the summary")
        shown.draw(3)
        press(viewer, "Escape")
    assert problems(shown) == ""


@pytest.mark.parametrize("name", ["detector_run", "maskocr_run"])
def test_a_training_run(audited, tmp_path, until, name):
    shown = audited()
    run = tmp_path / name
    shutil.copytree(KEPT / name, run)
    shown.viewer.open(str(run))
    until(lambda: shown.viewer.collect() or shown.viewer.training.view.changed, "the run")
    shown.draw(3)
    assert problems(shown) == ""


def test_a_training_run_without_a_score(audited, tmp_path, until):
    shown = audited()
    run = tmp_path / "detector_run"
    shutil.copytree(KEPT / "detector_run", run)
    (run / "val.csv").unlink()
    shown.viewer.open(str(run))
    until(lambda: shown.viewer.collect() or shown.viewer.training.view.unvalidated, "the run")
    shown.draw(3)
    assert tr(NO_SCORE) in shown.audit.texts
    assert problems(shown) == ""


def test_a_training_run_that_has_not_begun(audited, tmp_path):
    shown = audited()
    assert shown.viewer.training.open(str(tmp_path / "later"))
    shown.draw(3)
    assert tr("Waiting for a run to begin in {name}", name="later") in shown.audit.texts
    assert problems(shown) == ""


def test_the_mode_of_a_camera(audited, until, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeDriver())
    shown = audited()
    viewer, texts = shown.viewer, shown.audit.texts
    viewer.open(0)
    # Modes are remembered by the names in the list.
    until(lambda: shown.draw(1) is not None and viewer.cameras.result, "the list of cameras")
    wishes = {"NV12": "The driver refused {mode}; MJPG may allow it", "MJPG": "The driver refused {mode}"}
    for form, refusal in wishes.items():
        viewer.camera_modes.choose(CameraMode(3840, 2160, 60.0, form), 0, viewer.live)
        mode = {"NV12": f"3840 × 2160, NV12, {tr('{rate:g} per second', rate=60)}", "MJPG": "3840 × 2160"}[form]
        line = tr(refusal, mode=mode)
        until(lambda line=line: shown.draw(1) is not None and line in texts, line)
    assert any(text.startswith(tr("Got {mode}", mode="1920 × 1080, MJPG")) for text in texts)
    assert problems(shown) == ""


def test_live_sources(audited, fakes, until):
    shown = audited(capture=lambda address: fakes.Capture(["new"]), plates=[fakes.plate("皖A12345", corners=TIGHT)])
    viewer, state = shown.viewer, shown.state
    shown.draw()
    viewer.open(0)
    shown.draw()
    until(lambda: viewer.collect() or state.cars.listed, "a car")
    shown.draw()
    collect = viewer._collect_live
    for status in (OPENING, PAUSED, WAITING, ENDED):
        viewer._collect_live = lambda live, results, status=status: (
            collect(live, results),
            setattr(state, "live_status", LiveStatus(status, "")),
        )
        shown.draw()
    viewer._collect_live = collect
    assert problems(shown) == ""


def test_without_pictures(audited, fakes, until, tmp_path):
    shown = audited(capture=lambda address: fakes.Capture([], opens=False))
    shown.draw()
    viewer, state = shown.viewer, shown.state
    (tmp_path / "empty" / "below").mkdir(parents=True)
    viewer.open(str(tmp_path / "empty"))
    until(lambda: viewer.collect() or not state.scanning, "the list")
    shown.draw()
    viewer.open(0)
    until(lambda: viewer.collect() or state.live_status.state == "waiting", "the failure")
    shown.draw()
    assert problems(shown) == ""


@pytest.mark.parametrize("path", [FILMS / "film.mp4", FILMS / "film.h264"], ids=lambda path: path.suffix)
def test_a_film(audited, fakes, until, path, monkeypatch):
    shown = audited(plates=[fakes.plate("皖A12345", corners=TIGHT)])
    viewer, state, ui = shown.viewer, shown.state, shown.frame.context.ui
    viewer.open(str(path))
    viewer.film.source.set_speed(FULL_SPEED)
    until(lambda: viewer.collect() or (state.film.at_end and state.cars.listed), "the end and a car")
    shown.draw()
    viewer.film.mark(False)
    viewer.film.toggle_loop()
    shown.draw()
    for speed in (0.25, 1.0, FULL_SPEED):
        viewer.film.source.set_speed(speed)
        shown.draw()
    # Tooltips.
    monkeypatch.setattr(type(ui.mouse), "is_resting", True)
    for point in ((100, 400), (640, 680), (900, 640)):
        ui.inputs.move(*point)
        shown.draw()
    state.film = replace(state.film, trouble="")
    press(viewer, "Home")
    shown.draw()
    # A large scale leaves no room for messages.
    state.messages.clear()
    state.change(ui_scale=1.5)
    shown.draw()
    assert problems(shown) == ""


def test_stars_and_large_pictures(audited, labelled, fakes, until, monkeypatch):
    monkeypatch.setattr(busy, "MOMENT_SECONDS", 0.0)
    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT)])
    viewer, state = shown.viewer, shown.state
    press(viewer, "Q")
    state.image_list.filter("", STARRED)
    shown.draw()
    monkeypatch.setattr(viewer, "collect", lambda: None)
    item = state.image_item
    for waits in (None, replace(item, image=None, preview_size=(9000, 6000)), item):
        state.show(waits, None)
        shown.draw()
    assert tr("Decoding the picture...") in shown.audit.texts
    state.show(item, Recognition(item.key, size=(9000, 6000)))
    shown.draw()
    assert problems(shown) == ""
