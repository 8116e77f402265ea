"""Records the inputs of a network while pictures are read, to choose the ranges of its 8-bit numbers by."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from alpr_app.pipeline.alpr import ALPR
from alpr_app.runtime.engine import Engine

# Inputs of one network that are recorded at most: more change no range, and take memory.
MAXIMUM_INPUTS = 400


class _Recorder:
    """Runs `engine` and keeps copies of its first inputs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.inputs: list[np.ndarray] = []

    @property
    def backend(self) -> str:
        return self._engine.backend

    @property
    def device(self) -> str:
        return self._engine.device

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        if len(self.inputs) < MAXIMUM_INPUTS:
            self.inputs.append(images.copy())
        return self._engine(images)


def network_inputs(kind: str, weights: Path, images: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Read pictures, and return what one network was given meanwhile: letterboxed pictures and enlarged parts of them
    for a detector, rectified plates for a reader.

    Args:
        kind: The network: detector or reader. The other one is the shipped one.
        weights: Its bundle.
        images: Pictures, each H x W x 3 uint8 RGB.

    Returns:
        At most MAXIMUM_INPUTS arrays (B, H, W, 3) uint8.

    Raises:
        BundleError, EngineError: As `ALPR` does.
    """
    detector, reader = (weights, None) if kind == "detector" else (None, weights)
    alpr = ALPR(detector, reader, device="cpu", backend="onnx", threads=1)
    if kind == "detector":
        recorder = _Recorder(alpr.detect)
        alpr.detect = alpr.plate_detector.detect = recorder
    else:
        recorder = _Recorder(alpr.recognise)
        alpr.recognise = alpr.plate_recognizer.recognise = recorder
    for image in images:
        alpr.analyse(image)
        if len(recorder.inputs) >= MAXIMUM_INPUTS:
            break
    return recorder.inputs
