"""Files that other programs have written are read, and those programs read what is written.

The files in tests/fixtures/formats were written by the programs' own code: LabelMe 6.3.1 (`labelme`), and X-AnyLabeling
4.2.1 (`x_anylabeling`, and with its exports YOLO-OBB, YOLO segmentation, YOLO pose, and COCO the other folders).
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.train.cli.main import main

FIXTURES = Path(__file__).parents[2] / "fixtures" / "formats"
QUADRILATERAL = [20.5, 30.2, 70, 34, 69.5, 50, 20, 46.5]
RECTANGLE = [100, 80, 150, 80, 150, 96, 100, 96]
ROTATED = [100, 20, 140, 30, 137, 42, 97, 32]


@pytest.fixture
def imported(tmp_path):
    """Imports the file of one program; returns the rows of the table."""

    def run(kind: str, name: str, *options: str) -> list[dict[str, str]]:
        shutil.copytree(FIXTURES, tmp_path / "pictures", ignore=shutil.ignore_patterns("*.json", "*.txt"))
        source = FIXTURES / name
        assert main(["convert", "import", kind, str(source), "--pictures", str(tmp_path / "pictures"), *options]) == 0
        with (tmp_path / "pictures" / TABLE_NAME).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return run


def check(row: dict[str, str], corners: list[float], tolerance: float = 0.06, **values: str) -> None:
    assert row["file"] == "gate.png"
    np.testing.assert_allclose([float(value) for value in row["corners"].split()], corners, atol=tolerance)
    assert {name: row[name] for name in values} == values


def test_labelme(imported):
    first, second = imported("labelme", "labelme")
    check(first, QUADRILATERAL, text="皖A·12345", state="checked", split="val")
    check(second, RECTANGLE, text="", state="unreadable")


def test_x_anylabeling(imported):
    first, second, third = imported("x-anylabeling", "x_anylabeling")
    check(first, QUADRILATERAL, text="皖A·12345", colour="blue", state="checked")
    check(second, RECTANGLE, text="", state="unreadable")
    check(third, ROTATED, text="粤B12345学", state="checked")


def test_a_pose_of_x_anylabeling_is_one_plate(imported):
    (row,) = imported("x-anylabeling", "x_anylabeling_pose", "--label", "plate")
    check(row, QUADRILATERAL)


@pytest.mark.parametrize(
    ("name", "corners", "tolerance"),
    [
        ("yolo_obb", ROTATED, 0.06),
        ("yolo_seg", QUADRILATERAL, 0.06),
        # X-AnyLabeling cuts keypoints down to whole pixels.
        ("yolo_pose", QUADRILATERAL, 1.0),
    ],
)
def test_yolo(imported, name, corners, tolerance):
    (row,) = imported("yolo", name)
    check(row, corners, tolerance)


@pytest.mark.parametrize(("name", "tolerance"), [("coco_instance_segmentation", 0.06), ("coco_keypoints", 1.0)])
def test_coco(imported, name, tolerance):
    (row,) = imported("coco", f"coco/{name}.json")
    check(row, QUADRILATERAL, tolerance)


def test_labelme_reads_what_is_written(data):
    module = pytest.importorskip("labelme._label_file", reason="needs the program LabelMe")
    out = data.parent / "out"
    assert main(["convert", "export", "labelme", str(data), "--output", str(out)]) == 0
    file = module.LabelFile(str(out / "gate" / "a.json"))
    assert [shape["description"] for shape in file.shapes] == ["皖AD12345", "粤B1234学"]
    assert file.flags == {"val": True, "checked": True} and file.image_data


def test_coco_tools_read_what_is_written(data):
    coco = pytest.importorskip("pycocotools.coco", reason="needs the package pycocotools")
    out = data.parent / "out"
    assert main(["convert", "export", "coco", str(data), "--output", str(out)]) == 0
    read = coco.COCO(str(out / "annotations.json"))
    assert len(read.imgs) == 6 and len(read.anns) == 5
    assert all(read.annToMask(annotation).any() for annotation in read.anns.values())


def test_x_anylabeling_finds_every_field_that_it_writes_itself(data):
    out = data.parent / "out"
    assert main(["convert", "export", "x-anylabeling", str(data), "--output", str(out)]) == 0
    written = json.loads((out / "gate" / "a.json").read_text(encoding="utf-8"))
    own = json.loads((FIXTURES / "x_anylabeling" / "gate.json").read_text(encoding="utf-8"))
    assert set(own) <= set(written) and set(own["shapes"][0]) == set(written["shapes"][0])
    assert ((out / "gate") / written["imagePath"]).resolve() == (data / "gate" / "a.png").resolve()
