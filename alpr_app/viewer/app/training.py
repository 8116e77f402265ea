"""The training run that is watched, and the models of training runs that replace the shipped ones."""

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
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import ImageItem, Stamp, load_image_item, stamp_of
from alpr_app.viewer.workers.threads import BackgroundTask, Closable, LatestValue, Worker, noop

PERIOD_SECONDS = 1.0
# More points are not visible in any chart.
MAXIMUM_POINTS = 800
# Rows of train.csv over which the speed is averaged; and when a run counts as stalled.
RECENT = 5
STALLED_SECONDS, STALLED_LINES = 90.0, 5.0


@dataclass(frozen=True, eq=False)
class RunView:
    """A snapshot of a run.

    Attributes:
        folder: Folder of the run.
        about: Its description; None if it cannot be read.
        command: Command that resumes or repeats it; empty if unknown.
        train, val: Columns of train.csv and val.csv.
        newest: Its newest model; None if there is none.
        sheet: Picture of the worst mistakes; None if there is none.
        changed: When its figures were written last, in seconds since 1970; 0 for never.
        problems: One line for each file that cannot be read.
        begun: Whether the run has written anything; before, the folder need not exist.
    """

    folder: Path
    about: About | None = None
    command: str = ""
    train: Curves = field(default_factory=Curves)
    val: Curves = field(default_factory=Curves)
    newest: NewestModel | None = None
    sheet: ImageItem | None = None
    changed: float = 0.0
    problems: tuple[str, ...] = ()
    begun: bool = False

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.folder.name or str(self.folder)

    @property
    def step(self) -> int:
        """The last step with figures."""
        return int(max(self.train.last("step") or 0, self.val.last("step") or 0))

    @property
    def steps(self) -> int:
        """Number of steps of the whole run; 0 if unknown."""
        return self.about.steps if self.about is not None else 0

    @property
    def done(self) -> bool:
        """Whether the run has reached its last step."""
        return 0 < self.steps <= self.step

    @property
    def rate(self) -> float:
        """Recent samples per second; 0 if unknown."""
        rates = self.train.columns.get("samples_per_s", np.zeros(0))[-RECENT:]
        rates = rates[np.isfinite(rates) & (rates > 0)]
        # Every row covers the same number of samples, so their times are added up.
        return float(len(rates) / (1 / rates).sum()) if len(rates) else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last step, without validation; None if unknown."""
        if not self.steps or not self.rate or self.about is None:
            return None
        return max(0, self.steps - self.step) * self.about.batch_size / self.rate

    def is_stalled(self, now: float) -> bool:
        """Whether the run seems to have stopped; `now` in seconds since 1970."""
        steps = self.train.columns.get("step", np.zeros(0))
        batch = self.about.batch_size if self.about is not None else 0
        line = (steps[-1] - steps[-2]) * batch / self.rate if len(steps) > 1 and self.rate else 0.0
        return not self.done and now - self.changed > max(STALLED_SECONDS, STALLED_LINES * line)

    @property
    def unvalidated(self) -> bool:
        """Whether there is nothing that its validations could measure its score on: it has written a model, as it does
        at each validation, and no score."""
        score = self.about.judged_by if self.about is not None else ""
        return self.newest is not None and bool(score) and score not in self.val.columns

    def best(self, name: str) -> float:
        """Value of the column `name` at the validation that was best; NaN if there is none."""
        columns = self.val.columns
        monitor = self.about.judged_by if self.about is not None else ""
        # A run without a description has its score in the first column.
        monitor = monitor or next((other for other in columns if other != "step"), "")
        if monitor not in columns or not np.isfinite(columns[monitor]).any():
            return float("nan")
        return float(columns[name][int(np.nanargmax(columns[monitor]))])


class RunWatch(Worker):
    """A thread that watches a run.

    Args:
        folder: Folder of the run.
        wake: Called when there is a new view.
        period: Seconds between two looks at the files.

    Attributes:
        views: Mailbox with the newest view.
    """

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
        """Read the files that have changed. Stamps are taken before reading, so that later changes are noticed."""
        folder = self._view.folder
        files = {TRAIN: [TRAIN], VAL: [VAL], ABOUT: [ABOUT, COMMAND], NEWEST: [NEWEST, "newest.json"]}
        files[MISTAKES] = [MISTAKES]
        stamps = {part: tuple(stamp_of(folder / name) for name in names) for part, names in files.items()}
        changed = [part for part in files if stamps[part] != self._stamps.get(part)]
        if not changed:
            return
        self._stamps = stamps
        for part in changed:
            self._read(part)
        times = [stamp[0] / 1e9 for part in (TRAIN, VAL) for stamp in stamps[part] if stamp is not None]
        begun = is_run(folder)
        if not begun and self._view.begun:
            self._problems[""] = tr("{path}: there is no training run in this folder any more", path=folder)
        elif begun:
            self._problems.pop("", None)
        view = self._view
        self._view = replace(
            view,
            command=next_command(folder, view.about, view.done),
            changed=max(times, default=0.0),
            problems=tuple(line for line in self._problems.values() if line),
            begun=begun or view.begun,
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


def thin(curves: Curves, maximum: int) -> Curves:
    """Reduce to at most `maximum` evenly spaced rows, including the first and the last."""
    count = len(curves.columns.get("step", ()))
    if count <= maximum:
        return curves
    chosen = np.linspace(0, count - 1, maximum).round().astype(int)
    return Curves({name: values[chosen] for name, values in curves.columns.items()}, curves.trouble)


def age(written: float, now: float | None = None) -> float:
    """Seconds since `written`, which is in seconds since 1970."""
    return max(0.0, (time.time() if now is None else now) - written)


@dataclass(frozen=True)
class LoadCheck:
    """The result of loading a model once.

    Attributes:
        model: The model.
        error: Why it cannot be loaded; empty if it can.
    """

    model: NewestModel
    error: str = ""


def check_model(model: NewestModel) -> LoadCheck:
    """Load a bundle as the recogniser will. Takes seconds, because torch is imported."""
    from alpr_app.networks.bundle import load_bundle

    try:
        load_bundle(model.kind, model.path)
    except AlprError as error:
        return LoadCheck(model, str(error))
    return LoadCheck(model)


class TrainingMonitor:
    """Watches a training run and puts its models into use.

    Args:
        state: State of the window.
        initial: Models with which the program started.
        choose: Changes the models, see `ViewerProgram.choose_models`.
        wake: Ends the window's sleep.

    Attributes:
        view: Newest view of the run; None if none is watched.
        models_in_use: Models of training runs in use, by kind.
        error: Why the last model could not be put into use; empty if it could.
    """

    def __init__(
        self, state: State, initial: ModelChoice, choose: Callable[..., None], wake: Callable[[], None] = noop
    ) -> None:
        self._state, self._initial, self._choose, self._wake = state, initial, choose, wake
        self.view: RunView | None = None
        self.models_in_use: dict[str, NewestModel] = {}
        self.error = ""
        self._watch: RunWatch | None = None
        self._closing: list[RunWatch] = []
        self._loading: BackgroundTask[LoadCheck] = BackgroundTask("alpr-load", wake)

    def open(self, folder: str) -> bool:
        """Watch the run in `folder`, or wait for it to begin there; returns whether that is possible."""
        path = Path(os.path.abspath(os.path.expanduser(folder)))
        if path.exists() and not path.is_dir():
            message = tr("{path}: this is a file; name the folder of a training run", path=path)
            self._state.add_message(message, is_error=True)
            return False
        if self.view is None or self.view.folder != path:
            self._stop_watching()
            self.view, self._watch = RunView(path, begun=is_run(path)), RunWatch(path, self._wake)
        if self.view.begun:
            self._state.settings = with_recent(self._state.settings, str(path))
        self._state.run_open = True
        return True

    @property
    def settled(self) -> bool:
        """Whether the run, if one is watched, has been read once."""
        view = self.view
        return view is None or not view.begun or bool(view.changed or view.command or view.problems)

    def collect(self) -> None:
        """Take over results from the threads. Never waits."""
        view = self._watch.views.take() if self._watch is not None else None
        if view is not None:
            if view.begun and self.view is not None and not self.view.begun:
                self._state.settings = with_recent(self._state.settings, str(view.folder))
            self.view = view
        checked = self._loading.result
        if checked is not None:
            self._loading.result = None
            self._use(checked)

    def load_newest(self) -> None:
        """Load the newest model of the run and use it; the models in use stay until it is loaded, and if it fails."""
        newest = self.view.newest if self.view is not None else None
        if newest is not None:
            self.error = ""
            self._loading.start(lambda: check_model(newest))

    @property
    def loading(self) -> bool:
        """Whether a model is being loaded."""
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
        self._state.add_message(
            tr("Now using the {kind} from run {name}", kind=tr(model.kind), name=model.path.parent.name)
        )

    def note_choice(self, choice: ModelChoice) -> None:
        """Forget the models of training runs that are not in use any more, because others have been chosen."""
        for kind, model in list(self.models_in_use.items()):
            if getattr(choice, kind) != str(model.path):
                del self.models_in_use[kind]

    def _version(self) -> str:
        return " ".join(self.models_in_use[kind].sha256 for kind in sorted(self.models_in_use))

    def restore_initial_models(self) -> None:
        """Use the models again with which the program started."""
        initial = self._initial
        self.models_in_use.clear()
        self._choose(detector=initial.detector, reader=initial.reader, reader_config=initial.reader_config, version="")

    @property
    def newer_available(self) -> bool:
        """Whether the run has written a newer model than the one in use."""
        newest = self.view.newest if self.view is not None else None
        used = self.models_in_use.get(newest.kind) if newest is not None else None
        return newest is not None and used is not None and used.path == newest.path and used.sha256 != newest.sha256

    @property
    def newest_in_use(self) -> bool:
        """Whether the newest model of the run is in use."""
        newest = self.view.newest if self.view is not None else None
        return newest is not None and self.models_in_use.get(newest.kind) == newest

    @property
    def model_description(self) -> str:
        """The models of training runs in use, in a few words; empty if there are none."""
        return ", ".join(
            tr("{kind} from run {name}", kind=tr(kind), name=self.models_in_use[kind].path.parent.name)
            for kind in sorted(self.models_in_use)
        )

    @property
    def restore_label(self) -> str:
        """Label of the button that calls `restore_initial_models`."""
        if self._initial.detector is self._initial.reader is None:
            return tr("Back to the shipped models")
        return tr("Back to the models chosen at the start")

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close(0)
            self._closing.append(self._watch)
        self._closing = [watch for watch in self._closing if not watch.close(0)]
        self._watch = self.view = None
        self.error = ""

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the threads; returns whether all have ended within `timeout` seconds."""
        deadline = monotonic() + timeout
        self._stop_watching()
        threads: list[Closable] = [*self._closing, self._loading]
        return all([thread.close(max(0.0, deadline - monotonic())) for thread in threads])
