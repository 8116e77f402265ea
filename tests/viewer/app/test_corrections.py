"""Labels are corrected in the window with mouse and keys, and lie in the table that the user expects."""

from __future__ import annotations

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.labels import read_data_folder
from alpr_app.data.linked_pictures import linked_pictures
from tests.viewer.correcting import FOUND, PLACE, SIZE, CorrectingHands, rows_of, write_pictures

HEADER = "file,split,text,corners,state,camera\n"


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures", "1.png", "2.png", "3.png")


@pytest.fixture
def correcting(window, until, fakes, tmp_path, monkeypatch):
    """Opens a folder and begins to correct labels; in every picture the models find FOUND."""

    def begin(folder, found=True, **options):
        plates = [fakes.plate("皖A12345", corners=FOUND)] if found else []
        shown = window(folder, plates, labels_folder=tmp_path / "labels", **options)
        hands = CorrectingHands(shown, until, monkeypatch)
        shown.draw()
        hands.begin()
        return hands

    return begin


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_enter_accepts_the_reading_and_goes_from_picture_to_picture(correcting, pictures, tmp_path):
    before = contents(pictures)
    hands = correcting(pictures)
    assert hands.corrections.guessed and hands.corrections.plate.text == "皖A12345"
    hands.key("Enter")
    assert hands.state.image_list.name == "2.png"
    hands.ready()
    hands.key("Enter")
    hands.ready()
    hands.saved()
    rows = rows_of(hands.table)
    assert [row["file"] for row in rows] == [str(pictures / "1.png"), str(pictures / "2.png")]
    assert {(row["text"], row["colour"], row["corners"], row["state"]) for row in rows} == {
        ("皖A12345", "blue", PLACE, "checked")
    }
    assert contents(pictures) == before, "nothing is changed beside the pictures without being asked"
    assert hands.table.is_relative_to(tmp_path / "labels")
    assert linked_pictures(hands.table.parent) == pictures
    data = read_data_folder(hands.table.parent)
    assert {(picture.path.name, picture.subset) for picture in data.pictures} == {
        ("1.png", "pictures"),
        ("2.png", "pictures"),
    }


def test_a_text_is_typed_and_the_figures_change_at_once(correcting, pictures):
    hands = correcting(pictures)
    hands.key("Enter")
    hands.key("Left")
    hands.ready()
    image_list = hands.state.image_list
    assert image_list.outcome("1.png") == "right"
    hands.key("F2")
    hands.key("A", control=True)
    hands.type("皖a·99999")
    hands.key("Tab")
    assert hands.corrections.plate.text == "皖A99999", "spelled as plates are"
    assert image_list.outcome("1.png") == "text wrong"
    assert (image_list.totals.plates, image_list.totals.text_right) == (1, 0)
    assert image_list.label_text("1.png") == "皖A99999"
    hands.saved()
    assert [row["text"] for row in rows_of(hands.table)] == ["皖A99999"]


def test_typed_text_is_saved_although_the_field_keeps_the_focus(correcting, pictures):
    hands = correcting(pictures)
    hands.key("F2")
    hands.key("End")
    hands.key("Backspace")
    assert hands.corrections.field_text == "皖A1234"
    hands.until(lambda: hands.shown.viewer.collect() or rows_of(hands.table), "the text")
    assert [row["text"] for row in rows_of(hands.table)] == ["皖A1234"]
    hands.type("6")
    hands.key("Enter")
    hands.saved()
    assert [row["text"] for row in rows_of(hands.table)] == ["皖A12346"]
    hands.key("Z", control=True)
    hands.ready()
    hands.key("Z", control=True)
    hands.ready()
    assert hands.corrections.guessed, "the whole text and its acceptance are a step each"


def test_characters_that_no_plate_has_are_named_and_not_saved(correcting, pictures, monkeypatch):
    hands = correcting(pictures)
    hands.key("F2")
    hands.key("A", control=True)
    hands.type("皖?A")
    assert hands.corrections.strange == "?"
    hands.key("Right")
    hands.key("Tab")
    assert hands.corrections.field_text == "皖?A"
    hands.key("Enter")
    hands.key("Escape")
    hands.ready()
    assert hands.state.image_list.name == "1.png"
    assert hands.corrections.plate.text == "皖A12345"
    assert not rows_of(hands.table)


def test_a_corner_and_a_plate_are_dragged_and_clamped_to_the_picture(correcting, pictures):
    hands = correcting(pictures)
    hands.drag((160, 110), (180, 120))
    assert np.allclose(hands.corrections.plate.corners[2], (180, 120), atol=0.8)
    assert hands.corrections.plate.corners[0] == (60, 80)
    assert hands.state.view.zoom is None, "the picture has not moved"
    hands.drag((100, 95), (100, 500))
    corners = np.array(hands.corrections.plate.corners)
    assert corners[:, 1].max() == pytest.approx(SIZE[0]) and np.ptp(corners[:, 1]) == pytest.approx(40, abs=1)
    hands.drag(tuple(corners[0]), (-300, corners[0][1]))
    assert hands.corrections.plate.corners[0][0] == 0
    hands.saved()
    (row,) = rows_of(hands.table)
    assert np.allclose(
        [float(part) for part in row["corners"].split()], np.ravel(hands.corrections.plate.corners), atol=0.05
    )
    box = [float(part) for part in row["box"].split()]
    assert (box[0], round(box[3])) == (0, SIZE[0]), "the box follows the corners"


def test_crossed_corners_are_said_and_not_saved(correcting, pictures):
    hands = correcting(pictures)
    hands.key("Enter")
    hands.key("Left")
    hands.ready()
    hands.saved()
    before = hands.table.read_bytes()
    hands.drag((60, 80), (200, 100))
    assert "cross" in hands.corrections.remark
    hands.key("Enter")
    assert hands.state.image_list.name == "1.png"
    hands.key("Right")
    hands.ready()
    assert "corners were not saved" in hands.state.messages[-1].text
    hands.saved()
    assert hands.table.read_bytes() == before
    hands.key("Left")
    hands.ready()
    assert hands.corrections.plate.corners == FOUND


def test_plates_are_drawn_by_box_and_by_corners_chosen_by_tab_and_deleted(correcting, pictures):
    hands = correcting(pictures, found=False)
    assert not hands.corrections.plates
    hands.key("Enter")
    assert "Nothing was read" in hands.corrections.remark
    hands.press("Draw a plate")
    hands.drag((50, 50), (150, 80))
    assert hands.corrections.drawing is None
    hands.type("京B00001")
    hands.key("Escape")
    hands.key("F2")
    hands.type("京B00001")
    hands.key("Tab")
    hands.key("Escape")
    hands.key("Insert")
    for point in ((300, 230), (200, 200), (205, 235), (305, 205)):
        hands.click(*point)
    assert [plate.text for plate in hands.corrections.plates] == ["京B00001", ""]
    assert np.allclose(hands.corrections.plates[1].corners, ((200, 200), (305, 205), (300, 230), (205, 235)), atol=0.8)
    assert hands.corrections.selected == 1
    hands.shown.draw(4)
    assert hands.ui.is_typing, "the text of the new plate comes next"
    hands.key("Escape")
    hands.key("Tab")
    assert hands.corrections.selected == 0
    hands.key("Tab", shift=True)
    assert hands.corrections.selected == 1
    hands.saved()
    assert [row["text"] for row in rows_of(hands.table)] == ["京B00001", ""]
    hands.key("Delete")
    hands.key("Delete")
    hands.saved()
    (row,) = rows_of(hands.table)
    assert (row["text"], row["box"], row["corners"], row["state"]) == ("", "", "", "checked")
    assert hands.state.image_list.outcome("1.png") == "right", "no plate, and none was found"


def test_unreadable_and_plate_free_are_a_key_each(correcting, pictures):
    hands = correcting(pictures)
    hands.key("Q")
    assert hands.corrections.plate.unreadable
    assert hands.state.image_list.outcome("1.png") == ""
    hands.press("Unreadable")
    assert not hands.corrections.plate.unreadable
    hands.key("V")
    assert hands.state.image_list.outcome("1.png") == "false box"
    hands.saved()
    assert [(row["text"], row["state"]) for row in rows_of(hands.table)] == [("", "checked")]


def test_a_plate_that_was_unreadable_or_checked_can_turn_out_to_be_none(correcting, pictures):
    hands = correcting(pictures)
    for first in ("Q", "Enter"):
        hands.key(first)
        if first == "Enter":
            hands.key("Left")
            hands.ready()
        hands.key("V")
        hands.saved()
        (row,) = (row for row in rows_of(hands.table) if row["file"] == str(pictures / "1.png"))
        assert (row["text"], row["corners"], row["state"]) == ("", "", "checked")
        hands.key("Z", control=True)


def test_shift_and_arrows_move_the_corner_that_was_clicked(correcting, pictures):
    hands = correcting(pictures)
    hands.click(160, 80)
    assert hands.corrections.corner == 1
    hands.key("Right", shift=True)
    hands.key("Down", shift=True)
    assert hands.corrections.plate.corners[1] == (161, 81)
    hands.key("Right")
    assert hands.state.image_list.name == "2.png"


def test_undo_and_redo_go_across_pictures_to_the_byte_and_to_no_table(correcting, pictures):
    hands = correcting(pictures)
    for _ in range(2):
        hands.key("Enter")
        hands.ready()
    hands.key("V")
    hands.saved()
    final = hands.table.read_bytes()
    for name in ("3.png", "2.png", "1.png"):
        hands.key("Z", control=True)
        hands.ready()
        assert hands.state.image_list.name == name, "the picture of the change is shown"
    assert not hands.state.image_list.totals.pictures
    hands.saved()
    assert not hands.table.parent.exists(), "nothing is left of a table that was not there"
    hands.key("Z", control=True)
    assert "Nothing to undo" in hands.state.messages[-1].text
    hands.key("Y", control=True)
    hands.key("Z", control=True, shift=True)
    hands.press("Redo")
    hands.saved()
    assert hands.table.read_bytes() == final


MESSY = (
    f'\ufeff{HEADER}1.png,val,皖A00001,{PLACE},,"east, gate"\r\n'
    f'"2.png",train,京B00001,{PLACE},,west\nother.png,,,,,left'
)


def test_a_table_beside_is_corrected_there_only_when_asked_and_keeps_what_it_does_not_know(correcting, pictures):
    table = pictures / TABLE_NAME
    table.write_bytes(MESSY.encode())
    hands = correcting(pictures)
    assert hands.corrections.plate.text == "皖A00001" and not hands.corrections.guessed
    hands.press("Other folder...")
    hands.press("Beside the pictures")
    hands.until(lambda: hands.shown.viewer.collect() or hands.corrections.session.place.is_beside, "the place")
    hands.shown.draw()
    hands.key("F2")
    hands.key("End")
    hands.key("Backspace")
    hands.type("2")
    hands.key("Tab")
    hands.saved()
    changed = MESSY.replace("val,皖A00001", "val,皖A00002").replace('gate"\r\n', 'gate"\n')
    assert table.read_bytes().decode() == changed, "other rows keep their bytes, columns their values"
    hands.key("Escape")
    hands.key("Z", control=True)
    hands.saved()
    assert table.read_bytes() == MESSY.encode()


def test_a_correction_elsewhere_takes_split_and_unknown_columns_along(correcting, pictures):
    table = pictures / TABLE_NAME
    table.write_bytes(MESSY.encode())
    hands = correcting(pictures)
    hands.key("Enter")
    hands.saved()
    assert table.read_bytes() == MESSY.encode()
    (row,) = rows_of(hands.table)
    assert (row["file"], row["split"], row["camera"]) == (str(pictures / "1.png"), "val", "east, gate")
    assert (row["text"], row["corners"], row["state"]) == ("皖A00001", PLACE, "checked")


def test_a_corrected_ccpd_name_keeps_its_split_and_all_other_names_count(correcting, tmp_path):
    folder = tmp_path / "ccpd_base"
    folder.mkdir()
    names = []
    for number in range(3):
        corners = tuple((int(x), int(y)) for x, y in FOUND)
        names.append(format_name(Annotation("皖A12345", (60, 80, 160, 110), corners, area=str(number))))
        write_picture(folder / names[-1], np.full((*SIZE, 3), 60, np.uint8))
    (tmp_path / "ccpd_base.csv").write_text("file,split\n" + "".join(f"{name},val\n" for name in names))
    hands = correcting(folder)
    assert hands.state.image_list.name == names[0]
    hands.key("V")
    hands.saved()
    data = read_data_folder(hands.table.parent)
    assert [picture.path.name for picture in data.of_split("val").negatives] == [names[0]]
    assert {picture.path.name for picture in data.of_split("val").pictures} == set(names[1:])


def test_corrections_are_found_again_after_a_restart_from_above_and_below(correcting, program, until, fakes, tmp_path):
    root = write_pictures(tmp_path / "root", "north/1.png", "north/2.png")
    hands = correcting(root / "north")
    hands.key("Enter")
    hands.saved()
    for folder, name in ((root, "north/1.png"), (root / "north", "1.png")):
        viewer = program(fakes.Alpr([fakes.plate("皖A12345", corners=FOUND)]), labels_folder=tmp_path / "labels")
        viewer.state.change(recursive=True)
        viewer.open(str(folder))
        until(lambda v=viewer, f=folder: v.collect() or v.state.image_list.labels.folder == str(f), "the labels")
        until(lambda v=viewer, n=name: v.collect() or v.state.image_list.outcome(n) == "right", "the outcome")
        viewer.corrections.toggle()
        until(lambda v=viewer: v.collect() or v.corrections.path, "the picture")
        assert viewer.corrections.plate.state == "checked"


def test_a_crop_has_a_text_only_and_stays_one(correcting, pictures):
    (pictures / TABLE_NAME).write_text("file,text\n1.png,皖A00001\n2.png,京B00001\n", encoding="utf-8")
    hands = correcting(pictures)
    hands.key("Delete")
    assert "crop" in hands.corrections.remark
    hands.key("F2")
    hands.key("End")
    hands.key("Backspace")
    hands.type("2")
    hands.key("Enter")
    hands.saved()
    data = read_data_folder(hands.table.parent)
    assert sorted((crop.path.name, crop.text) for crop in data.crops) == [("1.png", "皖A00002"), ("2.png", "京B00001")]
    assert not data.pictures


def test_a_damaged_row_is_said_and_not_written_over(correcting, pictures):
    (pictures / TABLE_NAME).write_text(HEADER + "1.png,,皖A00001,1 2 3,,\n", encoding="utf-8")
    hands = correcting(pictures)
    assert "damaged" in hands.corrections.remark
    hands.key("V")
    hands.key("Enter")
    assert hands.corrections.session.documents.is_saved and not rows_of(hands.table)


def test_outside_a_folder_there_is_nothing_to_correct(window, fakes, tmp_path):
    shown = window(capture=lambda address: fakes.Capture(["new"]), labels_folder=tmp_path)
    shown.viewer.open(0)
    shown.viewer.corrections.toggle()
    assert not shown.viewer.corrections.active
    assert "folder of pictures" in shown.state.messages[-1].text
