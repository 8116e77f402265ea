"""Mouse and keyboard in the window, without a display."""

from __future__ import annotations

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.evaluation.outcomes import UNREADABLE
from alpr_app.viewer.app.image_list import ALL, SORT_ORDERS, UNSEEN
from alpr_app.viewer.panels.context import outcome_colour
from alpr_app.viewer.toolkit.inputs import KEYS
from alpr_app.viewer.toolkit.theme import DARK

CORNERS = ((60, 80), (160, 80), (160, 110), (60, 110))


def test_a_click_selects_the_plate_under_it_and_another_one_beside_it_none(window, tmp_path, fakes):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    other = tuple((x + 200, y + 100) for x, y in CORNERS)
    shown = window(tmp_path, [fakes.plate(corners=CORNERS), fakes.plate("沪B12345", corners=other)])
    shown.draw()
    scale, canvas = 1.6, (300, 41)
    origin = (canvas[0], canvas[1] + (720 - 41 - 29 - 300 * scale) / 2)
    for plate, corners in enumerate((CORNERS, other)):
        x, y = np.mean(corners, axis=0)
        shown.click(origin[0] + x * scale, origin[1] + y * scale)
        assert shown.state.selected == plate
    shown.click(origin[0] + 5, origin[1] + 5)
    assert shown.state.selected == -1


def test_the_wheel_zooms_and_a_drag_moves_and_a_double_click_resets(window, tmp_path):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    shown = window(tmp_path)
    shown.draw()
    inputs, view = shown.frame.context.ui.inputs, shown.state.view
    inputs.move(600, 300)
    shown.draw()
    inputs.wheel(0, 3)
    shown.draw()
    assert view.zoom == pytest.approx(1.6 * 1.2**3)
    before = view.centre
    inputs.button(0, True)
    shown.draw()
    inputs.move(560, 300)
    shown.draw()
    inputs.button(0, False)
    shown.draw()
    assert view.centre[0] == pytest.approx(before[0] + 40 / view.zoom / 400, abs=0.02)
    assert shown.state.selected == -1
    for _ in range(2):
        shown.click(600, 300)
    assert view.zoom is None


def test_of_ten_thousand_rows_only_visible_ones_are_drawn_and_the_last_can_be_reached(window, monkeypatch):
    shown = window()
    shown.state.kind, shown.state.folder = "folder", "/pictures"
    shown.state.image_list.set_names([f"{number}.jpg" for number in range(200_000)])
    monkeypatch.setattr(shown.viewer, "_collect_folder", lambda recognitions: None)
    drawn = []
    browser = type(shown.frame._browser)
    row = browser._row
    monkeypatch.setattr(browser, "_row", lambda *given: drawn.append(given[2]) or row(*given))
    for index in (0, 123_456, 199_999):
        shown.state.image_list.go(index)
        shown.draw()
        drawn.clear()
        shown.draw(1)
        assert index in drawn
        assert len(drawn) < 60


def test_help_and_the_dialog_lie_on_top_and_close_by_a_click_beside_them(window, few_pictures):
    shown = window(few_pictures)
    list_side = np.s_[500:650, 5:40]
    before = shown.draw()[list_side].mean()
    for name in ("help_open", "open_dialog_open"):
        setattr(shown.state, name, True)
        assert shown.draw(3)[list_side].mean() < before
        shown.click(5, 700)
        assert not getattr(shown.state, name)


def test_typing_into_the_filter_is_no_command(window, few_pictures):
    shown = window(few_pictures)
    shown.click(100, 58)
    inputs = shown.frame.context.ui.inputs
    for letter in "B1":
        inputs.key(ord(letter), True)
        inputs.character(ord(letter))
        inputs.key(ord(letter), False)
    shown.draw()
    assert shown.state.image_list.text == "B1"
    assert shown.state.settings.show_boxes
    assert shown.state.view.zoom is None


@pytest.mark.parametrize(("name", "outcome"), [("皖A12345_2.png", "right"), ("皖A54321.png", "text wrong")])
def test_a_label_without_a_position_is_shown_on_the_card_alone(window, tmp_path, fakes, near, name, outcome):
    write_picture(tmp_path / name, np.full((300, 400, 3), 30, np.uint8))
    shown = window(tmp_path, [fakes.plate(corners=CORNERS)])
    pixels = shown.draw(3)
    assert shown.state.outcome == outcome
    assert not near(pixels[60:680, 310:930], DARK.ground_truth, 12).any()
    assert near(pixels[40:690, 950:1270], outcome_colour(DARK, outcome), 12).any()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_filter_and_order_stay_in_their_place_whatever_is_chosen(window, few_pictures, monkeypatch, language):
    shown, places = window(few_pictures), []
    shown.state.change(language=language)
    ui = shown.frame.context.ui
    combo = ui.combo

    def noted(name, current, options, width=0):
        room = (width or ui.room[0]) - ui.row_height - 18
        assert all(ui.text_width(option) <= room for option in options), "no text is cut off"
        places[-1][name] = (*ui.cursor, width)
        return combo(name, current, options, width)

    monkeypatch.setattr(ui, "combo", noted)
    for order in SORT_ORDERS:
        for only in (ALL, UNREADABLE, UNSEEN):
            shown.state.change(order=order)
            shown.state.image_list.filter("", only)
            places.append({})
            shown.draw(1)
    assert places[0]["only"][1] == places[0]["order"][1]
    assert all(place == places[0] for place in places)


def test_the_filter_offers_outcomes_that_there_are_and_its_open_list_stays(window, few_pictures, until, monkeypatch):
    shown, offered = window(few_pictures), []
    until(lambda: shown.viewer.collect() or not shown.state.scanning, "the list")
    ui = shown.frame.context.ui
    combo = ui.combo
    monkeypatch.setattr(
        ui, "combo", lambda name, now, names, width=0: offered.append((name, names)) or combo(name, now, names, width)
    )

    def outcomes():
        shown.draw(1)
        return [names for name, names in offered if name == "only"][-1]

    assert outcomes() == ["All pictures", "Not yet read"]
    # The combo box with the outcomes.
    shown.click(60, 92)
    shown.draw(3)
    assert ui.combo_open
    shown.viewer.read_all(True)
    until(lambda: shown.viewer.collect() or len(shown.state.image_list.records) == 12, "the pictures")
    assert outcomes() == ["All pictures", "Not yet read"], "no row moves under the pointer"
    press_key(shown, "Escape")
    shown.draw(2)
    assert outcomes() == ["All pictures", "Unreadable"]


def press_key(shown, key, letter=""):
    inputs = shown.frame.context.ui.inputs
    inputs.key(KEYS[key], True)
    if letter:
        inputs.character(ord(letter))
    inputs.key(KEYS[key], False)
    shown.draw(3)


@pytest.mark.parametrize("browser", [True, False])
def test_a_typed_number_leads_to_its_picture(window, few_pictures, until, browser):
    shown = window(few_pictures)
    until(lambda: shown.viewer.collect() or not shown.state.scanning, "the list")
    shown.state.change(show_browser=browser)
    for typed, name in (("7", "7"), ("99999", "12"), ("1,0", "10"), ("0", "1"), ("9" * 30, "12"), ("x", "12")):
        press_key(shown, "J", "j")
        assert shown.state.goto_dialog_open
        for letter in typed:
            press_key(shown, letter if letter in KEYS else "E", letter)
        press_key(shown, "Enter")
        assert not shown.state.goto_dialog_open
        assert shown.state.image_list.name == f"{name}.png", typed


def test_escape_and_a_click_beside_it_close_the_field_for_the_number(window, few_pictures):
    shown = window(few_pictures)
    for close in (lambda: press_key(shown, "Escape"), lambda: shown.click(640, 600)):
        press_key(shown, "J", "j")
        press_key(shown, "3", "3")
        close()
        shown.draw()
        assert not shown.state.goto_dialog_open
        assert shown.state.image_list.name == "1.png"
    press_key(shown, "B", "b")
    assert not shown.state.settings.show_boxes, "letters are commands again"


def test_the_field_for_the_number_is_narrow_and_the_dialog_that_opens_sources_wide(window, few_pictures, monkeypatch):
    shown, widths = window(few_pictures), {}
    ui = shown.frame.context.ui
    area = ui.area

    def noted(name, rect, *rest, **more):
        widths[name] = rect[2]
        return area(name, rect, *rest, **more)

    monkeypatch.setattr(ui, "area", noted)
    for key in ("J", "O"):
        press_key(shown, key)
        shown.draw()
        press_key(shown, "Escape")
    assert widths["goto"] == 260 and widths["open dialog"] == 760


def test_escape_closes_a_combo_box_and_a_click_chooses_an_item(window, few_pictures, until):
    shown = window(few_pictures)
    until(lambda: shown.viewer.collect() or not shown.state.scanning, "the list")
    ui = shown.frame.context.ui
    # The combo box with the order.
    at = (190, 92)
    shown.click(*at)
    shown.draw(3)
    assert ui.combo_open
    shown.state.goto_dialog_open = True
    press_key(shown, "Escape")
    assert not ui.combo_open
    assert shown.state.goto_dialog_open, "one press folds the list alone"
    shown.state.goto_dialog_open = False
    press_key(shown, "Escape")
    shown.click(*at)
    shown.draw(3)
    # Its second row.
    shown.click(at[0], at[1] + 60)
    shown.draw(3)
    assert not ui.combo_open
    assert shown.state.settings.order != "name"


def test_a_missing_camera_is_reported_in_the_window(window, fakes, until, near):
    shown = window(capture=lambda address: fakes.Capture([], opens=False))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or shown.state.live_status.state == "waiting", "the failure")
    pixels = shown.draw()
    assert near(pixels[250:420, 310:930], DARK.text).sum() > 300
    assert near(pixels[250:420, 310:930], DARK.raised, 6).sum() > 3000, "buttons that offer other sources"


def test_the_side_panels_can_be_resized(window, few_pictures):
    shown = window(few_pictures)
    shown.draw()
    inputs = shown.frame.context.ui.inputs
    for start, end, name, wider in ((300, 380, "browser_width", 80), (940, 900, "plates_width", 40)):
        before = getattr(shown.state.settings, name)
        inputs.move(start + (shown.state.settings.browser_width - 300 if start < 400 else 0), 400)
        shown.draw()
        inputs.button(0, True)
        shown.draw()
        inputs.move(end, 400)
        shown.draw()
        inputs.button(0, False)
        shown.draw()
        assert getattr(shown.state.settings, name) == pytest.approx(before + wider)


def test_pointing_at_a_card_lights_up_its_plate_in_the_picture(window, tmp_path, fakes, near):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    shown = window(tmp_path, [fakes.plate(corners=CORNERS)])
    middle = np.s_[60:680, 310:930]
    plain = near(shown.draw()[middle], DARK.certain, 12).sum()
    shown.frame.context.ui.inputs.move(1100, 200)
    assert near(shown.draw(3)[middle], DARK.certain, 12).sum() > 1.2 * plain
    shown.frame.context.ui.inputs.move(600, 650)
    assert near(shown.draw(3)[middle], DARK.certain, 12).sum() == plain


def test_the_dialog_opens_what_is_typed_each_time_it_appears(window, tmp_path, until):
    shown = window()
    inputs = shown.frame.context.ui.inputs
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_picture(tmp_path / name / "p.png", np.full((30, 40, 3), 30, np.uint8))
        shown.state.open_dialog_open = True
        shown.draw(3)
        for letter in str(tmp_path / name):
            inputs.character(ord(letter))
        shown.draw(3)
        inputs.key(257, True)
        inputs.key(257, False)
        shown.draw(3)
        assert not shown.state.open_dialog_open
        assert shown.state.folder == str(tmp_path / name)
        shown.frame._open_dialog._text = ""
