"""Several training runs whose curves are laid over each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from alpr_app.data.run_folder import TRAIN, Curves, is_run
from alpr_app.viewer.app.state import State
from alpr_app.viewer.app.training import RunView, RunWatch
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.threads import noop

# As many as there are colours of lines.
MAXIMUM_RUNS = 8


class RunOverlay:
    """The runs that are compared with the one that is watched. All methods belong to the main thread.

    Args:
        state: State of the window.
        wake: Ends the window's sleep.

    Attributes:
        views: Newest view of each run, in the order in which they were added.
    """

    def __init__(self, state: State, wake: Callable[[], None] = noop) -> None:
        self._state, self._wake = state, wake
        self.views: list[RunView] = []
        self._watches: dict[Path, RunWatch] = {}
        self._closing: list[RunWatch] = []

    def add(self, folder: str) -> bool:
        """Add the run in `folder`; returns whether there is one that was not there yet."""
        path = Path(os.path.abspath(os.path.expanduser(folder.strip())))
        if not is_run(path):
            self._state.add_message(tr("{path}: there is no training run in this folder", path=path), is_error=True)
            return False
        if path in self._watches:
            return False
        if len(self.views) >= MAXIMUM_RUNS - 1:
            message = tr("No more than {count} runs can be compared", count=MAXIMUM_RUNS)
            self._state.add_message(message, is_error=True)
            return False
        self.views.append(RunView(path, begun=True))
        self._watches[path] = RunWatch(path, self._wake)
        return True

    def remove(self, folder: Path) -> None:
        """Take a run out."""
        self.views = [view for view in self.views if view.folder != folder]
        watch = self._watches.pop(folder, None)
        if watch is not None:
            watch.close(0)
            self._closing.append(watch)

    def collect(self) -> None:
        """Take over the newest figures. Never waits."""
        for number, view in enumerate(self.views):
            newest = self._watches[view.folder].views.take()
            if newest is not None:
                self.views[number] = newest

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the threads; returns whether all have ended within `timeout` seconds."""
        watches = [*self._closing, *self._watches.values()]
        return all([watch.close(timeout) for watch in watches])


def names_of(views: Sequence[RunView]) -> list[str]:
    """Short names of runs, with as many folders above as are needed to tell them apart."""
    depth = 1
    while True:
        names = [str(Path(*view.folder.parts[-depth:])) for view in views]
        if len(set(names)) == len(names) or depth >= max(len(view.folder.parts) for view in views):
            return names
        depth += 1


def columns_of(views: Sequence[RunView], part: str) -> list[str]:
    """The columns of train.csv (`part` is TRAIN) or val.csv (VAL) that any of the runs has, without the step."""
    found: dict[str, None] = {}
    for view in views:
        found |= dict.fromkeys(_curves(view, part).columns)
    return [name for name in found if name != "step"]


def overlaid(views: Sequence[RunView], part: str, column: str) -> tuple[np.ndarray, Mapping[str, np.ndarray], float]:
    """Lay one column of several runs over each other.

    Args:
        views: The runs.
        part: TRAIN or VAL.
        column: The column.

    Returns:
        All steps in ascending order (N,); the values of each run that has the column at these steps (N,), by its name,
        interpolated between its own steps and NaN beyond them; and the last step of all runs.
    """
    lines = {
        name: (curves.columns["step"], curves.columns[column])
        for name, view in zip(names_of(views) if views else [], views, strict=True)
        if column in (curves := _curves(view, part)).columns
    }
    steps = np.unique(np.concatenate([own for own, _ in lines.values()])) if lines else np.zeros(0)
    values = {name: _at(steps, own, figures) for name, (own, figures) in lines.items()}
    return steps, values, float(max((view.step for view in views), default=0))


def _at(steps: np.ndarray, own: np.ndarray, figures: np.ndarray) -> np.ndarray:
    known = np.isfinite(figures)
    if not known.any():
        return np.full(len(steps), np.nan)
    return np.asarray(np.interp(steps, own[known], figures[known], left=np.nan, right=np.nan))


def _curves(view: RunView, part: str) -> Curves:
    return view.train if part == TRAIN else view.val
