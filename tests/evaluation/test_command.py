import json
import re
import shutil
import sys

import pytest

from alpr_app.cli.main import main


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


def labelled_with(data_folder, tmp_path, rows):
    """A folder whose one picture is labelled so."""
    root = tmp_path / "labelled"
    root.mkdir()
    shutil.copy(next((data_folder / "scenes").iterdir()), root / "a.png")
    (root / "alpr_dataset.csv").write_text("file,split,text,box\n" + rows, encoding="utf-8")
    return root


def test_a_label_counts_as_it_is_meant_however_it_is_written(data_folder, models, tmp_path, capsys):
    figures = []
    for text in ("皖A12345", "皖a·１２３４５"):
        root = labelled_with(data_folder, tmp_path, f"a.png,val,{text},10 10 90 40\n")
        assert main(["eval", str(root), *models]) == 0
        out, err = capsys.readouterr()
        figures.append(out)
        assert err == ""
        shutil.rmtree(root)
    assert figures[0] == figures[1]


def test_a_label_that_cannot_be_spelled_is_named_and_left_out(data_folder, models, tmp_path, capsys):
    rows = "a.png,val,皖A12345,10 10 90 40\na.png,val,皖A%!345,10 60 90 90\n"
    root = labelled_with(data_folder, tmp_path, rows)
    assert main(["eval", str(root), *models]) == 1
    out, err = capsys.readouterr()
    said = "the label '皖A%!345' holds '%!', which the reader cannot spell; correct it"
    assert err == f"alpr: {root / 'a.png'}: {said}\n"
    assert re.search(r"micro +1 ", out)


def test_a_picture_whose_name_is_no_label_does_not_stop_its_folder(data_folder, models, capsys):
    scenes = data_folder / "scenes"
    huge = f"025-95_113-154&383_386&473-{'9' * 60}&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.png"
    shutil.copy(next(scenes.glob("*.png")), scenes / huge)
    assert main(["eval", str(data_folder), *models]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "field 'corners' holds" in err and "Warning" not in err


@pytest.mark.parametrize("link", ["same", "hard", "symbolic"])
def test_what_is_measured_is_never_written_over(data_folder, models, tmp_path, capsys, link):
    table = data_folder / "scenes.csv"
    target = table if link == "same" else tmp_path / "report.json"
    if link == "hard":
        target.hardlink_to(table)
    elif link == "symbolic":
        target.symlink_to(table)
    before = table.read_bytes()
    assert main(["eval", str(data_folder), "--json", str(target), *models]) == 2
    assert "which is read here; name another file" in capsys.readouterr().err
    assert table.read_bytes() == before


def test_mistakes_are_not_written_among_what_is_measured(data_folder, models, capsys):
    for folder in (data_folder, data_folder / "crops"):
        assert main(["eval", str(data_folder), "--mistakes", str(folder), *models]) == 2
        assert "is in this folder; name another one" in capsys.readouterr().err


def test_help_names_the_table_of_labels(capsys):
    with pytest.raises(SystemExit):
        main(["eval", "--help"])
    assert "alpr_dataset.csv" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["v1.2", "v1.2.safetensors", "v1.2.json"])
def test_a_model_is_not_written_over_by_its_figures(data_folder, models, detector_path, tmp_path, capsys, given):
    for suffix in (".safetensors", ".json"):
        shutil.copy(detector_path.with_suffix(suffix), tmp_path / f"v1.2{suffix}")
    before = (tmp_path / "v1.2.json").read_bytes()
    options = ["--json", str(tmp_path / "v1.2.json"), *models, "--detector_model", str(tmp_path / given)]
    assert main(["eval", str(data_folder), *options]) == 2
    assert "v1.2.json: this is " in capsys.readouterr().err
    assert main(["bench", "--frames", "1", *options]) == 2
    assert "v1.2.json: this is " in capsys.readouterr().err
    assert (tmp_path / "v1.2.json").read_bytes() == before


def test_a_model_without_a_name_is_one_line(data_folder, models, tmp_path, capsys):
    assert main(["eval", str(data_folder), *models, "--json", str(tmp_path / "out.json"), "--ocr_model", "."]) == 2
    assert capsys.readouterr().err == "alpr: '.': this is not the name of a model; give a bundle, NAME.safetensors\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere all names are text")
def test_figures_of_a_folder_whose_name_is_no_text_are_written(data_folder, models, tmp_path):
    odd = tmp_path / "data\udcff"
    shutil.copytree(data_folder, odd)
    assert main(["eval", str(odd), "--split", "all", "--json", str(tmp_path / "out.json"), *models]) == 0
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["data"] == "data\udcff"
