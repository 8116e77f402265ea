from __future__ import annotations

import sys

import pytest

from alpr_app.cli.main import main
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
