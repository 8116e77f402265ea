"""The look of the window, drawn off screen and checked pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from alpr_app.core.plate import PROVINCES
from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.viewer.toolkit.binding import load_toolkit
from alpr_app.viewer.toolkit.theme import DARK

CORNERS = ((60, 80), (160, 80), (160, 110), (60, 110))


def at_own_size(window, picture):
    """Draws `picture` at actual size; returns its position in the window."""
    window.state.view.set_zoom(1.0)
    pixels = window.draw()
    height, width = picture.shape[:2]
    left = round(300 + (640 - width) / 2)
    found = [
        (x, y)
        for x in range(left - 3, left + 4)
        for y in range(60, 720 - height)
        if (pixels[y, x : x + width] == picture[0]).all()
    ]
    assert found, "the first row of the picture is nowhere to be seen"
    return pixels, *found[0]


@pytest.mark.parametrize("width", [401, 402, 403, 400, 1])
def test_a_picture_of_any_width_is_shown_as_it_is(window, tmp_path, width):
    picture = np.random.default_rng(width).integers(0, 256, (201, width, 3), np.uint8)
    write_picture(tmp_path / "p.png", picture)
    pixels, left, top = at_own_size(window(tmp_path), picture)
    assert np.array_equal(pixels[top : top + 201, left : left + width], picture)


def test_overlays_lie_where_the_plate_is_and_can_be_switched_off(window, tmp_path, fakes, near):
    picture = np.full((300, 400, 3), 30, np.uint8)
    picture[0, ::2] = 200
    write_picture(tmp_path / "p.png", picture)
    shown = window(tmp_path, [fakes.plate(corners=CORNERS)])
    shown.state.change(show_text=False, show_corners=False, show_boxes=False)
    pixels, left, top = at_own_size(shown, picture)
    inside = np.s_[top : top + 300, left : left + 400]
    assert not near(pixels[inside], DARK.certain).any()
    shown.state.change(show_boxes=True)
    box = near(shown.draw()[inside], DARK.certain)
    rows, columns = np.flatnonzero(box.sum(axis=1) > 50), np.flatnonzero(box.sum(axis=0) > 20)
    assert abs(rows.min() - 80) <= 2
    assert abs(rows.max() - 110) <= 2
    assert abs(columns.min() - 60) <= 2
    assert abs(columns.max() - 160) <= 2
    assert not box[84:106, 64:156].any(), "the plate itself is not painted over"
    shown.state.change(show_boxes=False, show_text=True)
    label = near(shown.draw()[inside], DARK.label_text)
    ys, xs = np.nonzero(label[1:])
    assert ys.min() > 40
    assert ys.max() < 80
    assert xs.min() > 60


def test_uncertain_readings_have_another_colour(window, tmp_path, fakes, near):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    shown = window(tmp_path, [fakes.plate(confidence=0.6, corners=CORNERS)])
    pixels = shown.draw()
    assert near(pixels, DARK.uncertain, 12).sum() > 150
    shown.state.change(sure=0.5)
    pixels = shown.draw()
    assert near(pixels, DARK.certain, 12).sum() > 150
    assert not near(pixels[100:600, 320:900], DARK.uncertain, 12).any()


def test_the_label_of_a_ccpd_name_is_drawn_where_it_says(window, tmp_path, near):
    name = format_name(Annotation("皖A12345", (60, 80, 160, 110), CORNERS), ".png")
    picture = np.full((300, 400, 3), 30, np.uint8)
    picture[0, ::2] = 200
    write_picture(tmp_path / name, picture)
    shown = window(tmp_path)
    pixels, left, top = at_own_size(shown, picture)
    ys, xs = np.nonzero(near(pixels[top : top + 300, left : left + 400], DARK.ground_truth))
    assert (abs(xs.min() - 60), abs(xs.max() - 160), abs(ys.min() - 80), abs(ys.max() - 110)) <= (3, 3, 3, 3)
    shown.state.change(show_truth=False)
    assert not near(shown.draw()[top : top + 300, left : left + 400], DARK.ground_truth).any()


def test_every_province_has_a_glyph(window, screen):
    shown = window()
    ui = shown.frame.context.ui
    for font in ("body", "large"):
        screen.clear()
        with ui.frame(screen.size, 1 / 60), ui.area("letters", (0, 0, *screen.size), (0, 0, 0, 1), padding=0):
            for number, character in enumerate(PROVINCES + "?"):
                ui.painter.text((40 * number, 100), character, (1, 1, 1, 1), font)
        pixels = screen.read()
        glyphs = {pixels[95:140, 40 * number : 40 * number + 36].tobytes() for number in range(len(PROVINCES) + 1)}
        assert len(glyphs) == len(PROVINCES) + 1


def test_names_that_are_not_valid_text_are_shown_with_question_marks(window, screen):
    ui = window().frame.context.ui

    def drawn(name):
        screen.clear()
        with ui.frame(screen.size, 1 / 60), ui.area("names", (0, 0, *screen.size), (0, 0, 0, 1)):
            ui.text(name)
            ui.button(name)
            ui.combo("choice", 0, [name])
            ui.progress(0.5, name)
            assert ui.text_field("field", name) == (name, False), "what nobody has typed into stays as it is"
            ui.painter.text((20, 300), name, (1, 1, 1, 1))
            ui.copy(name)
            width = ui.text_width(name)
        return screen.read(), width

    pixels, width = drawn("b\udcd6\udcd0.png")
    plain, plain_width = drawn("b??.png")
    assert width == plain_width
    assert pixels.any()
    assert np.array_equal(pixels, plain)


def test_two_folders_whose_names_cannot_be_printed_are_two_separate_targets(window, screen):
    ui, clicks = window().frame.context.ui, []
    ui.inputs.move(50, 70)
    ui.inputs.button(0, True)
    ui.inputs.button(0, False)
    for _ in range(4):
        with ui.frame(screen.size, 1 / 60), ui.area("places", (0, 0, *screen.size), (0, 0, 0, 1)):
            clicks += [name for name in ("\udcd6", "\udcd0") if ui.hit(f"folder {name}", 100, 40).clicked]
    assert clicks == ["\udcd0"]


def test_a_picture_is_uploaded_once_and_not_every_frame(window, few_pictures, fakes, until):
    shown = window(few_pictures, [fakes.plate()])
    shown.draw()
    textures = shown.frame.context.textures
    uploads = textures.uploads
    shown.draw(20)
    assert textures.uploads == uploads
    shown.viewer.step(1)
    until(lambda: shown.viewer.collect() or shown.state.image_item.key.endswith("2.png"), "the next picture")
    shown.draw()
    assert uploads < textures.uploads <= uploads + 3


@pytest.mark.parametrize("size", [(1, 1), (12_000, 3), (3, 12_000)])
def test_the_smallest_and_the_longest_pictures_are_shown(window, tmp_path, fakes, size):
    write_picture(tmp_path / "p.png", np.full((size[1], size[0], 3), 250, np.uint8))
    pixels = window(tmp_path).draw()
    assert (pixels[60:680, 310:930] == 250).all(axis=2).any()


def test_other_colours_and_sizes_apply_from_the_next_frame(window, few_pictures):
    shown = window(few_pictures)
    dark = shown.draw()
    shown.state.change(theme="light")
    light = shown.draw()
    assert light.mean() > dark.mean() + 60
    shown.state.change(ui_scale=1.5, theme="dark")
    assert shown.draw().mean() < light.mean()


def test_widgets_that_cannot_be_set_up_leave_nothing_behind(screen, monkeypatch):
    toolkit = load_toolkit()
    imgui = toolkit._imgui

    def broken(self):
        raise OSError("the font is gone")

    before = imgui.get_current_context()
    monkeypatch.setattr(toolkit, "_load_fonts", broken)
    with pytest.raises(OSError, match="the font is gone"):
        toolkit(DARK)
    assert imgui.get_current_context() is None or imgui.get_current_context() == before
