"""What a run says of itself: rows in CSV files always, TensorBoard and Weights & Biases by option."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from alpr_app.data.atomic_files import write_atomically
from alpr_app.train.trainer.batches import TrainingError
from alpr_app.train.trainer.distributed import Ranks
from alpr_app.train.trainer.options import RunOptions


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, which begins with the names of its columns.

    A cell is empty where a row has no such figure: with columns that the file lacks, as one has that an earlier version
    began, it is written anew, whole or not at all. What a run that was killed left of its last line is taken away.

    Raises OSError.
    """
    text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    head, *lines = whole.splitlines() or [""]
    names = head.split(",") if head else []
    added = [name for name in row if name not in names]
    line = ",".join(f"{row[name]:.6g}" if name in row else "" for name in [*names, *added])
    if text == whole and not added:
        with path.open("a", newline="\n", encoding="utf-8") as file:
            file.write(line + "\n")
        return
    # Damaged lines get as many cells too: they stay as wrong as they are, and readers leave them out.
    table = [",".join([*names, *added]), *(earlier + "," * len(added) for earlier in lines), line]
    write_atomically(path, ("\n".join(table) + "\n").encode())


class Meter:
    """Means of the losses, samples a second and the share of time spent waiting for data, since the last look."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._steps = self._samples = 0
        self._waited = self._passed = 0.0

    def add(self, losses: dict[str, float], samples: int, started: float, waited: float) -> None:
        """One step that began at `started` (time.monotonic) and waited for its batch for `waited` seconds."""
        for name, value in losses.items():
            self._sums[name] += value
        self._steps += 1
        self._samples += samples
        self._waited += waited
        self._passed += time.monotonic() - started

    def read(self) -> dict[str, float]:
        """The means so far; begins anew."""
        means = {name: value / self._steps for name, value in self._sums.items()}
        speed = {"samples_per_s": self._samples / self._passed, "waiting_share": self._waited / self._passed}
        self._reset()
        return {**means, **speed}


# Under which W&B knows the run: kept in the run's folder, so that a resumed run goes on there too.
WANDB_ID = "wandb_id.txt"


class Trackers:
    """Writes rows of figures while entered; only the first process of several does.

    A package that is missing, or W&B where nobody is logged in, is no reason to lose a run: what cannot be had is said
    in one line, and the CSV files have all figures. Raises TrainingError if W&B refuses for another reason.
    """

    def __init__(self, options: RunOptions, ranks: Ranks, resumed: bool = False) -> None:
        self._folder = options.folder
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
                self._board = SummaryWriter(str(options.folder / "tensorboard"))
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
    folder = options.folder.resolve()
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
