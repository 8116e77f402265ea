"""What stands on the canvas while there is no picture: why, and what can be done."""

from __future__ import annotations

import os
from time import monotonic

from alpr_app.resources import SAMPLES
from alpr_app.viewer.commands import open_dialog
from alpr_app.viewer.fonts import LARGE
from alpr_app.viewer.live import ENDED, OPENING, WAITING
from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage, elided
from alpr_app.viewer.state import FOLDER, LIVE, State


def welcome(stage: Stage, place: Rect) -> None:
    ui = stage.ui
    title, lines, offers = explained(stage.program.state)
    width = min(place[2] - 40 * ui.em, 640 * ui.em)
    left = place[0] + (place[2] - width) / 2
    top = place[1] + place[3] * 0.34
    shown = elided(ui, title, width, LARGE)
    ui.painter.text((place[0] + (place[2] - ui.text_width(shown, LARGE)) / 2, top), shown, ui.theme.text, LARGE)
    top += 50 * ui.em
    for line in lines:
        shown = elided(ui, line, width)
        ui.painter.text((place[0] + (place[2] - ui.text_width(shown)) / 2, top), shown, ui.theme.dim)
        top += ui.line_height + 4 * ui.em
    if offers:
        _offers(stage, (left, top + 16 * ui.em, width, 0))


def explained(state: State) -> tuple[str, list[str], bool]:
    """A title, lines below it, and whether other sources are offered."""
    if state.kind == FOLDER:
        return _folder(state)
    if state.kind == LIVE:
        return _live(state)
    trouble = [message.text for message in list(state.messages)[-1:] if message.bad]
    return (
        "Nothing is open",
        [*trouble, "Open a folder, a camera, a video or an address; or drop one onto this window"],
        True,
    )


def _folder(state: State) -> tuple[str, list[str], bool]:
    browse = state.browse
    if state.shot is not None and state.shot.error:
        return "This picture cannot be read", [os.path.basename(state.shot.key), state.shot.error], False
    if browse.names:
        return "", [], False
    if state.scanning:
        return "Looking for pictures...", [state.folder], False
    wider = "" if state.settings.recursive else "; its folders are not looked into (see Settings)"
    return "There are no pictures in this folder", [state.folder + wider], True


def _live(state: State) -> tuple[str, list[str], bool]:
    status, name = state.live_status, state.live_name
    if status.state == WAITING:
        seconds = max(0, round(status.until - monotonic()))
        return f"{name[0].upper()}{name[1:]} {status.detail}", [f"It is tried again in {seconds} s"], True
    if status.state == OPENING:
        return f"Opening {name}…", [], False
    if status.state == ENDED:
        return "The video has ended", [name], True
    return f"Waiting for {name}…", [], False


def _offers(stage: Stage, place: Rect) -> None:
    ui, program = stage.ui, stage.program
    offers = [("Open another source...", lambda: open_dialog(program))]
    if program.live is not None:
        again = "Play again" if program.state.live_status.state == ENDED else "Try again now"
        offers.insert(0, (again, program.live.reconnect))
    if SAMPLES.is_dir():
        offers.append(("Sample pictures", lambda: program.open(str(SAMPLES))))
    widths = [ui.text_width(label) + 30 * ui.em for label, _ in offers]
    left = place[0] + (place[2] - sum(widths) - ui.gap[0] * (len(offers) - 1)) / 2
    for (label, act), width in zip(offers, widths, strict=True):
        ui.cursor = (left, place[1])
        if ui.button(label, width):
            act()
        left += width + ui.gap[0]
