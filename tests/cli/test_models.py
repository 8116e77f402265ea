from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alpr_app.cli.main import main
from alpr_app.cli.models import describe, markdown
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import BundleInfo, keep_int8, load_bundle, load_detector, open_bundle
from alpr_app.networks.bundle_description import check_scores
from tests.places import ROOT

PERFORMANCE = ROOT / "docs" / "performance.md"
FIGURES = {
    "scenes": {
        "colour None": {"plates": 1, "recall_70": 0.0, "corner_px": 0.0},
        "colour blue": {"plates": 3, "recall_70": 1.0, "corner_px": 2.25},
        "micro": {"plates": 4, "recall_70": 0.75, "corner_px": 2.25},
    },
    "crops": {"all": {"crops": 8, "exact": 0.875, "without_province": 1.0}},
    "negatives": {"all": {"pictures": 50, "false_boxes": 3, "false_boxes_per_100": 6.0}},
    "confidence": {"confidence 0.90": {"readings": 7, "precision": 1.0, "recall": 0.875}},
    "calibration": {"all": {"readings": 8, "mean_confidence": 0.91, "right": 0.875, "calibration_error": 0.035}},
}
EVALUATION = {"data": "mine", "split": "test", "score": 0.4, "processor": "P", "backend": "torch", "figures": FIGURES}


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


def test_the_file_in_8_bits_is_verified_and_its_figures_are_shown(reader_path, tmp_path, capsys):
    copy = tmp_path / "reader.safetensors"
    save_bundle(copy, load_bundle("reader", reader_path)[0], {}, "")
    path = keep_int8(open_bundle(None, copy), b"an ONNX file", {"evaluation": {"split": "val"}}, "alpr export reader")
    assert main(["models", str(copy)]) == 0
    shown = capsys.readouterr().out
    assert "    in 8 bits by: alpr export reader\n    evaluation, split: val\n" in shown
    path.write_bytes(b"another file")
    assert main(["models", str(copy)]) == 1
    assert "reader.int8.onnx: not the file that reader.json describes" in capsys.readouterr().err


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


def bundle(name, kind, **scores):
    return BundleInfo(kind, Path(f"{name}.safetensors"), 64 * "f", scores, "", 2_500_000, 3 * 2**20)


def test_markdown_shows_a_common_evaluation_once_and_how_it_was_made():
    text = markdown([bundle("a", "detector", evaluation=EVALUATION), bundle("b", "reader", evaluation=EVALUATION)])
    assert "| a | detector | 2.50 M | 3.0 MiB | `ffffffffffff` |" in text
    assert text.count("alpr eval") == 1
    assert "a and b, by `alpr eval mine --split test --score 0.4 --backend torch`, P:" in text
    assert "| scenes | blue, 3 | colour unknown, 1 | all, 4 |" in text
    assert "| found, IoU 0.7 or more | 100.0 % | 0.0 % | 75.0 % |" in text
    assert "| mean corner error, pixels | 2.2 | 0.0 | 2.2 |" in text
    assert "IoU 0.5" not in text, "what was not measured has no row"
    assert "| cut-out plates, 8 | read | 87.5 % |\n|  | read, without the province | 100.0 % |" in text
    assert "| plate-free pictures, 50 | false boxes in 100 pictures | 6.0 |" in text
    assert "| 0.90 | 7 | 100.0 % | 87.5 % |" in text
    assert "expected calibration error | 3.5 % |" in text


def test_markdown_shows_the_rates_of_text_and_place_of_bundles_that_have_them():
    micro = {**EVALUATION["figures"]["scenes"]["micro"], "text_right": 1.0, "place_right": 0.75}
    evaluation = EVALUATION | {"figures": {"scenes": {"micro": micro}}}
    check_scores({"evaluation": evaluation})
    check_scores({"evaluation": EVALUATION})
    text = markdown([bundle("a", "detector", evaluation=evaluation)])
    assert "| text right, found with IoU 0.3 or more | 100.0 % |" in text
    assert "| place right, IoU 0.7 or more | 75.0 % |" in text
    assert "text right" not in markdown([bundle("a", "detector", evaluation=EVALUATION)])


def test_markdown_of_models_that_were_measured_apart_names_each():
    other = EVALUATION | {"data": "yours"}
    text = markdown([bundle("a", "detector", evaluation=EVALUATION), bundle("b", "reader", evaluation=other)])
    assert "a, by `alpr eval mine" in text and "b, by `alpr eval yours" in text


def test_markdown_of_models_that_were_not_measured_is_the_table_of_models(detector_path, capsys):
    assert main(["models", "--markdown", str(detector_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("| small-detector | detector |")


@pytest.mark.skipif(not PERFORMANCE.is_file(), reason="the documents lie in the repository alone")
def test_the_documents_show_what_the_shipped_models_say_of_themselves(capsys):
    assert main(["models", "--markdown"]) == 0
    said = capsys.readouterr().out.strip()
    shown = PERFORMANCE.read_text(encoding="utf-8")
    assert said in shown, "put what `alpr models --markdown` prints into docs/performance.md"


def test_what_a_bundle_says_of_itself_does_not_act_on_the_terminal(detector_path, tmp_path, capsys):
    network, _ = load_detector(detector_path)
    save_bundle(tmp_path / "model", network, {"a\x1b[2J": "b\r\x1b]0;c\x07", "n": 1}, "train\x1b[2J\nthen\rthat")
    assert main(["models", str(tmp_path / "model")]) == 0
    out = capsys.readouterr().out
    assert not set(out) & set("\x1b\r\x07")
    assert r"made by: train\x1b[2J" in out
