"""Networks run by OpenVINO on the processor, in floating point of 32 or 16 bits (bfloat16)."""

from __future__ import annotations

import ctypes
import os
import threading
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakSet

import numpy as np

from alpr_app.core.errors import first_line
from alpr_app.runtime.engine import EngineError
from alpr_app.runtime.system_info import cores

# A model compiled for one shape of a single picture is a fifth faster than one for any shape. Compiling takes up to
# 0.2 s once, so only so many shapes get a model of their own; the longer side is fixed, so few shapes occur.
MAXIMUM_SHAPES = 8
# Calls that may run at the same time; `alpr read` has no more jobs.
MAXIMUM_STREAMS = 8


def load_openvino() -> ModuleType:
    """Import OpenVINO. Raises EngineError if that fails."""
    try:
        import openvino
    except (ImportError, OSError) as error:
        raise EngineError(f"openvino cannot be loaded: {error}; install it again, or use --backend torch") from error
    module: ModuleType = openvino
    return module


class OpenVinoEngine:
    """Runs a portable ONNX model on the processor. Several threads may call it at once.

    Args:
        model: The content of an ONNX file of standard operators.
        threads: Threads per call; None uses all cores for each call.
        bfloat16: Compute in bfloat16, which is native on some processors and rounds to three digits.
        backend: The name of the backend.
        cache: Folder in which OpenVINO keeps compiled models; None for none.

    Raises:
        EngineError: The model is damaged, or OpenVINO cannot be loaded or, when called, cannot run it.
    """

    device = "cpu"

    def __init__(
        self,
        model: bytes,
        threads: int | None = None,
        bfloat16: bool = False,
        backend: str = "openvino",
        cache: Path | None = None,
    ) -> None:
        self.backend = backend
        self._openvino = load_openvino()
        streams = 1 if threads is None else max(1, min(MAXIMUM_STREAMS, cores() // threads))
        self._settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
            "NUM_STREAMS": str(streams),
        }
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = streams * threads
        if cache is not None:
            self._settings["CACHE_DIR"] = str(cache)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._compiled: dict[tuple[int, ...], Any] = {}
        # Requests that no call uses at the moment, by the shape they are for; () is any shape.
        self._free: dict[tuple[int, ...], list[Any]] = defaultdict(list)
        _ENGINES.add(self)
        try:
            self._core = self._openvino.Core()
            self._model = self._core.read_model(model)
            self._any_shape = self._core.compile_model(self._model, "CPU", self._settings)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot load the model ({first_line(error)}); use --backend torch") from error

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        if os.getpid() != self._process:
            raise EngineError("OpenVINO does not run in a process that was forked after its models were loaded")
        try:
            shape, request = self._request(images.shape)
            # Copies, because the next call of the request overwrites its outputs.
            outputs = request.infer({0: images})
            copies = tuple(np.array(outputs[number]) for number in range(len(outputs)))
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot run the model ({first_line(error)}); use --backend torch") from error
        with self._lock:
            self._free[shape].append(request)
        return copies

    def _request(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Any]:
        """Return a request that no other call uses, and the shape it is for; () if it takes any."""
        with self._lock:
            single = shape[0] == 1 and (shape in self._compiled or len(self._compiled) < MAXIMUM_SHAPES)
            if single and shape not in self._compiled:
                model = self._model.clone()
                model.reshape({0: list(shape)})
                self._compiled[shape] = self._core.compile_model(model, "CPU", self._settings)
            key, compiled = (shape, self._compiled[shape]) if single else ((), self._any_shape)
            return key, self._free[key].pop() if self._free[key] else compiled.create_infer_request()


_ENGINES: WeakSet[OpenVinoEngine] = WeakSet()


def _keep_in_forked_process() -> None:
    """Keep all engines for ever in a forked process: deleting one waits for threads of OpenVINO, which a fork does not
    copy, and the process could not even exit."""
    for engine in list(_ENGINES):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_in_forked_process)
