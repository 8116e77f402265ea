"""How weights are moved: optimiser, weight decay, averaging, number format."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from alpr_app.core.errors import MissingPackage, UsageError
from alpr_app.train.options import PRECISION_VARIABLE, PRECISIONS, RunOptions

ADAM_BETAS = (0.9, 0.98)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases, norms and other vectors, places and queries do not."""
    decayed, free = [], []
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
    return AdamWScheduleFree(groups, lr=options.start_lr, betas=ADAM_BETAS)


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and buffers; it follows faster while the run is young."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
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
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        # torch tells this by private names only; where it has another one, float32 is the safe answer.
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return False
