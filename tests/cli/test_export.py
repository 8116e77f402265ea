from __future__ import annotations

import sys

import numpy as np
import pytest

from alpr_app.cli.main import main
from alpr_app.data.images import write_picture
from alpr_app.pipeline.alpr import ALPR

pytest.importorskip("onnx", reason="needs the extra 'onnx'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


def test_an_exported_model_runs_elsewhere(reader_path, detector_path, tmp_path, picture):
    out = tmp_path / "new" / "读.onnx"
    assert main(["export", str(reader_path), str(out)]) == 0
    session = onnxruntime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    characters, colours = session.run(None, {"images": picture(48, 192)[None]})
    alpr = ALPR(detector_path, reader_path, device="cpu", backend="torch")
    wanted = alpr.recognise(picture(48, 192)[None])
    assert characters == pytest.approx(wanted[0], abs=1e-3)
    assert colours == pytest.approx(wanted[1], abs=1e-3)


@pytest.mark.parametrize(
    ("model", "out", "complaint"),
    [("none", "x.onnx", "none.safetensors: no such model"), ("none", "x.pt", "must end in .onnx")],
)
def test_what_cannot_be_exported_is_named(tmp_path, monkeypatch, capsys, model, out, complaint):
    monkeypatch.chdir(tmp_path)
    assert main(["export", model, out]) == 2
    assert complaint in capsys.readouterr().err


def test_without_the_extra_the_remedy_is_named(reader_path, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(reader_path), str(tmp_path / "reader.onnx")]) == 2
    assert "the package 'onnx' is missing; install 'alpr-app[onnx]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--int8"], "--int8 needs pictures to calibrate on: name their folder with --calibration DIR"),
        (["F.onnx", "--int8", "--calibration", "."], "--int8 writes beside the bundle; leave the file name out"),
        (["--calibration", "."], "--calibration is for --int8"),
        (["--scores", "F.json"], "--scores is for --int8"),
        (["--int8", "--calibration", "none"], "none: cannot be opened: No such file or directory"),
        (["--int8", "--calibration", "."], "there are no pictures in this folder to calibrate on"),
        (["--int8", "--calibration", ".", "--scores", "none.json"], "none.json: cannot be opened"),
    ],
)
def test_options_for_8_bits_that_cannot_be_met_are_named(
    reader_path, tmp_path, monkeypatch, capsys, options, complaint
):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(reader_path), *options]) == 2
    assert complaint in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_pictures_without_plates_cannot_calibrate_a_reader(reader_path, tmp_path, capsys):
    write_picture(tmp_path / "grey.png", np.full((120, 160, 3), 128, np.uint8))
    assert main(["export", str(reader_path), "--int8", "--calibration", str(tmp_path)]) == 2
    assert "no plate was found in its pictures" in capsys.readouterr().err
