"""The table of confused characters on the contact sheet; its cells open the plates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from alpr_app.evaluation.confusions import Confusion
from alpr_app.viewer.app.contact_sheet import Sheet
from alpr_app.viewer.panels.context import PanelContext, visible_rows
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import Rect
from alpr_app.viewer.toolkit.theme import fade

CELL_WIDTH, CELL_HEIGHT = 40, 28
# In place of a character that was added or left out.
NOTHING = "–"


def describe(confused: Collection[Confusion]) -> str:
    """The confusion in words; several of them share the labelled character."""
    true, read = next(iter(confused))
    if len(confused) > 1:
        return tr("{true} read otherwise", true=true or NOTHING)
    if not true:
        return tr("{read} added", read=read)
    return tr("{true} left out", true=true) if not read else tr("{true} read as {read}", true=true, read=read)


def draw_confusions(context: PanelContext, sheet: Sheet) -> None:
    """Draw the table over the available area: a row per labelled character, a column per character read instead, both
    with the most frequent first; rarer columns that do not fit are added up in the last one."""
    ui = context.ui
    unit = ui.unit
    rows = _totals(sheet.counts, 0)
    columns = _totals(sheet.counts, 1)
    text = tr(
        "{count:,} characters of {plates:,} labelled plates are misread. Row: labelled; column: read; {sign}: none.",
        count=sum(sheet.counts.values()),
        plates=sheet.labelled,
        sign=NOTHING,
    )
    ui.text(text, ui.theme.dim, wrapped=True)
    cell = CELL_WIDTH * unit
    fitting = max(1, int(ui.room[0] / cell) - 2)
    rest = set(columns[fitting:])
    left, top = ui.cursor
    height = CELL_HEIGHT * unit
    for number, read in enumerate([*columns[:fitting], *([tr("other")] if rest else [])]):
        _centred(context, read or NOTHING, (left + (number + 1) * cell, top, cell, height))
    ui.cursor = (left, top + height)
    with ui.child("confusion rows"):
        for true, (left, top, _, _) in visible_rows(ui, rows, height):
            _centred(context, true or NOTHING, (left, top, cell, height))
            for number, read in enumerate(columns[:fitting]):
                _cell(context, sheet, {(true, read)}, (left + (number + 1) * cell, top, cell, height))
            if rest:
                confused = {pair for pair in sheet.counts if pair[0] == true and pair[1] in rest}
                _cell(context, sheet, confused, (left + (fitting + 1) * cell, top, cell, height))


def _totals(counts: Counter[Confusion], side: int) -> list[str]:
    """The characters on one side of the confusions, the most frequent first."""
    totals: Counter[str] = Counter()
    for pair, count in counts.items():
        totals[pair[side]] += count
    return sorted(totals, key=lambda character: (-totals[character], character))


def _cell(context: PanelContext, sheet: Sheet, confused: set[Confusion], rect: Rect) -> None:
    """Draw how often it was confused, on a ground that grows stronger with the number."""
    count = sum(sheet.counts[pair] for pair in confused)
    if not count:
        return
    ui = context.ui
    left, top, width, height = rect
    ui.cursor = (left, top)
    hit = ui.hit(f"confusion {sorted(confused)}", width, height)
    share = count / max(sheet.counts.values())
    inner = (left + 1, top + 1, width - 2, height - 2)
    ui.painter.fill(inner, fade(ui.theme.wrong, 0.12 + 0.4 * min(1.0, share)), 3 * ui.unit)
    if hit.hovered:
        ui.painter.outline(inner, ui.theme.accent, 3 * ui.unit, 2 * ui.unit)
        ui.tooltip(f"{describe(confused)}: {count:,}\n{tr('A click shows these plates')}")
    _centred(context, f"{count:,}", rect, strong=True)
    if hit.clicked:
        context.program.contact_sheet.show(confused)


def _centred(context: PanelContext, text: str, rect: Rect, strong: bool = False) -> None:
    ui = context.ui
    left, top, width, height = rect
    point = (left + (width - ui.text_width(text)) / 2, top + (height - ui.line_height) / 2)
    ui.painter.text(point, text, ui.theme.text if strong else ui.theme.dim)
