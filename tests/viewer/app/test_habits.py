"""Habits of other desktop programs, with real clicks and keys on a virtual screen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from tests.viewer.hands import Hands


@pytest.fixture
def opened(display, start, tmp_path, until):
    """Opens a window with twelve pictures; returns its process and its hands."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(1, 13):
        write_picture(folder / f"{number}.png", np.full((48, 64, 3), 5 * number, np.uint8))

    def begin(*arguments, **environment):
        process = start("--image_folder", folder, "--size", "900x650", *arguments, DISPLAY=display, **environment)
        hands = Hands(display)
        until(lambda: process.poll() is not None or hands.find(), "the window", 30)
        assert process.poll() is None, process.communicate()[1]
        until(lambda: hands.title().startswith("1.png"), "the first picture", 30)
        return process, hands

    return begin


def settings_of(process, tmp_path):
    process.terminate()
    assert process.wait(20) == 0, process.communicate()[1]
    return json.loads((tmp_path / "config" / "alpr-app" / "viewer.json").read_text())


def test_f11_covers_the_screen_and_goes_back(opened, tmp_path, until):
    process, hands = opened()
    hands.do("windowmove", hands.window, 130, 90)
    until(lambda: hands.geometry() == [130, 90, 900, 650], "the window to be moved")
    hands.do("key", "--window", hands.window, "F11")
    until(lambda: hands.geometry() == [0, 0, 1280, 800], "the full screen")
    hands.do("key", "--window", hands.window, "Right")
    until(lambda: hands.title().startswith("2.png"), "the keys to work")
    hands.do("key", "--window", hands.window, "F11")
    until(lambda: hands.geometry()[2:] == [900, 650], "the former size")
    hands.do("key", "--window", hands.window, "F11")
    until(lambda: hands.geometry() == [0, 0, 1280, 800], "the full screen again")
    settings = settings_of(process, tmp_path)
    assert settings["window"] == [900, 650], "the full screen is not remembered as a size"


def test_control_f_filters_and_a_right_click_copies_the_path(opened, until, tmp_path):
    process, hands = opened()
    hands.do("key", "--window", hands.window, "ctrl+f", "sleep", 0.3)
    hands.do("type", "--window", hands.window, "7.p")
    hands.do("key", "--window", hands.window, "Return")
    hands.do("key", "--window", hands.window, "Right")
    until(lambda: hands.title().startswith("7.png"), "the picture that passes the filter")
    # The only row of the list, and the second row of its menu.
    hands.do("mousemove", 100, 122, "click", 3, "sleep", 0.3)
    hands.do("mousemove", 150, 122 + 5 + 25 + 12, "click", 1)
    hands.do("key", "--window", hands.window, "ctrl+f", "sleep", 0.3)
    hands.do("key", "--window", hands.window, "ctrl+a", "BackSpace", "Return", "Home")
    until(lambda: hands.title().startswith("1.png"), "the first picture, without a filter")
    # The path is pasted into the dialog.
    hands.do("key", "--window", hands.window, "o", "sleep", 0.3)
    hands.do("key", "--window", hands.window, "ctrl+v", "Return")
    until(lambda: hands.title().startswith("7.png"), "the picture whose path was copied")
    assert process.poll() is None


def test_the_language_of_the_command_line_is_remembered(opened, tmp_path, until):
    process, hands = opened("--language", "zh")
    assert "车牌识别" in hands.title()
    assert settings_of(process, tmp_path)["language"] == "zh"
    process, hands = opened()
    assert "车牌识别" in hands.title()
