"""All keys, from the same table that the keyboard uses."""

from __future__ import annotations

from itertools import groupby

from alpr_app.viewer.commands import COMMANDS
from alpr_app.viewer.fonts import SMALL
from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage

_MOUSE = (
    ("Wheel", "Zoom at the pointer"),
    ("Drag", "Move the picture"),
    ("Click", "Select a plate"),
    ("Double click", "Fit the whole picture in"),
    ("Drop", "Open a folder or a file"),
)


def help_window(stage: Stage, window: Rect) -> None:
    ui, state = stage.ui, stage.program.state
    em = ui.em
    groups = [(name, [(c.label, c.text) for c in found]) for name, found in groupby(COMMANDS, lambda c: c.group)]
    groups.append(("Mouse on the picture", list(_MOUSE)))
    columns = [groups[:2], groups[2:]]
    line, head = ui.line_height + 5 * em, ui.line_height + 12 * em
    keys = [max(ui.text_width(key) for _, rows in column for key, _ in rows) + 18 * em for column in columns]
    texts = [max(ui.text_width(text) for _, rows in column for _, text in rows) + 34 * em for column in columns]
    heights = [sum(head + line * len(rows) + 8 * em for _, rows in column) for column in columns]
    width, height = sum(keys) + sum(texts) + 30 * em, max(heights) + 40 * em
    rect = ((window[2] - width) / 2, (window[3] - height) / 2, width, height)
    with ui.area("help ground", window, ui.theme.shade, padding=0, on_top=True):
        if ui.hit("outside", *window[2:]).clicked:
            state.help_open = False
    with ui.area("help", rect, ui.theme.panel, padding=0, on_top=True):
        x = rect[0] + 24 * em
        for column, key_width, text_width in zip(columns, keys, texts, strict=True):
            y = rect[1] + 20 * em
            for name, rows in column:
                ui.painter.text((x, y), name.upper(), ui.theme.accent, SMALL)
                y += head - 8 * em
                for key, text in rows:
                    ui.painter.text((x, y), key, ui.theme.text)
                    ui.painter.text((x + key_width, y), text, ui.theme.dim)
                    y += line
                y += 16 * em
            x += key_width + text_width
