from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from alpr_app.networks.bundle import load_bundle, load_detector, load_reader
from alpr_app.networks.detector.postprocess import split_outputs
from alpr_app.runtime.backends import make_engine
from alpr_app.runtime.onnx_export import cache_folder, cached_onnx, export_onnx
from alpr_app.runtime.torch_engine import TorchEngine

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")


def test_the_file_is_made_once_and_named_after_the_weights(reader_path, monkeypatch):
    network, info = load_reader(reader_path)
    model = cached_onnx(network, info)
    (kept,) = cache_folder().glob(f"reader-{info.sha256[:16]}-*.onnx")
    assert kept.read_bytes() == model
    monkeypatch.setattr(
        "alpr_app.runtime.onnx_export.export_onnx", lambda *arguments, **options: pytest.fail("made again")
    )
    assert cached_onnx(network, info) == model


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:99] + b"?" + data[100:]]
)
@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_a_damaged_file_is_not_used_and_made_anew(bundle, damage, request, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = request.getfixturevalue(bundle)
    model = cached_onnx(*load_bundle(None, path))
    (kept,) = cache_folder().iterdir()
    kept.write_bytes(damage(model))
    assert onnxruntime.InferenceSession(cached_onnx(*load_bundle(None, path)))
    (kept,) = cache_folder().iterdir()
    assert kept.read_bytes() == cached_onnx(*load_bundle(None, path))
    assert not caplog.records


def test_the_cache_keeps_the_files_used_last(reader_path, detector_path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("alpr_app.runtime.onnx_export.MAXIMUM_FILES", 3)
    cached_onnx(*load_bundle(None, reader_path))
    (first,) = cache_folder().iterdir()
    for number in range(3):
        (cache_folder() / f"reader-{number}.onnx").touch()
        os.utime(cache_folder() / f"reader-{number}.onnx", (number, number))
    os.utime(first, (-1, -1))
    # Used again, so that it is not the oldest any more.
    cached_onnx(*load_bundle(None, reader_path))
    cached_onnx(*load_bundle(None, detector_path))
    left = {path.name for path in cache_folder().iterdir()}
    assert len(left) == 3 and {first.name, "reader-2.onnx"} < left


def test_what_stands_in_a_files_place_is_no_obstacle(reader_path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = cached_onnx(*load_reader(reader_path))
    (kept,) = cache_folder().iterdir()
    kept.unlink()
    kept.mkdir()
    assert cached_onnx(*load_reader(reader_path)) == model


def test_two_processes_that_make_it_at_once_both_get_it(reader_path, monkeypatch, tmp_path):
    code = f"""
from alpr_app.networks.bundle import load_reader
from alpr_app.runtime.backends import make_engine
print(make_engine(*load_reader({str(reader_path)!r}), device="cpu", backend="onnx").backend)
"""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "ab"]
    assert [process.communicate() for process in both] == [(b"onnx\n", b"")] * 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert all(path.suffix == ".onnx" for path in cache_folder().iterdir())


def test_a_cache_that_cannot_be_written_is_no_error(reader_path, picture, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("alpr_app.runtime.onnx_export.cache_folder", lambda: tmp_path / "file" / "onnx")
    engine = make_engine(*load_reader(reader_path), device="cpu", backend="onnx")
    assert engine(picture(48, 192)[None])[0].shape[0] == 1
    assert "the ONNX file is not cached" in caplog.text


@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_exporting_is_silent(bundle, request, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network, info = load_bundle(None, request.getfixturevalue(bundle))
        export_onnx(network, info.kind, portable=False)
    assert capfd.readouterr() == ("", "")


def test_every_attention_of_an_exported_reader_is_one_operator(reader_path):
    network, info = load_reader(reader_path)
    model = onnx.load_from_string(export_onnx(network, info.kind, portable=False))
    attentions = [node for node in model.graph.node if node.op_type == "MultiHeadAttention"]
    layers = network.config.num_encoder_layers + 2 * network.config.num_decoder_layers
    assert len(attentions) == layers
    steps = {node.op_type for node in model.graph.node if "attention" in node.name}
    assert not steps & {"Softmax", "Slice", "Shape"}


def test_a_portable_detector_runs_without_the_operators_of_onnx_runtime(detector_path, picture):
    network, info = load_detector(detector_path)
    torch.nn.init.normal_(network.head.output.weight, std=0.1)
    images = np.stack([picture(96, 64, seed) for seed in (1, 2, 3)])
    wanted = split_outputs(TorchEngine(network, torch.device("cpu"))(images)[0])
    model = export_onnx(network, info.kind)
    assert {node.domain for node in onnx.load_from_string(model).graph.node} == {""}
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["quality", "boxes", "corners"]
    for output, expected in zip(session.run(None, {"images": images}), wanted, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-3)
