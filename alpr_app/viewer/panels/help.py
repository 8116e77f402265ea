"""The help window: all keys, from the table that the keyboard uses."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from alpr_app.viewer.app.commands import COMMANDS
from alpr_app.viewer.app.correction_commands import CORRECTION_COMMANDS, LABELS, OTHER_KEYS
from alpr_app.viewer.panels.context import PanelContext
from alpr_app.viewer.panels.menu import ACTIONS
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import SMALL, Rect

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit

Group = tuple[str, list[tuple[str, str]]]
"""A heading and its rows of keys and descriptions."""
PAD = 24
SCROLLBAR = 12

_MOUSE = (
    (mark("Wheel"), mark("Zoom at the pointer")),
    (mark("Drag"), mark("Move the picture")),
    (mark("Click"), mark("Select a plate")),
    (mark("Double click"), mark("Fit the whole picture")),
    (mark("Right click"), mark("Menu of a picture, a row or a card:")),
    *(("", action) for action in ACTIONS),
    (mark("Drop"), mark("Open a folder or a file")),
)


def help_window(context: PanelContext, window: Rect) -> None:
    """Draw the help window in as many columns as fit."""
    ui, state = context.ui, context.program.state
    unit = ui.unit
    groups = [
        (tr(name), [(c.label, tr(c.text)) for c in found]) for name, found in groupby(COMMANDS, lambda c: c.group)
    ]
    others = [(tr(keys), tr(text)) for keys, text in OTHER_KEYS]
    groups.append((tr(LABELS), [(c.label, tr(c.text)) for c in CORRECTION_COMMANDS] + others))
    groups.append((tr("Mouse"), [(tr(key) if key else "", tr(text)) for key, text in _MOUSE]))
    columns, width = next(
        (columns, wide)
        for count in (3, 2, 1)
        if (wide := _width(ui, columns := _columns(groups, count))) <= window[2] - 20 * unit or count == 1
    )
    height = max(_height(ui, column) for column in columns) + 2 * PAD * unit
    # A scrollbar appears in a window that is too small.
    across, down = min(width + SCROLLBAR * unit, window[2]), min(height, window[3])
    rect = ((window[2] - across) / 2, (window[3] - down) / 2, across, down)
    with ui.area("help ground", window, ui.theme.shade, padding=0, on_top=True):
        if ui.hit("outside", *window[2:]).clicked:
            state.help_open = False
    with ui.area("help", rect, ui.theme.panel, padding=0, on_top=True), ui.child("keys"):
        left, top = ui.cursor
        x = left + PAD * unit
        for column in columns:
            _column(ui, column, x, top + PAD * unit)
            x += _column_width(ui, column)
        ui.cursor = (left, top)
        ui.space(height - 1)


def _columns(groups: list[Group], count: int) -> list[list[Group]]:
    """Distribute `groups`, in order, over at most `count` columns of similar length."""
    lines = [len(rows) + 2 for _, rows in groups]
    columns: list[list[Group]] = [[] for _ in range(count)]
    done = 0
    for group, length in zip(groups, lines, strict=True):
        # A group goes into the column that contains its middle.
        columns[min(count - 1, int((done + length / 2) * count / sum(lines)))].append(group)
        done += length
    return [column for column in columns if column]


def _heights(ui: Toolkit) -> tuple[float, float, float]:
    """Heights of a line, of a heading, and of the gap between groups."""
    return ui.line_height + 5 * ui.unit, ui.line_height + 4 * ui.unit, 16 * ui.unit


def _height(ui: Toolkit, column: list[Group]) -> float:
    line, head, gap = _heights(ui)
    return sum(head + line * len(rows) + gap for _, rows in column) - gap


def _key_width(ui: Toolkit, column: list[Group]) -> float:
    return max(ui.text_width(key) for _, rows in column for key, _ in rows) + 18 * ui.unit


def _column_width(ui: Toolkit, column: list[Group]) -> float:
    return _key_width(ui, column) + max(ui.text_width(text) for _, rows in column for _, text in rows) + PAD * ui.unit


def _width(ui: Toolkit, columns: list[list[Group]]) -> float:
    return sum(_column_width(ui, column) for column in columns) + PAD * ui.unit


def _column(ui: Toolkit, column: list[Group], x: float, y: float) -> None:
    line, head, gap = _heights(ui)
    key_width = _key_width(ui, column)
    for name, rows in column:
        ui.painter.text((x, y), name.upper(), ui.theme.accent, SMALL)
        y += head
        for key, text in rows:
            ui.painter.text((x, y), key, ui.theme.text)
            ui.painter.text((x + key_width, y), text, ui.theme.dim)
            y += line
        y += gap
