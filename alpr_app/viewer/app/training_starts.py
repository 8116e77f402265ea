"""Starting and stopping trainings from the window."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpr_app.core.errors import AlprError, reason
from alpr_app.data.run_folder import request_stop
from alpr_app.viewer.app.state import State
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.workers.threads import BackgroundTask, noop
from alpr_app.viewer.workers.training_process import TrainingProcess, last_line

# What can be trained: its name in the window, and the command with its options.
KINDS = (
    (mark("Detector"), ("detector",)),
    (mark("Reader"), ("maskocr",)),
    (mark("Reader: masked pre-training"), ("maskocr", "--phase", "masked")),
    (mark("Reader: decoder, encoder frozen"), ("maskocr", "--phase", "frozen")),
)


@dataclass
class TrainingForm:
    """What the user fills in. kind: index in KINDS. data, output: folders. options: further options, as in a shell."""

    kind: int = 0
    data: str = ""
    output: str = ""
    options: str = ""

    @property
    def arguments(self) -> list[str]:
        """The arguments of `python -m alpr_app.train`. Raises ValueError if a quotation mark is not closed."""
        arguments = [*KINDS[self.kind][1]]
        if self.data.strip():
            arguments += ["--dataset_path", _expanded(self.data)]
        if self.output.strip():
            arguments += ["--output", _expanded(self.output)]
        return [*arguments, *shlex.split(self.options)]

    @property
    def command(self) -> str:
        """The exact command, for a shell; empty if the options cannot be split."""
        try:
            return command_line(self.arguments)
        except ValueError:
            return ""

    @property
    def problem(self) -> str:
        """What keeps it from being started, in one line; empty if nothing does."""
        if not self.data.strip():
            return tr("Name the folder of labelled pictures")
        if not self.output.strip():
            return tr("Name a folder for the run")
        return "" if self.command else tr("A quotation mark in the options is not closed")


def command_line(arguments: Sequence[str]) -> str:
    """The command of a training, for a shell."""
    return shlex.join(["python", "-m", "alpr_app.train", *arguments])


def _expanded(path: str) -> str:
    return os.path.expanduser(path.strip())


@dataclass(frozen=True)
class _Start:
    """What starting came to: the process, or why there is none."""

    folder: Path
    process: TrainingProcess | None = None
    error: str = ""


class TrainingStarts:
    """Starts trainings as processes of their own, and tells the user when they end.

    Args:
        state: State of the window.
        watch: Shows the run in a folder.
        wake: Ends the window's sleep.

    Attributes:
        form: What the user has filled in.
        form_open: Whether the form is shown.
        outlives: Whether trainings go on when the window is closed.
    """

    def __init__(self, state: State, watch: Callable[[str], bool], wake: Callable[[], None] = noop) -> None:
        self._state, self._watch = state, watch
        self.form = TrainingForm()
        self.form_open = False
        self.outlives = True
        self._processes: dict[Path, TrainingProcess] = {}
        self._stopping: set[Path] = set()
        self._starting: BackgroundTask[_Start] = BackgroundTask("alpr-start", wake)

    def open_form(self) -> None:
        """Show the form, with a folder for the run that is not there yet."""
        form = self.form
        form.data = form.data or (self._state.folder if self._state.kind == "folder" else "")
        if not form.output:
            form.output = os.path.join("runs", KINDS[form.kind][1][0])
        self.form_open = self._state.run_open = True

    def start_form(self) -> None:
        """Start the training of the form."""
        if not self.form.problem:
            self.start(self.form.arguments, Path(os.path.abspath(_expanded(self.form.output))))

    def start(self, arguments: Sequence[str], folder: Path, place: str = "") -> None:
        """Start a training, and watch its run.

        Args:
            arguments: Those of `python -m alpr_app.train`.
            folder: Folder of the run.
            place: Folder that relative paths in the arguments belong to; empty for that of the window.
        """
        if folder in self._processes:
            self._state.add_message(tr("This run is in progress already"), is_error=True)
            return

        def begin() -> _Start:
            try:
                return _Start(folder, TrainingProcess(arguments, folder, place))
            except AlprError as error:
                return _Start(folder, error=str(error))

        self._starting.start(begin)

    @property
    def starting(self) -> bool:
        """Whether a process is being started."""
        return self._starting.busy

    def is_running(self, folder: Path) -> bool:
        """Whether this window has started the run in `folder`, and it has not ended."""
        return folder in self._processes

    def is_stopping(self, folder: Path) -> bool:
        """Whether the run in `folder` has been asked to stop."""
        return folder in self._stopping

    def stop(self, folder: Path) -> None:
        """Ask the run in `folder`, whoever has started it, to save a checkpoint and end; the second time, end a run of
        this window at once."""
        process = self._processes.get(folder)
        if folder in self._stopping and process is not None:
            process.kill()
            return
        try:
            request_stop(folder)
        except OSError as error:
            self._state.add_message(f"{folder}: {reason(error)}", is_error=True)
            return
        self._stopping.add(folder)
        self._state.add_message(tr("The run saves a checkpoint after its present step, and ends"))

    def collect(self) -> None:
        """Take over started processes, and report those that have ended. Never waits."""
        started = self._starting.result
        if started is not None:
            self._starting.result = None
            if started.process is None:
                self._state.add_message(started.error, is_error=True)
            else:
                self._processes[started.folder] = started.process
                self._stopping.discard(started.folder)
                self.form_open = False
                self._watch(str(started.folder))
        for folder, process in list(self._processes.items()):
            status = process.status
            if status is not None:
                del self._processes[folder]
                self._report(folder, status)

    def _report(self, folder: Path, status: int) -> None:
        stopped = folder in self._stopping
        self._stopping.discard(folder)
        name = folder.name
        if status == 0:
            self._state.add_message(tr("Training {name} is done", name=name))
        elif stopped:
            self._state.add_message(tr("Training {name} has stopped; it can be resumed", name=name))
        else:
            line = last_line(folder) or tr("exit status {status}", status=status)
            self._state.add_message(tr("Training {name} has ended: {line}", name=name, line=line), is_error=True)

    def close(self, timeout: float = 1.0) -> bool:
        """Ask the window's trainings to stop, unless they outlive it; they save their checkpoints by themselves.

        Returns:
            Whether the thread has ended within `timeout` seconds.
        """
        ended = self._starting.close(timeout)
        self.collect()
        if not self.outlives:
            for folder in self._processes:
                self.stop(folder)
        return ended
