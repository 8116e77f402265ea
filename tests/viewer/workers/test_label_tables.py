"""Outcomes in the window according to the labels of an `alpr_dataset.csv`."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.core.plate import ALPHABET
from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import write_table
from alpr_app.data.label_text import spelled
from alpr_app.viewer.app.folder_results import summarise
from alpr_app.viewer.toolkit.theme import DARK
from alpr_app.viewer.workers import label_tables
from alpr_app.viewer.workers.label_tables import read_tables

CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))
PLACE = "20 30 60 30 60 42 20 42"
ELSEWHERE = "20 130 60 130 60 142 20 142"


def row(file, text="", corners="", box=""):
    return {"file": file, "text": text, "corners": corners, "box": box, "split": "", "subset": "", "colour": ""}


@pytest.fixture
def folder(tmp_path):
    """Pictures with any names, and a table."""

    def make(names, rows, columns=("file", "text", "corners", "box"), inside=""):
        place = tmp_path / "pictures" / inside
        for name in names:
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(path, np.full((200, 100, 3), 90, np.uint8))
        write_table(place / "alpr_dataset.csv", [{key: line[key] for key in columns} for line in rows], columns)
        return tmp_path / "pictures"

    return make


@pytest.fixture
def read(program, until, fakes):
    """Opens a folder in which every picture holds `plates`, and reads all of it."""

    def run(root, plates, count, alphabet=None, **settings):
        alpr = fakes.Alpr(list(plates))
        if alphabet is not None:
            alpr.reader_config = SimpleNamespace(alphabet=alphabet)
        viewer = program(alpr)
        viewer.state.change(**settings)
        viewer.open(str(root))
        until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
        viewer.read_all(True)
        until(lambda: viewer.collect() or len(viewer.state.image_list.records) == count, "the pictures")
        until(lambda: viewer.collect() or viewer.state.image_list.labels.folder == str(root), "the labels")
        return viewer

    return run


def test_labels_from_a_table_count_like_those_from_names(folder, read, fakes):
    root = folder(
        ["right.png", "wrong.png", "missed.png", "free.png", "unknown.png", "皖A12345.png"],
        [
            row("right.png", "皖A12345", PLACE),
            row("wrong.png", "皖A12346", box="20 30 60 42"),
            row("missed.png", "皖A12345", ELSEWHERE),
            row("free.png"),
            row("unknown.png", "", PLACE),
        ],
    )
    viewer = read(root, [fakes.plate(corners=CORNERS)], 6)
    image_list = viewer.state.image_list
    marks = {name: image_list.outcome(name) for name in image_list.names}
    assert marks == {
        "right.png": "right",
        "wrong.png": "text wrong",
        "missed.png": "missed",
        "free.png": "false box",
        "unknown.png": "",
        # From its name, because the table does not mention it.
        "皖A12345.png": "right",
    }
    totals = image_list.totals
    assert totals.outcomes == {
        "unreadable file": 0,
        "missed": 1,
        "text wrong": 1,
        "place off": 0,
        "false box": 1,
        "right": 2,
    }
    assert (totals.pictures, totals.plates, totals.text_right) == (5, 4, 2)
    assert (totals.placed_plates, totals.place_right) == (3, 2)
    image_list.filter("", "missed")
    assert [image_list.names[index] for index in image_list.rows] == ["missed.png"]
    viewer.state.change(score=0.99)
    assert image_list.outcome("free.png") == "right", "nothing is shown, and nothing is there"


def test_a_picture_with_several_plates_is_as_right_as_the_worst_of_them(folder, read, fakes):
    low = tuple((x, y + 100) for x, y in CORNERS)
    root = folder(
        [f"{name}.png" for name in "abcd"],
        [
            *(row("a.png", "皖A12345", PLACE), row("a.png", "京B00001", ELSEWHERE)),
            *(row("b.png", "皖A12345", PLACE), row("b.png", "京B00002", ELSEWHERE)),
            *(row("c.png", "皖A12345", PLACE), row("c.png", "京B00001", "70 80 90 80 90 86 70 86")),
            *(row("d.png", "皖A12345", PLACE), row("d.png", "", ELSEWHERE)),
        ],
    )
    viewer = read(root, [fakes.plate(corners=CORNERS), fakes.plate("京B00001", corners=low)], 4)
    image_list = viewer.state.image_list
    assert [image_list.outcome(f"{name}.png") for name in "abcd"] == ["right", "text wrong", "missed", "right"]
    assert image_list.records["c.png"].missed(0.5, 0) == ["京B00001"]
    line = summarise(image_list.records, 0.5, 0.0).micro
    # Seven labelled plates; on `c` one box matches no label, on `d` one matches an illegible plate.
    assert (line.labelled, line.exact, line.false_boxes) == (7, pytest.approx(5 / 7), 1)


def test_tables_of_subfolders_and_paths_in_a_table_count(folder, read, fakes):
    root = folder(["1.png", "a/2.png"], [row("1.png", "皖A12345", PLACE), row("a\\2.png", "皖A12345", PLACE)])
    folder(["3.png"], [row("3.png", "皖A99999", PLACE)], inside="b")
    viewer = read(root, [fakes.plate(corners=CORNERS)], 3, recursive=True)
    image_list = viewer.state.image_list
    assert {name.replace("\\", "/"): image_list.outcome(name) for name in image_list.names} == {
        "1.png": "right",
        "a/2.png": "right",
        "b/3.png": "text wrong",
    }


def test_a_table_without_positions_counts_by_the_text_alone(folder, read, fakes):
    root = folder(["1.png", "2.png"], [row("1.png", "皖a·12345"), row("2.png", "皖a12346")], columns=("file", "text"))
    viewer = read(root, [fakes.plate(corners=CORNERS)], 2)
    assert [viewer.state.image_list.outcome(name) for name in ("1.png", "2.png")] == ["right", "text wrong"]


@pytest.mark.parametrize("text", ["皖A·12345", "皖a–12345", "皖Ａ 12345", "皖_A.1234５"])
def test_labels_are_spelled_as_by_the_evaluation(folder, read, fakes, text):
    root = folder(["1.png"], [row("1.png", text)], columns=("file", "text"))
    viewer = read(root, [fakes.plate("皖A12345", corners=CORNERS)], 1)
    assert viewer.state.image_list.outcome("1.png") == "right"
    assert viewer.state.record.ground_truth.text == spelled(text, ALPHABET) == "皖A12345"


def test_small_letters_count_for_a_reader_that_knows_them(folder, read, fakes):
    root = folder(["1.png", "2.png"], [row("1.png", "aB·1c"), row("2.png", "AB1C")], columns=("file", "text"))
    viewer = read(root, [fakes.plate("aB1c", corners=CORNERS)], 2, alphabet="aBc1")
    assert [viewer.state.image_list.outcome(name) for name in ("1.png", "2.png")] == ["right", "text wrong"]


def test_a_table_read_after_the_pictures_still_applies_to_them(folder, read, fakes, monkeypatch):
    gate, original = threading.Event(), label_tables.read_tables
    monkeypatch.setattr(label_tables, "read_tables", lambda *given: gate.wait(10) and original(*given))
    root = folder(["1.png"], [row("1.png", "皖A12345", PLACE)])
    threading.Timer(0.3, gate.set).start()
    assert read(root, [fakes.plate(corners=CORNERS)], 1).state.image_list.totals.text_right == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,text,corners\n1.png,x,1 2 3\n", "alpr_dataset.csv, row 2: '1 2 3' holds 3 numbers where 8 belong"),
        (b"file,text,corners\n1.png,x,1 1 1 1 1 1 1 1\n", "alpr_dataset.csv, row 2: the four corners"),
        (b"picture\n1.png\n", "the column 'file' is missing"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
    ],
)
def test_a_damaged_table_is_reported_in_one_line_and_labels_nothing(folder, read, fakes, content, said):
    root = folder(["1.png"], [])
    (root / "alpr_dataset.csv").write_bytes(content)
    viewer = read(root, [fakes.plate(corners=CORNERS)], 1)
    viewer.collect()
    assert viewer.state.image_list.outcome("1.png") == ""
    bad = [message.text for message in viewer.state.messages if message.is_error]
    assert len(bad) == 1 and said in bad[0] and "\n" not in bad[0]


def test_labels_of_one_folder_are_not_those_of_the_next(folder, read, fakes, until, tmp_path):
    root = folder(["1.png"], [row("1.png", "皖A12345", PLACE)])
    viewer = read(root, [fakes.plate(corners=CORNERS)], 1)
    other = tmp_path / "other"
    other.mkdir()
    write_picture(other / "1.png", np.full((200, 100, 3), 90, np.uint8))
    viewer.open(str(other))
    until(lambda: viewer.collect() or viewer.state.image_list.records, "its picture")
    until(lambda: viewer.collect() or viewer.state.image_list.labels.folder == str(other), "its labels")
    assert viewer.state.image_list.outcome("1.png") == "" and viewer.state.ground_truth is None


def test_rows_of_a_large_table_are_parsed_on_demand(tmp_path, monkeypatch):
    lines = "".join(f"{number}.png,皖A12345,{PLACE}\n" for number in range(20_000))
    (tmp_path / "alpr_dataset.csv").write_text("file,text,corners\n" + lines, encoding="utf-8")
    looked = []
    place = label_tables.place
    monkeypatch.setattr(label_tables, "place", lambda *given: looked.append(given) or place(*given))
    labels = read_tables(str(tmp_path), [])
    assert not looked
    assert labels.ground_truth("12345.png").text == "皖A12345" and labels.ground_truth("none.png") is None
    assert len(looked) == 1


def test_every_labelled_plate_is_drawn_and_missed_ones_are_named(window, folder, fakes, near, until):
    places = ("10 20 40 20 40 30 10 30", "10 150 40 150 40 160 10 160")
    root = folder(["p.png"], [row("p.png", "皖A12345", places[0]), row("p.png", "京B00001", places[1])])
    shown = window(root, [fakes.plate(corners=CORNERS)])
    until(lambda: shown.viewer.collect() or shown.state.image_list.labels.folder == str(root), "the labels")
    pixels = shown.draw(3)
    place = near(pixels[60:680, 310:930], DARK.ground_truth, 12)
    high, low = place[:310].sum(), place[310:].sum()
    assert high > 100 and low > 100
    assert shown.state.outcome == "missed"
    assert shown.state.record.missed(0.5, 0) == ["皖A12345", "京B00001"]
    assert near(pixels[40:690, 950:1270], DARK.missed, 12).any()


def test_an_unreadable_plate_counts_neither_as_right_nor_as_wrong(folder, read, fakes):
    columns = ("file", "text", "corners", "box", "state")
    names = ["a.png", "b.png", "皖A12346.png"]
    rows = [
        row("a.png", "皖A12345", PLACE) | {"state": "checked"},
        row("b.png", "皖A12346", PLACE) | {"state": "unreadable"},
        # The name of this picture states another text, but the table decides.
        row("皖A12346.png", "", PLACE) | {"state": "unreadable"},
    ]
    viewer = read(folder(names, rows, columns), [fakes.plate(corners=CORNERS)], 3)
    image_list = viewer.state.image_list
    assert [image_list.outcome(name) for name in names] == ["right", "", ""]
    assert image_list.totals.plates == 1 and image_list.labels.texts == {"a.png": "皖A12345"}


def test_a_state_that_is_unknown_names_its_row(folder):
    root = folder(["a.png"], [row("a.png", "皖A12345", PLACE) | {"state": "bad"}], ("file", "text", "corners", "state"))
    labels = read_tables(str(root), ["a.png"])
    assert labels.ground_truth("a.png") is None
    (problem,) = labels.problems
    assert "row 2: there is no state 'bad'" in problem
