from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from alpr_app.bundle import load_bundle, load_detector, load_reader
from alpr_app.engine import EngineError, OnnxEngine, TorchEngine, make_engine
from alpr_app.engine.onnx_engine import cache_folder, cached_onnx, export_onnx

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 64, 96), (2, 128, 32), (1, 32, 32)])
def test_the_detector_gives_the_same_for_any_batch_and_size(detector_path, picture, shape):
    images = np.stack([picture(*shape[1:], seed) for seed in range(shape[0])])
    # As initialised, so that its outputs depend on the picture.
    network, info = load_detector(detector_path)
    torch.nn.init.normal_(network.head.output.weight, std=0.1)
    model = export_onnx(network, info.kind)
    wanted = TorchEngine(network, torch.device("cpu"))(images)
    for output, expected in zip(OnnxEngine(model)(images), wanted, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-3)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_reader_gives_the_same_for_any_batch(reader_path, picture, batch):
    images = np.stack([picture(48, 192, seed) for seed in range(batch)])
    network, info = load_reader(reader_path)
    model = export_onnx(network, info.kind)
    wanted = TorchEngine(network, torch.device("cpu"))(images)
    for output, expected in zip(OnnxEngine(model, threads=1)(images), wanted, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-3)


def test_the_file_is_made_once_and_named_after_the_weights(reader_path, monkeypatch):
    network, info = load_reader(reader_path)
    model = cached_onnx(network, info)
    (kept,) = cache_folder().glob(f"reader-{info.sha256[:16]}-*.onnx")
    assert kept.read_bytes() == model
    monkeypatch.setattr("alpr_app.engine.onnx_engine.export_onnx", lambda *arguments: pytest.fail("made again"))
    assert cached_onnx(network, info) == model


def test_a_cache_that_cannot_be_written_is_no_error(reader_path, picture, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("alpr_app.engine.onnx_engine.cache_folder", lambda: tmp_path / "file" / "onnx")
    engine = make_engine(*load_reader(reader_path), device="cpu", backend="onnx")
    assert engine(picture(48, 192)[None])[0].shape[0] == 1
    assert "the ONNX file is not kept" in caplog.text


def test_a_damaged_file_is_named():
    with pytest.raises(EngineError, match="damaged ONNX file; delete the folder"):
        OnnxEngine(b"damaged" * 100)


@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_exporting_is_silent(bundle, request, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network, info = load_bundle(None, request.getfixturevalue(bundle))
        export_onnx(network, info.kind)
    assert capfd.readouterr() == ("", "")


def test_nothing_is_reported_over_the_network(reader_path, tmp_path):
    """ONNX Runtime leaves a device number in the cache folder when its telemetry is on."""
    code = f"""
from alpr_app.bundle import load_reader
from alpr_app.engine import make_engine
make_engine(*load_reader({str(reader_path)!r}), device="cpu", backend="onnx")
"""
    environment = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["alpr-app"]


def test_every_attention_of_an_exported_reader_is_one_operator(reader_path):
    network, info = load_reader(reader_path)
    model = onnx.load_from_string(export_onnx(network, info.kind))
    attentions = [node for node in model.graph.node if node.op_type == "MultiHeadAttention"]
    layers = network.config.num_encoder_layers + 2 * network.config.num_decoder_layers
    assert len(attentions) == layers
    assert not [node for node in model.graph.node if node.op_type == "Softmax"]
