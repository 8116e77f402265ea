from __future__ import annotations

from dataclasses import fields

import pytest

from alpr_app.data.images import read_picture
from alpr_app.viewer.app.commands import COMMANDS, press
from alpr_app.viewer.app.settings import Settings
from alpr_app.viewer.toolkit.inputs import CONTROL, KEYS
from alpr_app.viewer.workers.export import ExportWorker


def test_every_key_exists_and_has_one_command():
    keys = [(key, command.control) for command in COMMANDS for key in command.keys]
    assert len(set(keys)) == len(keys)
    assert {key for key, _ in keys} <= set(KEYS)


@pytest.fixture
def opened(program, until, few_pictures):
    viewer = program()
    viewer.open(str(few_pictures))
    until(lambda: viewer.collect() or (not viewer.state.scanning and viewer.state.recognition), "the folder")
    return viewer


def test_keys_step_through_the_folder(opened):
    image_list = opened.state.image_list
    for key, name in [
        ("Right", "2"),
        ("D", "3"),
        ("Down", "4"),
        ("Left", "3"),
        ("A", "2"),
        ("Up", "1"),
        ("End", "12"),
        ("Page up", "2"),
        ("Page down", "12"),
        ("Home", "1"),
    ]:
        assert press(opened, key)
        assert image_list.name == f"{name}.png", key


def test_keys_switch_overlays_and_side_panels(opened):
    switches = {"B": "show_boxes", "C": "show_corners", "T": "show_text", "G": "show_truth"}
    switches |= {"L": "show_browser", "P": "show_plates", "Z": "keep_zoom"}
    assert set(switches.values()) <= {field.name for field in fields(Settings)}
    for key, name in switches.items():
        before = getattr(opened.state.settings, name)
        press(opened, key)
        assert getattr(opened.state.settings, name) is not before, key


def test_zoom_help_and_selection_have_keys(opened):
    state = opened.state
    press(opened, "1")
    assert state.view.zoom == 1
    press(opened, "+")
    assert state.view.zoom == pytest.approx(1.2)
    press(opened, "F")
    assert state.view.zoom is None
    press(opened, "F1")
    assert state.help_open
    press(opened, "Escape")
    assert not state.help_open
    press(opened, "Tab")
    assert state.selected == 0
    press(opened, "N")
    assert "wrong or missed" in state.message.text


def test_the_field_for_a_number_has_a_key_and_escape_closes_it(opened):
    press(opened, "J")
    assert opened.state.goto_dialog_open
    press(opened, "Escape")
    assert not opened.state.goto_dialog_open


def test_without_a_folder_there_is_no_number_to_go_to(program):
    viewer = program()
    press(viewer, "J")
    assert not viewer.state.goto_dialog_open


def test_other_keys_do_nothing(opened):
    assert not press(opened, "Q")
    assert not press(opened, "D", CONTROL)


def test_a_live_picture_is_saved_with_and_without_its_plates(program, fakes, until, tmp_path):
    viewer = program(capture=lambda address: fakes.Capture(["new"]))
    viewer.export_worker = ExportWorker(folder=tmp_path)
    viewer.open(0)
    until(lambda: viewer.collect() or viewer.state.recognition is not None, "a frame")
    press(viewer, "Space")
    press(viewer, "S")
    assert viewer.export_worker.close(5)
    plain, drawn = sorted(tmp_path.iterdir(), key=lambda path: "plates" in path.name)
    assert (read_picture(plain) == viewer.state.image_item.image).all()
    assert (read_picture(drawn) != viewer.state.image_item.image).any()
