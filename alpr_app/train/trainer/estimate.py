"""What a training would cost before it is begun: how fast a network of some shape is, and the time and memory that more
pictures would take, from a measured run.
"""

from __future__ import annotations

from dataclasses import dataclass
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

# A picture of CCPD: height and width in pixels.
PICTURE = (1160, 720)
WARM_UP_RUNS = 10


@dataclass(frozen=True)
class Speed:
    """parameters and gflop of a network for one picture of size (height, width). milliseconds: by backend, the 5th and
    the 50th percentile of its runs."""

    size: tuple[int, int]
    parameters: int
    gflop: float
    milliseconds: dict[str, tuple[float, float]]


def measure_speed(config: DetectorConfig | ReaderConfig, runs: int, threads: int) -> Speed:
    """The speed of an untrained network with this config, alone and for one picture: a detector's as it sees a picture
    of CCPD. Backends that are not installed are left out."""
    if isinstance(config, DetectorConfig):
        kind, size = "detector", Letterbox.for_long_side(*PICTURE, config.long_side).canvas
    else:
        kind, size = "reader", (config.img_height, config.img_width)
    network = _network_of(config)
    parameters = sum(value.numel() for value in network.parameters())
    engines: dict[str, Engine] = {"torch": TorchEngine(_network_of(config), torch.device("cpu"), threads)}
    if choose_backend("auto", "cpu") == "onnx":
        engines["onnx"] = OnnxEngine(export_onnx(network, kind, portable=False), threads)
    return Speed(size, parameters, gigaflop(type(network), config, *size), _times(engines, size, runs))


def _network_of(config: DetectorConfig | ReaderConfig) -> nn.Module:
    return Detector(config) if isinstance(config, DetectorConfig) else Reader(config)


def _times(engines: dict[str, Engine], size: tuple[int, int], runs: int) -> dict[str, tuple[float, float]]:
    """In turns, so that a moment in which the computer is slow is every engine's."""
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(WARM_UP_RUNS + runs):
        for name, engine in engines.items():
            start = perf_counter()
            engine(image)
            times[name].append(1000 * (perf_counter() - start))
    found: dict[str, tuple[float, float]] = {}
    for name, values in times.items():
        low, middle = map(float, np.percentile(values[WARM_UP_RUNS:], (5, 50)))
        found[name] = (low, middle)
    return found


@dataclass(frozen=True)
class Estimate:
    """hours: for all samples. samples_per_s, waiting_share: as measured, the median of the run. memory_gb: the most
    the run took, None if the system does not tell. decoded_gb: all pictures in memory; what is beyond the cache is
    decoded again each time."""

    samples: int
    hours: float
    samples_per_s: float
    waiting_share: float
    memory_gb: float | None
    decoded_gb: float


def bytes_a_picture(cached: SampleCache[Any, Any]) -> float:
    """Mean size of the decoded pictures that are in memory."""
    return float(np.mean([item.image.nbytes for item in (cached[index] for index in range(cached.kept))]))


def estimate(run: Path, pictures: int, rounds: float, picture_bytes: float) -> Estimate:
    """A training of `rounds` rounds over `pictures` pictures, at the speed of `run`, a run's folder.

    Raises CheckpointError if the run has written no figures yet.
    """
    curves = read_curves(run / TRAIN).columns
    speeds = curves.get("samples_per_s", np.zeros(0))
    speeds = speeds[np.isfinite(speeds) & (speeds > 0)]
    if not speeds.size:
        raise CheckpointError(f"{run}: no train.csv with figures in it; let the run go on for a few minutes first")
    speed = float(np.median(speeds))
    memory = curves.get("memory_gb", np.zeros(0))
    samples = round(pictures * rounds)
    return Estimate(
        samples,
        samples / speed / 3600,
        speed,
        float(np.nanmedian(curves["waiting_share"])),
        float(np.nanmax(memory)) if np.isfinite(memory).any() else None,
        pictures * picture_bytes / GIGABYTE,
    )
