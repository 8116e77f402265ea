"""The names of the backends and devices, and the choice among them: as asked for, or the fastest that is there.

torch, ONNX Runtime and OpenVINO are imported only when they are chosen: the names alone are needed for every `--help`.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from alpr_app.networks.bundle import BundleInfo
    from alpr_app.runtime.engine import Engine
    from alpr_app.runtime.onnx_engine import OnnxEngine
    from alpr_app.runtime.openvino_engine import OpenVinoEngine

DEVICES = ("auto", "cpu", "cuda", "mps")
# A reader's matrix products in 8 bits: faster, and its results are no longer torch's to a thousandth.
INT8 = "onnx-int8"
# Computes in bfloat16: twice as fast where the processor has instructions for it, and readings may differ a little.
BFLOAT16 = "openvino-bf16"
BACKENDS = ("auto", "torch", "onnx", INT8, "openvino", BFLOAT16)
# The packages that a backend needs, and the extra that installs them.
_PACKAGES = {
    "onnx": (("onnxruntime", "onnx"), "onnx"),
    INT8: (("onnxruntime", "onnx"), "onnx"),
    "openvino": (("openvino", "onnx"), "openvino"),
    BFLOAT16: (("openvino", "onnx"), "openvino"),
}

_log = logging.getLogger(__name__)


def choose_device(device: str) -> torch.device:
    """Return `device` if it is available; auto is CUDA if available, else the processor. Raises EngineError.

    MPS is used only on request: whether it is faster than the processor beside it has not been measured.
    """
    import torch

    from alpr_app.runtime.engine import EngineError

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if device not in there:
        raise EngineError(f"device '{device}' is unknown; choose one of {', '.join(DEVICES)}")
    if not there[device]:
        raise EngineError(f"device '{device}' is not available on this machine; use --device cpu")
    return torch.device(device)


def choose_backend(backend: str, device: str) -> str:
    """Return the backend to use. auto is ONNX Runtime on the processor, where it is faster, if it is installed; its
    results and those of openvino equal torch's, those of onnx-int8 and openvino-bf16 differ a little.

    Raises:
        EngineError: The backend is unknown, not installed, or does not run on the device.
    """
    from alpr_app.runtime.engine import EngineError

    if backend not in BACKENDS:
        raise EngineError(f"backend '{backend}' is unknown; choose one of {', '.join(BACKENDS)}")
    packages, extra = _PACKAGES.get("onnx" if backend == "auto" else backend, ((), ""))
    missing = [name for name in packages if find_spec(name) is None]
    if backend == "auto":
        return "torch" if missing or device != "cpu" else "onnx"
    if missing:
        raise EngineError(
            f"backend '{backend}' needs {missing[0]}, which is not installed; install 'alpr-app[{extra}]'"
        )
    if backend != "torch" and device != "cpu":
        raise EngineError(
            f"backend '{backend}' runs on the processor; use --device cpu, or --backend torch with {device}"
        )
    return backend


def make_engine(
    network: nn.Module,
    info: BundleInfo,
    device: str = "auto",
    backend: str = "auto",
    threads: int | None = None,
) -> Engine:
    """Make the engine that runs a loaded bundle, and hand `network` over to it.

    If the engine fails when it is called later, torch on the processor takes over, with a warning in the log.

    Args:
        network: The network in evaluation mode.
        info: Its bundle.
        device: auto, cpu, cuda or mps.
        backend: One of BACKENDS.
        threads: Processor threads; None leaves the choice to the backend.

    Raises:
        EngineError: Device or backend is not available, or the network's outputs are not numbers.
        ValueError: Fewer than one thread.
    """
    import torch

    from alpr_app.runtime.engine import EngineError, FallbackEngine
    from alpr_app.runtime.torch_engine import TorchEngine

    if threads is not None and threads < 1:
        raise ValueError(f"threads must be 1 or more, not {threads}")
    on_processor = device == "auto" and backend in _PACKAGES
    chosen = torch.device("cpu") if on_processor else choose_device(device)
    wanted, backend = backend, choose_backend(backend, chosen.type)

    def fallback() -> Engine:
        return _tried(TorchEngine(network, torch.device("cpu"), threads), network, info)

    if backend == "torch" and chosen.type == "cpu":
        return fallback()
    try:
        if backend == "torch":
            engine: Engine = TorchEngine(network, chosen, threads)
        else:
            make = _openvino_engine if backend.startswith("openvino") else _onnx_engine
            engine = make(network, info, backend, threads)
        return FallbackEngine(_tried(engine, network, info), fallback, info.kind)
    except EngineError as error:
        if wanted not in ("auto", "torch"):
            raise
        _log.warning("torch runs the %s on the processor: %s", info.kind, error)
    return fallback()


def _tried(engine: Engine, network: nn.Module, info: BundleInfo) -> Engine:
    """Return `engine` after a trial run. Raises EngineError if it fails or its outputs are not numbers: whatever the
    cause, nothing would be found or read."""
    import numpy as np

    from alpr_app.runtime.engine import EngineError, example_pictures

    example = example_pictures(network).numpy()
    images = np.random.default_rng(0).integers(0, 256, example.shape, np.uint8)
    if not all(np.isfinite(output).all() for output in engine(images)):
        raise EngineError(
            f"{info.weights}: this {info.kind} yields NaN or infinity with {engine.backend}; use another model"
        )
    return engine


def _onnx_engine(network: nn.Module, info: BundleInfo, backend: str, threads: int | None) -> OnnxEngine:
    from alpr_app.runtime.onnx_engine import OnnxEngine, onnx_runtime
    from alpr_app.runtime.onnx_export import cached_onnx

    # First, because without ONNX Runtime the file would be useless.
    onnx_runtime()
    # A detector has no matrix products besides its convolutions.
    model = cached_onnx(network, info, int8=backend == INT8 and info.kind == "reader")
    return OnnxEngine(model, threads, backend)


def _openvino_engine(network: nn.Module, info: BundleInfo, backend: str, threads: int | None) -> OpenVinoEngine:
    from alpr_app.runtime.onnx_export import cache_folder, cached_onnx
    from alpr_app.runtime.openvino_engine import OpenVinoEngine, load_openvino

    # First, because without OpenVINO the file would be useless.
    load_openvino()
    model = cached_onnx(network, info, standard_operators=True)
    folder = cache_folder().with_name("openvino")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        # That only costs time at the next start.
        _log.warning("%s: compiled models are not cached: no permission to write there", folder)
    return OpenVinoEngine(model, threads, backend == BFLOAT16, backend, folder if writable else None)
