"""The left side for folders: the list of pictures, of which only the visible rows are drawn, and the totals."""

from __future__ import annotations

import os
from time import monotonic

from alpr_app.viewer.app.commands import go_up, open_dialog, open_summary
from alpr_app.viewer.app.image_list import ALL, SORT_ORDERS, SORT_TITLES, UNSEEN
from alpr_app.viewer.app.state import FOLDER, LIVE
from alpr_app.viewer.panels.context import (
    PanelContext,
    draw_outcome,
    draw_pair,
    elide,
    icon_button,
    icon_width,
    scroll_to_row,
    visible_rows,
)
from alpr_app.viewer.panels.live import live_panel
from alpr_app.viewer.panels.tree import TreePanel
from alpr_app.viewer.toolkit.painter import Rect

# Below this height the totals are left out in favour of the list.
LOW_HEIGHT = 440
_FILTERS = (ALL, "right", "wrong", "missed", UNSEEN)
_FILTER_NAMES = ("All pictures", "Read right", "Read wrong", "Missed", "Not yet read")


class BrowserPanel:
    """The left side: folder, tree, filter, list of pictures and totals, or the live source."""

    def __init__(self) -> None:
        self._scrolled_to = -2
        self._tree = TreePanel()
        self._is_low = False

    def draw(self, context: PanelContext, rect: Rect) -> None:
        ui, state = context.ui, context.program.state
        with ui.area("browser", rect, ui.theme.panel):
            self._head(context)
            if state.kind == LIVE:
                live_panel(context)
                return
            self._is_low = rect[3] < LOW_HEIGHT * ui.unit
            self._tree.draw(context)
            self._filter(context)
            below = self._footer_height(context)
            with ui.child("list", 0, -below):
                self._list(context)
            self._footer(context)

    def _head(self, context: PanelContext) -> None:
        ui, state = context.ui, context.program.state
        width = ui.text_width("Open...") + 18 * ui.unit
        left, top = ui.cursor
        room = ui.room[0]
        if state.kind == FOLDER:
            parent = context.program.navigator.parent_folder()
            if icon_button(context, "up", "up", "Parent folder (Backspace)", enabled=bool(parent)):
                go_up(context.program)
            left, room = left + icon_width(ui) + ui.gap[0], room - icon_width(ui) - ui.gap[0]
        title = state.live_name if state.kind == LIVE else os.path.basename(state.folder) or state.folder
        shown = elide(ui, title or "No source", room - width - 10 * ui.unit)
        ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), shown, ui.theme.text)
        ui.cursor = (left, top)
        ui.hit("title", max(1.0, room - width - 10 * ui.unit), ui.row_height)
        ui.tooltip(state.folder if state.kind == FOLDER else state.live_name)
        ui.cursor = (left + room - width, top)
        if ui.button("Open...", width, tip="Open a folder, a camera, a video or an address (O)"):
            open_dialog(context.program)

    def _filter(self, context: PanelContext) -> None:
        ui, state, image_list = context.ui, context.program.state, context.program.state.image_list
        text, _ = ui.text_field("filter", image_list.text, "Filter by name or plate")
        # The filter by outcome needs labels.
        only, has_labels = image_list.only, bool(image_list.totals.pictures) or image_list.only != ALL
        room, refresh_width = ui.room[0], icon_width(ui) + ui.gap[0]
        half = (room - refresh_width - ui.gap[0]) / 2
        texts = (_FILTER_NAMES[_FILTERS.index(only)], SORT_TITLES[SORT_ORDERS.index(state.settings.order)])
        # One line only where both selected texts fit, beside the arrow.
        one_line = has_labels and max(map(ui.text_width, texts)) + ui.row_height + 18 * ui.unit <= half
        if has_labels:
            width = half if one_line else room
            only = _FILTERS[ui.combo("only", _FILTERS.index(only), _FILTER_NAMES, width)]
            if one_line:
                ui.same_line()
        image_list.filter(text, only)
        self._order(context, ui.room[0] - refresh_width)

    def _order(self, context: PanelContext, width: float) -> None:
        ui, program = context.ui, context.program
        current = SORT_ORDERS.index(program.state.settings.order)
        chosen = ui.combo("order", current, SORT_TITLES, width)
        ui.same_line()
        stale = program.navigator.order_is_stale
        tip = "Sort again: there are new results (F5)" if stale else "Refresh and sort the list (F5)"
        if icon_button(context, "refresh", "refresh", tip, on=stale):
            program.navigator.refresh()
        if chosen != current:
            program.sort(SORT_ORDERS[chosen])

    def _list(self, context: PanelContext) -> None:
        ui, image_list = context.ui, context.program.state.image_list
        row = round(ui.line_height + 8 * ui.unit)
        position = image_list.position
        if position >= 0 and image_list.index != self._scrolled_to:
            scroll_to_row(ui, position * row, row, ui.room[1])
        self._scrolled_to = image_list.index
        left, top = ui.cursor
        for index, rect in visible_rows(ui, image_list.rows, row):
            self._row(context, index, rect)
        if not image_list.rows and image_list.names:
            ui.cursor = (left, top + 4 * ui.unit)
            ui.text("No picture matches the filter", ui.theme.dim, wrapped=True)

    def _row(self, context: PanelContext, index: int, rect: Rect) -> None:
        ui, image_list = context.ui, context.program.state.image_list
        left, top, width, height = rect
        name = image_list.names[index]
        ui.cursor = (left, top)
        hit = ui.hit(f"row {index}", width, height)
        chosen = index == image_list.index
        paint = ui.painter
        if chosen or hit.hovered:
            paint.fill((left, top, width, height), ui.theme.accent_dim if chosen else ui.theme.field, 3 * ui.unit)
        middle = top + height / 2
        record = image_list.records.get(name)
        outcome = image_list.outcome(name)
        if outcome:
            draw_outcome(ui, paint, (left + 11 * ui.unit, middle), 4.5 * ui.unit, outcome)
        elif record is not None:
            paint.dot(
                (left + 11 * ui.unit, middle), 2 * ui.unit, ui.theme.wrong if record.recognition.error else ui.theme.dim
            )
        plates = image_list.shown(record.recognition.plates) if record is not None else []
        text = plates[0].marked_text if plates else ""
        more = f" +{len(plates) - 1}" if len(plates) > 1 else ""
        text_left = left + width - ui.text_width(text + more) - 8 * ui.unit
        y = top + (height - ui.line_height) / 2
        paint.text((text_left, y), text + more, ui.theme.text)
        shown = elide(ui, name, text_left - left - 32 * ui.unit, middle=True)
        paint.text((left + 24 * ui.unit, y), shown, ui.theme.text if chosen and not text else ui.theme.dim)
        if hit.clicked:
            image_list.go(index)
        if hit.hovered:
            ui.tooltip(name)

    def _footer_height(self, context: PanelContext) -> float:
        ui, image_list = context.ui, context.program.state.image_list
        totals = image_list.totals
        lines = 1 + (3 + bool(totals.placed) if totals.pictures and not self._is_low else 0)
        return lines * (ui.line_height + 3 * ui.unit) + ui.row_height + ui.gap[1] * 2 + 6 * ui.unit

    def _footer(self, context: PanelContext) -> None:
        ui, state, image_list = context.ui, context.program.state, context.program.state.image_list
        left, top = ui.cursor
        width, step = ui.room[0], ui.line_height + 3 * ui.unit
        paint = ui.painter
        paint.line([(left, top), (left + width, top)], ui.theme.line)
        top += 6 * ui.unit
        draw_pair(ui, paint, (left, top, width, step), _count(context), f"{len(image_list.records):,} read")
        totals = image_list.totals
        if totals.pictures and not self._is_low:
            rows = [
                (f"Right, of {totals.pictures:,} labelled", totals.share(totals.right)),
                ("without province", totals.share(totals.read_without_province)),
            ]
            if totals.placed:
                rows.append(("Found, IoU 0.7", totals.found_share))
            for name, share in rows:
                top += step
                draw_pair(ui, paint, (left, top, width, step), name, f"{100 * share:.1f} %")
            top += step
            paint.text((left, top), f"{totals.wrong:,} wrong", ui.theme.wrong if totals.wrong else ui.theme.dim)
            missed = f"{totals.missed:,} missed"
            x = left + width - ui.text_width(missed)
            paint.text((x, top), missed, ui.theme.missed if totals.missed else ui.theme.dim)
        ui.cursor = (left, top + step + 4 * ui.unit)
        if state.read_all_total:
            self._read_all_progress(context, width)
            return
        summary_width = ui.text_width("Folder summary") + 18 * ui.unit
        label = "Read the whole folder"
        label = label if ui.text_width(label) < width - summary_width - 24 * ui.unit else "Read all"
        enabled = len(image_list.records) < len(image_list.names)
        if ui.button(label, width - summary_width - ui.gap[0], enabled=enabled):
            context.program.read_all(True)
        ui.same_line()
        if ui.button(
            "Folder summary", summary_width, enabled=bool(image_list.records), tip="Results folder by folder (U)"
        ):
            open_summary(context.program)

    def _read_all_progress(self, context: PanelContext, width: float) -> None:
        ui, state = context.ui, context.program.state
        stop = ui.text_width("Stop") + 18 * ui.unit
        left, top = ui.cursor
        # While the list grows, more pictures may be read than were known at the beginning.
        share = min(1.0, state.read_all_done / state.read_all_total)
        elapsed = monotonic() - state.read_all_started
        rest = elapsed / share - elapsed if share and elapsed > 1 else 0
        with ui.child("whole", width - stop - ui.gap[0], ui.row_height, scrolls=False):
            ui.progress(share, f"{100 * share:.0f} %" + (f", {duration(rest)} left" if rest else ""))
        ui.cursor = (left + width - stop, top)
        if ui.button("Stop", stop):
            context.program.read_all(False)


def _count(context: PanelContext) -> str:
    """12 of 345; while the folder is listed, the number of pictures so far."""
    state, image_list = context.program.state, context.program.state.image_list
    if state.scanning:
        return f"{len(image_list.names):,} so far..."
    if len(image_list.rows) < len(image_list.names):
        return f"{len(image_list.rows):,} of {len(image_list.names):,} shown"
    return f"{image_list.index + 1:,} of {len(image_list.names):,}"


def duration(seconds: float) -> str:
    """45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
