from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
import torch

from alpr_app.networks.bundle import load_bundle, load_detector
from alpr_app.networks.detector.postprocess import split_outputs
from alpr_app.runtime.onnx_export import export_onnx
from alpr_app.runtime.torch_engine import TorchEngine

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")


@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_exporting_is_silent(bundle, request, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network, info = load_bundle(None, request.getfixturevalue(bundle))
        export_onnx(network, info.kind, split=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_a_model_has_standard_operators_only(bundle, request):
    network, info = load_bundle(None, request.getfixturevalue(bundle))
    model = onnx.load_from_string(export_onnx(network, info.kind, split=False))
    assert {node.domain for node in model.graph.node} == {""}


def test_a_reader_derives_no_shapes_and_adds_no_biases_while_it_runs(reader_path):
    network, _ = load_bundle("reader", reader_path)
    graph = onnx.load_from_string(export_onnx(network, "reader", split=False)).graph
    operators = Counter(node.op_type for node in graph.node)
    assert not {"Shape", "Gather", "Concat", "Expand"} & operators.keys()
    # Products of two activations: two in each attention.
    assert operators["MatMul"] == 2 * operators["Softmax"] > 0


def test_a_detector_derives_one_shape_while_it_runs(detector_path):
    network, _ = load_detector(detector_path)
    graph = onnx.load_from_string(export_onnx(network, "detector", split=False)).graph
    assert [node.op_type for node in graph.node].count("Shape") == 1


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
