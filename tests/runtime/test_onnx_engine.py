from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from alpr_app.networks.bundle import load_detector, load_reader
from alpr_app.runtime.engine import EngineError
from alpr_app.runtime.onnx_engine import OnnxEngine
from alpr_app.runtime.onnx_export import export_onnx
from alpr_app.runtime.torch_engine import TorchEngine

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
pytest.importorskip("onnx", reason="needs the extra 'onnx'")


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 64, 96), (2, 128, 32), (1, 32, 32)])
def test_the_detector_gives_the_same_for_any_batch_and_size(detector_path, picture, shape):
    images = np.stack([picture(*shape[1:], seed) for seed in range(shape[0])])
    # As initialised, so that its outputs depend on the picture.
    network, info = load_detector(detector_path)
    torch.nn.init.normal_(network.head.output.weight, std=0.1)
    model = export_onnx(network, info.kind, split=False)
    wanted = TorchEngine(network, torch.device("cpu"))(images)
    for output, expected in zip(OnnxEngine(model)(images), wanted, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-3)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_reader_gives_the_same_for_any_batch(reader_path, picture, batch):
    images = np.stack([picture(48, 192, seed) for seed in range(batch)])
    network, info = load_reader(reader_path)
    model = export_onnx(network, info.kind, split=False)
    wanted = TorchEngine(network, torch.device("cpu"))(images)
    for output, expected in zip(OnnxEngine(model, threads=1)(images), wanted, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-3)


@pytest.mark.parametrize(
    "model", [b"damaged" * 100, b"", b"\0" * 1000, None], ids=["text", "empty", "zeros", "cut off"]
)
def test_a_damaged_model_is_one_line(model, reader_path):
    if model is None:
        model = export_onnx(*load_reader(reader_path)[:1], "reader", split=False)[:-2000]
    with pytest.raises(EngineError, match="ONNX Runtime cannot load the model") as raised:
        OnnxEngine(model)
    assert "\n" not in str(raised.value)


def test_what_onnx_runtime_cannot_run_is_one_line(reader_path):
    network, info = load_reader(reader_path)
    engine = OnnxEngine(export_onnx(network, info.kind, split=False))
    with pytest.raises(EngineError, match="ONNX Runtime cannot run the model") as raised:
        engine(np.zeros((1, 7, 5, 3), np.uint8))
    assert "\n" not in str(raised.value)


def test_nothing_is_reported_over_the_network(reader_path, tmp_path):
    """ONNX Runtime leaves a device number in the cache folder when its telemetry is on."""
    code = f"""
from alpr_app.networks.bundle import open_bundle
from alpr_app.runtime.backends import make_engine
make_engine(open_bundle("reader", {str(reader_path)!r}), device="cpu", backend="onnx")
"""
    environment = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["alpr-app"]
