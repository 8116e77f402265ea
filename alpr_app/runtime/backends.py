"""The names of the backends and devices, and the choice among them: as asked for, or the fastest that is there.

torch, ONNX Runtime and OpenVINO are imported only when they are chosen: the names alone are needed for every `--help`.
"""

from __future__ import annotations

import logging
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from alpr_app.runtime.system_info import has_int8_products

if TYPE_CHECKING:
    from alpr_app.networks.bundle import Bundle
    from alpr_app.runtime.engine import Engine
    from alpr_app.runtime.onnx_engine import OnnxEngine
    from alpr_app.runtime.openvino_engine import OpenVinoEngine

DEVICES = ("auto", "cpu", "cuda", "mps")
# In 8 bits: a third faster on a processor with instructions for it; results are no longer torch's to a thousandth.
INT8, OPENVINO_INT8 = "onnx-int8", "openvino-int8"
# Computes in bfloat16: twice as fast where the processor has instructions for it, and readings may differ a little.
BFLOAT16 = "openvino-bf16"
BACKENDS = ("auto", "torch", "onnx", INT8, "openvino", BFLOAT16, OPENVINO_INT8)
# What `auto` takes on the processor: the first that is installed. Their results are the same up to rounding. If the
# processor is fast with 8 bits and the bundle brings a file for them, which was measured to read as well,
# AUTOMATIC_INT8 comes first.
AUTOMATIC, AUTOMATIC_INT8 = ("onnx", "openvino", "torch"), (INT8, OPENVINO_INT8)
# The packages that a backend needs, and the extra that installs them.
_PACKAGES = {
    "torch": (("torch",), "torch"),
    "onnx": (("onnxruntime",), "onnx"),
    INT8: (("onnxruntime",), "onnx"),
    "openvino": (("openvino",), "openvino"),
    BFLOAT16: (("openvino",), "openvino"),
    OPENVINO_INT8: (("openvino",), "openvino"),
}

_log = logging.getLogger(__name__)


def _torch_may_have_cuda() -> bool:
    """Whether torch is installed and is not a build for the processor alone, without importing it."""
    torch = find_spec("torch")
    if torch is None or torch.origin is None:
        return False
    try:
        version = Path(torch.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return True
    return re.search(r"^cuda\b.*= None$", version, re.MULTILINE) is None


def choose_device(device: str) -> str:
    """Return `device` if it is available; auto is CUDA if available, else the processor. Raises EngineError.

    MPS is used only on request: whether it is faster than the processor beside it has not been measured.
    """
    from alpr_app.runtime.engine import EngineError

    if device == "cpu" or (device == "auto" and not _torch_may_have_cuda()):
        return "cpu"
    if device in DEVICES and find_spec("torch") is None:
        raise EngineError(f"device '{device}' needs torch, which is not installed; use --device cpu")
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if device not in there:
        raise EngineError(f"device '{device}' is unknown; choose one of {', '.join(DEVICES)}")
    if not there[device]:
        raise EngineError(f"device '{device}' is not available on this machine; use --device cpu")
    return device


def choose_backend(backend: str, device: str) -> str:
    """Return the backend to use for a network without a file in 8 bits. auto is ONNX Runtime on the processor, where
    it is faster, if it is installed; its results and those of openvino equal torch's, those of the backends in 8 bits
    and in bfloat16 differ a little.

    Raises:
        EngineError: The backend is unknown, not installed, or does not run on the device.
    """
    from alpr_app.runtime.engine import EngineError

    if backend not in BACKENDS:
        raise EngineError(f"backend '{backend}' is unknown; choose one of {', '.join(BACKENDS)}")
    if backend == "auto":
        there = [name for name in AUTOMATIC if not _missing(name)] if device == "cpu" else ["torch"]
        if not there:
            raise EngineError("no backend is installed; install onnxruntime, openvino or torch")
        return there[0]
    missing = _missing(backend)
    if missing:
        install = "torch" if backend == "torch" else f"'alpr-app[{_PACKAGES[backend][1]}]'"
        raise EngineError(f"backend '{backend}' needs {missing[0]}, which is not installed; install {install}")
    if backend != "torch" and device != "cpu":
        raise EngineError(
            f"backend '{backend}' runs on the processor; use --device cpu, or --backend torch with {device}"
        )
    return backend


def _missing(backend: str) -> list[str]:
    return [name for name in _PACKAGES[backend][0] if find_spec(name) is None]


def make_engine(bundle: Bundle, device: str = "auto", backend: str = "auto", threads: int | None = None) -> Engine:
    """Make the engine that runs a bundle. torch is imported only if it runs it, or has to make an ONNX file of it.

    If the engine fails when it is called later, torch on the processor takes over, with a warning in the log.

    Args:
        bundle: The opened bundle.
        device: auto, cpu, cuda or mps.
        backend: One of BACKENDS.
        threads: Processor threads; None leaves the choice to the backend.

    Raises:
        EngineError: Device or backend is not available, or the network's outputs are not numbers.
        ValueError: Fewer than one thread.
    """
    from alpr_app.runtime.engine import EngineError, FallbackEngine

    if threads is not None and threads < 1:
        raise ValueError(f"threads must be 1 or more, not {threads}")
    on_processor = device == "auto" and backend in _PACKAGES and backend != "torch"
    chosen = "cpu" if on_processor else choose_device(device)
    wanted, backend = backend, choose_backend(backend, chosen)
    if wanted == "auto" and chosen == "cpu" and _is_fast_with_int8(bundle):
        backend = next((name for name in AUTOMATIC_INT8 if not _missing(name)), backend)
    if wanted == "auto" and not bundle.onnx_sha256 and find_spec("onnx") is None and not _missing("torch"):
        # Its ONNX file cannot be made here.
        backend = "torch"

    def fallback() -> Engine:
        return _tried(_torch_engine(bundle, "cpu", threads), bundle)

    if backend == "torch" and chosen == "cpu":
        return fallback()
    try:
        if backend == "torch":
            engine = _torch_engine(bundle, chosen, threads)
        else:
            make = _openvino_engine if backend.startswith("openvino") else _onnx_engine
            engine = make(bundle, backend, threads)
        return FallbackEngine(_tried(engine, bundle), fallback, bundle.info.kind)
    except EngineError as error:
        if wanted not in ("auto", "torch") or _missing("torch"):
            raise
        _log.warning("torch runs the %s on the processor: %s", bundle.info.kind, error)
    return fallback()


def _is_fast_with_int8(bundle: Bundle) -> bool:
    """Whether the bundle brings a file in 8 bits and the processor has instructions for it."""
    return bool(bundle.int8_sha256) and has_int8_products()


def _tried(engine: Engine, bundle: Bundle) -> Engine:
    """Return `engine` after a trial run. Raises EngineError if it fails, its outputs are not numbers, because then
    nothing would be found or read whatever the cause, or they are not those of the bundle's config."""
    import numpy as np

    from alpr_app.networks.reader.config import ReaderConfig
    from alpr_app.runtime.engine import EngineError, example_shape

    info = bundle.info
    images = np.random.default_rng(0).integers(0, 256, example_shape(bundle.config), np.uint8)
    outputs = engine(images)
    if not all(np.isfinite(output).all() for output in outputs):
        raise EngineError(
            f"{info.weights}: this {info.kind} yields NaN or infinity with {engine.backend}; use another model"
        )
    config = bundle.config
    if isinstance(config, ReaderConfig) and outputs[0].shape[1:] != (config.max_length, config.blank + 1):
        raise EngineError(
            f"{info.weights}: the ONNX file is of another reader; make it anew: alpr export {info.weights}"
        )
    return engine


def _torch_engine(bundle: Bundle, device: str, threads: int | None) -> Engine:
    from alpr_app.runtime.engine import EngineError

    if _missing("torch"):
        raise EngineError("torch is not installed, so it cannot take over")
    import torch

    from alpr_app.runtime.torch_engine import TorchEngine

    return TorchEngine(bundle.network(), torch.device(device), threads)


def _onnx_engine(bundle: Bundle, backend: str, threads: int | None) -> OnnxEngine:
    from alpr_app.runtime.onnx_engine import OnnxEngine, onnx_runtime
    from alpr_app.runtime.onnx_files import dynamic_int8_model, onnx_model

    # First, because without ONNX Runtime the file would be useless.
    onnx_runtime()
    if backend != INT8:
        model = onnx_model(bundle)
    elif _is_fast_with_int8(bundle):
        model = bundle.int8 or b""
    else:
        # A detector has no matrix products besides its convolutions.
        model = dynamic_int8_model(bundle) if bundle.info.kind == "reader" else onnx_model(bundle)
    return OnnxEngine(model, threads, backend)


def _openvino_int8(bundle: Bundle) -> bytes:
    """Return the file in 8 bits. Raises EngineError if there is none or it would be read wrong here."""
    from alpr_app.runtime.engine import EngineError

    if not has_int8_products():
        raise EngineError("this processor has no instructions for 8 bits (VNNI, dot product); use --backend openvino")
    if bundle.int8 is None:
        weights = bundle.info.weights
        raise EngineError(
            f"{weights}: there is no file in 8 bits beside it; make it: alpr export {weights} --int8 --calibration DIR"
        )
    return bundle.int8


def _openvino_engine(bundle: Bundle, backend: str, threads: int | None) -> OpenVinoEngine:
    from alpr_app.runtime.onnx_files import cache_folder, onnx_model
    from alpr_app.runtime.openvino_engine import OpenVinoEngine, load_openvino

    # First, because without OpenVINO the file would be useless.
    load_openvino()
    model = _openvino_int8(bundle) if backend == OPENVINO_INT8 else onnx_model(bundle)
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
