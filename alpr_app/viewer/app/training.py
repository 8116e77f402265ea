"""The training run that is watched, and models of runs that are in use instead of the shipped ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

import numpy as np

from alpr_app.core.errors import AlprError
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
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.settings import with_recent
from alpr_app.viewer.app.state import State
from alpr_app.viewer.workers.images import ImageItem, load_image_item
from alpr_app.viewer.workers.threads import BackgroundTask, Closable, LatestValue, Worker, noop

PERIOD_SECONDS = 1.0
# No chart is so wide that more points would show.
MAXIMUM_POINTS = 800
# Lines of train.csv over whose speed is averaged, and what counts as standing still.
RECENT = 5
STALLED_SECONDS, STALLED_LINES = 90.0, 5.0

Stamp = tuple[int, int] | None
"""When a file was changed and how large it is; None if it is not there."""


@dataclass(frozen=True, eq=False)
class RunView:
    """What is known of a run. changed: when its figures were written last, seconds since 1970, 0 for never. sheet: its
    mistakes. problems: what cannot be read, a line each."""

    folder: Path
    about: About | None = None
    command: str = ""
    train: Curves = field(default_factory=Curves)
    val: Curves = field(default_factory=Curves)
    newest: NewestModel | None = None
    sheet: ImageItem | None = None
    changed: float = 0.0
    problems: tuple[str, ...] = ()

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

    def is_stalled(self, now: float) -> bool:
        """Whether it seems to have been stopped. now: seconds since 1970."""
        steps = self.train.columns.get("step", np.zeros(0))
        batch = self.about.batch_size if self.about is not None else 0
        line = (steps[-1] - steps[-2]) * batch / self.rate if len(steps) > 1 and self.rate else 0.0
        return not self.done and now - self.changed > max(STALLED_SECONDS, STALLED_LINES * line)

    def best(self, name: str) -> float:
        """The figure `name` of the validation by which the best checkpoint was chosen; NaN if none was."""
        columns = self.val.columns
        monitor = self.about.judged_by if self.about is not None and self.about.judged_by in columns else None
        # A run that does not say begins its figures with it.
        monitor = monitor or next((other for other in columns if other != "step"), "")
        if not monitor or not np.isfinite(columns[monitor]).any():
            return float("nan")
        return float(columns[name][int(np.nanargmax(columns[monitor]))])


class RunWatch(Worker):
    """folder: of the run. wake: there is another view."""

    def __init__(self, folder: Path, wake: Callable[[], None] = noop, period: float = PERIOD_SECONDS) -> None:
        self.views: LatestValue[RunView] = LatestValue(wake)
        self._view = RunView(folder)
        self._stamps: dict[str, tuple[Stamp, ...]] = {}
        self._problems: dict[str, str] = {}
        self._period = period
        super().__init__("alpr-run")

    def _run(self) -> None:
        while not self._ended:
            self._poll()
            with self._changed:
                self._changed.wait_for(lambda: self._ended, self._period)

    def _poll(self) -> None:
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
            self._problems[""] = f"{folder}: there is no training run in this folder any more"
        else:
            self._problems.pop("", None)
        view = self._view
        self._view = replace(
            view,
            command=next_command(folder, view.about, view.done),
            changed=max(times, default=0.0),
            problems=tuple(line for line in self._problems.values() if line),
        )
        self.views.put(self._view)

    def _read(self, part: str) -> None:
        folder, view = self._view.folder, self._view
        if part in (TRAIN, VAL):
            curves = read_curves(folder / part)
            self._problems[part] = curves.trouble
            curves = thin(curves, MAXIMUM_POINTS)
            self._view = replace(view, train=curves) if part == TRAIN else replace(view, val=curves)
        elif part == ABOUT:
            about, self._problems[part] = read_about(folder)
            self._view = replace(view, about=about)
        elif part == NEWEST:
            newest, self._problems[part] = read_newest(folder)
            self._view = replace(view, newest=newest)
        else:
            sheet = load_image_item(str(folder / MISTAKES)) if self._stamps[part] != (None,) else None
            self._problems[part] = f"{sheet.key}: {sheet.error}" if sheet is not None and sheet.error else ""
            self._view = replace(view, sheet=None if sheet is None or sheet.error else sheet)


def _stamp(path: Path) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def thin(curves: Curves, maximum: int) -> Curves:
    """At maximum `maximum` lines of them, evenly out of all, the initial and the last among them."""
    count = len(curves.columns.get("step", ()))
    if count <= maximum:
        return curves
    chosen = np.linspace(0, count - 1, maximum).round().astype(int)
    return Curves({name: values[chosen] for name, values in curves.columns.items()}, curves.trouble)


def age(written: float, now: float | None = None) -> float:
    """Seconds since `written`, seconds since 1970."""
    return max(0.0, (time.time() if now is None else now) - written)


@dataclass(frozen=True)
class LoadCheck:
    """A model that was loaded once to see whether it can be. trouble: why it cannot."""

    model: NewestModel
    error: str = ""


def check_model(model: NewestModel) -> LoadCheck:
    """Load a bundle, as the recogniser will. Takes a while: torch is imported."""
    from alpr_app.networks.bundle import load_bundle

    try:
        load_bundle(model.kind, model.path)
    except AlprError as error:
        return LoadCheck(model, str(error))
    return LoadCheck(model)


class Training:
    """choose: runs the models otherwise, as `ViewerProgram.choose_models`. initial: what the program began with. view: what is
    known of the run; None while none is watched. own: by kind, the models of runs that are in use. trouble: why the
    last one could not be taken into use."""

    def __init__(
        self, state: State, initial: ModelChoice, choose: Callable[..., None], wake: Callable[[], None] = noop
    ) -> None:
        self._state, self._initial, self._choose, self._wake = state, initial, choose, wake
        self.view: RunView | None = None
        self.models_in_use: dict[str, NewestModel] = {}
        self.error = ""
        self._watch: RunWatch | None = None
        self._closing: list[RunWatch] = []
        self._loading: BackgroundTask[LoadCheck] = BackgroundTask("alpr-try", wake)

    def open(self, folder: str) -> bool:
        """Watch the run in `folder`; if there is none, say so. Returns whether there is one."""
        path = Path(os.path.abspath(os.path.expanduser(folder)))
        if not is_run(path):
            self._state.add_message(f"{path}: there is no training run in this folder", is_error=True)
            return False
        if self.view is None or self.view.folder != path:
            self._stop_watching()
            self.view, self._watch = RunView(path), RunWatch(path, self._wake)
        self._state.settings = with_recent(self._state.settings, str(path))
        self._state.run_open = True
        return True

    @property
    def settled(self) -> bool:
        """Whether the run, if one is watched, has been read once."""
        return self.view is None or bool(self.view.changed or self.view.command or self.view.problems)

    def collect(self) -> None:
        """Carry over what the threads have found. Never waits."""
        view = self._watch.views.take() if self._watch is not None else None
        if view is not None:
            self.view = view
        checked = self._loading.result
        if checked is not None:
            self._loading.result = None
            self._use(checked)

    def load_newest(self) -> None:
        """Have the newest model of the run read from now on, if it can be loaded; until that is known, and if it
        cannot, those in use stay."""
        newest = self.view.newest if self.view is not None else None
        if newest is not None:
            self.error = ""
            self._loading.start(lambda: check_model(newest))

    @property
    def loading(self) -> bool:
        return self._loading.busy

    def _use(self, checked: LoadCheck) -> None:
        model = checked.model
        self.error = checked.error
        if checked.error:
            self._state.add_message(checked.error, is_error=True)
            return
        self.models_in_use[model.kind] = model
        changes = {model.kind: str(model.path)} | ({"reader_config": None} if model.kind == "reader" else {})
        self._choose(**changes, version=self._version())
        self._state.run_open = False
        self._state.add_message(f"Now using the {model.kind} from run {model.path.parent.name}")

    def _version(self) -> str:
        return " ".join(self.models_in_use[kind].sha256 for kind in sorted(self.models_in_use))

    def restore_initial_models(self) -> None:
        """Read with the models again that the program began with."""
        initial = self._initial
        self.models_in_use.clear()
        self._choose(detector=initial.detector, reader=initial.reader, reader_config=initial.reader_config, version="")

    @property
    def newer_available(self) -> bool:
        """Whether the run has written another model since its own was taken into use."""
        newest = self.view.newest if self.view is not None else None
        used = self.models_in_use.get(newest.kind) if newest is not None else None
        return newest is not None and used is not None and used.path == newest.path and used.sha256 != newest.sha256

    @property
    def newest_in_use(self) -> bool:
        """Whether the newest model of the run is the one that reads."""
        newest = self.view.newest if self.view is not None else None
        return newest is not None and self.models_in_use.get(newest.kind) == newest

    @property
    def model_description(self) -> str:
        """Which models of runs are in use, in a few words; empty if none is."""
        return ", ".join(
            f"{kind} from run {self.models_in_use[kind].path.parent.name}" for kind in sorted(self.models_in_use)
        )

    @property
    def initial_models_name(self) -> str:
        """What `back` leads to."""
        return (
            "shipped models" if self._initial.detector is self._initial.reader is None else "models chosen at the start"
        )

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close(0)
            self._closing.append(self._watch)
        self._closing = [watch for watch in self._closing if not watch.close(0)]
        self._watch = self.view = None
        self.error = ""

    def close(self, timeout: float = 1.0) -> bool:
        """End the threads; whether all have."""
        deadline = monotonic() + timeout
        self._stop_watching()
        threads: list[Closable] = [*self._closing, self._loading]
        return all([thread.close(max(0.0, deadline - monotonic())) for thread in threads])
