"""`create_dataset` beside a table that a person has corrected."""

from __future__ import annotations

import csv

import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.labels import read_data_folder
from alpr_app.train.cli.main import main


def ccpd_name(text: str) -> str:
    return format_name(Annotation(text, (10, 20, 70, 40), ((10, 20), (70, 21), (70, 40), (10, 39))))


FIRST, SECOND, THIRD = map(ccpd_name, ("皖A12345", "皖A12346", "皖A12347"))


@pytest.fixture
def folder(tmp_path):
    base = tmp_path / "ccpd_base"
    base.mkdir()
    for name in (FIRST, SECOND, "lorry.jpg"):
        (base / name).touch()
    return base


def create(folder, *options: str) -> int:
    return main(["create_dataset", "--dataset_path", str(folder.parent), *options])


def rows(folder) -> dict[str, list[dict[str, str]]]:
    result: dict[str, list[dict[str, str]]] = {}
    with (folder / TABLE_NAME).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            result.setdefault(row["file"], []).append(row)
    return result


def test_rows_that_names_cannot_spell_are_kept_with_their_columns(folder, capsys):
    table = (
        "file,note,text,box,state\r\n"
        "lorry.jpg,ours,粤ZF023港,1 2 61 22,checked\r\n"
        f"{FIRST},typed,皖A99999,10 20 70 40,checked\r\n"
        f"{FIRST},second plate,,80 20 99 40,unreadable\r\n"
        "gone.jpg,not here now,皖A00001,1 2 61 22,\r\n"
    )
    (folder / TABLE_NAME).write_text(table, encoding="utf-8")
    assert create(folder, "--split", "train") == 0
    output = capsys.readouterr()
    assert "the labels of 3 pictures differ from their names and are kept" in output.out
    assert "lorry.jpg" not in output.err
    found = rows(folder)
    (lorry,) = found["lorry.jpg"]
    assert (lorry["note"], lorry["text"], lorry["state"], lorry["split"]) == ("ours", "粤ZF023港", "checked", "train")
    assert [(row["note"], row["text"], row["state"]) for row in found[FIRST]] == [
        ("typed", "皖A99999", "checked"),
        ("second plate", "", "unreadable"),
    ]
    assert [row["text"] for row in found[SECOND]] == ["皖A12346"] and found["gone.jpg"][0]["note"] == "not here now"
    (folder / "gone.jpg").touch()
    data = read_data_folder(folder)
    assert len(data.pictures) == 4 and len(data.of_split("train").pictures) == 4


def test_another_split_reaches_kept_rows_and_twice_the_same_changes_no_byte(folder, capsys):
    assert create(folder) == 0
    assert "lorry.jpg: not a CCPD name" in capsys.readouterr().err
    first = (folder / TABLE_NAME).read_bytes()
    assert create(folder) == 0
    assert (folder / TABLE_NAME).read_bytes() == first and "are kept" not in capsys.readouterr().out
    with (folder / TABLE_NAME).open("a", encoding="utf-8", newline="") as file:
        file.write('lorry.jpg,val,trucks,"粤ZF023港",,1 2 61 22,\r\n')
    (folder / "val.txt").write_text(f"{FIRST}\n", encoding="utf-8")
    (folder / "train.txt").write_text(f"{SECOND}\nlorry.jpg\n", encoding="utf-8")
    assert create(folder, "--split_lists", str(folder)) == 0
    found = rows(folder)
    assert {name: row["split"] for name, (row,) in found.items()} == {
        FIRST: "val",
        SECOND: "train",
        "lorry.jpg": "train",
    }
    assert found["lorry.jpg"][0]["subset"] == "trucks"


def test_a_row_that_repeats_the_name_goes_with_its_picture(folder):
    (folder / THIRD).touch()
    assert create(folder) == 0
    assert THIRD in rows(folder)
    (folder / THIRD).unlink()
    assert create(folder) == 0
    assert set(rows(folder)) == {FIRST, SECOND}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,text\r\na.jpg,皖A12345\r\n".encode(), "its pictures are crops of plates"),
        (b"name\r\n", "the column 'file' is missing"),
        ("file,text\r\n皖.jpg,x\r\n".encode("gbk"), "not a CSV file in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_kept_is_not_overwritten(table, message, folder, capsys):
    (folder / TABLE_NAME).write_bytes(table)
    assert create(folder) == 1
    assert message in capsys.readouterr().err
    assert (folder / TABLE_NAME).read_bytes() == table
