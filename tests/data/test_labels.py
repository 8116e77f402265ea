import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.data.labels import LabelError, ccpd_picture, read_data_folder, read_labelled

NAMES = (
    "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg",
    "00785807291667-95_272-366&547_508&602-502&602_366&592_368&547_508&562-0_0_3_24_32_31_31_25-102-91.jpg",
)
HEADER = "folder,file,kind,text,box,corners\n"


def scenes(root, rows: str | None = None):
    (root / "scenes").mkdir()
    for name in NAMES:
        (root / "scenes" / name).touch()
    if rows is not None:
        (root / "scenes.csv").write_text(rows, encoding="utf-8")


def test_ccpd_names_become_labels_in_our_corner_order(tmp_path):
    scenes(tmp_path)
    data = read_data_folder(tmp_path)
    blue = next(picture for picture in data.pictures if picture.plates[0].text == "皖AY339S")
    np.testing.assert_array_equal(blue.plates[0].corners, [[154, 383], [363, 402], [386, 473], [177, 454]])
    np.testing.assert_array_equal(blue.plates[0].box, [154, 383, 386, 473])
    assert {picture.plates[0].colour for picture in data.pictures} == {"blue", "green"}
    assert len(read_data_folder(tmp_path / "scenes").pictures) == 2


def test_a_table_beside_the_folder_gives_split_and_subset(tmp_path):
    scenes(tmp_path, f"file,split,subset\n{NAMES[0]},val,ccpd_blur\n")
    data = read_data_folder(tmp_path)
    assert [picture.subset for picture in data.of_split("val").pictures] == ["ccpd_blur"]
    assert [picture.subset for picture in data.of_split("train").pictures] == ["scenes"]


def test_machine_labels_hold_plates_and_places_to_ignore(tmp_path):
    rows = "web,a.jpg,sure,京A12345,1 2 31 12,1 2 31 4 31 12 1 10\n"
    rows += "web,a.jpg,unsure,,50 50 60 55,\nweb,b.jpg,unsure,,1 1 2 2,\n"
    (tmp_path / "machine_labels.csv").write_text(HEADER + rows, encoding="utf-8")
    (picture,) = read_data_folder(tmp_path).pictures
    assert picture.by_machine and picture.subset == "web" and picture.path == tmp_path / "web" / "a.jpg"
    assert picture.plates[0].text == "京A12345"
    np.testing.assert_array_equal(picture.ignored, [[50, 50, 60, 55]])


def test_crops_street_and_negatives_are_found(tmp_path):
    for folder in ("crops", "street", "negatives"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jpg").touch()
        (tmp_path / folder / ".hidden.jpg").touch()
    (tmp_path / "crops.csv").write_text("file,text,split\nx.jpg,京A12345,val\n", encoding="utf-8")
    (tmp_path / "street.csv").write_text("file,text\nx.jpg,沪A12345\n", encoding="utf-8")
    data = read_data_folder(tmp_path)
    assert [(crop.text, crop.split) for crop in data.crops] == [("京A12345", "val")]
    assert [(picture.stated, picture.split) for picture in data.pictures] == [("沪A12345", "val")]
    assert [picture.path for picture in data.negatives] == [tmp_path / "negatives" / "x.jpg"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("folder,file,kind,text,box\n", "the column 'corners' is missing"),
        (HEADER + "web,a.jpg,sure,京A12345,1 2 3 4,1 2 3\n", "row 2.*3 numbers where 8 belong"),
        (HEADER + "web,a.jpg,unsure,,1 2 x 4,\n", "row 2.*not a number"),
    ],
)
def test_a_damaged_table_names_file_and_row(tmp_path, table, said):
    (tmp_path / "machine_labels.csv").write_text(table, encoding="utf-8")
    with pytest.raises(LabelError, match=rf"machine_labels\.csv.*{said}"):
        read_data_folder(tmp_path)


def test_a_damaged_name_among_ccpd_names_is_reported(tmp_path):
    scenes(tmp_path)
    (tmp_path / "scenes" / "zz-holiday.jpg").touch()
    with pytest.raises(LabelError, match=r"zz-holiday\.jpg"):
        read_data_folder(tmp_path)


def test_an_empty_or_missing_folder_says_so(tmp_path):
    with pytest.raises(LabelError, match="holds no CCPD-named pictures"):
        read_data_folder(tmp_path)
    with pytest.raises(LabelError, match="no such folder"):
        read_data_folder(tmp_path / "nowhere")


def test_clicked_corners_in_another_order_are_put_right(tmp_path):
    swapped = NAMES[0].replace("386&473_177&454_154&383_363&402", "154&383_363&402_386&473_177&454")
    np.testing.assert_array_equal(
        ccpd_picture(tmp_path / swapped).plates[0].corners, ccpd_picture(tmp_path / NAMES[0]).plates[0].corners
    )


def test_corners_that_span_no_area_are_named_and_no_traceback(tmp_path):
    scenes(tmp_path)
    flat = "025-95_113-154&383_386&473-386&473_386&473_386&473_386&473-0_0_22_27_27_33_16-37-15.jpg"
    (tmp_path / "scenes" / flat).touch()
    with pytest.raises(LabelError, match=r"386&473_386&473.*span no area"):
        read_data_folder(tmp_path)
    (tmp_path / "scenes" / flat).unlink()
    (tmp_path / "machine_labels.csv").write_text(HEADER + "web,a.jpg,sure,,,1 1 2 2 3 3 4 4\n", encoding="utf-8")
    with pytest.raises(LabelError, match=r"machine_labels.csv, row 2: the four corners .* span no area"):
        read_data_folder(tmp_path)


def test_a_folder_may_be_given_as_a_dot(tmp_path, monkeypatch):
    scenes(tmp_path)
    monkeypatch.chdir(tmp_path / "scenes")
    assert {picture.subset for picture in read_data_folder(Path(".")).pictures} == {"scenes"}


def test_a_foreign_picture_among_ccpd_names_is_an_error_wherever_it_stands_in_the_list(tmp_path):
    scenes(tmp_path)
    (tmp_path / "scenes" / "!preview.jpg").touch()
    with pytest.raises(LabelError, match=r"!preview\.jpg"):
        read_data_folder(tmp_path)


def test_a_folder_with_a_dot_in_its_name_has_its_own_table(tmp_path):
    scenes(tmp_path)
    (tmp_path / "scenes").rename(tmp_path / "site.v1")
    (tmp_path / "site.csv").write_text(f"file,split\n{NAMES[0]},test\n", encoding="utf-8")
    (tmp_path / "site.v1.csv").write_text(f"file,split\n{NAMES[0]},val\n", encoding="utf-8")
    assert sorted(picture.split for picture in read_data_folder(tmp_path).pictures) == ["train", "val"]


def test_labels_are_in_pixels_as_shown_but_those_of_ccpd_as_stored(tmp_path):
    tags = b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x112, 3, 1, 6, 0)
    content = cv2.imencode(".jpg", np.zeros((40, 80, 3), np.uint8))[1].tobytes()
    for name in ("phone.jpg", NAMES[0]):
        (tmp_path / name).write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + content[2:])
    assert read_labelled(tmp_path / "phone.jpg").shape[:2] == (80, 40)
    assert read_labelled(tmp_path / NAMES[0]).shape[:2] == (40, 80)


def test_a_folder_that_is_called_like_a_picture_is_no_picture(data_folder):
    (data_folder / "negatives" / "more.jpg").mkdir()
    (data_folder / "scenes" / "moving.gif").mkdir()
    data = read_data_folder(data_folder)
    assert len(data.negatives) == 2 and len(data.pictures) == 8
