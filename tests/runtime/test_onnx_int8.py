from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from alpr_app import ALPR
from alpr_app.networks.bundle import load_reader
from alpr_app.runtime import backends
from alpr_app.runtime.engine import EngineError
from alpr_app.runtime.onnx_engine import OnnxEngine
from alpr_app.runtime.onnx_export import export_onnx
from alpr_app.runtime.onnx_files import cache_folder, with_dynamic_int8
from alpr_app.runtime.torch_engine import TorchEngine

onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


@pytest.fixture
def operators(reader_path):
    """How often each operator stands in a reader before and after."""
    network, _ = load_reader(reader_path)
    model = export_onnx(network, "reader", split=False)
    graphs = (onnx.load_from_string(made).graph for made in (model, with_dynamic_int8(model)))
    return [Counter(node.op_type for node in graph.node) for graph in graphs]


def test_every_matrix_product_with_weights_is_in_8_bits_and_no_convolution(operators):
    before, after = operators
    # Products of two activations, two in each attention, stay as they are: there are no weights to round.
    assert after["MatMul"] == 2 * before["Softmax"] > 0
    assert after["MatMulInteger"] == before["Gemm"] > 0
    assert after["Conv"] == before["Conv"] > 0


def test_a_reader_in_8_bits_says_nearly_the_same(reader_path, picture):
    network, _ = load_reader(reader_path)
    model = export_onnx(network, "reader", split=False)
    images = np.stack([picture(48, 192, seed) for seed in range(4)])
    wanted, _ = TorchEngine(network, torch.device("cpu"))(images)
    characters, _ = OnnxEngine(with_dynamic_int8(model), threads=1)(images)
    assert characters.shape == wanted.shape
    assert 0 < np.abs(characters - wanted).mean() < 0.02 * wanted.std()


def test_it_is_made_without_a_word(reader_path, capfd, caplog):
    network, _ = load_reader(reader_path)
    with_dynamic_int8(export_onnx(network, "reader", split=False))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_the_reader_is_in_8_bits_where_that_is_asked_for(detector_path, reader_path, picture):
    alpr = ALPR(detector_path, reader_path, backend="onnx-int8", threads=1)
    assert (alpr.backend, alpr.device) == ("onnx-int8", "cpu")
    assert list(cache_folder().glob(f"reader-int8-{alpr.reader_info.sha256[:16]}-*.onnx"))
    assert not list(cache_folder().glob("detector-int8-*"))
    exact = ALPR(detector_path, reader_path, backend="onnx", threads=1)
    images = picture(64, 64)[None]
    np.testing.assert_array_equal(alpr.detect(images)[0], exact.detect(images)[0])
    crops = picture(48, 192)[None]
    assert (alpr.recognise(crops)[0] != exact.recognise(crops)[0]).any()


def test_it_runs_on_the_processor_with_the_extra_only(monkeypatch):
    with pytest.raises(EngineError, match="backend 'onnx-int8' runs on the processor"):
        backends.choose_backend("onnx-int8", "cuda")
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"'onnx-int8' needs onnxruntime, which is not installed; install 'alpr-app"):
        backends.choose_backend("onnx-int8", "cpu")
