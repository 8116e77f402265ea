"""An `alpr_dataset.csv` decides about the pictures that it names; all others keep the labels that they have without it.
The state of a row says whether its plate counts.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.core.plate import Plate
from alpr_app.data import labels as labels_module
from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.label_csv import TABLE_NAME, LabelError
from alpr_app.data.labels import DataFolder, read_data_folder
from alpr_app.evaluation import evaluate as evaluate_module

HEADER = "file,split,text,box,state,camera\n"


def ccpd_name(number: int) -> str:
    x = 100 + number % 500
    corners = ((x, 40), (x + 60, 42), (x + 60, 62), (x, 60))
    return format_name(Annotation(f"皖A{number:05d}", (x, 40, x + 60, 62), corners))


@pytest.fixture
def scenes(tmp_path):
    """A folder of four pictures with CCPD's names."""
    folder = tmp_path / "data" / "gate"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / ccpd_name(number)).touch()
    return folder


def texts(data: DataFolder) -> list[str | None]:
    return sorted(str(plate.text) for picture in data.pictures for plate in picture.plates)


def write(path, *rows: str) -> None:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_one_row_overrides_one_ccpd_name_and_no_other(scenes):
    write(scenes / TABLE_NAME, f"{ccpd_name(1)},val,京B99999,1 2 61 22,,east")
    data = read_data_folder(scenes)
    assert texts(data) == ["京B99999", "皖A00000", "皖A00002", "皖A00003"]
    assert [picture.plates[0].text for picture in data.of_split("val").pictures] == ["京B99999"]
    assert data.assumed == (("gate", 3),), "the names state no split, the row does"


def test_a_row_without_a_plate_overrides_the_name_too(scenes):
    write(scenes / TABLE_NAME, f"{ccpd_name(1)},val,,,checked,")
    data = read_data_folder(scenes)
    assert texts(data) == ["皖A00000", "皖A00002", "皖A00003"]
    assert [(picture.path.name, picture.checked) for picture in data.negatives] == [(ccpd_name(1), True)]


def test_a_table_of_the_folder_above_overrides_names_in_its_folders(scenes):
    write(scenes.parent / TABLE_NAME, f"gate/{ccpd_name(1)},,京B99999,1 2 61 22,,", f"./gate\\{ccpd_name(2)},,,,,")
    data = read_data_folder(scenes.parent)
    assert texts(data) == ["京B99999", "皖A00000", "皖A00003"] and len(data.negatives) == 1


def test_the_table_beside_the_folder_still_splits_the_other_names(scenes):
    (scenes.parent / "gate.csv").write_text(f"file,split\n{ccpd_name(0)},test\n", encoding="utf-8")
    write(scenes / TABLE_NAME, f"{ccpd_name(1)},val,京B99999,1 2 61 22,,")
    data = read_data_folder(scenes)
    assert texts(data.of_split("test")) == ["皖A00000"] and data.assumed == (("gate", 2),)


def test_other_pictures_of_plate_free_crop_and_machine_folders_stay_labelled(tmp_path):
    for folder in ("negatives", "crops", "web"):
        (tmp_path / folder).mkdir()
        for name in ("a.jpg", "b.jpg"):
            (tmp_path / folder / name).touch()
    (tmp_path / "crops.csv").write_text("file,text\na.jpg,京A12345\nb.jpg,京A12346\n", encoding="utf-8")
    machine = "web,a.jpg,sure,京A12345,,1 2 31 4 31 12 1 10\nweb,b.jpg,sure,京A12346,,1 2 31 4 31 12 1 10\n"
    (tmp_path / "machine_labels.csv").write_text("folder,file,kind,text,box,corners\n" + machine, encoding="utf-8")
    write(tmp_path / "negatives" / TABLE_NAME, "a.jpg,val,京B00001,1 2 61 22,,")
    (tmp_path / "crops" / TABLE_NAME).write_text("file,text\nb.jpg,京B00002\n", encoding="utf-8")
    write(tmp_path / "web" / TABLE_NAME, "b.jpg,,京B00003,1 2 61 22,checked,")
    data = read_data_folder(tmp_path)
    assert [picture.path.name for picture in data.negatives] == ["b.jpg"]
    assert sorted((crop.path.name, crop.text) for crop in data.crops) == [("a.jpg", "京A12345"), ("b.jpg", "京B00002")]
    assert texts(data) == ["京A12345", "京B00001", "京B00003"]
    assert [picture.path.name for picture in data.pictures if picture.by_machine] == ["a.jpg"]


def test_a_damaged_ccpd_name_stays_an_error_beside_a_table_and_other_pictures_are_unlabelled(scenes):
    write(scenes / TABLE_NAME, f"{ccpd_name(1)},val,京B99999,1 2 61 22,,")
    (scenes / "holiday.jpg").touch()
    assert len(read_data_folder(scenes).pictures) == 4
    damaged = ccpd_name(3).replace("100", "x100") if "100" in ccpd_name(3) else ccpd_name(3).replace("103", "x103")
    (scenes / damaged).touch()
    refused: list[LabelError] = []
    assert len(read_data_folder(scenes, refused.append).pictures) == 4
    assert [damaged in str(error) for error in refused] == [True]
    with pytest.raises(LabelError, match="not whole numbers"):
        read_data_folder(scenes)


def test_ten_thousand_names_are_parsed_once_each_beside_one_row(tmp_path, monkeypatch):
    names = [ccpd_name(number) for number in range(10_000)]
    monkeypatch.setattr(labels_module, "picture_files", lambda folder: [folder / name for name in names])
    calls = []
    parse = labels_module.ccpd.parse_name
    monkeypatch.setattr(labels_module.ccpd, "parse_name", lambda path: calls.append(path) or parse(path))
    write(tmp_path / TABLE_NAME, f"{names[5]},val,京B99999,1 2 61 22,,")
    data = read_data_folder(tmp_path)
    assert len(data.pictures) == 10_000 and "京B99999" in texts(data) and "皖A00005" not in texts(data)
    assert len(calls) < 10_100


def test_unreadable_plates_are_neither_plates_nor_background(tmp_path):
    write(
        tmp_path / TABLE_NAME,
        "both.jpg,,京A12345,1 2 61 22,checked,",
        "both.jpg,,京A1,101 2 161 22,unreadable,",
        "only.jpg,,,101 2 161 22,unreadable,",
    )
    data = read_data_folder(tmp_path)
    both, only = data.pictures
    assert [(plate.text, plate.state) for plate in both.plates] == [("京A12345", "checked")]
    assert [plate.text for plate in both.readable] == ["京A12345"]
    assert only.plates == () and [plate.state for plate in only.unreadable] == ["unreadable"]
    assert both.ignored is not None and both.ignored.tolist() == [[101, 2, 161, 22]]
    assert data.negatives == ()


def test_an_unreadable_crop_is_left_out(tmp_path):
    (tmp_path / TABLE_NAME).write_text("file,text,state\na.png,皖A12345,\nb.png,,unreadable\n", encoding="utf-8")
    assert [crop.path.name for crop in read_data_folder(tmp_path).crops] == ["a.png"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.jpg,,京A12345,1 2 61 22,unreadble,", "row 2: there is no state 'unreadble', only unreadable, checked"),
        ("a.jpg,,,,unreadable,", "row 2: 'unreadable' has neither box nor corners"),
    ],
)
def test_a_state_that_cannot_be_used_names_its_row(row, message, tmp_path):
    write(tmp_path / TABLE_NAME, row)
    with pytest.raises(LabelError, match=message):
        read_data_folder(tmp_path)


def found(text: str, left: int) -> Plate:
    corners = ((left, 2), (left + 60, 2), (left + 60, 22), (left, 22))
    box = (left, 2, left + 60, 22)
    return Plate(
        text, 0.9, (0.9,) * len(text), (("", 0.0),) * len(text), "blue", 0.9, box, corners, np.zeros((1, 1, 3))
    )


def test_measuring_counts_an_unreadable_plate_neither_as_right_nor_as_wrong(tmp_path, monkeypatch):
    rows = ["a.jpg,val,京A12345,1 2 61 22,,", "b.jpg,val,京A12346,1 2 61 22,unreadable,"]
    write(tmp_path / TABLE_NAME, *rows, "a.jpg,val,京A12347,101 2 161 22,unreadable,")
    right = found("京A12345", 1)
    # It lies on the unreadable plate, whose text in the table is another one.
    other = found("京A00000", 101)
    alpr = SimpleNamespace(read=lambda image: [right, other], read_at=lambda image, corners: [right] * len(corners))
    monkeypatch.setattr(evaluate_module, "read_labelled", lambda path: np.zeros((80, 200, 3), np.uint8))
    figures = evaluate_module.evaluate(alpr, read_data_folder(tmp_path))["scenes"]["micro"]
    assert (figures["plates"], figures["end_to_end"], figures["precision_50"]) == (1, 1, 1)
