from __future__ import annotations

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest

from alpr_app.errors import AlprError
from alpr_app.labels import read_data_folder
from alpr_app.plate import Plate
from alpr_app.train.cli import main
from alpr_app.train.labelling import label_pictures

CORNERS = ((10.0, 10.0), (60.0, 12.0), (60.0, 26.0), (10.0, 24.0))
SURE = Plate("皖A12345", 0.99, (0.99,) * 7, (), "blue", 0.95, (10, 10, 60, 26), CORNERS, np.zeros((48, 192, 3)), True)
UNSURE = replace(SURE, confidence=0.6)
ODD = replace(SURE, text="皖A1234", fits_format=False)


class Scripted:
    """Stands in for ALPR: a picture's first pixel says which plates are in it."""

    def __init__(self, *plates: list[Plate]) -> None:
        self.plates = plates

    def read(self, image: np.ndarray) -> list[Plate]:
        return self.plates[int(image[0, 0, 0]) // 20]


@pytest.fixture
def folder(tmp_path):
    """Five pictures: sure, unsure beside sure, odd, empty, broken."""
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((40, 80, 3), number * 20, np.uint8))
    (tmp_path / "4.png").write_bytes(b"no picture")
    return tmp_path


ALPR = Scripted([SURE], [SURE, UNSURE], [ODD], [])


def test_only_pictures_in_which_all_is_sure_are_labelled(folder):
    report = label_pictures(ALPR, folder, 0.95)
    assert (report.labelled, report.doubtful, report.empty, report.plates, report.untyped) == (1, 2, 1, 1, 0)
    assert len(report.broken) == 1 and "4.png" in report.broken[0]
    (picture,) = read_data_folder(folder).pictures
    assert picture.path.name == "0.png" and picture.split == "train"
    assert picture.plates[0].text == "皖A12345" and picture.plates[0].colour == "blue"
    np.testing.assert_allclose(picture.plates[0].corners, CORNERS)


def test_doubtful_plates_can_be_kept_to_be_typed(folder):
    report = label_pictures(ALPR, folder, 0.95, split="val", keep_doubtful=True)
    assert (report.labelled, report.plates, report.untyped) == (3, 2, 2)
    with (folder / "alpr_dataset.csv").open(encoding="utf-8") as file:
        rows = [(row["file"], row["text"], row["split"]) for row in csv.DictReader(file)]
    assert rows == [
        ("0.png", "皖A12345", "val"),
        ("1.png", "皖A12345", "val"),
        ("1.png", "", "val"),
        ("2.png", "", "val"),
    ]


def test_labels_are_never_overwritten(folder):
    label_pictures(ALPR, folder, 0.95)
    before = (folder / "alpr_dataset.csv").read_bytes()
    with pytest.raises(AlprError, match="there are labels already"):
        label_pictures(ALPR, folder, 0.5)
    assert (folder / "alpr_dataset.csv").read_bytes() == before


def test_the_command_says_what_it_labelled_and_what_it_left_out(folder, detector_path, reader_path, capsys):
    models = ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
    assert main(["label", str(folder), "--confidence", "0", "--keep_doubtful", *models]) == 1  # one cannot be read
    said = capsys.readouterr()
    assert "in 4 pictures" in said.out and "4.png" in said.err
    assert main(["label", str(folder / "none"), *models]) == 1
    assert "no such folder" in capsys.readouterr().err
