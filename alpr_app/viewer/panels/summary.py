"""The table of results by folder; a click on the name of a column sorts by it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from alpr_app.viewer.app.folder_results import (
    MACRO,
    MICRO,
    SHARES,
    THIS_FOLDER,
    Summary,
    SummaryRow,
    sort_rows,
    summarise,
    write_summary,
)
from alpr_app.viewer.app.saved_results import CSV
from alpr_app.viewer.panels.context import PanelContext, elide
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import SMALL, Rect
from alpr_app.viewer.workers.threads import BackgroundTask

PAD = 18
FOLDER_WIDTH, COLUMN_WIDTH = 230, 88
NOTHING = "–"
_ROW_TITLES = {THIS_FOLDER: mark("this folder"), MICRO: mark("All pictures"), MACRO: mark("Mean of the folders")}


@dataclass(frozen=True)
class Column:
    """A column of the table; `labels` if it needs labelled pictures."""

    name: str
    title: str
    tip: str
    labels: bool = False


COLUMNS = (
    Column("folder", mark("Folder"), mark("Folder of the pictures")),
    Column("pictures", mark("Pictures"), mark("Pictures read so far")),
    Column("plates", mark("Plates"), mark("Plates that reach both thresholds")),
    Column("confidence", mark("Confidence"), mark("Mean of the plates' confidences")),
    Column("labelled", mark("Labelled"), mark("Plates whose label gives the text"), True),
    Column(
        "text_right",
        mark("Text right"),
        mark("Labelled plates whose text is right, found with an IoU of 0.3 or more"),
        True,
    ),
    Column("place_right", mark("Place right"), mark("Labelled plates found with an IoU of 0.7 or more"), True),
    Column("no_province", mark("No province"), mark("Right from the second character on"), True),
    Column(
        "corner_px",
        mark("Corner error"),
        mark("Mean corner error in pixels, of plates found with an IoU of 0.5 or more"),
        True,
    ),
    Column("text_wrong", mark("Text wrong"), mark("Labelled plates that were found, with a wrong text"), True),
    Column(
        "place_off", mark("Place off"), mark("Labelled plates with the right text and an IoU from 0.3 to 0.7"), True
    ),
    Column("missed", mark("Missed"), mark("Labelled plates that were not found with an IoU of 0.3 or more"), True),
    Column(
        "unmatched",
        mark("False boxes"),
        mark("Shown plates on no labelled plate; some may be plates without a label"),
        True,
    ),
)


class SummaryTable:
    """The window with the summary."""

    def __init__(self) -> None:
        self._column, self._descending = "folder", False
        self._summary_of: tuple[str, int, float, float] | None = None

    def draw(self, context: PanelContext, window: Rect) -> None:
        ui, state = context.ui, context.program.state
        self._update(context)
        summary = context.program.summary.result
        columns = [column for column in COLUMNS if not column.labels or summary is None or summary.has_labels]
        unit, row = ui.unit, round(ui.line_height + 9 * ui.unit)
        count = len(summary.rows) if summary is not None else 0
        width = min((FOLDER_WIDTH + COLUMN_WIDTH * (len(columns) - 1) + 2 * PAD) * unit, window[2] - 20)
        wanted = (max(count, 3) + 3) * row + ui.row_height + (2 * PAD + 44) * unit
        height = min(wanted, window[3] - 40 * unit)
        rect = ((window[2] - width) / 2, (window[3] - height) / 2, width, height)
        with ui.area("summary ground", window, ui.theme.shade, padding=0, on_top=True):
            if ui.hit("outside", *window[2:]).clicked:
                state.summary_open = False
        with ui.area("summary", rect, ui.theme.panel, padding=PAD, on_top=True):
            self._title(context)
            if summary is None:
                ui.text(tr("Calculating..."), ui.theme.dim)
                return
            self._header(context, columns, row)
            with ui.child("summary rows", 0, -(2 * row + 10 * unit)):
                self._rows(context, columns, sort_rows(summary.rows, self._column, self._descending), row)
            self._totals(context, columns, summary, row)

    def _update(self, context: PanelContext) -> None:
        """Calculate the summary again if anything has changed."""
        image_list, summary = context.program.state.image_list, context.program.summary
        key = (context.program.state.folder, image_list.changes, image_list.score, image_list.confidence)
        if key == self._summary_of:
            return
        if self._summary_of is not None and key[0] != self._summary_of[0]:
            summary.result = None
        # Copied for the thread, which must not see later changes.
        records, thresholds = dict(image_list.records), (image_list.score, image_list.confidence)
        if summary.start(lambda: summarise(records, *thresholds)):
            self._summary_of = key

    def _title(self, context: PanelContext) -> None:
        ui, state, program = context.ui, context.program.state, context.program
        label, close = tr("Save as CSV"), tr("Close")
        width, close_width = (ui.text_width(text) + 22 * ui.unit for text in (label, close))
        left, top = ui.cursor
        room = ui.room[0] - close_width - ui.gap[0]
        ui.cursor = (left + room + ui.gap[0], top)
        if ui.button(close, close_width, tip=tr("U or Escape")):
            state.summary_open = False
        count, total = len(state.image_list.records), len(state.image_list.names)
        read = tr("{count:,} of {total:,} pictures read", count=count, total=total)
        name = os.path.basename(state.folder) or state.folder
        title = elide(ui, f"{name}: {read}", room - width - 10 * ui.unit)
        ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), title, ui.theme.text)
        ui.cursor = (left + room - width, top)
        summary: BackgroundTask[Summary] = program.summary
        result, column, descending = summary.result, self._column, self._descending
        if (
            ui.button(label, width, enabled=result is not None, tip=tr("Rows in the order shown"))
            and result is not None
        ):
            program.export_worker.save(
                name,
                "summary",
                CSV,
                lambda path: write_summary(path, result, lambda rows: sort_rows(rows, column, descending)),
            )
        ui.space(4 * ui.unit)

    def _header(self, context: PanelContext, columns: list[Column], row: float) -> None:
        """Draw the column names; a click sorts, a second one reverses the order."""
        ui, theme, unit = context.ui, context.ui.theme, context.ui.unit
        left, top = ui.cursor
        for column, (x, width) in zip(columns, _column_positions(context, columns), strict=True):
            ui.cursor = (left + x, top)
            hit = ui.hit(f"by {column.name}", width, row)
            ui.tooltip(tr(column.tip))
            chosen = column.name == self._column
            colour = theme.text if hit.hovered or chosen else theme.dim
            text = elide(ui, tr(column.title), width - 12 * unit, SMALL)
            wide = ui.text_width(text, SMALL)
            start = left + x + (6 * unit if column.name == "folder" else width - wide)
            ui.painter.text((start, top + 4 * unit), text, colour, SMALL)
            if chosen:
                tip, y = start + (wide + 9 * unit if column.name == "folder" else -8 * unit), top + 12 * unit
                offset = 3 * unit if self._descending else -3 * unit
                ui.painter.triangle(
                    (tip - 4 * unit, y - offset), (tip + 4 * unit, y - offset), (tip, y + offset), theme.accent
                )
            if hit.clicked:
                # Figures sort from the highest first, names from A.
                self._descending = not self._descending if chosen else column.name != "folder"
                self._column = column.name
        ui.painter.line([(left, top + row - 1), (left + ui.room[0], top + row - 1)], theme.line)
        ui.cursor = (left, top + row)

    def _rows(self, context: PanelContext, columns: list[Column], rows: list[SummaryRow], row: float) -> None:
        """Draw the visible rows."""
        ui = context.ui
        left, top = ui.cursor
        first = max(0, int(ui.scroll / row))
        for number in range(first, min(len(rows), first + int(ui.room[1] / row) + 2)):
            y = top + number * row
            if number % 2 == 0:
                ui.painter.fill((left, y, ui.room[0], row), ui.theme.field, 3 * ui.unit)
            _draw_row(context, columns, rows[number], (left, y), row)
        ui.cursor = (left, top)
        ui.space(len(rows) * row)

    def _totals(self, context: PanelContext, columns: list[Column], summary: Summary, row: float) -> None:
        ui = context.ui
        left, top = ui.cursor
        ui.painter.line([(left, top), (left + ui.room[0], top)], ui.theme.line)
        for number, summary_row in enumerate((summary.micro, summary.macro)):
            _draw_row(context, columns, summary_row, (left, top + 4 * ui.unit + number * row), row, integers=not number)


def _column_positions(context: PanelContext, columns: list[Column]) -> list[tuple[float, float]]:
    """Left end in the table and width of each column; the first column takes the remaining width."""
    unit, room = context.ui.unit, context.ui.room[0] - 10 * context.ui.unit
    figures = min(COLUMN_WIDTH * unit, room * 0.75 / (len(columns) - 1))
    first = room - figures * (len(columns) - 1)
    return [(0, first), *((first + number * figures, figures) for number in range(len(columns) - 1))]


def _draw_row(
    context: PanelContext,
    columns: list[Column],
    summary_row: SummaryRow,
    point: tuple[float, float],
    row: float,
    integers: bool = True,
) -> None:
    """Draw a row; `whole` shows counts without decimals, which means of counts have."""
    ui, theme = context.ui, context.ui.theme
    left, y = point[0], point[1] + (row - ui.line_height) / 2
    for column, (x, width) in zip(columns, _column_positions(context, columns), strict=True):
        value = getattr(summary_row, column.name)
        if column.name == "folder":
            name = tr(_ROW_TITLES[value]) if value in _ROW_TITLES else value
            shown = elide(ui, name, width - 14 * ui.unit, middle=True)
            ui.painter.text((left + 6 * ui.unit, y), shown, theme.text)
            continue
        text = format_cell(column.name, value, integers)
        colour = theme.dim if value is None else theme.text
        ui.painter.text((left + x + width - ui.text_width(text), y), text, colour)


def format_cell(name: str, value: float | None, integers: bool = True) -> str:
    """Format a cell: shares in per cent, counts with a thousands separator."""
    if value is None:
        return NOTHING
    if name in SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if name == "corner_px" else f"{value:,.0f}" if integers else f"{value:,.1f}"
