"""Networks as ONNX files: for any program, or for ONNX Runtime alone, made on first use and kept in a cache.

For ONNX Runtime, attention is one node where an exported graph would have a dozen that reshape and transpose, and
matrix products may be computed in 8 bits: dynamic quantisation, after Jacob et al., Quantization and Training of Neural
Networks, 2018.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import platformdirs
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.onnx import register_custom_op_symbolic, symbolic_helper  # type: ignore[attr-defined]

from alpr_app import __version__
from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.networks.bundle import BundleInfo
from alpr_app.networks.detector.postprocess import split_outputs
from alpr_app.networks.layers import fuse
from alpr_app.networks.reader.network import Attention
from alpr_app.runtime.engine import EngineError, NormalizedInput, example_pictures, temporary_folder


def with_int8(model: bytes) -> bytes:
    """An ONNX `model` with its matrix products in 8 bits: the weights are rounded here, what they are multiplied with
    in every call, by the range it has there. So a picture's results depend a little on those it is in a batch with.

    Convolutions stay as they are: where the processor has no instructions for 8 bits, they would be slower in them.
    """
    # Only here: it takes longer to import than a network to run.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with temporary_folder() as folder:
        prepared, made = folder / "prepared.onnx", folder / "int8.onnx"
        quant_pre_process(onnx.load_from_string(model), str(prepared), skip_symbolic_shape=True, skip_optimization=True)
        # Unsigned: sums of signed products overflow on processors without instructions of their own for 8 bits.
        quantize_dynamic(prepared, made, op_types_to_quantize=["MatMul"], weight_type=QuantType.QUInt8)
        return made.read_bytes()


OPERATOR = "com.microsoft::MultiHeadAttention"


@torch.library.custom_op("alpr_app::attend", mutates_args=())
def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int, scale: float) -> Tensor:
    """Multi-head attention of projected queries (B, Q, D), keys and values (B, M, D)."""
    query, key, value = (projected.unflatten(2, (heads, -1)).transpose(1, 2) for projected in (queries, keys, values))
    return functional.scaled_dot_product_attention(query, key, value, scale=scale).transpose(1, 2).flatten(2)


@symbolic_helper.parse_args("v", "v", "v", "i", "f")
def _exported(graph: Any, queries: Any, keys: Any, values: Any, heads: int, scale: float) -> Any:
    """The operator in a graph; torch does not publish the types of graphs and their values."""
    return graph.op(OPERATOR, queries, keys, values, num_heads_i=heads, scale_f=scale).setType(queries.type())


class ExportedAttention(nn.Module):
    """`Attention` that is fused already, with the operator in place of its steps."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        attention = self.attention
        # Parts of a stated width: a graph would work out those of `chunk` in every call.
        width = attention.query.out_features
        if queries is memory:
            assert attention.fused is not None
            projected = attention.fused(memory).split([width] * 3, dim=2)
        else:
            projected = (attention.query(queries), *attention.key_value(memory).split([width] * 2, dim=2))
        output: Tensor = attention.output(attend(*projected, attention.heads, attention.scale))
        return output


def use_operator(network: nn.Module, opset: int) -> None:
    """Replace every fused `Attention` within `network`, which is to be exported for `opset`."""
    register_custom_op_symbolic("alpr_app::attend", _exported, opset)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Attention):
                setattr(module, name, ExportedAttention(child))


OPSET = 20
# Counts up whenever a bundle gives another file than before: those in users' caches are made anew then.
RECIPE = 3
# No model is as large; a file in the cache that is one gigabyte was not made here.
MAXIMUM_BYTES = 2**30
OUTPUTS = {"detector": ("quality", "boxes", "corners"), "reader": ("characters", "colours")}
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where made ONNX files are kept."""
    return Path(platformdirs.user_cache_dir("alpr-app", appauthor=False)) / "onnx"


class Split(nn.Module):
    """A detector with its outputs one by one."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (outputs,) = self.detector(images)
        return split_outputs(outputs)


def export_onnx(network: nn.Module, kind: str, portable: bool = True) -> bytes:
    """`network` (fused in place) as an ONNX model: images (B, H, W, 3) uint8 RGB -> its outputs, a detector's as
    `split_outputs` tells them apart.

    B is free, for a detector H and W too, in multiples of 32. Any program can run it; what is not `portable` only ONNX
    Runtime can, and faster: it uses operators of its own, and a detector's outputs are what the network returns.
    Raises EngineError if torch cannot export it.
    """
    if find_spec("onnx") is None:
        raise EngineError("an ONNX file cannot be made: the package 'onnx' is missing; install 'alpr-app[onnx]'")
    network.eval()
    fuse(network)
    exported: nn.Module = NormalizedInput(network)
    outputs = OUTPUTS[kind]
    free_in = free_out = {0: "batch"}
    if kind == "detector":
        free_in, free_out = {0: "batch", 1: "height", 2: "width"}, {0: "batch", 1: "positions"}
        if portable:
            exported = Split(exported)
        else:
            outputs = ("outputs",)
    if not portable:
        # Only here: torch's part that it needs takes longer to import than a network to run.

        use_operator(exported, OPSET)
    with temporary_folder() as folder, warnings.catch_warnings():
        # It warns of shapes it takes for constant; those are, the free ones are tested.
        warnings.simplefilter("ignore")
        path = folder / "model.onnx"
        try:
            torch.onnx.export(
                exported.eval(),
                (example_pictures(network),),
                path,
                input_names=["images"],
                output_names=list(outputs),
                dynamic_axes={"images": free_in} | dict.fromkeys(outputs, free_out),
                opset_version=OPSET,
                # The newer exporter needs a further package, onnxscript.
                dynamo=False,
            )
        except ImportError as error:
            raise EngineError(f"an ONNX file cannot be made: {error}; install the extra 'onnx'") from error
        except RuntimeError as error:
            raise EngineError(
                f"this version of torch cannot export the {kind}: {error}; use --backend torch"
            ) from error
        return path.read_bytes()


def cached_onnx(network: nn.Module, info: BundleInfo, int8: bool = False) -> bytes:
    """The ONNX model of a bundle for ONNX Runtime, made now or found in the cache. int8: with its matrix products in 8
    bits.

    A file's name holds the bundle's hash, RECIPE and the hash of its own content: one that was damaged since is not
    used, and several processes may make it at once. Raises EngineError if it cannot be made.
    """
    kind = f"{info.kind}-int8" if int8 else info.kind
    folder, stem = cache_folder(), f"{kind}-{info.sha256[:16]}-{__version__}-{RECIPE}"
    kept = _kept(folder, stem)
    if kept is not None:
        return kept
    model = export_onnx(network, info.kind, portable=False)
    if int8:
        model = with_int8(model)
    path = folder / f"{stem}-{_digest(model)}.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model)
    except OSError as error:
        _not_kept(path, error)
    return model


def _kept(folder: Path, stem: str) -> bytes | None:
    """The whole file of that name in the cache; damaged ones are removed."""
    try:
        found = sorted(path for path in folder.iterdir() if path.name.startswith(f"{stem}-"))
    except FileNotFoundError:
        return None
    except OSError as error:
        _not_kept(folder, error)
        return None
    for path in found:
        try:
            if (
                path.stat().st_size <= MAXIMUM_BYTES
                and path.name == f"{stem}-{_digest(model := path.read_bytes())}.onnx"
            ):
                return model
            path.unlink()
        except OSError as error:
            # It may have gone meanwhile, or be a folder; another one is made.
            _log.debug("%s: %s", path, reason(error))
    return None


def _digest(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()[:32]


def _not_kept(path: Path, error: OSError) -> None:
    """A cache that cannot be used only costs time at the next start."""
    _log.warning("%s: the ONNX file is not kept: %s", path, reason(error))
