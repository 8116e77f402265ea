"""Networks run by ONNX Runtime."""

from __future__ import annotations

import os
from types import ModuleType

import numpy as np

from alpr_app.core.errors import first_line
from alpr_app.runtime.engine import EngineError


def onnx_runtime() -> ModuleType:
    """ONNX Runtime, imported. Raises EngineError if it cannot be, as on Windows without the libraries it needs."""
    # From 1.32 on it reports its use over the network unless told not to before it is imported.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(f"onnxruntime cannot be loaded: {error}; install it anew, or use --backend torch") from error
    module: ModuleType = onnxruntime
    return module


def _failures(onnxruntime: ModuleType) -> tuple[type[Exception], ...]:
    """All that ONNX Runtime raises when a model cannot be loaded or run; its own errors have no ancestor of theirs."""
    own = vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
    kinds = [kind for kind in own if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*kinds, RuntimeError, ValueError, MemoryError)


class OnnxEngine:
    """Runs an ONNX `model` on the processor. threads: of this network; None is ONNX Runtime's own choice. backend: the
    name it is to have.

    Raises EngineError if the model is damaged, ONNX Runtime cannot be loaded, or, when called, cannot run it.
    """

    device = "cpu"

    def __init__(self, model: bytes, threads: int | None = None, backend: str = "onnx") -> None:
        self.backend = backend
        onnxruntime = onnx_runtime()
        self._failures = _failures(onnxruntime)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        # Two networks take turns: a pool that spins while the other computes takes its core away.
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
