"""Nothing is overwritten or skipped without a line; damaged files are one line each."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.data.label_csv import TABLE_NAME, read_rows
from alpr_app.train.cli.main import main

SHAPE = {
    "label": "plate",
    "points": [[1, 2], [31, 2], [31, 12], [1, 12]],
    "shape_type": "polygon",
    "description": "皖A1",
}


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in "abc":
        cv2.imwrite(str(folder / f"{name}.png"), np.full((60, 80, 3), 90, np.uint8))
    return folder


def write_json(path: Path, *shapes: object, **fields: object) -> None:
    content = {"version": "5", "flags": {}, "shapes": shapes, "imagePath": f"{path.stem}.png", "imageData": None}
    path.write_text(json.dumps(content | fields), encoding="utf-8")


def convert(*arguments: object) -> int:
    return main(["convert", *map(str, arguments)])


def names(folder: Path) -> list[str]:
    return [row["file"] for row in read_rows(folder / TABLE_NAME, ("file",))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "this is no JSON"),
        (b"[]", "holds no JSON object"),
        (b"{}", "has no 'shapes' or no 'imagePath'"),
        (b"\xff\xfe{", "not a text file in UTF-8"),
        (b"[" * 100_000, "nested"),
        (json.dumps({"shapes": [], "imagePath": "gone.png"}).encode(), "its picture 'gone.png' is missing"),
        (json.dumps({"shapes": [], "imagePath": "b.png", "imageWidth": 9, "imageHeight": 9}).encode(), "9 x 9 pixels"),
    ],
)
def test_a_damaged_json_file_is_one_line_and_the_others_are_imported(content, message, pictures, capsys):
    write_json(pictures / "a.json", SHAPE)
    (pictures / "b.json").write_bytes(content)
    assert convert("import", "labelme", pictures) == 1
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if "b.json" in line]
    assert len(lines) == 1 and message in lines[0] and "1 not converted" in error
    assert names(pictures) == ["a.png"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": [[1, 2], [31, 2], [31, 12]]}, "has 3 points where a plate has four corners"),
        ({"points": [[1, 2], [31, 2], [31, 12], [1, None]]}, "not pairs of numbers"),
        ({"points": [[1, 1], [2, 2], [3, 3], [4, 4]]}, "span no area"),
        ({"points": [[1, 1], [2e9, 1], [2e9, 3], [1, 3]]}, "beyond any picture"),
        ({"points": [[1, 1], [10**400, 1], [9, 3], [1, 3]]}, "not pairs of numbers"),
        ({"description": "\ud800"}, "cannot be written as UTF-8"),
        ({"shape_type": "circle"}, "is a 'circle'"),
        ({"label": 5}, "has no label"),
        ({"attributes": {"rows": 7}}, "'7' rows"),
        ({"attributes": {"state": "odd"}}, "the state 'odd'"),
    ],
)
def test_a_picture_with_a_shape_that_is_no_plate_is_left_out_as_a_whole(change, message, pictures, capsys):
    write_json(pictures / "a.json", SHAPE)
    write_json(pictures / "b.json", SHAPE, {**SHAPE, **change})
    assert convert("import", "x-anylabeling", pictures) == 1
    output = capsys.readouterr()
    assert message in output.err and "the picture is left out" in output.err
    assert names(pictures) == ["a.png"] and "note: 1 other pictures of the folder" in output.out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.1", "has 4 numbers"),
        ("0 0.5 0.5 0.1 x", "not a number"),
        ("0 0.5 0.5 0.1 nan", "beyond any picture"),
        ("0 0.5 0.5 0.2 0.2 0.4 0.4 0.6 0.4 0.6 0.6 0 0", "a corner that is not labelled"),
        ("0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.4 2 0.6 0.6 2 0.4 0.6 0", "a corner that is not labelled"),
        ("0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.4 2 0.6 0.6 2 0.4 0.6 9", "a visibility other than"),
        ("0 0.1 0.1 0.2 0.1 0.9 0.9 0.6 0.9 0.6 0.6 0.7 0.8", "it may be a polygon"),
        ("0 0.5 0.5 0.0 0.1", "span no area"),
        ("0 1e308 1e308 1e308 1e308", "beyond any picture"),
        (f"{'9' * 5000} 0.5 0.5 0.1 0.1", "has a class that is no whole number"),
        ("plate 0.5 0.5 0.1 0.1", "has a class that is no whole number"),
    ],
)
def test_a_damaged_line_of_yolo_leaves_its_picture_out(line, message, pictures, capsys):
    (pictures / "a.txt").write_text("0 0.5 0.5 0.2 0.1\n")
    (pictures / "b.txt").write_text(f"0 0.5 0.5 0.2 0.1\n{line}\n")
    (pictures / "gone.txt").write_text("")
    assert convert("import", "yolo", pictures) == 1
    error = capsys.readouterr().err
    assert message in error and "b.txt: shape 2" in error and "gone.txt: there is no picture for it" in error
    assert names(pictures) == ["a.png"]


def test_annotations_of_coco_without_a_picture_are_named(pictures, capsys):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "gone.png"}, {"id": 3}]
    box = {"category_id": 1, "bbox": [1, 2, 30, 10]}
    annotations = [{"image_id": 1, **box}, {"image_id": 9, **box}, 5, {"image_id": 2, **box}]
    path = pictures / "coco.json"
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "plate"}]})
    )
    assert convert("import", "coco", path) == 1
    error = capsys.readouterr().err
    for part in ("'gone.png' is not in", "annotation 3 belongs to no", "picture 3 has no 'id'", "belong to picture 9"):
        assert part in error
    assert names(pictures) == ["a.png"]


def test_a_table_that_is_there_is_not_overwritten(pictures, capsys):
    write_json(pictures / "a.json", SHAPE)
    (pictures / TABLE_NAME).write_bytes(b"file,text\n")
    assert convert("import", "labelme", pictures) == 1
    assert "there are labels already" in capsys.readouterr().err
    assert (pictures / TABLE_NAME).read_bytes() == b"file,text\n"


def test_a_folder_that_holds_something_is_not_exported_into(data, capsys):
    assert convert("export", "coco", data, "--output", data) == 1
    assert "is not empty" in capsys.readouterr().err


def test_several_labels_need_a_choice(pictures, capsys):
    write_json(pictures / "a.json", SHAPE, {**SHAPE, "label": "car"})
    assert convert("import", "labelme", pictures) == 1
    assert "shapes have several labels, plate (1), car (1)" in capsys.readouterr().err
    assert convert("import", "labelme", pictures, "--label", "lorry") == 1
    assert "--label lorry: no shape has this label" in capsys.readouterr().err
    assert convert("import", "labelme", pictures, "--label", "plate") == 0
    assert "1 shapes have other labels" in capsys.readouterr().out and names(pictures) == ["a.png"]


def test_labels_may_be_the_texts(pictures):
    write_json(pictures / "a.json", {**SHAPE, "label": "京A12345"}, {**SHAPE, "label": "京A12346"})
    assert convert("import", "labelme", pictures, "--text_from", "label", "--split", "val") == 0
    rows = read_rows(pictures / TABLE_NAME, ("text",))
    assert [(row["text"], row["split"]) for row in rows] == [("京A12345", "val"), ("京A12346", "val")]


def test_two_files_for_one_picture_are_named(pictures, capsys):
    write_json(pictures / "a.json", SHAPE)
    write_json(pictures / "z.json", imagePath="a.png")
    assert convert("import", "labelme", pictures) == 1
    assert "z.json: labels" in capsys.readouterr().err and names(pictures) == ["a.png"]


def test_what_no_format_can_hold_is_named_line_by_line(data, capsys):
    (data / "crops").mkdir()
    (data / "crops.csv").write_text("file,text\nx.png,京A12345\n", encoding="utf-8")
    (data / "street").mkdir()
    (data / "street.csv").write_text("file,text\ny.png,京A12345\n", encoding="utf-8")
    (data / "gate" / "a.jpg").write_bytes((data / "gate" / "a.png").read_bytes())
    (data / "gate" / "b.png").write_bytes(b"damaged")
    with (data / TABLE_NAME).open("a", encoding="utf-8") as file:
        file.write("gate/a.jpg,train,,京A12345,,,1 1 50 1 50 20 1 20,\n")
    out = data.parent / "out"
    assert convert("export", "labelme", data, "--output", out) == 1
    error = capsys.readouterr().err
    for part in ("x.png: is the crop", "y.png: has a text without", "a.jpg: its labels would replace", "b.png: not a"):
        assert part in error
    assert "4 not converted" in error and (out / "gate" / "a.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "yolo", "{}"), "--output is missing"),
        (("import", "yolo", "{}"), "holds no text files"),
        (("import", "labelme", "{}"), "holds no JSON files"),
        (("import", "labelme", "{}/gone"), "no such folder"),
        (("import", "coco", "{}/gone.json"), "no such file"),
        (("import", "labelme", "{}", "--pictures", "{}/gone"), "no such folder"),
        (("import", "labelme", "{}", "--output", "{}/out"), "--output and --link are for export"),
        (("export", "labelme", "{}", "--output", "{}/out", "--label", "x"), "are for import"),
        (("export", "coco", "{}", "--output", "{}/out", "--link"), "--link is for yolo"),
        (("export", "coco", "{}", "--output", "{}/out"), "holds no CCPD-named pictures"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_one_line(arguments, message, pictures, capsys):
    assert convert(*(argument.replace("{}", str(pictures)) for argument in arguments)) == 1
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1
    assert not (pictures / "out").exists()


def test_a_ccpd_picture_that_is_shown_turned_is_named(tmp_path, data, capsys):
    """CCPD's labels are in stored pixels, other programs turn the picture by its Exif mark."""
    tags = b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x112, 3, 1, 6, 0)
    (path,) = (data / "ccpd").iterdir()
    content = cv2.imencode(".jpg", np.arange(40 * 80 * 3, dtype=np.uint8).reshape(40, 80, 3))[1].tobytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + content[2:])
    (data / "gate" / "b.png").write_bytes(path.read_bytes())
    assert convert("export", "labelme", data, "--output", tmp_path / "out") == 1
    assert "it is shown turned" in capsys.readouterr().err
    turned = json.loads((tmp_path / "out" / "gate" / "b.json").read_text(encoding="utf-8"))
    assert (turned["imageWidth"], turned["imageHeight"]) == (40, 80)
