import json
import re
import shutil

import pytest

from alpr_app.cli import main


def test_every_part_of_a_data_folder_is_measured(data_folder, models, tmp_path, capsys):
    report = tmp_path / "report.json"
    assert main(["eval", str(data_folder), "--json", str(report), *models]) == 0
    written = json.loads(report.read_text(encoding="utf-8"))
    assert set(written["figures"]) == {"scenes", "crops", "negatives", "confidence", "calibration"}
    assert written["figures"]["scenes"]["micro"]["plates"] == 2
    assert written["figures"]["crops"]["all"]["crops"] == 1
    # The detector of this test sees plates everywhere.
    assert written["figures"]["negatives"]["all"]["pictures_with_false_box_per_100"] == 100
    assert written["split"] == "val" and written["processor"] and written["backend"] == "torch"
    shown = capsys.readouterr().out
    heads, *rows = (line.split() for line in shown.split("\n\n")[0].splitlines())
    assert heads[:4] == ["scenes", "plates", "recall_50", "recall_70"]
    assert ["scenes", "2"] in [row[:2] for row in rows] and {row[0] for row in rows} == {
        "colour",
        "macro",
        "micro",
        "scenes",
    }
    assert "0.00 %" in shown and "pictures_with_false_box_per_100" in shown


def test_all_splits_are_measured_on_demand(data_folder, models, tmp_path):
    report = tmp_path / "report.json"
    assert main(["eval", str(data_folder), "--split", "all", "--json", str(report), *models]) == 0
    assert json.loads(report.read_text(encoding="utf-8"))["figures"]["scenes"]["micro"]["plates"] == 8


def test_a_single_ccpd_folder_is_data_too(data_folder, models, capsys):
    assert main(["eval", str(data_folder / "scenes"), "--split", "all", *models]) == 0
    assert re.search(r"micro +8 ", capsys.readouterr().out)


def test_mistakes_are_written_under_what_was_expected_and_read(data_folder, models, tmp_path):
    folder = tmp_path / "mistakes"
    assert main(["eval", str(data_folder), "--mistakes", str(folder), *models]) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2 + 1 + 2
    assert "scenes_皖A12345_read_" in names[0] + names[1] and "negatives_no plate_read_" in names[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere"], "/nowhere: no such folder"),
        (["EMPTY"], "holds no CCPD-named pictures"),
        (["DATA", "--score", "2"], "--score"),
        (["DATA", "--json", "/nowhere/report.json"], "/nowhere/report.json: cannot be written"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments, said, data_folder, models, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    places = {"DATA": str(data_folder), "EMPTY": str(tmp_path / "empty")}
    try:
        status = main(["eval", *(places.get(argument, argument) for argument in arguments), *models])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_broken_picture_among_the_labelled_ones_is_named(data_folder, models, capsys):
    (data_folder / "crops" / "val.png").write_bytes(b"no picture")
    assert main(["eval", str(data_folder), *models]) == 2
    assert "val.png" in capsys.readouterr().err


def test_places_without_texts_are_nothing_to_measure_and_that_is_said(data_folder, models, tmp_path, capsys):
    picture = next((data_folder / "scenes").iterdir())
    shutil.copy(picture, tmp_path / "a.png")
    (tmp_path / "alpr_dataset.csv").write_text("file,split,box\na.png,val,10 10 90 40\n", encoding="utf-8")
    assert main(["eval", str(tmp_path), *models]) == 2
    assert "no plate with a text and no plate-free picture" in capsys.readouterr().err
