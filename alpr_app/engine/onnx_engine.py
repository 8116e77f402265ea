"""Networks run by ONNX Runtime: the file is made from the bundle on first use and kept in a cache."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import platformdirs
import torch
from torch import nn

from alpr_app import __version__
from alpr_app.bundle import BundleInfo
from alpr_app.engine.common import EngineError, FromPixels, example_pictures
from alpr_app.engine.onnx_attention import use_operator
from alpr_app.errors import reason
from alpr_app.files import write_atomically
from alpr_app.layers import fuse

OPSET = 20
# Counts up whenever a bundle gives another file than before: those in users' caches are made anew then.
RECIPE = 2
_OUTPUTS = {"detector": ("positions",), "reader": ("characters", "colours")}
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where made ONNX files are kept."""
    return Path(platformdirs.user_cache_dir("alpr-app", appauthor=False)) / "onnx"


def export_onnx(network: nn.Module, kind: str) -> bytes:
    """`network` (fused in place) as an ONNX model: images (B, H, W, 3) uint8 RGB -> the network's outputs.

    B is free, for a detector H and W too, in multiples of 32. Raises EngineError if torch cannot export it.
    """
    network.eval()
    fuse(network)
    exported = FromPixels(network).eval()
    use_operator(exported, OPSET)
    free = {0: "batch", 1: "height", 2: "width"} if kind == "detector" else {0: "batch"}
    axes = {"images": free} | {name: {0: "batch"} for name in _OUTPUTS[kind]}
    if kind == "detector":
        axes["positions"][1] = "count"
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # It warns of shapes it takes for constant; those are, the free ones are tested.
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(
                exported,
                (example_pictures(network),),
                path,
                input_names=["images"],
                output_names=list(_OUTPUTS[kind]),
                dynamic_axes=axes,
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


def cached_onnx(network: nn.Module, info: BundleInfo) -> bytes:
    """The ONNX model of a bundle, made now or found in the cache; its name holds the bundle's hash and RECIPE."""
    path = cache_folder() / f"{info.kind}-{info.sha256[:16]}-{__version__}-{RECIPE}.onnx"
    try:
        if path.is_file():
            return path.read_bytes()
        model = export_onnx(network, info.kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model)
    except OSError as error:
        # A cache that cannot be written only costs time at the next start.
        _log.warning("%s: the ONNX file is not kept: %s", path, reason(error))
        model = export_onnx(network, info.kind)
    return model


class OnnxEngine:
    """Runs an ONNX `model` on the processor. threads: of this network; None is ONNX Runtime's own choice.

    Raises EngineError if the model is damaged.
    """

    backend = "onnx"
    device = "cpu"

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        # From 1.32 on it reports its use over the network unless told not to before it is imported.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        # Two networks take turns: a pool that spins while the other computes takes its core away.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except (errors.InvalidProtobuf, errors.InvalidGraph, errors.InvalidArgument, errors.Fail) as error:
            raise EngineError(f"a damaged ONNX file; delete the folder {cache_folder()}, it is made anew") from error

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(self._session.run(None, {"images": images}))
