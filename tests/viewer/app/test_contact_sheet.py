"""The contact sheet with keys and clicks, drawn without a display."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.evaluation.ground_truth import compare, ground_truth_of
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.contact_sheet import COLOUR, CONFIDENCE, ERRORS, PROVINCE, make_sheet
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.workers.recogniser import NO_CROP, Recognition
from tests.builders import make_plate

CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))
FAR = tuple((x + 200, y) for x, y in CORNERS)


def name_of(text, number=0):
    return format_name(Annotation(text, (20, 30, 60, 42 + number), CORNERS), ".jpg")


def record(name, *plates):
    truth = ground_truth_of(name)
    return name, Record(Recognition(name, plates), truth, compare(truth, plates) if truth else ())


RECORDS = [
    record(name_of("皖A12345"), make_plate("皖A12345", confidence=0.9, corners=CORNERS)),
    record(name_of("京A12345"), make_plate("皖A12346", confidence=0.8, corners=CORNERS, colour="green")),
    record(name_of("沪B12345")),
    record("plain.jpg", make_plate("京C67890", confidence=0.6, colour="yellow"), make_plate("", confidence=0.0)),
    record(
        name_of("皖A99999"), make_plate("皖A99999", corners=CORNERS), make_plate("粤B1", corners=FAR, confidence=0.7)
    ),
]


def texts(order, **options):
    options = {"score": 0.5, "confidence": 0.1} | options
    return [item.text for item in make_sheet("", RECORDS, order, **options).items]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (CONFIDENCE, ["京C67890", "粤B1", "皖A12346", "皖A12345", "皖A99999", "沪B12345"]),
        # Missed, wrong, false box, right, and what has no label.
        (ERRORS, ["沪B12345", "皖A12346", "粤B1", "皖A12345", "皖A99999", "京C67890"]),
        (PROVINCE, ["京C67890", "沪B12345", "皖A12346", "皖A12345", "皖A99999", "粤B1"]),
        (COLOUR, ["粤B1", "皖A12345", "皖A99999", "京C67890", "皖A12346", "沪B12345"]),
    ],
)
def test_plates_are_sorted(order, expected):
    assert texts(order) == expected


def test_thresholds_and_empty_texts():
    assert "" in texts(CONFIDENCE, confidence=0.0)
    assert texts(CONFIDENCE, confidence=0.85) == ["皖A12345", "皖A99999", "京A12345", "沪B12345"]


def test_confusions_are_counted_and_choose_plates():
    sheet = make_sheet("", RECORDS, ERRORS, 0.5, 0.1)
    assert sheet.counts == {("京", "皖"): 1, ("5", "6"): 1}
    assert (sheet.labelled, sheet.pictures) == (3, 5)
    chosen = make_sheet("", RECORDS, ERRORS, 0.5, 0.1, {("5", "6"), ("1", "7")})
    assert [item.text for item in chosen.items] == ["皖A12346"]
    assert chosen.counts == sheet.counts


@pytest.fixture
def pictures(tmp_path):
    """Two pictures whose labels are read right, one whose province is misread, one without a label."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate([name_of("皖A12345"), name_of("皖A12345", 1), name_of("京A12345"), "plain.png"]):
        write_picture(folder / name, np.full((100, 120, 3), 40 + 40 * number, np.uint8))
    return folder


@pytest.fixture
def shown(window, pictures, until):
    # Without the crop that the reader was given, as for pictures that were read in passing.
    made = window(pictures, plates=[replace(make_plate("皖A12345", corners=CORNERS), crop=NO_CROP)])
    made.viewer.read_all(True)
    until(lambda: made.viewer.collect() or len(made.state.image_list.records) == 4, "all results")
    press(made.viewer, "V")
    until(lambda: made.viewer.collect() or made.viewer.contact_sheet.sheet is not None, "the sheet")
    made.draw()
    until(lambda: not made.viewer.collect() and all_crops(made), "the crops")
    made.draw()
    return made


def all_crops(shown):
    sheet = shown.viewer.contact_sheet.sheet
    crops = [shown.viewer.contact_sheet.crops.get(sheet.request(item)) for item in sheet.items]
    return all(crop is not None and crop.size for crop in crops)


# Middle of the first crop, and distance to the next one.
FIRST, ACROSS = (405, 80), 189


def test_every_plate_is_drawn_with_the_errors_first(shown):
    sheet = shown.viewer.contact_sheet.sheet
    assert [item.outcome for item in sheet.items] == ["text wrong", "right", "right", ""]
    pixels = shown.draw()
    greys = [int(pixels[FIRST[1], FIRST[0] + number * ACROSS, 0]) for number in range(4)]
    wanted = {name_of("京A12345"): 120, name_of("皖A12345"): 40, name_of("皖A12345", 1): 80, "plain.png": 160}
    assert greys == [pytest.approx(wanted[item.name], abs=3) for item in sheet.items]


def test_a_click_on_a_crop_shows_its_picture_with_the_plate_selected(shown, until):
    name = shown.viewer.contact_sheet.sheet.items[2].name
    shown.click(FIRST[0] + 2 * ACROSS, FIRST[1])
    until(lambda: shown.viewer.collect() or shown.state.selected == 0, "the selected plate")
    assert not shown.viewer.contact_sheet.open
    assert shown.state.image_list.name == name and shown.state.image_item.key.endswith(name)


def test_a_cell_of_the_confusions_shows_its_plates_and_a_click_shows_all_again(shown, until):
    sheet = shown.viewer.contact_sheet
    # The button "Confusions".
    shown.click(1160, 26)
    assert sheet.confusions_open
    # The only cell.
    shown.click(372, 113)
    assert sheet.only == {("京", "皖")} and not sheet.confusions_open
    until(lambda: shown.viewer.collect() or len(sheet.sheet.items) == 1, "the plates of the cell")
    shown.draw()
    sheet.show()
    until(lambda: shown.viewer.collect() or len(sheet.sheet.items) == 4, "all plates")


def test_the_filter_of_the_list_counts_for_the_sheet(shown, until):
    sheet = shown.viewer.contact_sheet
    shown.state.image_list.filter("", "text wrong")
    until(lambda: shown.viewer.collect() or len(sheet.sheet.items) == 1, "the filtered sheet")
    shown.state.image_list.filter("no such plate", "all")
    until(lambda: shown.viewer.collect() or not sheet.sheet.items, "the empty sheet")
    shown.draw()


def test_new_results_come_by_themselves_unless_the_user_has_scrolled(shown, until):
    sheet, image_list = shown.viewer.contact_sheet, shown.state.image_list
    sheet.scrolled = True
    image_list.remove(["plain.png"])
    shown.viewer.collect()
    shown.draw()
    assert sheet.outdated and len(sheet.sheet.items) == 4
    sheet.refresh()
    until(lambda: shown.viewer.collect() or len(sheet.sheet.items) == 3, "the new sheet")
    assert not sheet.outdated


def test_keys_open_and_close_the_sheet_of_a_folder_only(shown, window):
    press(shown.viewer, "Escape")
    assert not shown.viewer.contact_sheet.open
    press(shown.viewer, "V")
    assert shown.viewer.contact_sheet.open
    press(shown.viewer, "V")
    assert not shown.viewer.contact_sheet.open
    empty = window()
    press(empty.viewer, "V")
    assert not empty.viewer.contact_sheet.open


def test_a_folder_that_is_not_read_yet_offers_to_read_it(window, pictures, until):
    made = window(plates=[make_plate("皖A12345", corners=CORNERS)])
    made.viewer.open(str(pictures))
    press(made.viewer, "V")
    assert made.viewer.contact_sheet.open
    made.viewer.state.image_list.clear_records()
    made.draw()
    made.viewer.read_all(True)
    until(lambda: made.viewer.collect() or len(made.state.image_list.records) == 4, "all results")
    sheet = made.viewer.contact_sheet
    until(lambda: made.viewer.collect() or (sheet.sheet is not None and len(sheet.sheet.items) == 4), "the sheet")
