"""How weights are moved: optimiser, weight decay, averaging, number format, and the learning rate over a run (a cosine,
or halved whenever the loss has stopped falling).
"""

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

# A window's loss counts as lower only if it is so by this many standard errors: chance alone does not do it.
CERTAINTY = 2.0


class Schedule(Protocol):
    def rate(self, step: int) -> float:
        """The learning rate of a step."""

    def observe(self, loss: float) -> None:
        """Told of every step's loss."""

    @property
    def finished(self) -> bool:
        """Whether nothing is to be gained by going on."""

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


def _warmup(step: int, options: RunOptions) -> float:
    """Share of the full rate: rises linearly to 1."""
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
    """Linear warm-up, then start_lr throughout: what the schedule-free optimiser asks for."""

    def rate(self, step: int) -> float:
        return self.options.start_lr * _warmup(step, self.options)


class Plateau:
    """Halves the rate after `plateau_thr` batches whose mean loss is not surely below the best mean so far.

    Means of whole windows are compared, with their standard errors: single batches are too noisy to be judged by.
    Ends the run when the loss stays even at min_lr.
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
            self._judge()
            self._count, self._mean, self._spread = 0, 0.0, 0.0

    def _judge(self) -> None:
        error = math.sqrt(self._spread / max(1, self._count - 1) / self._count)
        margin = CERTAINTY * math.hypot(error, self.best_error)
        if self._mean < self.best - margin:
            self.best, self.best_error = self._mean, error
            return
        self.finished = self.options.start_lr * self.factor <= self.options.min_lr
        self.factor /= 2

    def state(self) -> dict[str, Any]:
        return dict(vars(self), options=None)

    def restore(self, state: dict[str, Any]) -> None:
        figures = {name: value for name, value in state.items() if name != "options"}
        own = vars(self).keys() - {"options"}
        if figures.keys() != own or not all(isinstance(value, int | float) for value in figures.values()):
            raise ValueError(f"the schedule's figures are {shown(sorted(map(str, figures)))}, not {sorted(own)}")
        vars(self).update(figures)


def make_schedule(options: RunOptions) -> Schedule:
    """The schedule that the options name."""
    kinds: dict[str, Callable[[RunOptions], Schedule]] = {"cosine": Cosine, "plateau": Plateau, "free": Constant}
    return kinds[options.schedule](options)


ADAM_BETAS = (0.9, 0.98)

Tensors = tuple[Tensor, ...] | list[Tensor]


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases, norms and other vectors, places and queries do not."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        plain = parameter.ndim < 2 or name.endswith(("places", "queries"))
        (free if plain else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def make_optimizer(network: nn.Module, options: RunOptions) -> torch.optim.Optimizer:
    """AdamW; with the schedule `free` its schedule-free form, which averages the weights by itself.

    Raises MissingPackage with the remedy if the package for it is missing.
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
    """Exponential moving average of weights and buffers; it follows faster while the run is young."""

    def update(average: Tensors, current: Tensors, count: Tensor | int) -> None:
        steps = int(count)
        weight = 1 - min(decay, (1 + steps) / (10 + steps))
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, weight)
        else:
            for kept, new in zip(average, current, strict=True):
                kept.copy_(new)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)


def computes_in_bf16(options: RunOptions, device: torch.device) -> bool:
    """What the run's `precision` comes to on this device. Raises UsageError for an unknown one in ALPR_PRECISION."""
    precision = options.precision
    if precision == "auto":
        precision = os.environ.get(PRECISION_VARIABLE, "auto")
        if precision not in PRECISIONS:
            raise UsageError(f"{PRECISION_VARIABLE} must be one of {', '.join(PRECISIONS)}, not '{precision}'")
    return bf16_is_fast(device) if precision == "auto" else precision == "bf16"


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the processor computes in bfloat16 itself; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type == "cpu":
        # torch tells this by private names only; where it has another one, float32 is the safe answer.
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return False
