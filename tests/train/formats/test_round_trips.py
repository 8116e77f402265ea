"""Labels that are exported and imported again are the same."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.labels import LabelledPicture, LabelledPlate, read_data_folder
from alpr_app.train.cli.main import main

FORMATS = ("yolo", "yolo-obb", "x-anylabeling", "coco", "labelme")
# Corners in a table have one decimal.
PRECISION = 0.051


def labels(folder: Path) -> dict[str, LabelledPicture]:
    data = read_data_folder(folder)
    return {picture.path.name: picture for picture in (*data.pictures, *data.negatives)}


def there_and_back(kind: str, data: Path, *options: str) -> Path:
    """Export `data`, move its own table away, and import the labels. Returns the folder with the new table."""
    out = data.parent / "out"
    assert main(["convert", "export", kind, str(data), "--output", str(out), *options]) == 0
    if kind.startswith("yolo"):
        # The pictures are in the exported folder.
        assert main(["convert", "import", kind, str(out)]) == 0
        return out
    (data / TABLE_NAME).rename(data.parent / "moved.csv")
    source = out / "annotations.json" if kind == "coco" else out
    assert main(["convert", "import", kind, str(source), "--pictures", str(data)]) == 0
    return data


def same_corners(first: tuple[LabelledPlate, ...], second: tuple[LabelledPlate, ...]) -> bool:
    pairs = list(zip(first, second, strict=True))
    return all(np.abs(one.corners - other.corners).max() <= PRECISION for one, other in pairs)


@pytest.mark.parametrize("kind", FORMATS)
def test_positions_splits_and_plate_free_pictures_come_back(kind, data):
    before = labels(data)
    after = labels(there_and_back(kind, data))
    assert set(after) == set(before)
    for name, picture in before.items():
        plates = (*picture.plates, *picture.unreadable)
        assert same_corners(plates, (*after[name].plates, *after[name].unreadable)), name
        assert after[name].split == ("train" if picture.split == "every" else picture.split), name


@pytest.mark.parametrize("kind", ["x-anylabeling", "coco", "labelme"])
def test_texts_colours_rows_states_and_subsets_come_back(kind, data):
    before = labels(data)
    after = labels(there_and_back(kind, data))

    def about(picture: LabelledPicture) -> list[tuple[object, ...]]:
        plates = (*picture.plates, *picture.unreadable)
        return [(each.text, each.colour, each.rows, each.state) for each in plates] + [
            (picture.subset, picture.checked or None)
        ]

    # A picture is checked if all of its plates are.
    assert {name: about(picture)[:-1] for name, picture in after.items()} == {
        name: about(picture)[:-1] for name, picture in before.items()
    }
    assert {name: picture.subset for name, picture in after.items()} == {
        name: picture.subset for name, picture in before.items()
    }
    assert after["b.png"].checked and not after["n.png"].checked


def test_yolo_names_the_labels_that_it_has_no_place_for(data, capsys):
    out = data.parent / "out"
    assert main(["convert", "export", "yolo", str(data), "--output", str(out)]) == 0
    output = capsys.readouterr().out
    assert "no place for 3 texts of plates" in output and "1 marks of plates as unreadable" in output
    assert (out / "images" / "val" / "gate" / "a.png").read_bytes() == (data / "gate" / "a.png").read_bytes()
    assert (out / "labels" / "train" / "gate" / "b.txt").read_bytes() == b""
    assert "kpt_shape: [4, 2]" in (out / "data.yaml").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make symbolic links")
def test_linked_pictures_take_no_room(data):
    out = data.parent / "out"
    assert main(["convert", "export", "yolo-obb", str(data), "--output", str(out), "--split", "val", "--link"]) == 0
    (picture,) = (path for path in (out / "images").rglob("*") if path.name == "a.png")
    assert picture.is_symlink() and picture.read_bytes() == (data / "gate" / "a.png").read_bytes()
    assert sorted(path.name for path in (out / "images" / "val").rglob("*.png")) == ["a.png"]


def test_one_split_can_be_exported_alone(data):
    out = data.parent / "out"
    assert main(["convert", "export", "labelme", str(data), "--output", str(out), "--split", "test"]) == 0
    assert sorted(path.name for path in out.rglob("*.json")) == ["n.json", "worn.json"]
