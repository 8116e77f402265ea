"""What a run says of itself: rows in CSV files, and means over the last steps."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from pathlib import Path


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, which begins with the names of its columns."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


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
