"""How weights are moved: learning rate, weight decay, averaging, number format."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from alpr_app.train.options import RunOptions


def learning_rate(step: int, options: RunOptions) -> float:
    """Linear warm-up to start_lr, then half a cosine down to min_lr."""
    warmup = max(1, round(options.warmup * options.steps))
    if step < warmup:
        return options.start_lr * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, options.steps - warmup))
    return options.min_lr + 0.5 * (options.start_lr - options.min_lr) * (1 + math.cos(math.pi * progress))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases, norms and other vectors, places and queries do not."""
    decayed, free = [], []
    for name, parameter in network.named_parameters():
        plain = parameter.ndim < 2 or name.endswith(("places", "queries"))
        (free if plain else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


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


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the processor computes in bfloat16 itself; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        # torch tells this by private names only; where it has another one, float32 is the safe answer.
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return False
