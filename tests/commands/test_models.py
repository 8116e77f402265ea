from __future__ import annotations

import shutil
from pathlib import Path

from alpr_app.bundle import BundleInfo
from alpr_app.cli import main
from alpr_app.commands.models import describe


def test_models_are_listed_with_size_and_scores(detector_path, reader_path, capsys):
    assert main(["models", str(detector_path), str(reader_path.parent)]) == 0
    out = capsys.readouterr().out
    assert "small-detector   detector" in out
    assert "small-reader     reader" in out
    assert "val, recall: 0.5" in out
    assert "made by: train reader" in out


def test_a_damaged_model_is_named_and_the_others_are_listed(detector_path, reader_path, tmp_path, capsys):
    for path in (detector_path, reader_path):
        for suffix in (".safetensors", ".json"):
            shutil.copy(path.with_suffix(suffix), tmp_path)
    (tmp_path / detector_path.name).write_bytes(b"damaged")
    assert main(["models", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert "small-reader" in out
    assert "small-detector.safetensors: not the weights" in err


def test_a_folder_without_models_is_an_error(tmp_path, capsys):
    assert main(["models", str(tmp_path)]) == 2
    assert "no model in this folder" in capsys.readouterr().err


def test_figures_of_an_evaluation_are_shown_as_its_table():
    figures = {"crops": {"all": {"crops": 4, "exact": 0.75}}}
    info = BundleInfo("reader", Path("mine.safetensors"), "00ff", {"evaluation": {"split": "val", "figures": figures}})
    lines = describe(info).splitlines()
    assert "    evaluation, split: val" in lines
    assert lines[-2].split() == ["crops", "crops", "exact"]
    assert lines[-1].split() == ["all", "4", "75.00", "%"]
