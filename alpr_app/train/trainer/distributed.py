"""Distributed training: several processes, started by torchrun, train one network, each on its share of every batch."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from alpr_app.core.errors import AlprError, UsageError
from alpr_app.train.trainer.checkpoint import differences


@dataclass(frozen=True)
class Ranks:
    """The rank of this process among all processes. Only the first one writes files.

    Attributes:
        rank: Number of this process, from 0.
        world: Number of processes.
        local: Number of this process on its machine, from 0.
    """

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        return self.rank == 0


@contextmanager
def ranks_of_environment(device: str) -> Iterator[Ranks]:
    """The ranks that torchrun sets in the environment. The processes are connected inside this context, by NCCL on CUDA
    and by Gloo elsewhere."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    ranks = Ranks(int(os.environ["RANK"]), world, int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield ranks
    finally:
        # Objects that still refer to the group keep its threads alive, which must end before the interpreter does.
        gc.collect()
        distributed.destroy_process_group()


def _exchange_device() -> torch.device:
    """The device of tensors that the processes exchange."""
    nccl = distributed.get_backend() == "nccl"
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if nccl else torch.device("cpu")


@contextmanager
def all_or_none(ranks: Ranks) -> Iterator[None]:
    """Make a step that may fail in one process fail in all, so that none waits for a process that has ended.

    Raises:
        AlprError: the step succeeded here and failed in another process.
    """
    failed = True
    try:
        yield
        failed = False
    finally:
        if ranks.world > 1:
            count = torch.tensor(int(failed), device=_exchange_device())
            distributed.all_reduce(count)
            elsewhere = int(count) - failed
            if elsewhere and not failed:
                raise AlprError(f"{elsewhere} of the {ranks.world} processes failed; their messages say why")


def from_first(ranks: Ranks, make: Callable[[], bytes]) -> bytes:
    """Call `make` in the first process and return its result in all of them.

    Raises:
        AlprError: `make` has failed; in the first process its own exception is raised.
    """
    content = b""
    with all_or_none(ranks):
        if ranks.first:
            content = make()
    if ranks.world == 1:
        return content
    size = torch.tensor(len(content), device=_exchange_device())
    distributed.broadcast(size, 0)
    values = torch.empty(int(size), dtype=torch.uint8)
    if ranks.first and content:
        values = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    values = values.to(_exchange_device())
    distributed.broadcast(values, 0)
    return values.cpu().numpy().tobytes()


def require_same(ranks: Ranks, description: dict[str, Any]) -> None:
    """Check that all processes were given the same options and data. Raises AlprError that names the differences."""
    ours = json.loads(json.dumps(description, default=str))
    theirs = json.loads(from_first(ranks, lambda: json.dumps(ours).encode()))
    with all_or_none(ranks):
        if ours != theirs:
            names = differences(ours, theirs)
            raise AlprError(f"process {ranks.rank} has other options or data than the first one: {names}")


def mean_over_ranks(value: Tensor) -> Tensor:
    """The mean of `value` over all processes, without gradient; `value` itself for a single process."""
    if not distributed.is_initialized():
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


class _Sum(torch.autograd.Function):
    """The sum of a value over all processes. The value of each process affects the losses of all, so the gradient is a
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


class SynchronisedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the whole batch of all processes. torch's own SyncBatchNorm works on CUDA only."""

    def forward(self, features: Tensor) -> Tensor:
        if not self.training or not distributed.is_initialized():
            return super().forward(features)
        # In bfloat16 the sums of many values would be rounded.
        input_type, features = features.dtype, features.to(self.weight.dtype)
        # The parts of all processes have the same size, so the number of values is not exchanged.
        total = features.numel() // features.shape[1] * distributed.get_world_size()
        mean: Tensor = _Sum.apply(features.sum(dim=(0, 2, 3))) / total  # type: ignore[no-untyped-call]
        centred = features - mean[:, None, None]
        variance: Tensor = _Sum.apply(centred.square().sum(dim=(0, 2, 3))) / total  # type: ignore[no-untyped-call]
        self._update_running_statistics(mean.detach(), variance.detach() * (total / max(1, total - 1)))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input_type)

    def _update_running_statistics(self, mean: Tensor, variance: Tensor) -> None:
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
            self.num_batches_tracked.add_(1)


def synchronise_batch_norms(network: nn.Module) -> None:
    """Turn every batch norm of `network` into a synchronised one, in place; names and weights stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SynchronisedBatchNorm2d


@dataclass(frozen=True)
class BatchSharding:
    """How each batch is divided among processes and accumulated parts.

    Attributes:
        batch_size: Samples per step in total.
        accumulate: Parts that each process computes one after the other, to save memory.
        ranks: This process among all.

    Raises:
        UsageError: the batch cannot be divided evenly.
    """

    batch_size: int
    accumulate: int
    ranks: Ranks

    def __post_init__(self) -> None:
        parts = self.accumulate * self.ranks.world
        if self.batch_size % parts:
            raise UsageError(
                f"--batch_size {self.batch_size} must be a multiple of {parts}, the processes times --accumulate"
            )

    @property
    def size(self) -> int:
        """Samples in one part of one process."""
        return self.batch_size // (self.accumulate * self.ranks.world)

    def sampler(self, first_step: int, steps: int) -> ShardSampler:
        """The samples of this process from `first_step` on; together the processes see those of one."""
        return ShardSampler(self, first_step, steps)


@dataclass(frozen=True)
class ShardSampler(Sized):
    """The indices of one process's samples, for torch's DataLoader."""

    sharding: BatchSharding
    first_step: int
    steps: int

    def __len__(self) -> int:
        return (self.steps - self.first_step) * self.sharding.size * self.sharding.accumulate

    def __iter__(self) -> Iterator[int]:
        sharding = self.sharding
        samples = sharding.size * sharding.accumulate
        for step in range(self.first_step, self.steps):
            start = step * sharding.batch_size + sharding.ranks.rank * samples
            yield from range(start, start + samples)
