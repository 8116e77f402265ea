"""A note on the canvas while a picture is opened, decoded or read, if that takes more than a moment."""

from __future__ import annotations

from math import cos, pi, sin
from time import monotonic

from alpr_app.viewer.panels.context import PanelContext, elide
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import Rect
from alpr_app.viewer.toolkit.theme import fade

# How long nothing is said: ordinary pictures are there before.
MOMENT_SECONDS = 0.5
# Dots of the turning ring, and turns per second.
DOTS, TURNS = 8, 0.8


def busy_text(context: PanelContext) -> str:
    """What the selected picture is waiting for; empty if it waits for nothing, or not for long yet."""
    state = context.program.state
    if not state.waits_for_picture or monotonic() - state.selected_since < MOMENT_SECONDS:
        return ""
    image_item = state.image_item
    if image_item is None or image_item.key != state.selected_path:
        return tr("Opening {name}...", name=state.title)
    return tr("Decoding the picture...") if image_item.is_preview else tr("Reading...")


def busy_note(context: PanelContext, area: Rect) -> None:
    """Draw the note at the top right of the canvas."""
    ui = context.ui
    text = busy_text(context)
    if not text:
        return
    unit, height = ui.unit, ui.row_height
    text = elide(ui, text, area[2] - 70 * unit)
    width = ui.text_width(text) + 44 * unit
    left, top = area[0] + area[2] - width - 10 * unit, area[1] + 10 * unit
    ui.painter.fill((left, top, width, height), ui.theme.label, 4 * unit)
    centre, radius = (left + 20 * unit, top + height / 2), 7 * unit
    turn = monotonic() * TURNS % 1.0
    for number in range(DOTS):
        angle = 2 * pi * number / DOTS
        age = (turn - number / DOTS) % 1.0
        point = (centre[0] + radius * cos(angle), centre[1] + radius * sin(angle))
        ui.painter.dot(point, 1.8 * unit, fade(ui.theme.label_text, 1.0 - 0.8 * age))
    ui.painter.text((left + 36 * unit, top + (height - ui.line_height) / 2), text, ui.theme.label_text)
