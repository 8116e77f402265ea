"""Options of a training run that both networks share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """output: the run's folder. samples: how many the run sees in all. start_lr, min_lr: of the cosine.
    warmup: share of the run until start_lr is reached. ema: decay of the averaged weights, a step.
    clip: largest norm of the gradient. checkpoint_minutes, validate_samples: how often. start_from: a bundle whose
    weights the run begins with, and whose shape it keeps.
    """

    output: Path
    samples: int
    batch_size: int
    start_lr: float
    min_lr: float = 1e-5
    warmup: float = 0.02
    weight_decay: float = 0.05
    ema: float = 0.999
    clip: float = 5.0
    seed: int = 0
    num_workers: int = 1
    threads: int | None = None
    device: str = "cpu"
    amp: bool = True
    checkpoint_minutes: float = 4.0
    validate_samples: int = 40_000
    start_from: Path | None = None

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return max(1, self.samples // self.batch_size)
