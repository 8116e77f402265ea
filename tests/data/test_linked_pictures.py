"""Labels that lie elsewhere than their pictures, whose folder stays as it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import TABLE_NAME, LabelError, write_table
from alpr_app.data.labels import read_data_folder, tables_of
from alpr_app.data.linked_pictures import LINK_NAME, linked_pictures, write_link

CORNERS = ((60, 80), (160, 80), (160, 110), (60, 110))
PLACE = "60 80 160 80 160 110 60 110"


def row(file, text="", split="", corners=PLACE):
    values = {"file": str(file), "split": split, "subset": "", "text": text, "colour": "", "box": ""}
    return values | {"corners": corners if text else ""}


@pytest.fixture
def folders(tmp_path):
    """Pictures with CCPD's names, one of them also in a table beside them, and an empty folder for labels."""
    pictures, labels = tmp_path / "photos", tmp_path / "labels"
    pictures.mkdir()
    labels.mkdir()
    names = []
    for number in range(3):
        name = format_name(Annotation("皖A12345", (60, 80, 160, 110), CORNERS, area=str(number)))
        write_picture(pictures / name, np.full((300, 400, 3), 30, np.uint8))
        names.append(name)
    write_table(pictures / TABLE_NAME, [row(names[0], "皖A11111", "val")])
    write_link(labels, pictures)
    return pictures, labels, names


def texts(folder):
    return {
        picture.path.name: [plate.text for plate in picture.plates] for picture in read_data_folder(folder).pictures
    }


def test_labels_elsewhere_override_tables_and_names_picture_by_picture(folders):
    pictures, labels, names = folders
    assert texts(labels) == texts(pictures)
    write_table(labels / TABLE_NAME, [row(pictures / names[0], "皖A22222", "val"), row(pictures / names[1])])
    data = read_data_folder(labels)
    assert texts(labels) == {names[0]: ["皖A22222"], names[2]: ["皖A12345"]}
    assert [picture.path.name for picture in data.negatives] == [names[1]]
    assert {picture.subset for picture in data.pictures} == {"photos"}, "not the name of the labels' folder"
    assert [picture.path.name for picture in data.of_split("val").pictures] == [names[0]]
    assert texts(pictures)[names[0]] == ["皖A11111"], "the pictures' folder is as it was"


def test_a_link_may_be_relative_and_its_tables_are_inputs(folders):
    pictures, labels, _ = folders
    (labels / LINK_NAME).write_text('{"pictures": "../photos"}')
    assert texts(labels) == texts(pictures)
    (labels / TABLE_NAME).write_text("file,text\n")
    assert {labels / TABLE_NAME, labels / ".." / "photos" / TABLE_NAME} <= set(tables_of(labels))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pictures": 7}', '{"pictures": ""}', "{" * 100])
def test_a_damaged_link_is_one_line_that_names_it(folders, content):
    _, labels, _ = folders
    (labels / LINK_NAME).write_text(content)
    with pytest.raises(LabelError) as raised:
        read_data_folder(labels)
    assert LINK_NAME in str(raised.value) and "\n" not in str(raised.value)


def test_a_link_to_a_folder_that_is_gone_is_one_line(folders, tmp_path):
    _, labels, _ = folders
    write_link(labels, tmp_path / "gone")
    with pytest.raises(LabelError, match=r"gone.*missing"):
        read_data_folder(labels)


def test_any_name_of_a_folder_comes_back(tmp_path):
    for name in ("车牌 照片", 'quo"ted', "b\udcd6"):
        write_link(tmp_path, tmp_path / name)
        assert linked_pictures(tmp_path) == tmp_path / name
    assert json.loads((tmp_path / LINK_NAME).read_bytes().decode(errors="surrogateescape"))
    assert linked_pictures(tmp_path / "other") is None
