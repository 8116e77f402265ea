"""Logging of a run's metrics: CSV files always, TensorBoard and Weights & Biases on request."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from alpr_app.data.atomic_files import append_whole, write_atomically
from alpr_app.train.trainer.batches import TrainingError
from alpr_app.train.trainer.distributed import Ranks
from alpr_app.train.trainer.options import RunOptions


class MetricsFile:
    """A CSV file with a header to which rows of metrics are appended.

    An existing file is continued: its header is read once, here, and a last line that a killed run left incomplete is
    removed with the first row. New metrics become new columns, for which the file is rewritten atomically; a metric
    missing from a row leaves an empty cell.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines, self._torn = self._read_lines()
        self._columns: list[str] = next(csv.reader(lines[:1]), [])

    def _read_lines(self) -> tuple[list[str], bool]:
        """The complete lines, and whether an incomplete one follows them."""
        text = self.path.read_bytes().decode("utf-8", "replace") if self.path.exists() else ""
        complete = text[: text.rfind("\n") + 1]
        return complete.splitlines(), text != complete

    def append(self, row: dict[str, float]) -> None:
        """Append one row, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        if self._torn or not self.path.exists() or not row.keys() <= set(self._columns):
            self._rewrite([*self._columns, *(name for name in row if name not in self._columns)])
        line = _csv_line([f"{row[name]:.6g}" if name in row else "" for name in self._columns])
        with self.path.open("r+b", buffering=0) as file:
            append_whole(file, line.encode())

    def _rewrite(self, columns: list[str]) -> None:
        lines, _ = self._read_lines()
        # Damaged lines get new cells as well: they stay invalid, and readers skip them.
        new_cells = "," * (len(columns) - len(self._columns))
        text = _csv_line(columns) + "".join(f"{line}{new_cells}\n" for line in lines[1:])
        write_atomically(self.path, text.encode())
        self._columns, self._torn = columns, False


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


class Meter:
    """Means of the losses, samples per second and the share of time spent waiting for data, since the last `read`."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._steps = self._samples = 0
        self._waited = self._elapsed = 0.0

    def add(self, losses: dict[str, float], samples: int, started: float, waited: float) -> None:
        """Add a step that began at `started` (time.monotonic) and waited `waited` seconds for its batch."""
        for name, value in losses.items():
            self._sums[name] += value
        self._steps += 1
        self._samples += samples
        self._waited += waited
        self._elapsed += time.monotonic() - started

    def read(self) -> dict[str, float]:
        """Return the means so far and start again."""
        means = {name: value / self._steps for name, value in self._sums.items()}
        speed = {"samples_per_s": self._samples / self._elapsed, "waiting_share": self._waited / self._elapsed}
        self._reset()
        return {**means, **speed}


# File in the run's folder with the id of the run at W&B, so that a resumed run continues there too.
WANDB_ID = "wandb_id.txt"


class Trackers:
    """Logs metrics inside this context; only the first of several processes does.

    A missing package, or W&B without a login, does not end the run: one line on stderr says so, and the CSV files hold
    all metrics.

    Raises:
        TrainingError: W&B fails for another reason.
    """

    def __init__(self, options: RunOptions, ranks: Ranks, resumed: bool = False) -> None:
        self._writes = ranks.first
        self._board: Any = None
        self._wandb: Any = None
        if not self._writes:
            return
        self._files = {part: MetricsFile(options.folder / f"{part}.csv") for part in ("train", "val")}
        if options.tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                _print_missing("tensorboard")
            else:
                self._board = SummaryWriter(str(options.folder / "tensorboard"))
        if options.wandb:
            self._wandb = _start_wandb(options, resumed)

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
        """Log the metrics of a step; `part` is train or val."""
        if not self._writes:
            return
        self._files[part].append({"step": step, **figures})
        named = {f"{part}/{name}": value for name, value in figures.items()}
        if self._board is not None:
            for name, value in named.items():
                self._board.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log(named, step=step)


def _print_missing(package: str) -> None:
    message = f"the package is not installed, so only train.csv and val.csv get the metrics: pip install {package}"
    print(f"alpr_app.train: --{package}: {message}", file=sys.stderr)


def _start_wandb(options: RunOptions, resumed: bool) -> Any:
    """Start a run of W&B with its files in the run's folder, or continue the earlier one if `resumed`.

    None without the package.
    """
    try:
        # Import names from it: any folder called wandb can be imported as a namespace package.
        from wandb import errors, init
    except ImportError:
        _print_missing("wandb")
        return None
    folder = options.folder.resolve()
    id_file = folder / WANDB_ID
    run_id = id_file.read_text(encoding="utf-8", errors="replace").strip() if resumed and id_file.is_file() else None
    start = partial(
        init,
        dir=str(folder),
        name=folder.name,
        config=options.description(),
        id=run_id,
        resume="allow" if run_id else None,
    )
    try:
        run = start()
    except errors.Error as error:
        cause = str(error).partition("\n")[0].rstrip(".")
        remedy = f"the run is kept in {folder / 'wandb'}; upload it with 'wandb login' and 'wandb sync'"
        print(f"alpr_app.train: --wandb: {cause}; {remedy}", file=sys.stderr)
        try:
            run = start(mode="offline")
        except errors.Error as offline:
            cause = str(offline).partition("\n")[0].rstrip(".")
            raise TrainingError(f"--wandb: {cause}; leave --wandb out, or log in with 'wandb login'") from offline
    write_atomically(id_file, f"{run.id}\n".encode())
    return run
