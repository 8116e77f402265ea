"""Optimisation: optimiser, weight decay, averaged weights (EMA), number format, and schedules of the learning rate."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from alpr_app.core.errors import MissingPackage, UsageError
from alpr_app.data.bounded_parsing import shown
from alpr_app.train.trainer.options import PRECISION_VARIABLE, PRECISIONS, RunOptions

# Standard errors by which the loss of a window must be lower to count as lower: smaller decreases may be chance.
REQUIRED_STANDARD_ERRORS = 2.0


class Schedule(Protocol):
    def rate(self, step: int) -> float:
        """The learning rate of a step."""

    def observe(self, loss: float) -> None:
        """Take note of the loss of a step."""

    @property
    def finished(self) -> bool:
        """Whether the run should end before all steps are done."""

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


def _warmup(step: int, options: RunOptions) -> float:
    """Share of the full learning rate, which rises linearly to 1."""
    return min(1.0, (step + 1) / max(1, round(options.warmup * options.steps)))


class Cosine:
    """Linear warm-up to start_lr, then half a cosine down to min_lr."""

    finished = False

    def __init__(self, options: RunOptions) -> None:
        self.options = options

    def rate(self, step: int) -> float:
        options = self.options
        warmup = max(1, round(options.warmup * options.steps))
        if step < warmup:
            return options.start_lr * _warmup(step, options)
        progress = min(1.0, (step - warmup) / max(1, options.steps - warmup))
        return options.min_lr + 0.5 * (options.start_lr - options.min_lr) * (1 + math.cos(math.pi * progress))

    def observe(self, loss: float) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        pass


class Constant(Cosine):
    """Linear warm-up, then start_lr throughout, as the schedule-free optimiser requires."""

    def rate(self, step: int) -> float:
        return self.options.start_lr * _warmup(step, self.options)


class Plateau:
    """Halves the rate after `plateau_thr` batches whose mean loss is not significantly below the best mean so far.

    It compares the means of whole windows by their standard errors, because single batches are too noisy, and ends the
    run when the loss does not fall at min_lr either.
    """

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self.factor = 1.0
        self.best, self.best_error = math.inf, 0.0
        self.finished = False
        self._count, self._mean, self._spread = 0, 0.0, 0.0

    def rate(self, step: int) -> float:
        full = max(self.options.min_lr, self.options.start_lr * self.factor)
        return full * _warmup(step, self.options)

    def observe(self, loss: float) -> None:
        # Welford's running mean and sum of squared deviations.
        self._count += 1
        change = loss - self._mean
        self._mean += change / self._count
        self._spread += change * (loss - self._mean)
        if self._count == self.options.plateau_thr:
            self._end_window()
            self._count, self._mean, self._spread = 0, 0.0, 0.0

    def _end_window(self) -> None:
        error = math.sqrt(self._spread / max(1, self._count - 1) / self._count)
        margin = REQUIRED_STANDARD_ERRORS * math.hypot(error, self.best_error)
        if self._mean < self.best - margin:
            self.best, self.best_error = self._mean, error
            return
        self.finished = self.options.start_lr * self.factor <= self.options.min_lr
        self.factor /= 2

    def state(self) -> dict[str, Any]:
        return dict(vars(self), options=None)

    def restore(self, state: dict[str, Any]) -> None:
        figures = {name: value for name, value in state.items() if name != "options"}
        names = vars(self).keys() - {"options"}
        if figures.keys() != names or not all(isinstance(value, int | float) for value in figures.values()):
            raise ValueError(f"the schedule's figures are {shown(sorted(map(str, figures)))}, not {sorted(names)}")
        vars(self).update(figures)


def make_schedule(options: RunOptions) -> Schedule:
    """The schedule that the options select."""
    kinds: dict[str, Callable[[RunOptions], Schedule]] = {"cosine": Cosine, "plateau": Plateau, "free": Constant}
    return kinds[options.schedule](options)


ADAM_BETAS = (0.9, 0.98)

Tensors = tuple[Tensor, ...] | list[Tensor]


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: weights decay; biases, norms and other vectors, position embeddings and queries do not."""
    decayed: list[nn.Parameter] = []
    not_decayed: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        exempt = parameter.ndim < 2 or name.endswith(("places", "queries"))
        (not_decayed if exempt else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": not_decayed, "weight_decay": 0.0}]


def make_optimizer(network: nn.Module, options: RunOptions) -> torch.optim.Optimizer:
    """AdamW or, with the schedule `free`, its schedule-free form, which averages the weights itself.

    Raises:
        MissingPackage: the package schedulefree is not installed.
    """
    groups = parameter_groups(network, options.weight_decay)
    if options.schedule != "free":
        return torch.optim.AdamW(groups, lr=options.start_lr, betas=ADAM_BETAS)
    try:
        from schedulefree import AdamWScheduleFree
    except ImportError as error:
        raise MissingPackage("--schedulefree needs the package schedulefree: pip install schedulefree") from error
    optimizer: torch.optim.Optimizer = AdamWScheduleFree(groups, lr=options.start_lr, betas=ADAM_BETAS)
    return optimizer


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and buffers; its decay is lower at the beginning of a run."""

    def update(average: Tensors, current: Tensors, count: Tensor | int) -> None:
        steps = int(count)
        weight = 1 - min(decay, (1 + steps) / (10 + steps))
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, weight)
        else:
            for averaged_value, value in zip(average, current, strict=True):
                averaged_value.copy_(value)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)


def computes_in_bf16(options: RunOptions, device: torch.device) -> bool:
    """Whether the run's `precision` means bf16 on this device. Raises UsageError for an unknown ALPR_PRECISION."""
    precision = options.precision
    if precision == "auto":
        precision = os.environ.get(PRECISION_VARIABLE, "auto")
        if precision not in PRECISIONS:
            raise UsageError(f"{PRECISION_VARIABLE} must be one of {', '.join(PRECISIONS)}, not '{precision}'")
    return bf16_is_fast(device) if precision == "auto" else precision == "bf16"


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 natively; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type == "cpu":
        # torch has private functions only for this; where they are missing, float32 is the safe choice.
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return False
