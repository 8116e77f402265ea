from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.core.errors import AlprError
from alpr_app.core.plate import Plate
from alpr_app.data.label_csv import LabelError
from alpr_app.data.labels import read_data_folder
from alpr_app.train.cli.main import main
from alpr_app.train.datasets import labelling
from alpr_app.train.datasets.labelling import label_pictures
from tests.places import ROOT

CORNERS = ((10.0, 10.0), (60.0, 12.0), (60.0, 26.0), (10.0, 24.0))
SURE = Plate("皖A12345", 0.99, (0.99,) * 7, (), "blue", 0.95, (10, 10, 60, 26), CORNERS, np.zeros((48, 192, 3)), True)
UNSURE = replace(SURE, confidence=0.6)
ODD = replace(SURE, text="皖A1234", fits_format=False)


class Scripted:
    """Stands in for ALPR: the first pixel of a picture encodes its plates."""

    def __init__(self, *plates: list[Plate]) -> None:
        self.plates = plates

    def read(self, image: np.ndarray) -> list[Plate]:
        return self.plates[int(image[0, 0, 0]) // 20]


@pytest.fixture
def folder(tmp_path):
    """Five pictures: confident, doubtful beside confident, odd format, empty, broken."""
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


class Interrupted(Scripted):
    """Ends with Ctrl-C, or with an error, at the picture of this number."""

    def __init__(self, number, error=KeyboardInterrupt):
        super().__init__(*ALPR.plates)
        self.left, self.error, self.read_pictures = number, error, 0

    def read(self, image):
        if not self.left:
            raise self.error
        self.left -= 1
        self.read_pictures += 1
        return super().read(image)


def rows_of(folder):
    with (folder / "alpr_dataset.csv").open(encoding="utf-8", newline="") as file:
        return [(row["file"], row["text"]) for row in csv.DictReader(file)]


WHOLE = [("0.png", "皖A12345"), ("1.png", "皖A12345"), ("1.png", ""), ("2.png", "")]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_has_been_labelled_is_kept_when_a_run_is_ended_and_the_next_goes_on(folder, number, error):
    with pytest.raises(error):
        label_pictures(Interrupted(number, error), folder, 0.95, keep_doubtful=True)
    assert rows_of(folder) == WHOLE[: (0, 1, 3, 4)[number]]
    assert number == 0 or len(read_data_folder(folder).pictures) == number
    again = Interrupted(-1)
    report = label_pictures(again, folder, 0.95, keep_doubtful=True)
    assert again.read_pictures == 4 - number, "nothing is read twice"
    assert rows_of(folder) == WHOLE
    assert (report.labelled, report.plates, report.untyped, report.empty) == (3, 2, 2, 1)
    assert not (folder / "alpr_dataset.csv.progress").exists()
    with pytest.raises(AlprError, match="there are labels already"):
        label_pictures(ALPR, folder, 0.95, keep_doubtful=True)


def test_ctrl_c_says_where_the_labels_are_and_how_to_go_on(folder, detector_path, reader_path, capsys, monkeypatch):
    models = ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
    monkeypatch.setattr("alpr_app.train.cli.datasets.make_alpr", lambda args: Interrupted(2))
    assert main(["label", str(folder), *models]) == 130
    said = capsys.readouterr().err.splitlines()
    assert said[-2].endswith("alpr_dataset.csv: holds the labels so far; the same command continues from there")
    assert said[-1] == "alpr_app.train: interrupted"


def test_pictures_that_were_left_out_are_not_read_again(folder):
    with pytest.raises(KeyboardInterrupt):
        label_pictures(Interrupted(3), folder, 0.95)
    again = Interrupted(-1)
    report = label_pictures(again, folder, 0.95)
    assert again.read_pictures == 1
    assert (report.labelled, report.doubtful, report.empty) == (1, 2, 1)


def test_what_people_changed_meanwhile_stays(folder):
    with pytest.raises(KeyboardInterrupt):
        label_pictures(Interrupted(2), folder, 0.95, keep_doubtful=True)
    table = folder / "alpr_dataset.csv"
    # As from a spreadsheet: columns in another order and one more, other line ends, none at the end of the file.
    edited = (
        "\ufefftext,file,split,colour,corners,note\n"
        '京A00001,1.png,train,blue,"10 10 60 12 60 26 10 24",typed by hand\n'
        '沪A00002,3.png,val,blue,"10 10 60 12 60 26 10 24",mine'
    )
    table.write_text(edited, encoding="utf-8", newline="")
    label_pictures(Interrupted(-1), folder, 0.95, keep_doubtful=True)
    text = table.read_text(encoding="utf-8")
    assert text.startswith(edited + "\n")
    assert [row.split(",")[1] for row in text.splitlines()[1:]] == ["1.png", "3.png", "2.png"]
    assert len(read_data_folder(folder).pictures) == 3


def test_other_options_do_not_go_on_with_a_run_that_was_ended(folder):
    with pytest.raises(KeyboardInterrupt):
        label_pictures(Interrupted(2), folder, 0.95)
    before = (folder / "alpr_dataset.csv").read_bytes()
    with pytest.raises(AlprError, match=r"labelling was begun with other options; .* move alpr_dataset.csv and"):
        label_pictures(ALPR, folder, 0.5)
    assert (folder / "alpr_dataset.csv").read_bytes() == before


def test_a_column_that_was_taken_out_is_named(folder):
    with pytest.raises(KeyboardInterrupt):
        label_pictures(Interrupted(2), folder, 0.95)
    (folder / "alpr_dataset.csv").write_text("file,text\n0.png,x\n", encoding="utf-8")
    with pytest.raises(LabelError, match="the column 'split' is missing"):
        label_pictures(ALPR, folder, 0.95)


@pytest.mark.parametrize("content", [b"", b"[" * 10_000, b"\xff\xfe", b"{}\n"], ids=range(4))
def test_a_damaged_progress_file_is_one_line(folder, content):
    (folder / "alpr_dataset.csv.progress").write_bytes(content)
    with pytest.raises(AlprError, match="labelling was begun with other options"):
        label_pictures(ALPR, folder, 0.95)


def test_a_progress_file_that_was_cut_off_costs_one_picture(folder):
    with pytest.raises(KeyboardInterrupt):
        label_pictures(Interrupted(3), folder, 0.95)
    path = folder / "alpr_dataset.csv.progress"
    path.write_bytes(path.read_bytes()[:-10])
    again = Interrupted(-1)
    label_pictures(again, folder, 0.95)
    assert again.read_pictures == 2 and rows_of(folder) == WHOLE[:1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_loses_nothing_and_the_run_goes_on_later(folder, monkeypatch):
    """A file system with room for one picture's lines."""
    append = labelling._append
    full = False

    def limited(path, text):
        nonlocal full
        full = full or path.stat().st_size > 150
        append(Path("/dev/full") if full and path.suffix == ".csv" else path, text)

    monkeypatch.setattr(labelling, "_append", limited)
    with pytest.raises(LabelError, match=r"No space left on device.*run the command again"):
        label_pictures(Interrupted(-1), folder, 0.95, keep_doubtful=True)
    monkeypatch.undo()
    kept = rows_of(folder)
    assert kept and kept == WHOLE[: len(kept)]
    label_pictures(Interrupted(-1), folder, 0.95, keep_doubtful=True)
    assert rows_of(folder) == WHOLE


def test_lines_for_which_there_is_room_only_in_part_are_not_there(tmp_path):
    resource = pytest.importorskip("resource", reason="needs limits on the size of files")
    path = tmp_path / "table.csv"
    path.write_text("file,text\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(LabelError, match="cannot be written"):
            labelling._append(path, "1.png,皖A12345\n" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "file,text\n"
    labelling._append(path, "1.png,皖A12345\n")
    assert path.read_text(encoding="utf-8") == "file,text\n1.png,皖A12345\n"


def test_a_table_that_has_gone_is_said(folder):
    with pytest.raises(KeyboardInterrupt):
        label_pictures(Interrupted(2), folder, 0.95)
    (folder / "alpr_dataset.csv").unlink()
    with pytest.raises(AlprError, match=r"is missing; put it back to continue, or remove alpr_dataset\.csv\.progress"):
        label_pictures(ALPR, folder, 0.95)
    (folder / "alpr_dataset.csv.progress").unlink()
    assert label_pictures(ALPR, folder, 0.95).labelled == 1


def test_a_damaged_picture_is_said_once_and_by_its_name(folder, detector_path, reader_path):
    data = bytearray(cv2.imencode(".png", np.zeros((50, 60, 3), np.uint8))[1].tobytes())
    data[45] ^= 0x55
    (folder / "damaged.png").write_bytes(data)
    models = ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
    command = [sys.executable, "-m", "alpr_app.train", "label", str(folder), *models]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 1
    broken = {"4.png": "not a picture", "damaged.png": "a damaged picture"}
    assert done.stderr.splitlines() == [
        f"alpr_app.train: skipped {folder / name}: {said}" for name, said in broken.items()
    ]
