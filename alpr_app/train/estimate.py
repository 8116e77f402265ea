"""What a training would cost on more pictures than were tried: time and memory, from a measured run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpr_app.data.run_folder import TRAIN, read_curves
from alpr_app.train.cached import GIGABYTE, Cached
from alpr_app.train.checkpoint import CheckpointError


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


def bytes_a_picture(cached: Cached) -> float:
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
