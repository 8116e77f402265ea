"""The keys of the mode in which labels are corrected. They have precedence over the keys of `commands`."""

from __future__ import annotations

from collections.abc import Callable

from alpr_app.viewer.app.commands import Command
from alpr_app.viewer.app.corrections import Corrections
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.text.language import mark
from alpr_app.viewer.toolkit.inputs import CONTROL, SHIFT

LABELS = mark("Correcting labels (X)")
# Pixels by which Shift and an arrow move a corner.
NUDGES = {"Left": (-1.0, 0.0), "Right": (1.0, 0.0), "Up": (0.0, -1.0), "Down": (0.0, 1.0)}


def _act(act: Callable[[Corrections], object]) -> Callable[[ViewerProgram], None]:
    def carry_out(program: ViewerProgram) -> None:
        act(program.corrections)

    return carry_out


def _edit_text(corrections: Corrections) -> None:
    corrections.focus_field = corrections.plate is not None


CORRECTION_COMMANDS = (
    Command(LABELS, ("Enter",), mark("Accept as checked, go to the next"), _act(Corrections.accept)),
    Command(LABELS, ("F2",), mark("Edit the text"), _act(_edit_text)),
    Command(LABELS, ("Tab",), mark("Next plate; with Shift the one before"), _act(Corrections.select_next)),
    Command(LABELS, ("Insert",), mark("Draw a plate"), _act(Corrections.draw)),
    Command(LABELS, ("Delete",), mark("Delete the plate"), _act(Corrections.delete)),
    Command(LABELS, ("Q",), mark("Unreadable, or readable again"), _act(Corrections.mark_unreadable)),
    Command(LABELS, ("V",), mark("No plate in this picture"), _act(Corrections.mark_plate_free)),
    Command(LABELS, ("Z",), mark("Undo; with Shift redo"), _act(Corrections.undo), control=True),
    Command(LABELS, ("Y",), mark("Redo"), _act(Corrections.redo), control=True),
)
# Rows of the help window that are no commands of one key.
OTHER_KEYS = ((mark("Shift →, ←, ↑, ↓"), mark("Move the corner or the plate")),)

_BY_KEY = {(key, command.control): command for command in CORRECTION_COMMANDS for key in command.keys}
_BY_KEY["Keypad enter", False] = _BY_KEY["Enter", False]


def press_correction(program: ViewerProgram, key: str, mods: int = 0) -> bool:
    """Carry out what a key does while labels are corrected; returns whether it does anything then."""
    corrections = program.corrections
    control, shift = bool(mods & CONTROL), bool(mods & SHIFT)
    if not corrections.active:
        return False
    if key == "Escape":
        if corrections.place_dialog_open:
            corrections.place_dialog_open = False
            return True
        return corrections.cancel()
    if corrections.place_dialog_open or program.state.menu is not None:
        return False
    if key in NUDGES and shift and not control:
        corrections.nudge(*NUDGES[key])
    elif key == "Tab" and shift:
        corrections.select_next(-1)
    elif key == "Z" and control and shift:
        corrections.redo()
    elif (command := _BY_KEY.get((key, control))) is not None:
        command.act(program)
    else:
        return False
    return True
