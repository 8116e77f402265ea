import json

import numpy as np
import pytest

from alpr_app.data.images import read_picture
from alpr_app.train.cli.main import main
from alpr_app.train.reports.plots import Confusions


def test_characters_are_compared_place_by_place_and_plates_of_another_length_left_out():
    confusions = Confusions()
    for truth, read in (("皖A1", "皖A7"), ("皖A1", "皖A1"), ("京A1", "皖A7"), ("皖A1", "皖A17")):
        confusions(truth, read)
    assert (confusions.plates, confusions.unequal) == (4, 1)
    assert confusions.names == "京皖17A"
    counts = confusions.counts()
    assert counts.sum() == 9
    place = confusions.names.index
    assert counts[place("1"), place("7")] == 2
    assert counts[place("京"), place("皖")] == 1
    assert counts[place("A"), place("A")] == 3


def test_the_plot_grows_with_the_characters_mistaken(tmp_path):
    few, none = Confusions(), Confusions()
    none("皖A12345", "皖A12345")
    few("".join(map(chr, range(65, 85))), "".join(map(chr, range(66, 86))))
    sizes = []
    for name, confusions in (("few", few), ("none", none), ("nothing", Confusions())):
        confusions.plot(tmp_path / f"{name}.png")
        sizes.append(read_picture(tmp_path / f"{name}.png").shape[0])
    assert sizes[0] > sizes[1] == sizes[2]
    drawn = read_picture(tmp_path / "few.png").astype(int)
    assert np.count_nonzero(drawn[..., 0] - drawn[..., 2] > 60) > 500, "marked in red"


@pytest.fixture
def models(detector_path, reader_path) -> list[str]:
    return ["--detector_model", str(detector_path), "--model_path", str(reader_path), "--backend", "torch"]


def test_models_are_measured_and_confusions_drawn(data_folder, models, reader_path, tmp_path, capsys):
    report, plot, reliability = (tmp_path / name for name in ("figures.json", "confusions.png", "reliability.png"))
    options = ["--json", str(report), "--confusions", str(plot), "--mistakes", str(tmp_path / "mistakes")]
    options += ["--reliability", str(reliability)]
    config = ["--model_config", str(reader_path.with_suffix(".json"))]
    assert main(["test", str(data_folder), "--split", "all", *models, *config, *options]) == 0
    figures = json.loads(report.read_text(encoding="utf-8"))["figures"]
    assert figures["scenes"]["micro"]["plates"] == 8
    assert {"end_to_end", "without_province", "on_true_corners", "true_without_province"} <= set(
        figures["scenes"]["macro"]
    )
    assert figures["negatives"]["all"]["false_boxes_per_100"] > 0
    assert "characters of 10 plates" in capsys.readouterr().out  # eight in scenes, two crops
    assert read_picture(plot).size and read_picture(reliability).size
    assert figures["confidence"]["confidence 0.00"]["readings"] <= 10
    assert any((tmp_path / "mistakes").iterdir())


def test_figures_are_those_of_eval(data_folder, models, detector_path, reader_path, tmp_path):
    from alpr_app.cli.main import main as alpr

    written = []
    for name, run, reader in (("test", main, "--ocr_model"), ("eval", alpr, "--ocr_model")):
        path = tmp_path / f"{name}.json"
        chosen = ["--detector_model", str(detector_path), reader, str(reader_path), "--backend", "torch"]
        assert run([name, str(data_folder), "--json", str(path), *chosen]) == 0
        written.append(json.loads(path.read_text(encoding="utf-8"))["figures"])
    assert written[0] == written[1]


def test_without_matplotlib_nothing_is_measured_in_vain(data_folder, models, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("alpr_app.train.reports.plots.find_spec", lambda name: None)
    assert main(["test", str(data_folder), *models, "--confusions", str(tmp_path / "c.png")]) == 1
    captured = capsys.readouterr()
    assert "pip install" in captured.err and captured.out == ""


def test_a_model_that_is_not_there_is_one_line(data_folder, capsys):
    assert main(["test", str(data_folder), "--model_path", "/nowhere/reader"]) == 1
    error = capsys.readouterr().err
    assert "/nowhere/reader.safetensors: no such model" in error and error.count("\n") == 1
