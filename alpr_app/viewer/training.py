"""The training run that is watched, and models of runs that are in use instead of the shipped ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from alpr_app.core.errors import AlprError
from alpr_app.data.run_folder import NewestModel, is_run
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.background import Background
from alpr_app.viewer.mailbox import nobody
from alpr_app.viewer.runs import RunView, RunWatch
from alpr_app.viewer.settings import with_recent
from alpr_app.viewer.state import State


@dataclass(frozen=True)
class Checked:
    """A model that was loaded once to see whether it can be. trouble: why it cannot."""

    model: NewestModel
    trouble: str = ""


def check(model: NewestModel) -> Checked:
    """Load a bundle, as the recogniser will. Takes a while: torch is imported."""
    from alpr_app.networks.bundle import load_bundle

    try:
        load_bundle(model.kind, model.path)
    except AlprError as error:
        return Checked(model, str(error))
    return Checked(model)


class Training:
    """choose: runs the models otherwise, as `Program.choose_models`. first: what the program began with. view: what is
    known of the run; None while none is watched. own: by kind, the models of runs that are in use. trouble: why the
    last one could not be taken into use."""

    def __init__(
        self, state: State, first: ModelChoice, choose: Callable[..., None], wake: Callable[[], None] = nobody
    ) -> None:
        self._state, self._first, self._choose, self._wake = state, first, choose, wake
        self.view: RunView | None = None
        self.own: dict[str, NewestModel] = {}
        self.trouble = ""
        self._watch: RunWatch | None = None
        self._left: list[RunWatch] = []
        self._trying: Background[Checked] = Background("alpr-try", wake)

    def open(self, folder: str) -> bool:
        """Watch the run in `folder`; if there is none, say so. Returns whether there is one."""
        path = Path(os.path.abspath(os.path.expanduser(folder)))
        if not is_run(path):
            self._state.say(f"{path}: there is no training run in this folder", bad=True)
            return False
        if self.view is None or self.view.folder != path:
            self._leave()
            self.view, self._watch = RunView(path), RunWatch(path, self._wake)
        self._state.settings = with_recent(self._state.settings, str(path))
        self._state.run_open = True
        return True

    @property
    def settled(self) -> bool:
        """Whether the run, if one is watched, has been read once."""
        return self.view is None or bool(self.view.changed or self.view.command or self.view.troubles)

    def collect(self) -> None:
        """Carry over what the threads have found. Never waits."""
        view = self._watch.views.take() if self._watch is not None else None
        if view is not None:
            self.view = view
        checked = self._trying.result
        if checked is not None:
            self._trying.result = None
            self._use(checked)

    def try_newest(self) -> None:
        """Have the newest model of the run read from now on, if it can be loaded; until that is known, and if it
        cannot, those in use stay."""
        newest = self.view.newest if self.view is not None else None
        if newest is not None:
            self.trouble = ""
            self._trying.start(lambda: check(newest))

    @property
    def trying(self) -> bool:
        return self._trying.busy

    def _use(self, checked: Checked) -> None:
        model = checked.model
        self.trouble = checked.trouble
        if checked.trouble:
            self._state.say(checked.trouble, bad=True)
            return
        self.own[model.kind] = model
        changes = {model.kind: str(model.path)} | ({"reader_config": None} if model.kind == "reader" else {})
        self._choose(**changes, version=self._version())
        self._state.run_open = False
        self._state.say(f"Reading with the {model.kind} of {model.path.parent.name}")

    def _version(self) -> str:
        return " ".join(self.own[kind].sha256 for kind in sorted(self.own))

    def back(self) -> None:
        """Read with the models again that the program began with."""
        first = self._first
        self.own.clear()
        self._choose(detector=first.detector, reader=first.reader, reader_config=first.reader_config, version="")

    @property
    def newer(self) -> bool:
        """Whether the run has written another model since its own was taken into use."""
        newest = self.view.newest if self.view is not None else None
        used = self.own.get(newest.kind) if newest is not None else None
        return used is not None and used.path == newest.path and used.sha256 != newest.sha256

    @property
    def in_use(self) -> bool:
        """Whether the newest model of the run is the one that reads."""
        newest = self.view.newest if self.view is not None else None
        return newest is not None and self.own.get(newest.kind) == newest

    @property
    def sign(self) -> str:
        """Which models of runs are in use, in a few words; empty if none is."""
        return ", ".join(f"own {kind} of {self.own[kind].path.parent.name}" for kind in sorted(self.own))

    @property
    def first_name(self) -> str:
        """What `back` leads to."""
        return "shipped models" if self._first.detector is self._first.reader is None else "models from the beginning"

    def _leave(self) -> None:
        if self._watch is not None:
            self._watch.close(0)
            self._left.append(self._watch)
        self._left = [watch for watch in self._left if not watch.close(0)]
        self._watch = self.view = None
        self.trouble = ""

    def close(self, timeout: float = 1.0) -> bool:
        """End the threads; whether all have."""
        deadline = monotonic() + timeout
        self._leave()
        threads = [*self._left, self._trying]
        return all([thread.close(max(0.0, deadline - monotonic())) for thread in threads])
