"""The left side for folders: the list of pictures, of which only the visible rows are drawn, and the totals."""

from __future__ import annotations

import os
from time import monotonic

from alpr_app.evaluation.outcomes import FALSE_BOX, MISSED, OUTCOMES, PLACE_OFF, RIGHT, TEXT_WRONG, UNREADABLE
from alpr_app.viewer.app.commands import go_up, open_dialog, open_summary
from alpr_app.viewer.app.image_list import ALL, NO_LABELS, SORT_ORDERS, SORT_TITLES, UNSEEN, Record
from alpr_app.viewer.app.list_filter import filter_tip
from alpr_app.viewer.app.state import FOLDER, LIVE
from alpr_app.viewer.panels.context import (
    PanelContext,
    draw_outcome,
    draw_pair,
    duration,
    elide,
    icon_button,
    icon_width,
    outcome_colour,
    scroll_to_row,
    visible_rows,
)
from alpr_app.viewer.panels.live import live_panel
from alpr_app.viewer.panels.tree import TreePanel
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import Rect

# Below this height the totals are left out in favour of the list.
LOW_HEIGHT = 440
_FILTERS = (ALL, RIGHT, TEXT_WRONG, PLACE_OFF, MISSED, FALSE_BOX, UNREADABLE, UNSEEN)

# The counts below the list, in lines of two.
_SHORT = {UNREADABLE: mark("unreadable")}
_COUNTED = (RIGHT, PLACE_OFF, TEXT_WRONG, MISSED, FALSE_BOX, UNREADABLE)


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
        width = ui.text_width(tr("Open...")) + 18 * ui.unit
        left, top = ui.cursor
        room = ui.room[0]
        if state.kind == FOLDER:
            parent = context.program.navigator.parent_folder()
            if icon_button(context, "up", "up", tr("Parent folder (Backspace)"), enabled=bool(parent)):
                go_up(context.program)
            left, room = left + icon_width(ui) + ui.gap[0], room - icon_width(ui) - ui.gap[0]
        title = state.live_name if state.kind == LIVE else os.path.basename(state.folder) or state.folder
        shown = elide(ui, title or tr("No source"), room - width - 10 * ui.unit)
        ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), shown, ui.theme.text)
        ui.cursor = (left, top)
        ui.hit("title", max(1.0, room - width - 10 * ui.unit), ui.row_height)
        ui.tooltip(state.folder if state.kind == FOLDER else state.live_name)
        ui.cursor = (left + room - width, top)
        if ui.button(tr("Open..."), width, tip=tr("Open a folder, a camera, a video or an address (O)")):
            open_dialog(context.program)

    def _filter(self, context: PanelContext) -> None:
        ui, state, image_list = context.ui, context.program.state, context.program.state.image_list
        text, _ = ui.text_field("filter", image_list.text, tr("Filter by name or plate"))
        ui.tooltip(filter_tip())
        only = image_list.only
        room, refresh_width = ui.room[0], icon_width(ui) + ui.gap[0]
        half = (room - refresh_width - ui.gap[0]) / 2
        names = [tr("All pictures"), *(tr(name).capitalize() for name in _FILTERS[1:])]
        texts = (names[_FILTERS.index(only)], tr(SORT_TITLES[SORT_ORDERS.index(state.settings.order)]))
        # One line only where both selected texts fit, beside the arrow.
        one_line = max(map(ui.text_width, texts)) + ui.row_height + 18 * ui.unit <= half
        only = _FILTERS[ui.combo("only", _FILTERS.index(only), names, half if one_line else room)]
        if one_line:
            ui.same_line()
        image_list.filter(text, only)
        self._order(context, ui.room[0] - refresh_width)

    def _order(self, context: PanelContext, width: float) -> None:
        ui, program = context.ui, context.program
        current = SORT_ORDERS.index(program.state.settings.order)
        chosen = ui.combo("order", current, [tr(title) for title in SORT_TITLES], width)
        ui.same_line()
        stale = program.navigator.order_is_stale
        tip = tr("Sort again: there are new results (F5)") if stale else tr("Refresh and sort the list (F5)")
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
            ui.text(_empty_list(context), ui.theme.dim, wrapped=True)

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
        mark = (left + 11 * ui.unit, middle)
        if outcome:
            if chosen:
                # The colours of the marks are chosen for the panel, not for the selected row.
                paint.dot(mark, 8 * ui.unit, ui.theme.panel)
            draw_outcome(ui, paint, mark, 4.5 * ui.unit, outcome)
        elif record is not None:
            paint.dot(mark, 2 * ui.unit, ui.theme.dim)
        text = reading_text(context, record)
        text_left = left + width - ui.text_width(text) - 8 * ui.unit
        y = top + (height - ui.line_height) / 2
        paint.text((text_left, y), text, ui.theme.text)
        label = image_list.label_text(name)
        shown = elide(ui, label or name, text_left - left - 32 * ui.unit, middle=True)
        paint.text((left + 24 * ui.unit, y), shown, ui.theme.text if chosen and not text else ui.theme.dim)
        if hit.clicked:
            image_list.go(index)
        if hit.hovered:
            ui.tooltip(_row_tooltip(name, label, outcome, record))

    def _footer_height(self, context: PanelContext) -> float:
        ui = context.ui
        lines = 1 + (0 if self._is_low else len(self._rates(context)) + len(self._counted(context)))
        return lines * (ui.line_height + 3 * ui.unit) + ui.row_height + ui.gap[1] * 2 + 6 * ui.unit

    def _footer(self, context: PanelContext) -> None:
        ui, state, image_list = context.ui, context.program.state, context.program.state.image_list
        left, top = ui.cursor
        width, step = ui.room[0], ui.line_height + 3 * ui.unit
        paint = ui.painter
        paint.line([(left, top), (left + width, top)], ui.theme.line)
        top += 6 * ui.unit
        draw_pair(
            ui, paint, (left, top, width, step), _count(context), tr("{count:,} read", count=len(image_list.records))
        )
        if not self._is_low:
            for name, rate in self._rates(context):
                top += step
                draw_pair(ui, paint, (left, top, width, step), name, f"{100 * rate:.1f} %")
            for outcomes in self._counted(context):
                top += step
                for number, outcome in enumerate(outcomes):
                    self._outcome_count(context, (left + number * width / 2, top), step, outcome)
        ui.cursor = (left, top + step + 4 * ui.unit)
        if state.read_all_total:
            self._read_all_progress(context, width)
            return
        summary_width = ui.text_width(tr("Folder summary")) + 18 * ui.unit
        label = tr("Read the whole folder")
        label = label if ui.text_width(label) < width - summary_width - 24 * ui.unit else tr("Read all")
        enabled = len(image_list.records) < len(image_list.names)
        if ui.button(label, width - summary_width - ui.gap[0], enabled=enabled):
            context.program.read_all(True)
        ui.same_line()
        if ui.button(
            tr("Folder summary"),
            summary_width,
            enabled=bool(image_list.records),
            tip=tr("Results folder by folder (U)"),
        ):
            open_summary(context.program)

    def _rates(self, context: PanelContext) -> list[tuple[str, float]]:
        """The rates of text and of place, which are apart; empty without labelled plates."""
        totals = context.program.state.image_list.totals
        rates = (
            [(tr("Text right, of {count:,} plates", count=totals.plates), totals.text_rate)] if totals.plates else []
        )
        if totals.placed_plates:
            rates.append((tr("Place right, of {count:,}", count=totals.placed_plates), totals.place_rate))
        return rates

    def _counted(self, context: PanelContext) -> list[tuple[str, ...]]:
        """The outcomes that are counted below the list, line by line."""
        totals = context.program.state.image_list.totals
        if totals.pictures:
            return [_COUNTED[start : start + 2] for start in range(0, len(_COUNTED), 2)]
        return [(UNREADABLE,)] if totals.outcomes[UNREADABLE] else []

    def _outcome_count(self, context: PanelContext, point: tuple[float, float], step: float, outcome: str) -> None:
        ui, image_list = context.ui, context.program.state.image_list
        count = image_list.totals.outcomes[outcome]
        left, top = point
        ui.cursor = point
        hit = ui.hit(f"count {outcome}", ui.room[0] / 2, step)
        ui.tooltip(
            tr(
                "Pictures whose worst result is: {outcome}. A click shows them alone, a second one all.",
                outcome=tr(outcome),
            )
        )
        draw_outcome(ui, ui.painter, (left + 6 * ui.unit, top + ui.line_height / 2), 4.5 * ui.unit, outcome)
        colour = ui.theme.text if hit.hovered or image_list.only == outcome else ui.theme.dim
        colour = outcome_colour(ui.theme, outcome) if count and not hit.hovered else colour
        ui.painter.text((left + 18 * ui.unit, top), f"{count:,} {tr(_SHORT.get(outcome, outcome))}", colour)
        if hit.clicked:
            image_list.filter(image_list.text, ALL if image_list.only == outcome else outcome)

    def _read_all_progress(self, context: PanelContext, width: float) -> None:
        ui, state = context.ui, context.program.state
        stop = ui.text_width(tr("Stop")) + 18 * ui.unit
        left, top = ui.cursor
        # While the list grows, more pictures may be read than were known at the beginning.
        share = min(1.0, state.read_all_done / state.read_all_total)
        elapsed = monotonic() - state.read_all_started
        rest = elapsed / share - elapsed if share and elapsed > 1 else 0
        with ui.child("whole", width - stop - ui.gap[0], ui.row_height, scrolls=False):
            ui.progress(share, f"{100 * share:.0f} %" + (tr(", {time} left", time=duration(rest)) if rest else ""))
        ui.cursor = (left + width - stop, top)
        if ui.button(tr("Stop"), stop):
            context.program.read_all(False)


def reading_text(context: PanelContext, record: Record | None) -> str:
    """The reading with its confidence, and the number of further plates; empty without a plate."""
    plates = context.program.state.image_list.shown(record.recognition.plates) if record is not None else []
    if not plates:
        return ""
    more = f" +{len(plates) - 1}" if len(plates) > 1 else ""
    return f"{plates[0].marked_text or '?'} {100 * plates[0].confidence:.0f} %{more}"


def _row_tooltip(name: str, label: str, outcome: str, record: Record | None) -> str:
    """The outcome in a word, the file name, and what else the row cannot show."""
    if record is None:
        result = tr("not yet read")
    else:
        result = tr(outcome) if outcome else tr("read; the picture has no label")
        result += f": {record.recognition.error}" if record.recognition.error else ""
    return "\n".join([result.capitalize(), name, *([tr("Label: {text}", text=label)] if label else [])])


def _empty_list(context: PanelContext) -> str:
    """Why the filter shows nothing."""
    image_list = context.program.state.image_list
    needs_labels = image_list.only in OUTCOMES and image_list.only != UNREADABLE
    return tr(NO_LABELS) if needs_labels and not image_list.has_labels else tr("No picture matches the filter")


def _count(context: PanelContext) -> str:
    """12 of 345; while the folder is listed, the number of pictures so far."""
    state, image_list = context.program.state, context.program.state.image_list
    if state.scanning:
        return tr("{count:,} so far...", count=len(image_list.names))
    if len(image_list.rows) < len(image_list.names):
        return tr("{count:,} of {total:,} shown", count=len(image_list.rows), total=len(image_list.names))
    return tr("{count:,} of {total:,}", count=image_list.index + 1, total=len(image_list.names))
