"""Options of a training run that all networks share."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from alpr_app.core.errors import UsageError
from alpr_app.runtime.system_info import cores

SCHEDULES = ("cosine", "plateau", "free")
PRECISIONS = ("auto", "fp32", "bf16")
# What `auto` means for every run that starts with it, whatever its processor: fp32 or bf16.
PRECISION_VARIABLE = "ALPR_PRECISION"
# What may be another one when a run is resumed: where it runs, not what it computes.
_FREE_TO_CHANGE = (
    "output",
    "num_workers",
    "threads",
    "device",
    "compile",
    "checkpoint_minutes",
    "tensorboard",
    "wandb",
    "start_from",
    "precision",
)


@dataclass(frozen=True)
class RunOptions:
    """output: the run's folder; None until one is made for it. samples: how many the run sees in all. batch_size:
    samples a step, over all processes and `accumulate` parts. start_lr, min_lr: highest and lowest learning rate.
    schedule: cosine, plateau (halved after `plateau_thr` batches without decrease) or free (Defazio et al., The Road
    Less Scheduled, 2024). warmup: share of the run until start_lr is reached. ema: decay of the averaged weights, a
    step. clip: largest norm of the gradient. precision: in which most of a step is computed: fp32, bf16 (bfloat16 by
    autocast, the weights stay fp32), or auto, which is bf16 where the device computes in it by itself.
    checkpoint_minutes, validate_samples: how often. patience: validations without a new best after which the run ends,
    0 for never. start_from: a bundle or run that the run begins with.
    """

    output: Path | None
    samples: int
    batch_size: int
    start_lr: float
    min_lr: float = 1e-5
    schedule: str = "cosine"
    plateau_thr: int = 2000
    warmup: float = 0.02
    weight_decay: float = 0.05
    ema: float = 0.999
    clip: float = 5.0
    accumulate: int = 1
    seed: int = 0
    num_workers: int = 1
    threads: int | None = None
    device: str = "cpu"
    precision: str = "auto"
    compile: bool = False
    checkpoint_minutes: float = 4.0
    validate_samples: int = 40_000
    patience: int = 0
    tensorboard: bool = False
    wandb: bool = False
    start_from: Path | None = None

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise UsageError(f"--schedule must be one of {', '.join(SCHEDULES)}, not '{self.schedule}'")
        if self.precision not in PRECISIONS:
            raise UsageError(f"--precision must be one of {', '.join(PRECISIONS)}, not '{self.precision}'")
        for name in ("samples", "batch_size", "accumulate", "plateau_thr", "validate_samples"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("seed", "num_workers"):
            if getattr(self, name) < 0:
                raise UsageError(f"--{name} must be 0 or more, not {getattr(self, name)}")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads must be 1 or more, not {self.threads}")

    @property
    def folder(self) -> Path:
        """`output`, once one has been made."""
        assert self.output is not None
        return self.output

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return max(1, self.samples // self.batch_size)

    def description(self) -> dict[str, Any]:
        """What a checkpoint must have in common with the run that goes on from it."""
        kept = {name: value for name, value in asdict(self).items() if name not in _FREE_TO_CHANGE}
        # Checkpoints know only whether fp32 was asked for: a run may go on where `auto` comes to something else.
        return {**kept, "amp": self.precision != "fp32"}


def threads_for(options: RunOptions) -> int:
    """Processor threads for the network: as asked for, or as set for all programs by OMP_NUM_THREADS, or the cores that
    the makers of samples leave free. More threads than cores wait for each other at every operation, which makes a run
    several times slower, not faster."""
    if options.threads is not None:
        return options.threads
    if "OMP_NUM_THREADS" in os.environ:
        return torch.get_num_threads()
    return max(1, cores() - options.num_workers)
