"""How the window shows the outcomes of labelled pictures: list, counts, cards and picture."""

from __future__ import annotations

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import write_table
from alpr_app.evaluation.outcomes import FALSE_BOX, MISSED, OUTCOMES, PLACE_OFF, RIGHT, TEXT_WRONG, UNREADABLE
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.panels.browser import reading_text
from alpr_app.viewer.panels.context import draw_outcome, outcome_colour
from alpr_app.viewer.toolkit.painter import Painter

TIGHT = ((60, 80), (160, 80), (160, 110), (60, 110))
FAR = ((60, 200), (160, 200), (160, 230), (60, 230))
TEXT = "皖A12345"


def name_of(text, corners, area="1"):
    (left, top), _, (right, bottom), _ = corners
    return format_name(Annotation(text, (left, top, right, bottom), corners, area=area))


LOOSE = ((60, 80), (240, 80), (240, 110), (60, 110))
PICTURES = {
    RIGHT: name_of(TEXT, TIGHT),
    TEXT_WRONG: name_of("皖A12346", TIGHT, "2"),
    PLACE_OFF: name_of(TEXT, LOOSE, "3"),
    MISSED: name_of("京B00001", FAR, "4"),
    FALSE_BOX: "free.png",
    UNREADABLE: "broken.png",
}


@pytest.fixture
def drawn(monkeypatch):
    """The texts that are drawn, in order."""
    texts = []
    draw = Painter.text

    def noted(self, point, text, *rest, **more):
        texts.append(text)
        return draw(self, point, text, *rest, **more)

    monkeypatch.setattr(Painter, "text", noted)
    return texts


@pytest.fixture
def shown(window, tmp_path, fakes, until):
    """A folder with one picture of each outcome, all of them read."""
    for name in PICTURES.values():
        write_picture(tmp_path / name, np.full((300, 400, 3), 30, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    write_table(
        tmp_path / "alpr_dataset.csv", [{"file": "free.png", "text": "", "corners": ""}], ("file", "text", "corners")
    )
    made = window(tmp_path, [fakes.plate(TEXT, corners=TIGHT)])
    made.viewer.read_all(True)
    until(lambda: made.viewer.collect() or len(made.state.image_list.records) == len(PICTURES), "the pictures")
    until(lambda: made.viewer.collect() or made.state.image_list.labels.has_labels, "the labels")
    return made


def look_at(shown, outcome, until):
    image_list = shown.state.image_list
    image_list.go(list(image_list.names).index(PICTURES[outcome]))
    name = PICTURES[outcome]
    until(lambda: shown.viewer.collect() or shown.state.image_item.key.endswith(name), outcome)
    assert shown.state.title == name


def test_the_list_shows_labels_and_readings_and_the_counts_of_each_outcome(shown, drawn):
    image_list = shown.state.image_list
    assert {outcome: image_list.outcome(name) for outcome, name in PICTURES.items()} == {
        name: name for name in OUTCOMES
    }
    shown.draw()
    for text in ("皖A12346", "京B00001", "free.png", "broken.png", f"{TEXT} 97 %"):
        assert text in drawn, text
    for count in ("1 right", "1 text wrong", "1 place off", "1 missed", "1 false box", "1 unreadable"):
        assert count in drawn, count
    assert {"Text right 50.0 %", "Place right 50.0 %"} <= set(drawn)
    assert not any("-0_0_" in text for text in drawn), "no file names of CCPD"


def test_a_click_on_a_count_shows_those_pictures_alone_and_a_second_one_all(shown, monkeypatch):
    ui, places = shown.frame.context.ui, {}
    hit = ui.hit

    def noted(name, width, height, **options):
        places[name] = (ui.cursor[0] + width / 2, ui.cursor[1] + height / 2)
        return hit(name, width, height, **options)

    monkeypatch.setattr(ui, "hit", noted)
    shown.draw()
    image_list = shown.state.image_list
    for outcome in (FALSE_BOX, UNREADABLE):
        shown.click(*places[f"count {outcome}"])
        assert [image_list.names[index] for index in image_list.rows] == [PICTURES[outcome]]
    shown.click(*places[f"count {UNREADABLE}"])
    assert len(image_list.rows) == len(PICTURES)


def test_the_key_for_errors_reaches_every_outcome_but_right(shown):
    reached = set()
    for _ in PICTURES:
        press(shown.viewer, "N")
        reached.add(shown.state.outcome)
    assert reached == set(OUTCOMES) - {RIGHT}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (RIGHT, {"Right", "IoU 1.00, corner error 0.0 px", f"{TEXT} 97%  right"}),
        (TEXT_WRONG, {"Text wrong", f"{TEXT} 97%  text wrong", "label 皖A12346"}),
        (PLACE_OFF, {"Place off", f"{TEXT} 97%  place off"}),
        (MISSED, {"label 京B00001  missed", f"{TEXT} 97%  false box"}),
        (FALSE_BOX, {"False box: on no labelled plate", f"{TEXT} 97%  false box"}),
    ],
)
def test_cards_and_picture_say_the_outcome_of_each_plate(shown, until, drawn, outcome, words):
    look_at(shown, outcome, until)
    shown.draw(3)
    assert words <= set(drawn)


def test_a_picture_that_is_not_yet_decoded_leaves_the_outcomes_of_the_last_one(shown, until, drawn):
    look_at(shown, TEXT_WRONG, until)
    shown.draw()
    drawn.clear()
    # Another number of labels than on the picture that is still on the canvas.
    shown.state.image_list.go(list(shown.state.image_list.names).index(PICTURES[FALSE_BOX]))
    shown.draw()
    assert "label 皖A12346" not in drawn and f"{TEXT} 97%" in drawn


def test_tooltips_of_the_list_have_the_outcome_the_file_and_the_label(shown, monkeypatch):
    tips = []
    ui = shown.frame.context.ui
    monkeypatch.setattr(ui, "tooltip", tips.append)
    for row in range(len(PICTURES)):
        ui.inputs.move(100, 122 + 20 * row)
        shown.draw()
    for outcome, label in ((PLACE_OFF, TEXT), (MISSED, "京B00001")):
        assert f"{outcome.capitalize()}\n{PICTURES[outcome]}\nLabel: {label}" in tips
    assert any(tip.startswith("Unreadable file: ") and tip.endswith("\nbroken.png") for tip in tips)


def test_a_row_without_a_plate_has_no_reading(shown):
    record = shown.state.image_list.records["broken.png"]
    assert reading_text(shown.frame.context, record) == reading_text(shown.frame.context, None) == ""


def test_each_outcome_has_a_shape_of_its_own(shown):
    calls = []

    class Recorder:
        def __getattr__(self, name):
            return lambda *given, **more: calls[-1].append((name, len(given[0]) if name == "line" else 0))

    for outcome in OUTCOMES:
        calls.append([])
        draw_outcome(shown.frame.context.ui, Recorder(), (10, 10), 5, outcome)
    assert all(calls) and len({tuple(shape) for shape in calls}) == len(OUTCOMES)
    assert len({outcome_colour(shown.frame.context.ui.theme, outcome) for outcome in OUTCOMES}) == len(OUTCOMES)


def test_a_filter_for_an_outcome_in_a_folder_without_labels_says_so(window, few_pictures, monkeypatch, until):
    shown = window(few_pictures)
    until(lambda: shown.viewer.collect() or not shown.state.scanning, "the list")
    said = []
    ui = shown.frame.context.ui
    text = ui.text
    monkeypatch.setattr(ui, "text", lambda words, *rest, **more: said.append(words) or text(words, *rest, **more))
    shown.state.image_list.filter("", TEXT_WRONG)
    shown.draw()
    assert any("no labels" in words for words in said)
    said.clear()
    shown.state.image_list.filter("nothing", "all")
    shown.draw()
    assert any("No picture matches" in words for words in said)
