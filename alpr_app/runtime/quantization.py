"""Networks in 8 bits: weights and activations of the heavy layers rounded to 256 steps each, after Jacob et al.,
Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018.

The result is an ONNX model of standard operators, in which pairs of QuantizeLinear and DequantizeLinear mark what is
computed in 8 bits, so that every ONNX runtime runs it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from alpr_app.core.errors import first_line
from alpr_app.runtime.engine import EngineError, temporary_folder
from alpr_app.runtime.merged_columns import merge_columns
from alpr_app.runtime.onnx_engine import onnx_failures, onnx_runtime

if TYPE_CHECKING:
    import onnx

# A detector's layers with this in their names: the place of a corner is finer than the 256 steps that neck and head
# would have for it.
_DETECTOR_LAYERS = "/backbone/stages."
_LINEAR = ("MatMul", "Gemm")
# How the picture's bytes are rounded: not at all.
_BYTES = {"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}


def int8_model(model: bytes, kind: str, samples: Sequence[np.ndarray]) -> bytes:
    """Quantise an ONNX model statically: the range of every activation is what it was on `samples`.

    In a detector the backbone is in 8 bits; in a reader all layers with weights, while products of two activations stay
    as they are. The first convolutions take several columns at once (`merge_columns`) and the picture's bytes as they
    are; where they cannot, those of a detector's stem and the first of a reader stay in floating point, which is faster
    for so few channels. Between two layers in 8 bits a number is rounded once, and the linear layers' results are not
    rounded at all.

    Args:
        model: Content of an ONNX file, as `export_onnx` makes it.
        kind: detector or reader.
        samples: Inputs of the network, each (B, H, W, 3) uint8; a few hundred typical ones.

    Raises:
        EngineError: There are no samples, the package onnx or ONNX Runtime is missing, or the model cannot be run.
    """
    if find_spec("onnx") is None:
        raise EngineError("a model in 8 bits cannot be made: the package 'onnx' is missing; install 'alpr-app[onnx]'")
    if not samples:
        raise EngineError("a model in 8 bits cannot be made without pictures to calibrate it on")
    failures = onnx_failures(onnx_runtime())
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with temporary_folder() as folder, _without_advice():
        prepared, quantised = folder / "prepared.onnx", folder / "int8.onnx"
        try:
            quant_pre_process(onnx.load_from_string(model), str(prepared), skip_symbolic_shape=True)
            network = onnx.load(prepared)
            merged = merge_columns(network)
            onnx.save(network, prepared)
            quantize_static(
                prepared,
                quantised,
                _Samples(samples),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=_heavy_layers(network, kind, merged),
                extra_options={
                    "OpTypesToExcludeOutputQuantization": list(_LINEAR),
                    "TensorQuantOverrides": {name: [dict(_BYTES)] for name in _casts(network)},
                },
            )
        except failures as error:
            raise EngineError(f"the {kind} cannot be quantised: {first_line(error)}") from error
        network = onnx.load(quantised)
        _read_bytes(network)
        content: bytes = network.SerializeToString()
        return content


def _casts(network: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """The nodes that turn pictures into floating point numbers from 0 to 255, by the tensors they yield."""
    return {node.output[0]: node for node in network.graph.node if node.op_type == "Cast"}


def _read_bytes(network: onnx.ModelProto) -> None:
    """Let layers in 8 bits read the pictures' bytes, which are what rounding them with a scale of 1 would yield."""
    graph, casts = network.graph, _casts(network)
    for rounding in [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in casts]:
        cast = casts[rounding.input[0]]
        for node in graph.node:
            if node.input and node.input[0] == rounding.output[0]:
                node.input[0] = cast.input[0]
        graph.node.remove(rounding)
        graph.node.remove(cast)


def _heavy_layers(model: onnx.ModelProto, kind: str, merged: Sequence[str]) -> list[str]:
    """Names of the layers to compute in 8 bits, and of the sums and ReLUs between them: left out, each would turn its
    numbers into floating point and back. `merged` are the first convolutions if they take several columns at once."""
    weights = {tensor.name for tensor in model.graph.initializer}
    nodes = list(model.graph.node)
    layers = [node for node in nodes if node.op_type in ("Conv", *_LINEAR) and node.input[1] in weights]
    if kind == "detector":
        layers = [node for node in layers if _DETECTOR_LAYERS in node.name or node.name in merged]
    elif not merged:
        first = next((node for node in layers if node.op_type == "Conv"), None)
        layers = [node for node in layers if node is not first]
    chosen = {node.name for node in layers}
    rounded = {output for node in layers if node.op_type == "Conv" for output in node.output}
    # The nodes of a graph are in the order of computation.
    for node in nodes:
        if node.op_type in ("Add", "Relu") and rounded.intersection(node.input):
            chosen.add(node.name)
            rounded.update(node.output)
    return sorted(chosen)


class _Samples:
    """Hands out the samples one by one, as ONNX Runtime asks for them."""

    def __init__(self, samples: Iterable[np.ndarray]) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        sample = next(self._samples, None)
        return None if sample is None else {"images": sample}


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep the quantiser's advice, which it gives on the root logger, off the user's terminal."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
