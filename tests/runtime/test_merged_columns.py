from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.runtime.merged_columns import merge_columns
from alpr_app.runtime.onnx_engine import OnnxEngine
from alpr_app.runtime.onnx_export import export_onnx

onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


def exported(network: nn.Module, kind: str) -> onnx.ModelProto:
    for tensor in network.parameters():
        if tensor.dim() > 1:
            nn.init.xavier_normal_(tensor)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
    return onnx.load_from_string(export_onnx(network, kind, split=False))


def first_layers(model: onnx.ModelProto, count: int) -> list[dict]:
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"][:count]
    return [{item.name: onnx.helper.get_attribute_value(item) for item in node.attribute} for node in convolutions]


@pytest.mark.parametrize(
    ("network", "kind", "shape", "merged"),
    [
        (lambda: Detector(DetectorConfig()), "detector", (2, 64, 96, 3), 3),
        # A stem of a single convolution over 4 x 4 pixels, without padding.
        (lambda: Detector(DetectorConfig(stem_channels=(16,))), "detector", (1, 96, 32, 3), 2),
        (lambda: Reader(ReaderConfig()), "reader", (2, 48, 192, 3), 2),
    ],
)
def test_results_are_the_same(network, kind, shape, merged):
    torch.manual_seed(0)
    model = exported(network(), kind)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    wanted = OnnxEngine(model.SerializeToString(), threads=1)(images)
    assert len(merge_columns(model)) == merged
    found = OnnxEngine(model.SerializeToString(), threads=1)(images)
    for before, now in zip(wanted, found, strict=True):
        np.testing.assert_allclose(now, before, atol=1e-3 * np.abs(before).max())


def test_eight_columns_become_one_then_four_then_two():
    model = exported(Detector(DetectorConfig()), "detector")
    merge_columns(model)
    for layer in first_layers(model, 3):
        # Nothing lies right of the last column, because a stride of two ends within it.
        assert (layer["kernel_shape"], layer["strides"], layer["pads"]) == ([3, 2], [2, 1], [1, 1, 1, 0])
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    kernels = [node.input[1] for node in model.graph.node if node.op_type == "Conv"][:3]
    assert [shapes[kernel] for kernel in kernels] == [[32, 24, 3, 2], [32, 32, 3, 2], [32, 32, 3, 2]]


def test_a_network_that_begins_otherwise_stays_as_it_is():
    # Its first convolution takes strips of sixteen columns.
    model = exported(Reader(ReaderConfig(stem_channels=(), patch_size=16)), "reader")
    before = model.SerializeToString()
    assert merge_columns(model) == []
    assert model.SerializeToString() == before
