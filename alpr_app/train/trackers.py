"""Where a run's figures go: CSV files always, TensorBoard and Weights & Biases by option."""

from __future__ import annotations

import sys
from functools import partial
from types import TracebackType
from typing import Any

from alpr_app.train.batches import TrainingError
from alpr_app.train.distributed import Ranks
from alpr_app.train.metrics import append_row
from alpr_app.train.options import RunOptions

# Under which W&B knows the run: kept in the run's folder, so that a resumed run goes on there too.
WANDB_ID = "wandb_id.txt"


class Trackers:
    """Writes rows of figures while entered; only the first process of several does.

    A package that is missing, or W&B where nobody is logged in, is no reason to lose a run: what cannot be had is said
    in one line, and the CSV files have all figures. Raises TrainingError if W&B refuses for another reason.
    """

    def __init__(self, options: RunOptions, ranks: Ranks, resumed: bool = False) -> None:
        self._folder = options.output
        self._writes = ranks.first
        self._board: Any = None
        self._wandb: Any = None
        if not self._writes:
            return
        if options.tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                _say_missing("tensorboard")
            else:
                self._board = SummaryWriter(str(options.output / "tensorboard"))
        if options.wandb:
            self._wandb = _begin_wandb(options, resumed)

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


def _say_missing(package: str) -> None:
    said = f"the package is not installed, so the figures go into train.csv and val.csv alone: pip install {package}"
    print(f"alpr_app.train: --{package}: {said}", file=sys.stderr)


def _begin_wandb(options: RunOptions, resumed: bool) -> Any:
    """A run of W&B with its files in the run's folder; the one from before if `resumed`. None without the package."""
    try:
        # By name: an empty folder called wandb can be imported as well.
        from wandb import errors, init
    except ImportError:
        _say_missing("wandb")
        return None
    folder = options.output.resolve()
    kept = folder / WANDB_ID
    known = kept.read_text(encoding="utf-8", errors="replace").strip() if resumed and kept.is_file() else None
    begin = partial(
        init,
        dir=str(folder),
        name=folder.name,
        config=options.description(),
        id=known,
        resume="allow" if known else None,
    )
    try:
        run = begin()
    except errors.Error as error:
        said = str(error).partition("\n")[0].rstrip(".")
        later = f"the run is kept in {folder / 'wandb'}; send it with 'wandb login' and 'wandb sync'"
        print(f"alpr_app.train: --wandb: {said}; {later}", file=sys.stderr)
        try:
            run = begin(mode="offline")
        except errors.Error as offline:
            said = str(offline).partition("\n")[0].rstrip(".")
            raise TrainingError(f"--wandb: {said}; leave --wandb out, or log in with 'wandb login'") from offline
    kept.write_text(f"{run.id}\n", encoding="utf-8")
    return run
