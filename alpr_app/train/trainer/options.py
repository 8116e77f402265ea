"""The options of a training run that both networks share, with their defaults and help texts."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from alpr_app.core.errors import UsageError
from alpr_app.runtime.backends import DEVICES
from alpr_app.runtime.system_info import cores

SCHEDULES = ("cosine", "plateau", "free")
PRECISIONS = ("auto", "fp32", "bf16")
# Sets what `auto` means for all runs, whatever the processor: fp32 or bf16.
PRECISION_VARIABLE = "ALPR_PRECISION"
# A resumed run may change these options: they say where it runs and not what it computes.
_CHANGEABLE_ON_RESUME = (
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


def _option(help: str, **settings: Any) -> dict[str, Any]:
    """The metadata that makes a field an option of the command line; `settings` are passed to argparse."""
    return {"help": help, **settings}


@dataclass(frozen=True)
class RunOptions:
    """The options of one training run. The command line is made from these fields, their defaults and help texts.

    `output` is None until a folder has been made for the run. With the schedule `free`, which `--schedulefree` selects,
    the optimiser is schedule-free AdamW (Defazio et al., The Road Less Scheduled, 2024). `warmup` is the share of the
    run in which the learning rate rises to `start_lr`; it is not an option of the command line.

    Raises:
        UsageError: a value is out of range.
    """

    output: Path | None = field(
        metadata=_option("folder of the run, made if missing (default: a new one in runs/)", metavar="DIR")
    )
    samples: int = field(default=1_000_000, metadata=_option("number of training samples in total"))
    batch_size: int = field(kw_only=True, metadata=_option("samples per step, over all processes"))
    start_lr: float = field(default=1e-3, metadata=_option("highest learning rate"))
    min_lr: float = field(default=1e-5, metadata=_option("lowest learning rate"))
    schedule: str = field(
        default="cosine", metadata=_option("schedule of the learning rate", choices=("cosine", "plateau"))
    )
    plateau_thr: int = field(
        default=2000,
        metadata=_option(
            "halve the learning rate after N batches without a lower mean loss; implies --schedule plateau",
            metavar="N",
            # Not given, it leaves the schedule as it is.
            default=None,
        ),
    )
    warmup: float = 0.02
    weight_decay: float = field(default=0.05, metadata=_option("weight decay of the optimiser"))
    ema: float = field(default=0.999, metadata=_option("decay per step of the averaged weights (EMA)"))
    clip: float = field(default=5.0, metadata=_option("maximum norm of the gradient"))
    accumulate: int = field(
        default=1, metadata=_option("split each batch into N parts, one after the other, to save memory", metavar="N")
    )
    seed: int = field(default=0, metadata=_option("random seed of weights, samples and dropout"))
    num_workers: int = field(default=1, metadata=_option("processes that make samples"))
    threads: int | None = field(
        default=None, metadata=_option("processor threads for the network (default: those the workers leave free)")
    )
    device: str = field(default="cpu", metadata=_option("device that the network runs on", choices=DEVICES[1:]))
    precision: str = field(
        default="auto",
        metadata=_option(
            "number format: bf16 is bfloat16 by autocast, with fp32 weights; auto is bf16 where the device computes in "
            "it natively",
            choices=PRECISIONS,
        ),
    )
    compile: bool = field(
        default=False, metadata=_option("run the network through torch.compile; needs a C++ compiler")
    )
    checkpoint_minutes: float = field(default=4.0, metadata=_option("minutes between checkpoints"))
    validate_samples: int = field(default=40_000, metadata=_option("number of samples between validations"))
    patience: int = field(
        default=0, metadata=_option("stop after N validations without a new best; 0 never stops early", metavar="N")
    )
    tensorboard: bool = field(
        default=False, metadata=_option("log the metrics to TensorBoard too (pip install tensorboard)")
    )
    wandb: bool = field(default=False, metadata=_option("log the metrics to Weights & Biases too (pip install wandb)"))
    start_from: Path | None = field(
        default=None,
        metadata=_option("run or bundle to start from: its weights and the shape of its network", metavar="NAME"),
    )

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
        """`output`, once the folder has been made."""
        assert self.output is not None
        return self.output

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return max(1, self.samples // self.batch_size)

    def description(self) -> dict[str, Any]:
        """The options that must be the same in a checkpoint and in the run that resumes from it."""
        fixed = {name: value for name, value in asdict(self).items() if name not in _CHANGEABLE_ON_RESUME}
        # Only whether fp32 was requested counts: a run may be resumed on a machine where `auto` means another format.
        return {**fixed, "amp": self.precision != "fp32"}


def threads_for(options: RunOptions) -> int:
    """The number of processor threads for the network.

    That is `--threads`, or what OMP_NUM_THREADS sets for all programs, or the cores that the workers leave free. With
    more threads than cores every operation waits for all of them, which makes a run several times slower.
    """
    if options.threads is not None:
        return options.threads
    if "OMP_NUM_THREADS" in os.environ:
        return torch.get_num_threads()
    return max(1, cores() - options.num_workers)
