"""Which samples of every batch a process sees, and in which parts."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass

from alpr_app.core.errors import UsageError
from alpr_app.train.distributed import Ranks


@dataclass(frozen=True)
class Shares:
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

    shares: Shares
    first_step: int
    steps: int

    def __len__(self) -> int:
        return (self.steps - self.first_step) * self.shares.size * self.shares.accumulate

    def __iter__(self) -> Iterator[int]:
        shares = self.shares
        for step in range(self.first_step, self.steps):
            start = step * shares.batch_size + shares.ranks.rank * shares.size * shares.accumulate
            yield from range(start, start + shares.size * shares.accumulate)
