from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from alpr_app.data.images import read_picture, write_picture
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
    assert "no labels" in state.message.text


def test_without_labels_the_key_for_errors_says_so(program, until, tmp_path):
    write_picture(tmp_path / "plain.png", np.full((60, 80, 3), 30, np.uint8))
    viewer = program()
    viewer.open(str(tmp_path))
    until(lambda: viewer.collect() or (not viewer.state.scanning and viewer.state.recognition), "the folder")
    press(viewer, "N")
    assert "no labels" in viewer.state.message.text


def test_with_labels_the_key_for_errors_says_that_all_are_right_or_none_has_been_read(program, until, tmp_path):
    write_picture(tmp_path / "皖A12345.png", np.full((60, 80, 3), 30, np.uint8))
    viewer = program()
    viewer.open(str(tmp_path))
    until(lambda: viewer.collect() or (viewer.state.recognition and viewer.state.image_list.has_labels), "the picture")
    press(viewer, "N")
    assert "are right" in viewer.state.message.text
    until(lambda: viewer.collect() or viewer.state.image_list.labels.has_labels, "the labels")
    viewer.state.image_list.clear_records()
    press(viewer, "N")
    assert "has been read yet" in viewer.state.message.text


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
    assert not press(opened, "Delete")
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
