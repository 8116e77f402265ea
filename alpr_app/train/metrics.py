"""What a run says of itself: rows in CSV files, and means over the last steps."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

from alpr_app.data.atomic_files import write_atomically


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
