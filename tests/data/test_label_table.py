"""Edits of a label table that lose nothing."""

from __future__ import annotations

import os

import pytest

from alpr_app.data.label_csv import TABLE_NAME, LabelError, read_rows
from alpr_app.data.label_table import EditableTable, TableRow

# A table as a spreadsheet program and a person leave it: byte order mark, unknown columns, quotation marks without
# need, several kinds of line ends, an empty line, surplus values, a short row, and no end of the last line.
MESSY = (
    "\ufefffile,note,text,box,camera\r\n"
    'a.jpg,"first, of two",皖A12345,1 2 30 12,east\r\n'
    '"b.jpg",,"京B00001",5 5 40 20,west\n'
    "\r\n"
    'a.jpg,"two\nlines",皖A12346,1 40 30 52,east\r\n'
    "c.jpg,,沪C00001,1 2 3 4,north,surplus,more\r\n"
    "folder\\d.jpg,short\r\n"
    "e.jpg,,,,last"
).encode()


@pytest.fixture
def table(tmp_path) -> EditableTable:
    (tmp_path / TABLE_NAME).write_bytes(MESSY)
    return EditableTable.read(tmp_path / TABLE_NAME)


def saved(table: EditableTable) -> bytes:
    table.save()
    return table.path.read_bytes()


def test_a_table_without_edits_keeps_every_byte(table):
    assert saved(table) == MESSY
    assert table.pictures() == ["a.jpg", "b.jpg", "c.jpg", "folder/d.jpg", "e.jpg"]
    assert table.columns == ("file", "note", "text", "box", "camera")
    assert [row.values["text"] for row in table.rows("a.jpg")] == ["皖A12345", "皖A12346"]


def test_a_changed_row_keeps_its_unknown_columns_and_other_rows_their_bytes(table):
    first, second = table.rows("a.jpg")
    table.replace("a.jpg", [first, second.changed(text="皖A99999")])
    before = 'a.jpg,"two\nlines",皖A12346,1 40 30 52,east\r\n'.encode()
    after = 'a.jpg,"two\nlines",皖A99999,1 40 30 52,east\r\n'.encode()
    assert saved(table) == MESSY.replace(before, after)


def test_a_column_is_added_to_the_header_and_to_no_untouched_row(table):
    table.replace("b.jpg", [row.changed(state="checked") for row in table.rows("b.jpg")])
    content = saved(table)
    untouched = [line for line in MESSY.split(b"\r\n")[1:] if b"b.jpg" not in line]
    assert all(line in content for line in untouched)
    rows = {row["file"]: row for row in read_rows(table.path, ("file", "state"))}
    assert rows["b.jpg"]["state"] == "checked" and rows["b.jpg"]["camera"] == "west"
    # The surplus values of this row stand where the new column would be without a gap.
    assert rows["c.jpg"]["state"] == "" and rows["c.jpg"]["camera"] == "north"
    again = EditableTable.read(table.path)
    assert again.rows("c.jpg")[0].surplus == ("surplus", "more")
    again.replace("c.jpg", [again.rows("c.jpg")[0].changed(text="沪C00002")])
    assert b"c.jpg,," in saved(again) and "沪C00002,1 2 3 4,north,surplus,more".encode() in saved(again)


def test_rows_are_added_removed_and_put_back_to_the_byte(table):
    edits = [
        table.replace("a.jpg", table.rows("a.jpg")[1:]),
        table.replace("new/f.jpg", [TableRow({"text": "粤B12345", "corners": "1 1 9 1 9 4 1 4"})]),
        table.replace("b.jpg", []),
        table.replace("e.jpg", [*table.rows("e.jpg"), TableRow({"state": "unreadable", "box": "1 1 5 5"})]),
    ]
    changed = saved(table)
    rows = read_rows(table.path, ("file", "corners", "state"))
    assert [row["file"] for row in rows] == ["a.jpg", "c.jpg", "folder\\d.jpg", "e.jpg", "e.jpg", "new/f.jpg"]
    assert rows[-1]["text"] == "粤B12345" and rows[-2]["state"] == "unreadable" and rows[-3]["camera"] == "last"
    for edit in reversed(edits):
        table.undo(edit)
    assert saved(table) == MESSY
    for edit in edits:
        table.redo(edit)
    assert saved(table) == changed


def test_one_picture_has_one_entry_however_its_path_is_written(table):
    assert table.rows("folder/d.jpg") == table.rows("./folder/d.jpg") == table.rows("folder\\d.jpg")
    table.replace("folder/d.jpg", [table.rows("folder/d.jpg")[0].changed(text="皖A00001")])
    assert "folder\\d.jpg,short,皖A00001,,\r\n".encode() in saved(table)


def test_a_new_table_is_made_and_undone_to_no_file(tmp_path):
    table = EditableTable.read(tmp_path / TABLE_NAME)
    table.save()
    assert not table.path.exists()
    edit = table.replace("a.jpg", [TableRow({"text": "皖A12345", "box": "1 2 30 12", "state": "checked"})])
    (row,) = read_rows(table.path, ("file",)) if saved(table) else ()
    assert (row["file"], row["text"], row["state"]) == ("a.jpg", "皖A12345", "checked")
    table.undo(edit)
    table.save()
    assert not table.path.exists()


def test_a_file_that_another_program_changed_is_not_overwritten(table):
    table.replace("a.jpg", [])
    table.path.write_bytes(MESSY + b"\r\nz.jpg\r\n")
    with pytest.raises(LabelError, match="another program has changed it"):
        table.save()
    assert table.path.read_bytes() == MESSY + b"\r\nz.jpg\r\n"


def test_a_full_disk_leaves_the_file_and_the_edit_can_be_saved_later(table, monkeypatch):
    edited = table.rows("b.jpg")[0].changed(text="京B00002")

    def full(path, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("alpr_app.data.label_table.write_atomically", full)
        table.replace("b.jpg", [edited])
        with pytest.raises(LabelError, match=r"alpr_dataset\.csv: cannot be written"):
            table.save()
    assert table.path.read_bytes() == MESSY
    assert "京B00002".encode() in saved(table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the column 'file' is missing"),
        (b"name,text\r\n", "the column 'file' is missing"),
        ("file,text\r\n皖.jpg,x\r\n".encode("gbk"), "not a CSV file in UTF-8"),
        (b'file,text\r\na.jpg,"open', "quotation mark in the last row is not closed"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(content, message, tmp_path):
    (tmp_path / TABLE_NAME).write_bytes(content)
    with pytest.raises(LabelError, match=message) as error:
        EditableTable.read(tmp_path / TABLE_NAME)
    assert TABLE_NAME in str(error.value) and "\n" not in str(error.value)


def test_a_folder_in_place_of_the_table_is_one_line(tmp_path):
    (tmp_path / TABLE_NAME).mkdir()
    with pytest.raises(LabelError, match=r"alpr_dataset\.csv: cannot be read"):
        EditableTable.read(tmp_path / TABLE_NAME)


@pytest.mark.skipif(os.name == "nt", reason="on Windows every file name is text")
def test_a_file_name_that_is_no_text_is_one_line(table):
    table.replace("\udcff.jpg", [TableRow({"text": "皖A12345"})])
    with pytest.raises(LabelError, match="cannot be written as UTF-8"):
        table.save()
    assert table.path.read_bytes() == MESSY


def test_a_row_of_another_picture_becomes_one_of_this(table):
    table.replace("e.jpg", table.rows("b.jpg"))
    assert "e.jpg,,京B00001,5 5 40 20,west".encode() in saved(table)
