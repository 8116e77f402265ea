from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch

from alpr_app.cli.main import main
from alpr_app.data.assets import SAMPLES
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import BundleError, load_bundle, open_bundle
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.runtime import backends
from alpr_app.runtime.backends import make_engine
from alpr_app.runtime.engine import EngineError
from alpr_app.runtime.onnx_engine import OnnxEngine
from alpr_app.runtime.onnx_export import export_onnx
from alpr_app.runtime.onnx_files import onnx_model
from alpr_app.runtime.quantization import int8_model

onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")

SIZES = {"detector": (64, 96), "reader": (48, 192)}


@pytest.fixture(params=sorted(SIZES))
def kind(request):
    return request.param


@pytest.fixture
def small(kind, detector_path, reader_path, tmp_path):
    """A copy of a small bundle that files can be written beside."""
    network, _ = load_bundle(kind, {"detector": detector_path, "reader": reader_path}[kind])
    if kind == "detector":
        # The detector of the other tests gives the same for every picture.
        torch.nn.init.normal_(network.head.output.weight)
    save_bundle(tmp_path / kind, network, {}, "made")
    return tmp_path / f"{kind}.safetensors"


def samples(kind):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (1, *SIZES[kind], 3), np.uint8) for _ in range(8)]


def fast_with_int8(monkeypatch, is_fast: bool) -> None:
    monkeypatch.setattr(backends, "has_int8_products", lambda: is_fast)


def test_only_the_heavy_layers_are_in_8_bits(kind, small):
    model = onnx.load_from_string(int8_model(onnx_model(open_bundle(kind, small)), kind, samples(kind)))
    dequantised = {output for node in model.graph.node if node.op_type == "DequantizeLinear" for output in node.output}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    in_8_bits = [node for node in layers if set(node.input[:2]) <= dequantised]
    if kind == "detector":
        assert {"/backbone/" in node.name for node in in_8_bits} == {True}
        assert len(in_8_bits) == sum("/backbone/" in node.name for node in layers)
    else:
        # All but the products of two activations: two in each attention.
        attentions = Counter(node.op_type for node in model.graph.node)["Softmax"]
        assert len(layers) - len(in_8_bits) == 2 * attentions


def test_the_first_layer_in_8_bits_reads_the_bytes_of_the_picture(kind, small):
    model = onnx.load_from_string(int8_model(onnx_model(open_bundle(kind, small)), kind, samples(kind)))
    nodes = list(model.graph.node)
    first = next(node for node in nodes if node.op_type == "Conv")
    dequantised = next(node for node in nodes if first.input[0] in node.output)
    pixels = next(node for node in nodes if dequantised.input[0] in node.output)
    assert (dequantised.op_type, pixels.op_type) == ("DequantizeLinear", "Transpose")
    assert "Cast" not in {node.op_type for node in nodes}


def test_where_columns_cannot_be_merged_the_first_layers_stay_in_floating_point(kind, tmp_path):
    network = {
        "detector": lambda: Detector(DetectorConfig(stem_channels=(8, 16), neck_channels=16)),
        "reader": lambda: Reader(ReaderConfig(stem_channels=(), patch_size=16, embed_dim=40)),
    }[kind]()
    exported = export_onnx(network, kind, split=False)
    model = onnx.load_from_string(exported)
    if kind == "detector":
        # As another program may have exported it: the picture is scaled first.
        cast = next(node for node in model.graph.node if node.op_type == "Cast")
        readers = [node for node in model.graph.node if cast.output[0] in node.input]
        model.graph.node.insert(
            list(model.graph.node).index(cast) + 1, onnx.helper.make_node("Neg", cast.output, ["negative"])
        )
        for node in readers:
            node.input[0] = "negative"
    quantised = onnx.load_from_string(int8_model(model.SerializeToString(), kind, samples(kind)))
    assert "Cast" in {node.op_type for node in quantised.graph.node}
    dequantised = {out for node in quantised.graph.node if node.op_type == "DequantizeLinear" for out in node.output}
    first = next(node for node in quantised.graph.node if node.op_type == "Conv")
    assert first.input[0] not in dequantised


def test_a_number_is_rounded_once_between_two_layers(kind, small):
    model = onnx.load_from_string(int8_model(onnx_model(open_bundle(kind, small)), kind, samples(kind)))
    made_by = {output: node.op_type for node in model.graph.node for output in node.output}
    rounded = [made_by.get(node.input[0]) for node in model.graph.node if node.op_type == "QuantizeLinear"]
    # What a linear layer yields is not rounded at all. What a convolution or a sum yields is rounded to numbers from 0
    # on if a ReLU follows, which is left out then: the only ones left are those of a detector's neck and head.
    assert "Conv" in rounded and not {"Gemm", "MatMul"} & set(rounded)
    relus = [node.name for node in model.graph.node if node.op_type == "Relu"]
    assert bool(relus) == (kind == "detector") and not any("/backbone/" in name for name in relus)


def test_results_stay_nearly_the_same(kind, small):
    bundle = open_bundle(kind, small)
    exact, rounded = onnx_model(bundle), int8_model(onnx_model(bundle), kind, samples(kind))
    for images in samples(kind):
        wanted, found = (OnnxEngine(model, threads=1)(images)[0] for model in (exact, rounded))
        assert found.shape == wanted.shape
        assert 0 < np.abs(found - wanted).mean() < 0.05 * wanted.std()


def test_without_samples_it_is_not_made(kind, small):
    with pytest.raises(EngineError, match="cannot be made without pictures to calibrate it on"):
        int8_model(onnx_model(open_bundle(kind, small)), kind, [])


def test_a_model_that_cannot_be_run_is_named(kind, small):
    model = onnx.load_from_string(onnx_model(open_bundle(kind, small)))
    last = [node for node in model.graph.node if node.op_type == "Conv"][-1]
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == last.input[2])
    bias.CopyFrom(onnx.numpy_helper.from_array(np.zeros(1, np.float32), bias.name))
    with pytest.raises(EngineError, match=f"the {kind} cannot be quantised: "):
        int8_model(model.SerializeToString(), kind, samples(kind))


def test_what_is_exported_is_used_where_it_is_fast(kind, small, monkeypatch, tmp_path, capsys):
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps({"split": "val"}), encoding="utf-8")
    command = ["export", str(small), "--int8", "--calibration", str(SAMPLES), "--scores", str(scores)]
    assert main(command) == 0
    assert f"{small.with_suffix('.int8.onnx')}: {kind}" in capsys.readouterr().out
    described = json.loads(small.with_suffix(".json").read_text(encoding="utf-8"))["int8"]
    assert described["scores"] == {"evaluation": {"split": "val"}}
    assert described["command"] == f"alpr export {kind} --int8 --calibration samples"

    bundle, images = open_bundle(kind, small), samples(kind)[0]
    fast_with_int8(monkeypatch, True)
    chosen = make_engine(bundle, device="cpu", threads=1)
    assert chosen.backend == "onnx-int8"
    np.testing.assert_array_equal(chosen(images)[0], OnnxEngine(bundle.int8, 1)(images)[0])
    assert make_engine(bundle, backend="onnx", threads=1).backend == "onnx"
    fast_with_int8(monkeypatch, False)
    assert make_engine(bundle, device="cpu", threads=1).backend == "onnx"


def test_where_sums_of_products_would_overflow_the_file_is_left_alone(small, kind, monkeypatch):
    assert main(["export", str(small), "--int8", "--calibration", str(SAMPLES)]) == 0
    bundle, images = open_bundle(kind, small), samples(kind)[0]
    fast_with_int8(monkeypatch, False)
    found = make_engine(bundle, backend="onnx-int8", threads=1)(images)[0]
    assert (found != OnnxEngine(bundle.int8, 1)(images)[0]).any()
    with pytest.raises(EngineError, match=r"no instructions for 8 bits .*; use --backend openvino"):
        backends._openvino_int8(bundle)


def test_openvino_runs_it(small, kind, monkeypatch):
    pytest.importorskip("openvino", reason="needs the extra 'openvino'")
    fast_with_int8(monkeypatch, True)
    with pytest.raises(EngineError, match=r"there is no file in 8 bits beside it; make it: alpr export .* --int8"):
        make_engine(open_bundle(kind, small), backend="openvino-int8")
    assert main(["export", str(small), "--int8", "--calibration", str(SAMPLES)]) == 0
    bundle = open_bundle(kind, small)
    engine = make_engine(bundle, backend="openvino-int8", threads=1)
    assert engine.backend == "openvino-int8"
    # Where ONNX Runtime is missing, this is what is fastest.
    there = backends._missing
    monkeypatch.setattr(backends, "_missing", lambda name: ["onnxruntime"] if "onnx" in name else there(name))
    assert make_engine(bundle, device="cpu", threads=1).backend == "openvino-int8"
    for images in samples(kind):
        wanted, found = OnnxEngine(onnx_model(bundle), 1)(images)[0], engine(images)[0]
        assert np.abs(found - wanted).mean() < 0.05 * wanted.std()


def test_a_damaged_file_is_refused_by_name(small, kind, monkeypatch):
    assert main(["export", str(small), "--int8", "--calibration", str(SAMPLES)]) == 0
    beside = small.with_suffix(".int8.onnx")
    beside.write_bytes(beside.read_bytes()[:-1] + b"?")
    fast_with_int8(monkeypatch, True)
    with pytest.raises(
        BundleError, match=rf"{kind}.int8.onnx: not the file that {kind}.json describes .*--calibration"
    ):
        make_engine(open_bundle(kind, small), device="cpu")


@pytest.mark.parametrize(
    "int8", ["text", {"sha256": "0"}, {"sha256": 0, "scores": {}, "command": ""}, {"sha256": "", "scores": {}, "x": ""}]
)
def test_a_description_that_is_damaged_is_refused(small, kind, int8):
    described = small.with_suffix(".json")
    content = json.loads(described.read_text(encoding="utf-8"))
    described.write_text(json.dumps(content | {"int8": int8}), encoding="utf-8")
    with pytest.raises(BundleError, match=r"damaged, 'int8' must hold sha256, scores, command"):
        open_bundle(kind, small)
