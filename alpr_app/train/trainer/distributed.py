"""Several processes that train one network together: started by torchrun, each sees its share of every batch."""

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
        # What still knows the group keeps its threads, which must not be caught by the end of the interpreter.
        gc.collect()
        distributed.destroy_process_group()


def _place() -> torch.device:
    """Where tensors must lie that the processes exchange."""
    nccl = distributed.get_backend() == "nccl"
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if nccl else torch.device("cpu")


@contextmanager
def all_or_none(ranks: Ranks) -> Iterator[None]:
    """Around what may fail in one process and not in another: nobody may wait for one that has gone.

    Raises AlprError where it went well, if it did not elsewhere.
    """
    failed = True
    try:
        yield
        failed = False
    finally:
        if ranks.world > 1:
            count = torch.tensor(int(failed), device=_place())
            distributed.all_reduce(count)
            elsewhere = int(count) - failed
            if elsewhere and not failed:
                raise AlprError(f"{elsewhere} of the {ranks.world} processes cannot go on; theirs is the line with why")


def from_first(ranks: Ranks, make: Callable[[], bytes]) -> bytes:
    """What `make` gives in the first process, in every one; the others do not call it.

    Raises what it raises, and AlprError in the others.
    """
    content = b""
    with all_or_none(ranks):
        if ranks.first:
            content = make()
    if ranks.world == 1:
        return content
    size = torch.tensor(len(content), device=_place())
    distributed.broadcast(size, 0)
    values = torch.empty(int(size), dtype=torch.uint8)
    if ranks.first and content:
        values = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    values = values.to(_place())
    distributed.broadcast(values, 0)
    return values.cpu().numpy().tobytes()


def require_same(ranks: Ranks, description: dict[str, Any]) -> None:
    """Raises AlprError that names what differs, if the processes were not given the same options and data."""
    ours = json.loads(json.dumps(description, default=str))
    theirs = json.loads(from_first(ranks, lambda: json.dumps(ours).encode()))
    with all_or_none(ranks):
        if ours != theirs:
            names = differences(ours, theirs)
            raise AlprError(f"process {ranks.rank} has other options or data than the first one: {names}")


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
        # Sums of many bfloat16 values would round.
        given, features = features.dtype, features.to(self.weight.dtype)
        # All processes have parts of the same size, so the number of values need not be shared.
        total = features.numel() // features.shape[1] * distributed.get_world_size()
        mean: Tensor = _Sum.apply(features.sum(dim=(0, 2, 3))) / total  # type: ignore[no-untyped-call]
        centred = features - mean[:, None, None]
        variance: Tensor = _Sum.apply(centred.square().sum(dim=(0, 2, 3))) / total  # type: ignore[no-untyped-call]
        self._follow(mean.detach(), variance.detach() * (total / max(1, total - 1)))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(given)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
            self.num_batches_tracked.add_(1)


def share_batch_norms(network: nn.Module) -> None:
    """Make every batch norm of `network` a shared one, in place; names and weights stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d


@dataclass(frozen=True)
class BatchSharding:
    """batch_size: samples a step in all. accumulate: parts one after the other, so that little memory is enough.

    Raises UsageError if the batch cannot be shared out evenly.
    """

    batch_size: int
    accumulate: int
    ranks: Ranks

    def __post_init__(self) -> None:
        shares = self.accumulate * self.ranks.world
        if self.batch_size % shares:
            raise UsageError(
                f"--batch_size {self.batch_size} must be a multiple of {shares}, the processes times --accumulate"
            )

    @property
    def size(self) -> int:
        """Samples of one part of one process."""
        return self.batch_size // (self.accumulate * self.ranks.world)

    def indices(self, first_step: int, steps: int) -> Indices:
        """This process's samples from `first_step` on: together, all processes see what a single one would see."""
        return Indices(self, first_step, steps)


@dataclass(frozen=True)
class Indices(Sized):
    """An order of samples for torch's loader."""

    shares: BatchSharding
    first_step: int
    steps: int

    def __len__(self) -> int:
        return (self.steps - self.first_step) * self.shares.size * self.shares.accumulate

    def __iter__(self) -> Iterator[int]:
        shares = self.shares
        for step in range(self.first_step, self.steps):
            start = step * shares.batch_size + shares.ranks.rank * shares.size * shares.accumulate
            yield from range(start, start + shares.size * shares.accumulate)
