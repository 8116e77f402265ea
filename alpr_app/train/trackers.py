"""Where a run's figures go: CSV files always, TensorBoard and Weights & Biases by option."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from alpr_app.train.distributed import Ranks
from alpr_app.train.metrics import append_row
from alpr_app.train.options import RunOptions


class Trackers:
    """Writes rows of figures while entered; only the first process of several does.

    Raises ImportError with the remedy if a wished package is missing.
    """

    def __init__(self, options: RunOptions, ranks: Ranks) -> None:
        self._folder = options.output
        self._writes = ranks.first
        self._board: Any = None
        self._wandb: Any = None
        if not self._writes:
            return
        if options.tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise ImportError("--tensorboard needs the package tensorboard: pip install tensorboard") from error
            self._board = SummaryWriter(str(options.output / "tensorboard"))
        if options.wandb:
            try:
                import wandb
            except ImportError as error:
                raise ImportError("--wandb needs the package wandb: pip install wandb") from error
            self._wandb = wandb.init(dir=str(options.output), name=options.output.name, config=options.description())

    def __enter__(self) -> Trackers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._board is not None:
            self._board.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=0 if kind is None else 1)

    def add(self, part: str, step: int, figures: dict[str, float]) -> None:
        """One row of `part` (train or val)."""
        if not self._writes:
            return
        append_row(self._folder / f"{part}.csv", {"step": step, **figures})
        named = {f"{part}/{name}": value for name, value in figures.items()}
        if self._board is not None:
            for name, value in named.items():
                self._board.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log(named, step=step)
