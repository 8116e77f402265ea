"""What the window shows, apart from how it is drawn. Belongs to the main thread alone."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from alpr_app.core.plate import Plate
from alpr_app.evaluation.ground_truth import Truth
from alpr_app.viewer.browse import Browse, Record
from alpr_app.viewer.cars import Cars
from alpr_app.viewer.light import Light
from alpr_app.viewer.live import LiveStatus
from alpr_app.viewer.rates import Rate
from alpr_app.viewer.recogniser import Outcome, Status
from alpr_app.viewer.settings import Settings
from alpr_app.viewer.shot import Shot
from alpr_app.viewer.tree import Tree
from alpr_app.viewer.view import View

if TYPE_CHECKING:
    from alpr_app.pipeline.results import Timings

NOTHING, FOLDER, LIVE = "nothing", "folder", "live"

# Seconds for which a message stands in the status line.
MESSAGE_SECONDS = 8.0
TIMED_FRAMES = 200


@dataclass(frozen=True)
class Message:
    text: str
    bad: bool = False
    when: float = field(default_factory=monotonic)


@dataclass
class State:
    """kind: nothing, folder or live. shot, outcome: the picture on the canvas and what was found in it; they always
    belong together. selected, hovered, hovered_card: places in `plates`, -1 for none; hovered in the picture or as a
    card. light: of the canvas alone. tree: the folders in the one that was opened; folder: the one whose pictures are
    listed. playing: a slide show runs. scanning: the folder's list still grows. listing_error: why it cannot be listed.
    cars: those of the live session.
    whole: the number of pictures that a run over the whole folder began with, 0 if none runs."""

    settings: Settings = field(default_factory=Settings)
    browse: Browse = field(default_factory=Browse)
    view: View = field(default_factory=View)
    light: Light = field(default_factory=Light)
    tree: Tree = field(default_factory=Tree)
    kind: str = NOTHING
    folder: str = ""
    scanning: bool = False
    listing_error: str = ""
    shot: Shot | None = None
    outcome: Outcome | None = None
    selected: int = -1
    hovered: int = -1
    hovered_card: int = -1
    playing: bool = False
    live_name: str = ""
    live_status: LiveStatus = field(default_factory=LiveStatus)
    live_is_file: bool = False
    cars: Cars = field(default_factory=Cars)
    models: Status = field(default_factory=Status)
    whole: int = 0
    whole_began: float = 0.0
    whole_done: int = 0
    help_open: bool = False
    open_open: bool = False
    jump_open: bool = False
    summary_open: bool = False
    run_open: bool = False
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=200))
    timed: deque[Timings] = field(default_factory=lambda: deque(maxlen=TIMED_FRAMES))
    source_rate: Rate = field(default_factory=Rate)
    recogniser_rate: Rate = field(default_factory=Rate)

    def __post_init__(self) -> None:
        self.browse.set_thresholds(self.settings.score, self.settings.confidence)

    def change(self, **values: Any) -> None:
        """Change settings; thresholds act at once, on what has been found already."""
        self.settings = replace(self.settings, **values)
        self.browse.set_thresholds(self.settings.score, self.settings.confidence)
        self.selected = min(self.selected, len(self.plates) - 1)

    def say(self, text: str, bad: bool = False) -> None:
        """Show a message; the same one is not shown twice in a row."""
        if text and not (self.messages and self.messages[-1].text == text and self.message is not None):
            self.messages.append(Message(text, bad))

    @property
    def message(self) -> Message | None:
        """The newest message while it is fresh."""
        if self.messages and monotonic() - self.messages[-1].when < MESSAGE_SECONDS:
            return self.messages[-1]
        return None

    @property
    def plates(self) -> list[Plate]:
        """Those on the canvas that reach both thresholds, best first."""
        return self.browse.shown(self.outcome.plates) if self.outcome is not None else []

    @property
    def car_numbers(self) -> list[int]:
        """Of each of `plates`, the number of its car; 0 if it is not followed."""
        if self.outcome is None or not self.outcome.cars:
            return [0] * len(self.plates)
        numbered = zip(self.outcome.plates, self.outcome.cars, strict=True)
        return [number for plate, number in numbered if self.browse.shown([plate])]

    @property
    def truth(self) -> Truth | None:
        """What labels say of the picture on the canvas, spelled as by the reader once that has read it."""
        if self.shot is None or self.shot.live:
            return None
        name = self.shot.key.removeprefix(os.path.join(self.folder, ""))
        record = self.browse.records.get(name)
        return self.browse.truth(name) if record is None else record.truth

    @property
    def record(self) -> Record | None:
        """What is known of the picture looked at."""
        return self.browse.records.get(self.browse.name) if self.kind == FOLDER else None

    @property
    def mark(self) -> str:
        """right, wrong or missed; empty if that is not known."""
        return self.browse.mark(self.browse.name) if self.kind == FOLDER else ""

    @property
    def title(self) -> str:
        """What is looked at, in a few words."""
        if self.kind == FOLDER:
            return os.path.basename(self.browse.name) or os.path.basename(self.folder) or self.folder
        return self.live_name if self.kind == LIVE else ""

    def show(self, shot: Shot | None, outcome: Outcome | None) -> None:
        """Put a picture on the canvas with what was found in it (None: nothing yet)."""
        if outcome is not None and (shot is None or outcome.key != shot.key):
            outcome = None
        if (shot.key if shot else "") != (self.shot.key if self.shot else "") and not (shot and shot.live):
            self.selected = self.hovered = self.hovered_card = -1
            if not self.settings.keep_zoom:
                self.view.fit()
        self.shot, self.outcome = shot, outcome
        # In live pictures the cars move on; the selection keeps its place as long as there is such a plate.
        count = len(self.plates)
        self.selected, self.hovered = min(self.selected, count - 1), min(self.hovered, count - 1)
