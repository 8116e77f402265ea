"""Several processes that train one network together: started by torchrun, each sees its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Ranks:
    """This process among all: rank of world, and its number on this machine. Only the first one writes."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        return self.rank == 0


@contextmanager
def ranks_of_environment(device: str) -> Iterator[Ranks]:
    """What torchrun says in the environment; the processes are joined (NCCL on CUDA, else Gloo) while entered."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    ranks = Ranks(int(os.environ["RANK"]), world, int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield ranks
    finally:
        distributed.destroy_process_group()


def mean_over_ranks(value: Tensor) -> Tensor:
    """The mean of `value` over all processes, without gradient; `value` itself if there is one only."""
    if not distributed.is_initialized():
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


class _Sum(torch.autograd.Function):
    """The sum of a value over all processes. Each process's value acts on all of their losses, so the gradient is a
    sum as well."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        total = value.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the whole batch, wherever its parts are. torch's own works on CUDA only."""

    def forward(self, features: Tensor) -> Tensor:
        if not self.training or not distributed.is_initialized():
            return super().forward(features)
        # All processes have parts of the same size, so the number of values need not be shared.
        total = features.numel() // features.shape[1] * distributed.get_world_size()
        mean = _Sum.apply(features.sum(dim=(0, 2, 3))) / total
        centred = features - mean[:, None, None]
        variance = _Sum.apply(centred.square().sum(dim=(0, 2, 3))) / total
        self._follow(mean.detach(), variance.detach() * (total / max(1, total - 1)))
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
            self.num_batches_tracked.add_(1)


def share_batch_norms(network: nn.Module) -> None:
    """Make every batch norm of `network` a shared one, in place; names and weights stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
