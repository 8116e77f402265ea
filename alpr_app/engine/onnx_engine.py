"""Networks run by ONNX Runtime."""

from __future__ import annotations

import os
from types import ModuleType

import numpy as np

from alpr_app.engine.common import EngineError
from alpr_app.engine.onnx_file import cache_folder


def onnx_runtime() -> ModuleType:
    """ONNX Runtime, imported. Raises EngineError if it cannot be, as on Windows without the libraries it needs."""
    # From 1.32 on it reports its use over the network unless told not to before it is imported.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(f"onnxruntime cannot be loaded: {error}; install it anew, or use --backend torch") from error
    return onnxruntime


class OnnxEngine:
    """Runs an ONNX `model` on the processor. threads: of this network; None is ONNX Runtime's own choice. backend: the
    name it is to have.

    Raises EngineError if the model is damaged or ONNX Runtime cannot be loaded.
    """

    device = "cpu"

    def __init__(self, model: bytes, threads: int | None = None, backend: str = "onnx") -> None:
        self.backend = backend
        onnxruntime = onnx_runtime()
        errors = onnxruntime.capi.onnxruntime_pybind11_state
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
