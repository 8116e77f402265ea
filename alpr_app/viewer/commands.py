"""What keys do: one table for the keyboard and for the help."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alpr_app.overlay import annotate
from alpr_app.viewer.inputs import CONTROL
from alpr_app.viewer.program import Program
from alpr_app.viewer.results import CSV, JSON_LINES, write_results
from alpr_app.viewer.state import FOLDER, LIVE

PAGE = 10
END = 10**9


@dataclass(frozen=True)
class Command:
    """keys: their names in `inputs.KEYS`; control: with the Ctrl key held."""

    group: str
    keys: tuple[str, ...]
    text: str
    act: Callable[[Program], None]
    control: bool = False

    @property
    def label(self) -> str:
        """The keys as the help shows them."""
        return ", ".join(("Ctrl " if self.control else "") + ARROWS.get(key, key) for key in self.keys)


ARROWS = {"Right": "→", "Left": "←", "Up": "↑", "Down": "↓"}


def _toggle(name: str) -> Callable[[Program], None]:
    def act(program: Program) -> None:
        program.state.change(**{name: not getattr(program.state.settings, name)})

    return act


def _step(by: int) -> Callable[[Program], None]:
    return lambda program: program.step(by)


def _results(suffix: str) -> Callable[[Program], None]:
    return lambda program: keep_results(program, suffix)


def _zoom(program: Program, zoom: float | None) -> None:
    if zoom is None:
        program.state.view.fit()
    else:
        program.state.view.set_zoom(zoom)


def _select(program: Program) -> None:
    state = program.state
    count = len(state.plates)
    state.selected = (state.selected + 1) % count if count else -1


def _next_error(program: Program) -> None:
    if program.state.kind == FOLDER and not program.state.browse.next_error():
        program.state.say("No picture is marked wrong or missed")


def _again(program: Program) -> None:
    if program.live is not None:
        program.live.reconnect()


def _escape(program: Program) -> None:
    program.state.help_open = program.state.open_open = program.state.jump_open = False


def _help(program: Program) -> None:
    program.state.help_open = not program.state.help_open
    program.state.open_open = program.state.jump_open = False


def _jump(program: Program) -> None:
    state = program.state
    if state.kind == FOLDER and state.browse.names:
        state.jump_open = not state.jump_open
        state.help_open = state.open_open = False


def open_dialog(program: Program) -> None:
    program.state.open_open = not program.state.open_open
    program.state.help_open = program.state.jump_open = False


def snapshot(program: Program) -> None:
    """Keep the live picture, as it came and with what was found in it."""
    state = program.state
    if state.kind != LIVE or state.shot is None or state.shot.image is None:
        return
    program.keeper.keep(state.live_name, "picture", state.shot.image)
    program.keeper.keep(state.live_name, "plates", annotate(state.shot.image, state.plates))


def keep_results(program: Program, suffix: str) -> None:
    """Write what was read in this folder so far, after the thresholds; suffix: JSON_LINES or CSV."""
    state, browse = program.state, program.state.browse
    if not browse.records:
        state.say("No picture of a folder has been read yet")
        return
    # Copied here, put in order there: the thread must not see what changes meanwhile.
    names, records, score, confidence = browse.names, dict(browse.records), browse.score, browse.confidence

    def write(path: Path) -> None:
        read = (records[name].outcome for name in names if name in records)
        write_results(path, read, score, confidence)

    program.keeper.write(os.path.basename(state.folder), "results", suffix, write)


COMMANDS = (
    Command("Pictures", ("Right", "Down", "D"), "Next picture; one frame on in a live source", _step(1)),
    Command("Pictures", ("Left", "Up", "A"), "Previous picture", _step(-1)),
    Command("Pictures", ("Page down",), "Ten on", _step(PAGE)),
    Command("Pictures", ("Page up",), "Ten back", _step(-PAGE)),
    Command("Pictures", ("Home",), "First picture", _step(-END)),
    Command("Pictures", ("End",), "Last picture", _step(END)),
    Command("Pictures", ("N",), "Next picture that was read wrong or missed", _next_error),
    Command("Pictures", ("J",), "Go to a picture by its number", _jump),
    Command("Pictures", ("Space",), "Slide show; hold a live source", lambda program: program.play()),
    Command("Source", ("O",), "Open a folder, a camera, a video or an address", open_dialog),
    Command("Source", ("R",), "Connect again; play a video again", _again),
    Command("Source", ("S",), "Keep the live picture, with and without what was found", snapshot),
    Command("Source", ("E",), "Keep what was read in the folder, as JSON lines", _results(JSON_LINES)),
    Command("Source", ("E",), "The same as CSV", _results(CSV), control=True),
    Command("View", ("F",), "Fit the whole picture in", lambda program: _zoom(program, None)),
    Command("View", ("1",), "One picture pixel for one of the screen", lambda program: _zoom(program, 1.0)),
    Command("View", ("2",), "Four times as large", lambda program: _zoom(program, 4.0)),
    Command("View", ("+",), "Larger", lambda program: program.state.view.enlarge(1)),
    Command("View", ("-",), "Smaller", lambda program: program.state.view.enlarge(-1)),
    Command("View", ("Tab",), "Select the next plate", _select),
    Command("Overlays", ("B",), "Boxes", _toggle("show_boxes")),
    Command("Overlays", ("C",), "Corners", _toggle("show_corners")),
    Command("Overlays", ("T",), "Texts", _toggle("show_text")),
    Command("Overlays", ("G",), "Ground truth of CCPD names", _toggle("show_truth")),
    Command("Window", ("L",), "Hide or show the list on the left", _toggle("show_browser")),
    Command("Window", ("P",), "Hide or show the plates on the right", _toggle("show_plates")),
    Command("Window", ("Z",), "Keep the zoom from picture to picture", _toggle("keep_zoom")),
    Command("Window", ("F1", "H"), "This help", _help),
    Command("Window", ("Escape",), "Close this help or a dialog", _escape),
)

_BY_KEY = {(key, command.control): command for command in COMMANDS for key in command.keys}


def press(program: Program, key: str, mods: int = 0) -> bool:
    """Do what a key stands for; whether it stands for anything."""
    command = _BY_KEY.get((key, bool(mods & CONTROL)))
    if command is None:
        return False
    command.act(program)
    return True
