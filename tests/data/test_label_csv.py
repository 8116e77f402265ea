import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from alpr_app.data.label_csv import TABLE_NAME, LabelError, file_in, numbers, write_table
from alpr_app.data.labels import read_data_folder


def write(folder, *lines: str) -> None:
    (folder / TABLE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_name_too_long_for_any_file_is_a_name_all_the_same(tmp_path):
    name = "\\".join(["京" * 300] * 3)
    assert file_in(tmp_path, name) == tmp_path / name.replace("\\", "/")


def test_own_pictures_have_boxes_or_corners_and_any_number_of_plates(tmp_path):
    write(
        tmp_path,
        "file,text,split,subset,box,corners,colour",
        "a.jpg,B MW123,val,,10 20 110 45,,white",
        "a.jpg,M X9,val,,,5 5 55 7 54 20 4 18,",
        "sub/b.jpg,,,gate,1 2 30 10,,",
        "empty.jpg,,,,,,",
    )
    data = read_data_folder(tmp_path)
    first, second = data.pictures
    assert first.path == tmp_path / "a.jpg" and first.split == "val" and first.subset == tmp_path.name
    assert [plate.text for plate in first.plates] == ["B MW123", "M X9"]
    np.testing.assert_array_equal(first.plates[0].corners, [[10, 20], [110, 20], [110, 45], [10, 45]])
    np.testing.assert_array_equal(first.plates[1].corners, [[5, 5], [55, 7], [54, 20], [4, 18]])
    assert first.plates[0].colour == "white" and first.plates[1].colour is None
    assert second.subset == "gate" and second.split == "train" and second.plates[0].text is None
    assert [picture.path for picture in data.negatives] == [tmp_path / "empty.jpg"] and not data.crops


def test_without_places_every_picture_is_a_plate(tmp_path):
    write(tmp_path, "file,text", "a.png,皖A12345", "b.png,沪B99999")
    data = read_data_folder(tmp_path)
    assert [(crop.path.name, crop.text) for crop in data.crops] == [("a.png", "皖A12345"), ("b.png", "沪B99999")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["name,text", "a.jpg,X"], "the column 'file' is missing"),
        (["file,text,box", "a.jpg,X,1 2 3"], "row 2: '1 2 3' holds 3 numbers where 4 belong"),
        (
            ["file,text,box", "a.jpg,X,1 2 3 4", "b.jpg,Y,a b c d"],
            "row 3: 'a b c d' holds something that is not a number",
        ),
        (["file,text,box", "a.jpg,X,9 2 3 4"], "row 2: the box '9 2 3 4' has no area"),
        (["file,text,box", "a.jpg,X,"], "row 2: 'X' has neither box nor corners"),
        (["file,text", "a.jpg,"], "row 2: neither text nor place"),
        (["file,text,split", "a.jpg,X,dev"], "row 2: there is no split 'dev', only train, val, test"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, lines, said):
    write(tmp_path, *lines)
    with pytest.raises(LabelError, match=said) as error:
        read_data_folder(tmp_path)
    assert TABLE_NAME in str(error.value)


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / TABLE_NAME).write_bytes("file,text\n皖.jpg,皖A1\n".encode("gbk"))
    with pytest.raises(LabelError, match="not a CSV file in UTF-8"):
        read_data_folder(tmp_path)


def test_a_table_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / TABLE_NAME
    write_table(path, [{"file": "a.jpg", "text": "皖A12345"}])
    before = path.read_bytes()

    def full(target, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alpr_app.data.label_csv.write_atomically", full)
    with pytest.raises(LabelError, match="No space left"):
        write_table(path, [{"file": "b.jpg"}])
    assert path.read_bytes() == before


def test_pictures_without_plates_are_of_the_split_that_their_line_says(tmp_path):
    write(tmp_path, "file,split,text,box", "a.jpg,val,,", "b.jpg,train,,", "c.jpg,,,")
    data = read_data_folder(tmp_path)
    names = {split: [one.path.name for one in data.of_split(split).negatives] for split in ("train", "val", "test")}
    assert names == {"train": ["b.jpg", "c.jpg"], "val": ["a.jpg"], "test": []}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.jpg,X,1 1 50 50 90 90 20 20,", "row 2: the four corners .* span no area"),
        ("a.jpg,X,,nan 1 50 50", "row 2: 'nan 1 50 50' holds a number beyond any picture"),
    ],
)
def test_a_place_that_cannot_be_names_its_row(line, said, tmp_path):
    write(tmp_path, "file,text,corners,box", line)
    with pytest.raises(LabelError, match=said):
        read_data_folder(tmp_path)


def test_backslashes_of_windows_lead_into_folders(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.png").write_bytes(b"")
    assert file_in(tmp_path, "inner\\a.png") == tmp_path / "inner" / "a.png"
    assert file_in(tmp_path, "inner/a.png") == tmp_path / "inner" / "a.png"


@pytest.mark.skipif(os.name == "nt", reason="on Windows a name cannot hold a backslash")
def test_a_name_that_holds_a_backslash_is_kept_where_there_is_such_a_file(tmp_path):
    (tmp_path / "a\\b.png").write_bytes(b"")
    assert file_in(tmp_path, "a\\b.png").name == "a\\b.png"


def test_a_number_that_is_too_large_is_one_message_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LabelError, match="beyond any picture"):
            numbers("1e300 0 1 1", 4, Path("t.csv"), 2)
