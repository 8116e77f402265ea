"""Two models on the folder that is shown: which they are, reading with both of them, and their differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic

from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.differences import Comparison, compare_results
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.recogniser import FAILED, READY
from alpr_app.viewer.workers.threads import BackgroundTask, noop

# Seconds between two comparisons while results come in.
REFRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Side:
    """One of the two models. choice: the models and how they are run. title: its name in the window."""

    choice: ModelChoice
    title: str


def describe_choice(choice: ModelChoice) -> str:
    """A short name of a choice of models: their files, and the backend if it is not the automatic one."""
    parts = [
        f"{Path(path).parent.name}/{Path(path).stem}" if Path(path).parent.name else Path(path).stem
        for path in (choice.detector, choice.reader)
        if path is not None
    ]
    parts = parts or [tr("shipped models")]
    if choice.backend != "auto":
        parts.append(choice.backend)
    return ", ".join(parts)


class ModelComparison:
    """Compares two models in the window. All methods belong to the main thread.

    Args:
        state: State of the window.
        use: Changes the models, see `ViewerProgram.choose_models`.
        read_all: Starts reading the whole folder, or stops it.
        wake: Ends the window's sleep.

    Attributes:
        open: Whether the page is shown.
        sides: The first and the second model; None if none are compared.
        active: Index of the one in use, -1 if it is neither.
        reading: Whether the folder is being read with both.
    """

    def __init__(
        self,
        state: State,
        use: Callable[..., None],
        read_all: Callable[[bool], None],
        wake: Callable[[], None] = noop,
    ) -> None:
        self._state, self._use, self._read_all = state, use, read_all
        self.open = False
        self.sides: tuple[Side, Side] | None = None
        self.active = -1
        self.reading = False
        self._folder = ""
        # Results of each model by name. Those of the one in use are the list's own dictionary.
        self._records: list[Mapping[str, Record]] = [{}, {}]
        self._unread_sides: list[int] = []
        self._read_begun = False
        self._task: BackgroundTask[Comparison] = BackgroundTask("alpr-compare", wake)
        self._compared: tuple[object, ...] = ()
        self._compared_at = 0.0

    @property
    def result(self) -> Comparison | None:
        """The comparison of the present folder; None if there is none yet."""
        result = self._task.result
        return result if self.sides is not None and result is not None and result.folder == self._folder else None

    def other_record(self, name: str) -> Record | None:
        """The result of the model that is not in use; None if it has not read the picture."""
        return self._records[1 - self.active].get(name) if self.active >= 0 else None

    def toggle(self) -> None:
        """Show or hide the page."""
        self.open = not self.open and self._state.kind == FOLDER

    def begin(self, current: ModelChoice, second: ModelChoice, titles: tuple[str, str] = ("", "")) -> None:
        """Compare the models in use with others, and use these.

        Args:
            current: Those in use.
            second: The others.
            titles: Names of both; empty for those of their files.
        """
        first, second = replace(current), replace(second)
        if first == second:
            self._state.add_message(tr("These models are in use already; choose others to compare them with"))
            return
        self.sides = (
            Side(first, titles[0] or describe_choice(first)),
            Side(second, titles[1] or describe_choice(second)),
        )
        self._folder, self._records = self._state.folder, [self._state.image_list.records, {}]
        self.active = 0
        self._task.result, self._compared = None, ()
        self.use(1)

    def use(self, side: int) -> None:
        """Use the first (0) or the second (1) model."""
        if self.sides is not None and side != self.active:
            self._use(**asdict(self.sides[side].choice))
            self.active = side

    def read_both(self) -> None:
        """Read the whole folder with both models, beginning with the one in use; a second call stops that."""
        if self.reading:
            self.reading = False
            self._read_all(False)
            return
        if self.sides is not None:
            self.active = max(self.active, 0)
            self._unread_sides, self._read_begun, self.reading = [self.active, 1 - self.active], False, True

    def end(self) -> None:
        """Stop comparing; the models in use stay."""
        if self.reading:
            self.read_both()
        self.sides, self.active, self._records = None, -1, [{}, {}]
        self._state.image_list.set_verdicts({})

    def collect(self, choice: ModelChoice) -> None:
        """Follow the models in use, read with both if that was asked for, and compare. Never waits.

        Args:
            choice: The models in use.
        """
        state = self._state
        if state.kind != FOLDER:
            self.open = self.reading = False
        if self.sides is None:
            return
        if state.folder != self._folder:
            self._folder, self._records, self.reading = state.folder, [{}, {}], False
            self._state.image_list.set_verdicts({})
        chosen = [side.choice for side in self.sides]
        self.active = chosen.index(choice) if choice in chosen else -1
        if self.active >= 0 and state.models.state == READY:
            self._records[self.active] = state.image_list.records
        if self.reading:
            self._go_on_reading()
        self._compare()

    def _go_on_reading(self) -> None:
        state, image_list = self._state, self._state.image_list
        if state.models.state == FAILED:
            self.reading = False
            state.add_message(state.models.detail, is_error=True)
            return
        if not self._unread_sides:
            self.reading = False
            return
        side = self._unread_sides[0]
        if self.active != side:
            self.use(side)
        elif state.models.state == READY and not state.scanning and not state.read_all_total:
            if len(image_list.records) >= len(image_list.names):
                del self._unread_sides[0]
                self._read_begun = False
            elif not self._read_begun:
                self._read_begun = True
                self._read_all(True)
            else:
                # The user has stopped it.
                self.reading = False

    def _compare(self) -> None:
        """Compare again if anything has changed."""
        image_list = self._state.image_list
        first, second = self._records
        key = (image_list.changes, len(first), len(second), self._folder, image_list.score, image_list.confidence)
        result = self.result
        if result is not None and result.verdicts is not image_list.verdicts:
            self._state.image_list.set_verdicts(result.verdicts)
        waits = self._state.read_all_total and monotonic() - self._compared_at < REFRESH_SECONDS
        if key == self._compared or waits or self._task.busy:
            return
        # Copied for the thread, which must not see later changes.
        folder, names, records = self._folder, image_list.names, (dict(first), dict(second))
        thresholds = image_list.score, image_list.confidence
        if self._task.start(lambda: compare_results(folder, names, *records, *thresholds)):
            self._compared, self._compared_at = key, monotonic()

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the thread; returns whether it has ended within `timeout` seconds."""
        return self._task.close(timeout)
