"""Watches the folder of a training run: reads again what has changed in it, on a thread of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from alpr_app.data.run_folder import (
    ABOUT,
    COMMAND,
    MISTAKES,
    NEWEST,
    TRAIN,
    VAL,
    About,
    Curves,
    NewestModel,
    is_run,
    next_command,
    read_about,
    read_curves,
    read_newest,
)
from alpr_app.viewer.background import Worker
from alpr_app.viewer.mailbox import LatestValue, nobody
from alpr_app.viewer.shot import Shot, load_shot

PERIOD_SECONDS = 1.0
# No chart is so wide that more points would show.
MOST_POINTS = 800
# Lines of train.csv over whose speed is averaged, and what counts as standing still.
RECENT = 5
STILL_SECONDS, STILL_LINES = 90.0, 5.0

Stamp = tuple[int, int] | None
"""When a file was changed and how large it is; None if it is not there."""


@dataclass(frozen=True, eq=False)
class RunView:
    """What is known of a run. changed: when its figures were written last, seconds since 1970, 0 for never. sheet: its
    mistakes. troubles: what cannot be read, a line each."""

    folder: Path
    about: About | None = None
    command: str = ""
    train: Curves = field(default_factory=Curves)
    val: Curves = field(default_factory=Curves)
    newest: NewestModel | None = None
    sheet: Shot | None = None
    changed: float = 0.0
    troubles: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name or str(self.folder)

    @property
    def step(self) -> int:
        return int(max(self.train.last("step") or 0, self.val.last("step") or 0))

    @property
    def steps(self) -> int:
        """Of the whole run; 0 if that is not known."""
        return self.about.steps if self.about is not None else 0

    @property
    def done(self) -> bool:
        return 0 < self.steps <= self.step

    @property
    def rate(self) -> float:
        """Samples a second of late; 0 if that is not known."""
        rates = self.train.columns.get("samples_per_s", np.zeros(0))[-RECENT:]
        rates = rates[np.isfinite(rates) & (rates > 0)]
        # Every line stands for as many samples: their times are added up.
        return float(len(rates) / (1 / rates).sum()) if len(rates) else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until the last step, validation not counted; None if that is not known."""
        if not self.steps or not self.rate or self.about is None:
            return None
        return max(0, self.steps - self.step) * self.about.batch_size / self.rate

    def still(self, now: float) -> bool:
        """Whether it seems to have been stopped. now: seconds since 1970."""
        steps = self.train.columns.get("step", np.zeros(0))
        batch = self.about.batch_size if self.about is not None else 0
        line = (steps[-1] - steps[-2]) * batch / self.rate if len(steps) > 1 and self.rate else 0.0
        return not self.done and now - self.changed > max(STILL_SECONDS, STILL_LINES * line)

    def best(self, name: str) -> float:
        """The figure `name` of the validation by which the best checkpoint was chosen; NaN if none was."""
        columns = self.val.columns
        judged = self.about.judged_by if self.about is not None and self.about.judged_by in columns else None
        # A run that does not say begins its figures with it.
        judged = judged or next((other for other in columns if other != "step"), "")
        if not judged or not np.isfinite(columns[judged]).any():
            return float("nan")
        return float(columns[name][int(np.nanargmax(columns[judged]))])


class RunWatch(Worker):
    """folder: of the run. wake: there is another view."""

    def __init__(self, folder: Path, wake: Callable[[], None] = nobody, period: float = PERIOD_SECONDS) -> None:
        self.views: LatestValue[RunView] = LatestValue(wake)
        self._view = RunView(folder)
        self._stamps: dict[str, Stamp] = {}
        self._troubles: dict[str, str] = {}
        self._period = period
        super().__init__("alpr-run")

    def _run(self) -> None:
        while not self._ended:
            self._look()
            with self._changed:
                self._changed.wait_for(lambda: self._ended, self._period)

    def _look(self) -> None:
        """Read what has changed since the last look. Taken before reading, stamps tell of whatever comes later."""
        folder = self._view.folder
        files = {TRAIN: [TRAIN], VAL: [VAL], ABOUT: [ABOUT, COMMAND], NEWEST: [NEWEST, "newest.json"]}
        files[MISTAKES] = [MISTAKES]
        stamps = {part: tuple(_stamp(folder / name) for name in names) for part, names in files.items()}
        changed = [part for part in files if stamps[part] != self._stamps.get(part)]
        if not changed:
            return
        self._stamps = stamps
        for part in changed:
            self._read(part)
        times = [stamp[0] / 1e9 for part in (TRAIN, VAL) for stamp in stamps[part] if stamp is not None]
        if not is_run(folder):
            self._troubles[""] = f"{folder}: there is no training run in this folder any more"
        else:
            self._troubles.pop("", None)
        view = self._view
        self._view = replace(
            view,
            command=next_command(folder, view.about, view.done),
            changed=max(times, default=0.0),
            troubles=tuple(line for line in self._troubles.values() if line),
        )
        self.views.put(self._view)

    def _read(self, part: str) -> None:
        folder, view = self._view.folder, self._view
        if part in (TRAIN, VAL):
            curves = read_curves(folder / part)
            self._troubles[part] = curves.trouble
            curves = thinned(curves, MOST_POINTS)
            self._view = replace(view, train=curves) if part == TRAIN else replace(view, val=curves)
        elif part == ABOUT:
            about, self._troubles[part] = read_about(folder)
            self._view = replace(view, about=about)
        elif part == NEWEST:
            newest, self._troubles[part] = read_newest(folder)
            self._view = replace(view, newest=newest)
        else:
            sheet = load_shot(str(folder / MISTAKES)) if self._stamps[part] != (None,) else None
            self._troubles[part] = f"{sheet.key}: {sheet.error}" if sheet is not None and sheet.error else ""
            self._view = replace(view, sheet=None if sheet is None or sheet.error else sheet)


def _stamp(path: Path) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def thinned(curves: Curves, most: int) -> Curves:
    """At most `most` lines of them, evenly out of all, the first and the last among them."""
    count = len(curves.columns.get("step", ()))
    if count <= most:
        return curves
    chosen = np.linspace(0, count - 1, most).round().astype(int)
    return Curves({name: values[chosen] for name, values in curves.columns.items()}, curves.trouble)


def age(written: float, now: float | None = None) -> float:
    """Seconds since `written`, seconds since 1970."""
    return max(0.0, (time.time() if now is None else now) - written)
