"""Buttons, help and texts where room is scarce."""

from __future__ import annotations

import pytest

from alpr_app.viewer.panels.context import wrap
from alpr_app.viewer.panels.toolbar import arrange

STEPS, LONG, SHORT = [30, 30, 30, 44, 44], [48, 73, 53, 59], [28, 28, 28, 28]


@pytest.mark.parametrize(("room", "rows", "toggle_row", "name"), [(640, 1, 0, 0), (350, 1, 0, 1), (300, 2, 1, 0)])
def test_toggles_move_below_before_they_would_be_cut_off(room, rows, toggle_row, name):
    layout = arrange(STEPS, LONG, SHORT, room, 5)
    assert (layout.rows, *layout.toggles[1:]) == (rows, toggle_row, name)


@pytest.mark.parametrize("room", range(130, 700, 7))
def test_no_button_is_ever_outside_or_on_another(room):
    layout = arrange(STEPS, LONG, SHORT, room, 5)
    left, row, name = layout.toggles
    placed_all = [(x, line, width) for (x, line), width in zip(layout.steps, STEPS, strict=True)]
    for width in (LONG, SHORT)[name]:
        placed_all.append((left, row, width))
        left += width + 5
    for number, (x, line, width) in enumerate(placed_all):
        assert x >= 0
        assert x + width <= room
        assert line < layout.rows
        for other, other_line, other_width in placed_all[:number]:
            assert line != other_line or x >= other + other_width or other >= x + width


def test_where_the_picture_is_narrow_the_toggles_stand_below_and_can_be_clicked(window, few_pictures):
    shown = window(few_pictures)
    shown.state.change(browser_width=600.0, plates_width=600.0)
    shown.draw()
    # At this size the canvas has its minimum width, 260, from 510 on; `Box` begins the toggles in the second row.
    shown.click(655, 52)
    assert not shown.state.settings.show_boxes
    shown.click(535, 20)
    assert not shown.state.settings.show_boxes, "above it is another button"


def test_help_that_is_too_long_for_the_window_is_scrolled(window, few_pictures):
    shown = window(few_pictures)
    shown.state.help_open = True
    small = shown.draw(3)
    shown.state.change(ui_scale=2.0)
    large = shown.draw(3)
    assert (small != large).any()
    inputs = shown.frame.context.ui.inputs
    inputs.move(640, 360)
    shown.draw()
    inputs.wheel(0, -5)
    assert (shown.draw(3)[100:600, 250:1000] != large[100:600, 250:1000]).any(axis=2).sum() > 1000
    assert shown.state.help_open


def test_lines_break_between_words_and_none_is_too_long(window):
    ui = window().frame.context.ui
    with ui.frame((1280, 720), 1 / 60):
        text = "There are no pictures in /a/very/long/path/that/does/not/fit/into/one/line"
        lines = wrap(ui, text, 200)
        assert len(lines) > 1
        assert all(ui.text_width(line) <= 200 for line in lines)
        assert " ".join(lines[:-1]) == "There are no pictures in"
        assert wrap(ui, text, 2000) == [text]
