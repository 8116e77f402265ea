"""The cost of a training before it starts: the speed of a network of a given shape, and the time and memory for more
pictures, extrapolated from a measured run.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from alpr_app.core.geometry import Letterbox
from alpr_app.data.run_folder import TRAIN, read_curves
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.runtime.backends import choose_backend
from alpr_app.runtime.engine import Engine
from alpr_app.runtime.onnx_engine import OnnxEngine
from alpr_app.runtime.onnx_export import export_onnx
from alpr_app.runtime.torch_engine import TorchEngine, gigaflop
from alpr_app.train.trainer.batches import GIGABYTE, SampleCache
from alpr_app.train.trainer.checkpoint import CheckpointError

# Height and width in pixels of a picture of CCPD.
CCPD_SIZE = (1160, 720)
WARM_UP_RUNS = 10


@dataclass(frozen=True)
class Speed:
    """The size and speed of a network.

    Attributes:
        size: Height and width of its input in pixels.
        parameters: Number of its parameters.
        gflop: GFLOP for one input.
        milliseconds: By backend, the 5th and the 50th percentile of its times for one input.
    """

    size: tuple[int, int]
    parameters: int
    gflop: float
    milliseconds: dict[str, tuple[float, float]]


def measure_speed(config: DetectorConfig | ReaderConfig, runs: int, threads: int) -> Speed:
    """Measure an untrained network with this config on one input; for a detector that is a letterboxed picture of CCPD.

    Backends that are not installed are skipped.
    """
    if isinstance(config, DetectorConfig):
        kind, size = "detector", Letterbox.for_long_side(*CCPD_SIZE, config.long_side).canvas
    else:
        kind, size = "reader", (config.img_height, config.img_width)
    network = _network_of(config)
    parameters = sum(value.numel() for value in network.parameters())
    engines: dict[str, Engine] = {"torch": TorchEngine(_network_of(config), torch.device("cpu"), threads)}
    if choose_backend("auto", "cpu") == "onnx" and find_spec("onnx") is not None:
        engines["onnx"] = OnnxEngine(export_onnx(network, kind, split=False), threads)
    return Speed(size, parameters, gigaflop(type(network), config, *size), _times(engines, size, runs))


def _network_of(config: DetectorConfig | ReaderConfig) -> nn.Module:
    return Detector(config) if isinstance(config, DetectorConfig) else Reader(config)


def _times(engines: dict[str, Engine], size: tuple[int, int], runs: int) -> dict[str, tuple[float, float]]:
    """Time the engines in turns, so that moments in which the computer is slow affect all of them alike."""
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(WARM_UP_RUNS + runs):
        for name, engine in engines.items():
            start = perf_counter()
            engine(image)
            times[name].append(1000 * (perf_counter() - start))
    percentiles: dict[str, tuple[float, float]] = {}
    for name, values in times.items():
        low, median = map(float, np.percentile(values[WARM_UP_RUNS:], (5, 50)))
        percentiles[name] = (low, median)
    return percentiles


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a training.

    Attributes:
        samples: Training samples in total.
        hours: Time for all of them.
        samples_per_s: Median speed of the measured run.
        waiting_share: Median share of its time that was spent waiting for data.
        memory_gb: Peak memory of its main process; None if the system does not report it.
        decoded_gb: Memory for all decoded pictures; those that exceed the cache are decoded at each use.
    """

    samples: int
    hours: float
    samples_per_s: float
    waiting_share: float
    memory_gb: float | None
    decoded_gb: float


def mean_picture_bytes(cached: SampleCache[Any, Any]) -> float:
    """Mean bytes of the decoded pictures that are cached."""
    return float(np.mean([item.image.nbytes for item in (cached[index] for index in range(cached.cached))]))


def estimate(run: Path, pictures: int, epochs: float, picture_bytes: float) -> Estimate:
    """Estimate a training of `epochs` passes over `pictures` pictures at the speed of the run in the folder `run`.

    Raises:
        CheckpointError: the run has written no figures yet.
    """
    curves = read_curves(run / TRAIN).columns
    speeds = curves.get("samples_per_s", np.zeros(0))
    speeds = speeds[np.isfinite(speeds) & (speeds > 0)]
    if not speeds.size:
        raise CheckpointError(f"{run}: no train.csv with figures yet; let the run continue for a few minutes first")
    speed = float(np.median(speeds))
    memory = curves.get("memory_gb", np.zeros(0))
    samples = round(pictures * epochs)
    return Estimate(
        samples,
        samples / speed / 3600,
        speed,
        float(np.nanmedian(curves["waiting_share"])),
        float(np.nanmax(memory)) if np.isfinite(memory).any() else None,
        pictures * picture_bytes / GIGABYTE,
    )
