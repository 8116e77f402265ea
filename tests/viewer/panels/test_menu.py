"""The context menu, the full screen and the keys that belong to them."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.core.errors import AlprError
from alpr_app.data.images import read_picture, write_picture
from alpr_app.viewer.app import commands
from alpr_app.viewer.app.commands import COMMANDS, press
from alpr_app.viewer.panels import menu
from alpr_app.viewer.toolkit.inputs import CONTROL, KEYS
from alpr_app.viewer.toolkit.painter import Painter
from alpr_app.viewer.workers.export import ExportWorker

CORNERS = ((60, 80), (160, 80), (160, 110), (60, 110))
ON_PICTURE, BESIDE_PLATE, ON_CARD = (476, 288), (700, 500), (1100, 120)


@pytest.fixture
def shown(window, tmp_path, fakes, monkeypatch, until):
    """A picture with one plate; `copied` has what was copied, `rows` where the rows of the menu are."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_picture(folder / "皖A12345.png", np.full((300, 400, 3), 30, np.uint8))
    made = window(folder, [fakes.plate(corners=CORNERS)])
    until(lambda: made.viewer.collect() or not made.state.scanning, "the list")
    made.path = str(folder / "皖A12345.png")
    made.viewer.export_worker = ExportWorker(folder=tmp_path / "saved")
    ui, made.copied, made.rows = made.frame.context.ui, [], {}
    monkeypatch.setattr(ui, "copy", made.copied.append)
    monkeypatch.setattr(menu, "can_copy_pictures", lambda: True)
    hit = ui.hit

    def noted(name, width, height, **options):
        made.rows[name] = (ui.cursor[0] + width / 2, ui.cursor[1] + height / 2)
        return hit(name, width, height, **options)

    monkeypatch.setattr(ui, "hit", noted)

    def right_click(x, y):
        made.rows.clear()
        ui.inputs.move(x, y)
        made.draw(2)
        ui.inputs.button(1, True)
        ui.inputs.button(1, False)
        made.draw(3)
        return [name.removeprefix("menu ") for name in made.rows if name.startswith("menu ")]

    made.right_click = right_click
    made.choose = lambda title: made.click(*made.rows[f"menu {title}"])
    made.draw()
    return made


STAR = "Give or remove a star"
ALL_ACTIONS = ["Copy text", "Copy path", "Copy crop", "Save crop", "Show in the file manager", STAR]


@pytest.mark.parametrize(
    ("point", "actions"),
    [
        (ON_PICTURE, ALL_ACTIONS),
        (ON_CARD, ALL_ACTIONS),
        (BESIDE_PLATE, ["Copy text", "Copy path", "Show in the file manager", STAR]),
        # The only row of the list.
        ((100, 122), ["Copy text", "Copy path", "Show in the file manager", STAR]),
    ],
)
def test_a_right_click_opens_a_menu_that_copies_text_and_path(shown, point, actions):
    assert shown.right_click(*point) == actions
    shown.choose("Copy text")
    assert shown.state.menu is None
    shown.right_click(*point)
    shown.choose("Copy path")
    assert shown.copied == ["皖A12345", shown.path]
    assert shown.state.message.text == f"Copied {shown.path}"


def test_the_crop_is_saved_with_the_plate_as_in_the_picture(shown, tmp_path):
    shown.right_click(*ON_PICTURE)
    shown.choose("Save crop")
    assert shown.viewer.export_worker.close(5)
    assert sorted(path.name.rpartition("-")[2] for path in (tmp_path / "saved").iterdir()) == ["crop.png", "out.png"]


def test_the_crop_is_copied_as_a_picture_where_that_is_possible(shown, monkeypatch, until):
    pictures = []
    monkeypatch.setattr(commands, "copy_picture", lambda path: pictures.append(read_picture(str(path))))
    shown.right_click(*ON_CARD)
    shown.choose("Copy crop")
    until(lambda: shown.viewer.collect() or pictures, "the picture")
    assert np.array_equal(pictures[0], shown.state.plates[0].crop)
    copied = "Copied the crop of 皖A12345"
    until(lambda: shown.viewer.collect() or copied in [one.text for one in shown.state.messages], "the message")
    monkeypatch.setattr(menu, "can_copy_pictures", lambda: False)
    assert "Copy crop" not in shown.right_click(*ON_CARD)


def test_a_file_manager_that_fails_is_reported(shown, monkeypatch, until):
    asked = []

    def fail(path):
        asked.append(path)
        raise AlprError("no file manager can be started (xdg-open)")

    monkeypatch.setattr(commands, "show_in_file_manager", fail)
    shown.right_click(*BESIDE_PLATE)
    shown.choose("Show in the file manager")
    until(lambda: shown.viewer.collect() or shown.state.message is not None, "the message")
    until(lambda: shown.viewer.collect() or shown.state.message.is_error, "the message")
    assert asked == [shown.path]
    assert shown.state.message.text == "no file manager can be started (xdg-open)"


def test_escape_another_key_and_a_click_beside_it_close_the_menu(shown):
    inputs = shown.frame.context.ui.inputs
    for close in (
        lambda: (inputs.key(KEYS["Escape"], True), inputs.key(KEYS["Escape"], False)),
        lambda: (inputs.key(KEYS["B"], True), inputs.key(KEYS["B"], False)),
        lambda: shown.click(500, 600),
        lambda: shown.right_click(500, 600),
    ):
        assert shown.right_click(*ON_PICTURE)
        assert shown.state.menu is not None
        close()
        shown.draw(3)
        assert shown.state.menu is None
    assert shown.state.selected == 0, "the click beside it selects nothing"


def test_control_f_goes_to_the_filter_and_shows_it(shown):
    ui = shown.frame.context.ui
    shown.state.change(show_browser=False)
    ui.inputs.key(ord("F"), True, CONTROL)
    ui.inputs.key(ord("F"), False, CONTROL)
    # The left Ctrl key.
    ui.inputs.key(341, False)
    shown.draw(3)
    assert shown.state.settings.show_browser
    assert ui.wants_text
    for letter in "B7":
        ui.inputs.character(ord(letter))
    shown.draw(3)
    assert shown.state.image_list.text == "B7"
    assert shown.state.view.zoom is None and shown.state.settings.show_boxes


def test_f11_and_escape_switch_the_full_screen(shown):
    for key, expected in (("F11", True), ("F11", False), ("F11", True), ("Escape", False)):
        press(shown.viewer, key)
        assert shown.state.full_screen is expected
    press(shown.viewer, "F11")
    press(shown.viewer, "F1")
    press(shown.viewer, "Escape")
    assert shown.state.full_screen and not shown.state.help_open, "Escape closes the help first"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_help_names_every_command_and_every_row_of_the_menu(shown, monkeypatch, language):
    texts = set()
    draw = Painter.text
    monkeypatch.setattr(
        Painter, "text", lambda painter, point, text, *rest: texts.add(text) or draw(painter, point, text, *rest)
    )
    shown.state.change(language=language)
    shown.state.help_open = True
    shown.draw(3)
    assert {command.label for command in COMMANDS} <= texts
    assert {commands.tr(text) for text in (*(command.text for command in COMMANDS), *menu.ACTIONS)} <= texts
    assert {"F11", "Ctrl F", "Home"} <= texts


def test_a_live_picture_has_no_path(window, fakes, until):
    made = window(capture=lambda address: fakes.Capture(["new"]), plates=[fakes.plate(corners=CORNERS)])
    made.viewer.open(0)
    until(lambda: made.viewer.collect() or made.state.recognition is not None, "a frame")
    made.draw()
    menu.open_menu(SimpleNamespace(program=made.viewer, ui=made.frame.context.ui), "", made.state.plates[0], "皖A12345")
    titles = [item.title for item in menu.items(made.frame.context, made.state.menu)]
    assert "Copy path" not in titles and "Show in the file manager" not in titles
    assert "Save crop" in titles and os.sep not in "".join(titles)
