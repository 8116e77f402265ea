"""The tree and the open dialog, operated with mouse and keyboard without a display."""

from __future__ import annotations

import os

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.viewer.panels.welcome import explain
from alpr_app.viewer.toolkit.inputs import KEYS
from alpr_app.viewer.toolkit.theme import DARK
from alpr_app.viewer.workers.folders import FolderContent

# Rows of the tree: middle of the first, and height.
FIRST, ROW = 81, 21


@pytest.fixture
def nested(tmp_path):
    """One picture; `north` with two; `south` with only `south/far`, which has one."""
    root = tmp_path / "pictures"
    for place in ("1", "north/2", "north/3", "south/far/4"):
        path = root / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, np.full((30, 40, 3), 50, np.uint8))
    return root


@pytest.fixture
def shown(window, nested, until):
    made = window(nested)
    until(lambda: made.viewer.collect() or made.state.tree.root.total == 4, "the tree")
    made.draw(3)
    return made


def press_keys(shown, *names):
    inputs = shown.frame.context.ui.inputs
    for name in names:
        inputs.key(KEYS[name], True)
        inputs.key(KEYS[name], False)
    shown.draw(3)


def write(shown, text):
    for letter in text:
        shown.frame.context.ui.inputs.character(ord(letter))
    shown.draw(3)


def test_a_click_on_a_row_shows_the_folder_and_one_on_its_triangle_expands_it(shown, nested, until):
    names = lambda: [node.name for node in shown.state.tree.rows]  # noqa: E731
    assert names() == ["pictures", "north", "south"]
    # The triangle of the folder `south`.
    shown.click(33, FIRST + 2 * ROW)
    assert names() == ["pictures", "north", "south", "far"]
    assert shown.state.folder == str(nested)
    shown.click(33, FIRST + 2 * ROW)
    assert names() == ["pictures", "north", "south"]
    shown.click(150, FIRST + ROW)
    until(lambda: shown.viewer.collect() or len(shown.state.image_list.names) == 2, "the pictures of `north`")
    assert shown.state.folder == str(nested / "north")
    # The button beside the folder's name.
    shown.click(25, 23)
    assert shown.state.folder == str(nested)


def test_the_tree_can_be_hidden_and_made_higher(shown):
    assert shown.state.settings.show_tree
    shown.click(100, 56)
    assert not shown.state.settings.show_tree
    shown.click(100, 56)
    assert shown.state.settings.show_tree
    inputs, before = shown.frame.context.ui.inputs, shown.state.settings.tree_height
    edge = FIRST + 2 * ROW + ROW / 2 + 4
    inputs.move(150, edge)
    shown.draw()
    inputs.button(0, True)
    shown.draw()
    inputs.move(150, edge + 120)
    shown.draw()
    inputs.button(0, False)
    shown.draw()
    assert shown.state.settings.tree_height == pytest.approx(3 * ROW + 120, abs=3)
    assert shown.state.settings.tree_height != before


def test_of_thousands_of_folders_only_visible_ones_are_drawn(shown, monkeypatch, nested):
    folders = tuple(f"{number:05d}" for number in range(8000))
    shown.state.tree.add(FolderContent(str(nested), folders))
    panel = shown.frame._browser._tree
    drawn, row = [], type(panel)._row
    monkeypatch.setattr(type(panel), "_row", lambda *given: drawn.append(given[2].name) or row(*given))
    shown.draw(1)
    assert 2 < len(drawn) < 20
    shown.state.folder = str(nested / "07000")
    shown.draw()
    drawn.clear()
    shown.draw(1)
    assert "07000" in drawn
    assert len(drawn) < 20


def test_a_folder_without_pictures_says_where_there_are_some(shown, nested, until):
    shown.viewer.show_folder(str(nested / "south"))
    until(lambda: shown.viewer.collect() or not shown.state.scanning, "the list")
    title, lines, offers = explain(shown.state)
    assert title == "There are no pictures in this folder"
    assert "hold 1" in lines[1]
    assert offers
    shown.viewer.rescan(True)
    until(lambda: shown.viewer.collect() or shown.state.image_list.names, "those within")
    assert shown.state.image_list.names == [os.path.join("far", "4.png")]
    shown.state.image_list.set_names(())
    shown.state.listing_error = f"{nested}/south: cannot be opened: Permission denied"
    assert explain(shown.state)[0] == "This folder cannot be opened"


def test_the_dialog_goes_through_folders_by_keys_and_opens_one(shown, nested, until):
    shown.state.open_dialog_open = True
    shown.draw(3)
    folder_picker = shown.viewer.folder_picker
    until(lambda: shown.viewer.collect() or folder_picker.content is not None, "the folders")
    assert [row.name for row in folder_picker.rows] == ["..", "north", "south", "1.png"]
    press_keys(shown, "Down", "Down", "Enter")
    assert folder_picker.path == str(nested / "north")
    assert shown.state.open_dialog_open, "Enter goes into the folder first"
    press_keys(shown, "Enter")
    assert not shown.state.open_dialog_open
    assert shown.state.folder == str(nested / "north")


def test_keys_in_the_dialog_leave_the_pictures_behind_it_alone(shown, nested, until):
    shown.viewer.show_folder(str(nested / "north"))
    until(lambda: shown.viewer.collect() or len(shown.state.image_list.names) == 2, "the pictures")
    shown.state.open_dialog_open = True
    shown.draw(3)
    folder_picker = shown.viewer.folder_picker
    until(lambda: shown.viewer.collect() or folder_picker.content is not None, "the folders")
    # The row `parent folder`, the first of the list; the click takes the focus from the field.
    shown.click(800, 231)
    assert folder_picker.path == str(nested)
    press_keys(shown, "Down", "B")
    assert folder_picker.cursor == 0
    assert shown.state.image_list.index == 0
    assert shown.state.settings.show_boxes


def test_a_wrong_path_is_reported_in_the_dialog_and_can_be_corrected(shown, nested, near):
    shown.state.open_dialog_open = True
    shown.draw(3)
    write(shown, f"{nested}/nort")
    press_keys(shown, "Enter")
    assert shown.state.open_dialog_open
    assert shown.frame._open_dialog._error == f"There is no nort in {nested}"
    assert near(shown.draw()[80:200, 260:1020], DARK.wrong).sum() > 100
    press_keys(shown, "End")
    write(shown, "h")
    assert not shown.frame._open_dialog._error
    press_keys(shown, "Enter")
    assert not shown.state.open_dialog_open
    assert shown.state.folder == str(nested / "north")


def test_tooltips_appear_once_the_pointer_rests(shown, near):
    inputs, ui = shown.frame.context.ui.inputs, shown.frame.context.ui
    inputs.move(150, FIRST)
    moved = shown.draw(3)
    assert not ui.mouse.is_resting
    rested = shown.draw(40)
    assert ui.mouse.is_resting
    assert (moved != rested).any(axis=2).sum() > 1000


def test_the_dialog_follows_what_is_typed_and_opens_a_file_of_the_list(shown, nested, until):
    shown.state.open_dialog_open = True
    shown.draw(3)
    folder_picker = shown.viewer.folder_picker
    write(shown, f"{nested}{os.sep}north{os.sep}")
    until(lambda: shown.viewer.collect() or folder_picker.content is not None, "the folder")
    assert folder_picker.path == str(nested / "north")
    write(shown, "3")
    assert [row.name for row in folder_picker.rows] == ["3.png"]
    press_keys(shown, "Down", "Enter")
    assert not shown.state.open_dialog_open
    until(lambda: shown.viewer.collect() or shown.state.image_list.name == "3.png", "the picture")
    assert shown.state.folder == str(nested / "north")


def test_films_and_addresses_are_offered_again_without_their_passwords(shown, until, monkeypatch, tmp_path):
    film, ui, rows = tmp_path / "film.mp4", shown.frame.context.ui, {}
    film.write_bytes(b"no film")
    for target in (str(film), "rtsp://user:geheim@127.0.0.1:9/stream?token=geheim", "rtsp://127.0.0.1:9/plain"):
        shown.viewer.open(target)
    recent = shown.state.settings.recent
    assert recent[:3] == ("rtsp://127.0.0.1:9/plain", "rtsp://127.0.0.1:9/stream?token=***", str(film))
    assert "geheim" not in "".join(recent)
    hit = ui.hit

    def noted(name, width, height, **options):
        rows[name] = (ui.cursor[0] + width / 2, ui.cursor[1] + height / 2)
        return hit(name, width, height, **options)

    monkeypatch.setattr(ui, "hit", noted)
    shown.state.open_dialog_open = True
    shown.draw(3)
    until(lambda: shown.viewer.cameras.result is not None and not shown.viewer.cameras.busy, "the cameras")
    shown.draw(3)
    shown.click(*rows["recent 1"])
    shown.draw(3)
    assert shown.state.open_dialog_open, "its password has to be typed again"
    assert shown.frame._open_dialog._text == "rtsp://127.0.0.1:9/stream?token=***"
    opened = []
    monkeypatch.setattr(shown.viewer, "open", opened.append)
    shown.click(*rows["recent 0"])
    shown.state.open_dialog_open = True
    shown.draw(3)
    shown.click(*rows["recent 2"])
    assert opened == ["rtsp://127.0.0.1:9/plain", str(film)]


def test_the_summary_has_a_button_that_closes_it(shown, monkeypatch, until):
    until(lambda: shown.viewer.collect() or shown.state.image_list.records, "a result")
    shown.state.summary_open = True
    shown.draw(3)
    ui, places = shown.frame.context.ui, {}
    button = ui.button

    def noted(label, width=0, **options):
        places[label] = (ui.cursor[0] + width / 2, ui.cursor[1] + ui.row_height / 2)
        return button(label, width, **options)

    monkeypatch.setattr(ui, "button", noted)
    shown.draw()
    shown.click(*places["Close"])
    assert not shown.state.summary_open
