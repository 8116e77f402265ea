"""Networks run by ONNX Runtime."""

from __future__ import annotations

import os
from types import ModuleType

import numpy as np

from alpr_app.core.errors import first_line
from alpr_app.runtime.engine import EngineError


def onnx_runtime() -> ModuleType:
    """Import ONNX Runtime. Raises EngineError if that fails, as on Windows without the libraries it needs."""
    # From 1.32 on it reports its use over the network unless this is set before it is imported.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(f"onnxruntime cannot be loaded: {error}; install it again, or use --backend torch") from error
    module: ModuleType = onnxruntime
    return module


def onnx_failures(onnxruntime: ModuleType) -> tuple[type[Exception], ...]:
    """Return all exceptions of ONNX Runtime for models that cannot be loaded or run; they have no common base class."""
    own = vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
    kinds = [kind for kind in own if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*kinds, RuntimeError, ValueError, MemoryError)


class OnnxEngine:
    """Runs an ONNX model on the processor.

    Args:
        model: The content of an ONNX file.
        threads: Threads for this network; None leaves the choice to ONNX Runtime.
        backend: The name of the backend.

    Raises:
        EngineError: The model is damaged, or ONNX Runtime cannot be loaded or, when called, cannot run it.
    """

    device = "cpu"

    def __init__(self, model: bytes, threads: int | None = None, backend: str = "onnx") -> None:
        self.backend = backend
        onnxruntime = onnx_runtime()
        self._failures = onnx_failures(onnxruntime)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        # Two networks run alternately: a pool that spins would take cores away from the other one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except self._failures as error:
            raise EngineError(
                f"ONNX Runtime cannot load the model ({first_line(error)}); use --backend torch"
            ) from error

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        try:
            return tuple(self._session.run(None, {"images": images}))
        except self._failures as error:
            raise EngineError(
                f"ONNX Runtime cannot run the model ({first_line(error)}); use --backend torch"
            ) from error
