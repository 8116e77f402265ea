"""Networks as ONNX files: for any program, or for ONNX Runtime alone, made on first use and kept in a cache.

For ONNX Runtime, attention is one node where an exported graph would have a dozen that reshape and transpose, and
matrix products may be computed in 8 bits: dynamic quantisation, after Jacob et al., Quantization and Training of Neural
Networks, 2018.
"""

from __future__ import annotations

import hashlib
import logging
import os
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
    """Quantise the matrix products of an ONNX model to 8 bits. Weights are rounded here, activations in every call by
    their range, so that a picture's results depend slightly on the others in its batch.

    Convolutions stay as they are: without 8-bit instructions of the processor they would get slower.
    """
    # Imported here, because the import takes longer than running a network.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with temporary_folder() as folder:
        prepared, quantised = folder / "prepared.onnx", folder / "int8.onnx"
        quant_pre_process(onnx.load_from_string(model), str(prepared), skip_symbolic_shape=True, skip_optimization=True)
        # Unsigned, because sums of signed products overflow on processors without VNNI.
        quantize_dynamic(prepared, quantised, op_types_to_quantize=["MatMul"], weight_type=QuantType.QUInt8)
        return quantised.read_bytes()


OPERATOR = "com.microsoft::MultiHeadAttention"


@torch.library.custom_op("alpr_app::attend", mutates_args=())
def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int, scale: float) -> Tensor:
    """Multi-head attention of projected queries (B, Q, D), keys and values (B, M, D)."""
    query, key, value = (projected.unflatten(2, (heads, -1)).transpose(1, 2) for projected in (queries, keys, values))
    return functional.scaled_dot_product_attention(query, key, value, scale=scale).transpose(1, 2).flatten(2)


@symbolic_helper.parse_args("v", "v", "v", "i", "f")
def _exported(graph: Any, queries: Any, keys: Any, values: Any, heads: int, scale: float) -> Any:
    """Add the operator to a graph; torch does not publish the types of graphs and their values."""
    return graph.op(OPERATOR, queries, keys, values, num_heads_i=heads, scale_f=scale).setType(queries.type())


class ExportedAttention(nn.Module):
    """A fused `Attention` with its steps replaced by the operator."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        attention = self.attention
        # Split by fixed widths: a graph would derive those of `chunk` in every call.
        width = attention.query.out_features
        if queries is memory:
            assert attention.fused is not None
            projected = attention.fused(memory).split([width] * 3, dim=2)
        else:
            projected = (attention.query(queries), *attention.key_value(memory).split([width] * 2, dim=2))
        output: Tensor = attention.output(attend(*projected, attention.heads, attention.scale))
        return output


def use_operator(network: nn.Module, opset: int) -> None:
    """Replace every fused `Attention` in `network` for an export with `opset`."""
    register_custom_op_symbolic("alpr_app::attend", _exported, opset)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Attention):
                setattr(module, name, ExportedAttention(child))


OPSET = 20
# Increment whenever a bundle yields another file than before, so that users' caches are renewed.
RECIPE = 3
# Larger than any model; a cached file of this size was not made here.
MAXIMUM_BYTES = 2**30
# Files in the cache; those not used for longest go. A training run yields a model at each validation.
MAXIMUM_FILES = 24
OUTPUTS = {"detector": ("quality", "boxes", "corners"), "reader": ("characters", "colours")}
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder of cached ONNX files."""
    return Path(platformdirs.user_cache_dir("alpr-app", appauthor=False)) / "onnx"


class Split(nn.Module):
    """A detector whose outputs are separate tensors."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (outputs,) = self.detector(images)
        return split_outputs(outputs)


def export_onnx(network: nn.Module, kind: str, portable: bool = True) -> bytes:
    """Export a network as an ONNX model: images (B, H, W, 3) uint8 RGB -> its outputs, a detector's as `split_outputs`
    returns them. B is variable, for a detector also H and W, in multiples of 32.

    Args:
        network: The network, which is fused in place.
        kind: detector or reader.
        portable: Use standard operators only, for any program. Otherwise the model is for ONNX Runtime alone and
            faster: it uses its own operators, and a detector's outputs are not split.

    Raises:
        EngineError: torch cannot export the network, or onnx is not installed.
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
        use_operator(exported, OPSET)
    with temporary_folder() as folder, warnings.catch_warnings():
        # It warns of shapes taken as constant, which they are; tests cover the variable ones.
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
                # The newer exporter needs another package, onnxscript.
                dynamo=False,
            )
        except ImportError as error:
            raise EngineError(f"an ONNX file cannot be made: {error}; install the extra 'onnx'") from error
        except RuntimeError as error:
            raise EngineError(
                f"this version of torch cannot export the {kind}: {error}; use --backend torch"
            ) from error
        return path.read_bytes()


def cached_onnx(network: nn.Module, info: BundleInfo, int8: bool = False, standard_operators: bool = False) -> bytes:
    """Return the ONNX model of a bundle, from the cache or made now; its outputs are those of the network.

    The name of a cached file contains the bundle's hash, RECIPE and the hash of its own content: damaged files are not
    used, and several processes may make one at the same time.

    Args:
        network: The network, which is fused in place if the model is made.
        info: Its bundle.
        int8: Quantise the matrix products to 8 bits.
        standard_operators: Use no operators of ONNX Runtime's own, for other runtimes.

    Raises:
        EngineError: The model cannot be made.
    """
    # Only attention has an operator of its own, so a detector is the same in both cases.
    standard_operators = standard_operators and info.kind == "reader"
    kind = f"{info.kind}-int8" if int8 else f"{info.kind}-standard" if standard_operators else info.kind
    folder, stem = cache_folder(), f"{kind}-{info.sha256[:16]}-{__version__}-{RECIPE}"
    cached = _cached(folder, stem)
    if cached is not None:
        return cached
    model = export_onnx(network, info.kind, portable=standard_operators)
    if int8:
        model = with_int8(model)
    path = folder / f"{stem}-{_digest(model)}.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model)
    except OSError as error:
        _warn_not_cached(path, error)
    _drop_oldest(folder)
    return model


def _drop_oldest(folder: Path) -> None:
    """Remove the files not used for longest beyond MAXIMUM_FILES."""
    try:
        files = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[MAXIMUM_FILES:]:
            path.unlink(missing_ok=True)
    except OSError as error:
        # Another process may remove files at the same time.
        _log.debug("%s: %s", folder, reason(error))


def _cached(folder: Path, stem: str) -> bytes | None:
    """Return the intact file of that name in the cache; damaged ones are removed."""
    try:
        found = sorted(path for path in folder.iterdir() if path.name.startswith(f"{stem}-"))
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn_not_cached(folder, error)
        return None
    for path in found:
        try:
            if (
                path.stat().st_size <= MAXIMUM_BYTES
                and path.name == f"{stem}-{_digest(model := path.read_bytes())}.onnx"
            ):
                _mark_used(path)
                return model
            path.unlink()
        except OSError as error:
            # It may be gone by now, or be a folder; another file is made.
            _log.debug("%s: %s", path, reason(error))
    return None


def _mark_used(path: Path) -> None:
    try:
        os.utime(path)
    except OSError as error:
        # The cache may be read-only; nothing is dropped from it then.
        _log.debug("%s: %s", path, reason(error))


def _digest(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()[:32]


def _warn_not_cached(path: Path, error: OSError) -> None:
    """Log that the model is not cached, which only costs time at the next start."""
    _log.warning("%s: the ONNX file is not cached: %s", path, reason(error))
