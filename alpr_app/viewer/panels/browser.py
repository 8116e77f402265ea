"""The left side for folders: the list of pictures, of which only the visible rows are drawn, and the totals."""

from __future__ import annotations

import os
from time import monotonic

from alpr_app.evaluation.outcomes import FALSE_BOX, MISSED, OUTCOMES, PLACE_OFF, RIGHT, TEXT_WRONG, UNREADABLE
from alpr_app.viewer.app.commands import go_up, open_dialog, open_summary
from alpr_app.viewer.app.differences import VERDICTS
from alpr_app.viewer.app.image_list import ALL, NO_LABELS, SORT_ORDERS, SORT_TITLES, STARRED, UNSEEN, ImageList
from alpr_app.viewer.app.list_filter import filter_tip
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.app.state import FOLDER, LIVE
from alpr_app.viewer.panels.context import (
    PanelContext,
    draw_outcome,
    draw_pair,
    draw_star,
    duration,
    elide,
    icon_button,
    icon_width,
    outcome_colour,
    scroll_to_row,
    visible_rows,
)
from alpr_app.viewer.panels.live import live_panel
from alpr_app.viewer.panels.menu import open_menu
from alpr_app.viewer.panels.tree import TreePanel
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import Rect

# Below this height the totals are left out in favour of the list.
LOW_HEIGHT = 440
# Space between the lines of text in the list; room for the arrow of a combo box and the margins of its text; and for
# the mark before a count.
ROW_SPACE, COMBO_ARROW, MARK_WIDTH = 3, 48, 16
# Where the star is in a row, and where the text begins.
STAR_LEFT, TEXT_LEFT = 20, 38

# Where there is little room.
_SHORT = {UNREADABLE: mark("unreadable")}
_COUNTED = (RIGHT, TEXT_WRONG, PLACE_OFF, MISSED, FALSE_BOX, UNREADABLE)


class BrowserPanel:
    """The left side: folder, tree, filter, list of pictures and totals, or the live source."""

    def __init__(self) -> None:
        self._scrolled_to = -2
        self._tree = TreePanel()
        self._is_low = False
        self._offered: list[str] = [ALL]

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
        title = state.live_title if state.kind == LIVE else os.path.basename(state.folder) or state.folder
        shown = elide(ui, title or tr("No source"), room - width - 10 * ui.unit)
        ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), shown, ui.theme.text)
        ui.cursor = (left, top)
        ui.hit("title", max(1.0, room - width - 10 * ui.unit), ui.row_height)
        ui.tooltip(state.folder if state.kind == FOLDER else state.live_title)
        ui.cursor = (left + room - width, top)
        if ui.button(tr("Open..."), width, tip=tr("Open a folder, a camera, a video or an address (O)")):
            open_dialog(context.program)

    def _filter(self, context: PanelContext) -> None:
        """Two lines that stay in their place, whatever is chosen: text, then outcome and order."""
        ui, program, image_list = context.ui, context.program, context.program.state.image_list
        icon = icon_width(ui) + ui.gap[0]
        focus, program.state.focus_filter = program.state.focus_filter, False
        text, _ = ui.text_field("filter", image_list.text, tr("Filter by name or plate"), ui.room[0] - icon, focus)
        ui.tooltip(filter_tip())
        ui.same_line()
        stale = program.navigator.order_is_stale
        tip = tr("Sort again: there are new results (F5)") if stale else tr("Refresh and sort the list (F5)")
        if icon_button(context, "refresh", "refresh", tip, on=stale):
            program.navigator.refresh()
        if not ui.combo_open:
            # Otherwise new results would move the rows of the open list.
            self._offered = _present_outcomes(image_list)
        offered = self._offered if image_list.only in self._offered else [*self._offered, image_list.only]
        names = [_outcome_title(outcome) for outcome in offered]
        orders = [tr(title) for title in SORT_TITLES]
        share, room = self._combo_share(context, orders), ui.room[0]
        only = offered[ui.combo("only", offered.index(image_list.only), names, (room - ui.gap[0]) * share)]
        ui.same_line()
        current = SORT_ORDERS.index(program.state.settings.order)
        chosen = ui.combo("order", current, orders)
        image_list.filter(text, only)
        if chosen != current:
            program.navigator.sort(SORT_ORDERS[chosen])

    def _combo_share(self, context: PanelContext, orders: list[str]) -> float:
        """The share of the width for the outcomes, so that the longest texts of both combo boxes fit."""
        widths = [
            max(map(context.ui.text_width, texts)) + COMBO_ARROW * context.ui.unit
            for texts in ([_outcome_title(outcome) for outcome in (ALL, *_COUNTED, STARRED, UNSEEN)], orders)
        ]
        return widths[0] / sum(widths)

    def _list(self, context: PanelContext) -> None:
        ui, image_list = context.ui, context.program.state.image_list
        row = round(ui.line_height + ROW_SPACE * ui.unit)
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
        shown = elide(ui, label or name, text_left - left - (TEXT_LEFT + 8) * ui.unit, middle=True)
        paint.text((left + TEXT_LEFT * ui.unit, y), shown, ui.theme.text if chosen else ui.theme.dim)
        on_star = hit.hovered and STAR_LEFT <= (ui.mouse.position[0] - left) / ui.unit < TEXT_LEFT
        if name in image_list.starred or hit.hovered:
            centre = (left + (STAR_LEFT + TEXT_LEFT - 2) / 2 * ui.unit, middle)
            draw_star(paint, centre, 6 * ui.unit, ui.theme.uncertain, filled=name in image_list.starred)
        if hit.clicked and on_star:
            context.program.stars.toggle(name)
        elif hit.clicked or hit.menu:
            image_list.go(index)
        if hit.menu:
            plates = context.program.state.cards(record.recognition.plates) if record is not None else []
            reading = ", ".join(plate.text for plate in plates if plate.text)
            open_menu(context, os.path.join(context.program.state.folder, name), None, reading or label)
        if hit.hovered:
            ui.tooltip(tr("Star (Q)") if on_star else _row_tooltip(name, label, outcome, record))

    def _footer_height(self, context: PanelContext) -> float:
        ui = context.ui
        lines = 1 + (0 if self._is_low else bool(self._rates(context)) + len(self._counted(context)))
        return lines * self._step(context) + ui.row_height + ui.gap[1] * 2 + 6 * ui.unit

    def _step(self, context: PanelContext) -> float:
        return context.ui.line_height + 2 * context.ui.unit

    def _footer(self, context: PanelContext) -> None:
        ui, state, image_list = context.ui, context.program.state, context.program.state.image_list
        left, top = ui.cursor
        width, step = ui.room[0], self._step(context)
        paint = ui.painter
        paint.line([(left, top), (left + width, top)], ui.theme.line)
        top += 5 * ui.unit
        draw_pair(
            ui, paint, (left, top, width, step), _count(context), tr("{count:,} read", count=len(image_list.records))
        )
        top += step
        if not self._is_low:
            if rates := self._rates(context):
                self._draw_rates(context, (left, top, width, step), rates)
                top += step
            for line in self._counted(context):
                for outcome, x, wide in line:
                    self._outcome_count(context, (left + x, top, wide, step), outcome)
                top += step
        ui.cursor = (left, top + 3 * ui.unit)
        if state.read_all_total:
            self._read_all_progress(context, width)
            return
        summary = tr("Folder summary")
        summary_width = ui.text_width(summary) + 18 * ui.unit
        label = tr("Read the whole folder")
        label = label if ui.text_width(label) < width - summary_width - 24 * ui.unit else tr("Read all")
        enabled = len(image_list.records) < len(image_list.names)
        if ui.button(label, width - summary_width - ui.gap[0], enabled=enabled):
            context.program.read_all(True)
        ui.same_line()
        tip = tr("Results folder by folder (U)")
        if ui.button(summary, summary_width, enabled=bool(image_list.records), tip=tip):
            open_summary(context.program)

    def _rates(self, context: PanelContext) -> list[tuple[str, int]]:
        """The rates of text and of place, which are apart, and of how many plates; empty without labelled plates."""
        totals = context.program.state.image_list.totals
        rates = []
        if totals.plates:
            rates.append((f"{tr('Text right')} {100 * totals.text_rate:.1f} %", totals.plates))
        if totals.placed_plates:
            rates.append((f"{tr('Place right')} {100 * totals.place_rate:.1f} %", totals.placed_plates))
        return rates

    def _draw_rates(self, context: PanelContext, rect: Rect, rates: list[tuple[str, int]]) -> None:
        """Draw one rate at the left and one at the right; the tooltips say of how many plates they are."""
        ui = context.ui
        left, top, width, step = rect
        for number, (text, plates) in enumerate(rates):
            wide = ui.text_width(text)
            ui.cursor = (left if number == 0 else left + width - wide, top)
            ui.painter.text(ui.cursor, text, ui.theme.text)
            ui.hit(f"rate {number}", wide, step)
            ui.tooltip(tr("Of {count:,} labelled plates", count=plates))

    def _counted(self, context: PanelContext) -> list[list[tuple[str, float, float]]]:
        """The outcomes that there are, in lines, each with its left end and width."""
        ui, totals = context.ui, context.program.state.image_list.totals
        lines: list[list[tuple[str, float, float]]] = []
        x = 0.0
        for outcome in _COUNTED:
            if not totals.outcomes[outcome]:
                continue
            width = ui.text_width(_count_text(totals.outcomes[outcome], outcome)) + MARK_WIDTH * ui.unit
            if not lines or x + width > ui.room[0]:
                lines.append([])
                x = 0.0
            lines[-1].append((outcome, x, width))
            x += width + 12 * ui.unit
        return lines

    def _outcome_count(self, context: PanelContext, rect: Rect, outcome: str) -> None:
        ui, image_list = context.ui, context.program.state.image_list
        left, top, width, height = rect
        ui.cursor = (left, top)
        hit = ui.hit(f"count {outcome}", width, height)
        ui.tooltip(
            tr(
                "Pictures whose worst result is: {outcome}. A click shows them alone, a second one all.",
                outcome=tr(outcome),
            )
        )
        draw_outcome(ui, ui.painter, (left + 6 * ui.unit, top + ui.line_height / 2), 4.5 * ui.unit, outcome)
        chosen = hit.hovered or image_list.only == outcome
        colour = ui.theme.text if chosen else outcome_colour(ui.theme, outcome)
        text = _count_text(image_list.totals.outcomes[outcome], outcome)
        ui.painter.text((left + MARK_WIDTH * ui.unit, top), text, colour)
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


def _present_outcomes(image_list: ImageList) -> list[str]:
    """The choices of the filter: outcomes that some picture has, and starred and unread pictures if there are any."""
    unread = [UNSEEN] if len(image_list.records) < len(image_list.names) else []
    compared = set(image_list.verdicts.values())
    verdicts = [verdict for verdict in VERDICTS if verdict in compared]
    starred = [STARRED] if image_list.starred else []
    counted = [outcome for outcome in _COUNTED if image_list.totals.outcomes[outcome]]
    return [ALL, *counted, *starred, *unread, *verdicts]


def _outcome_title(outcome: str) -> str:
    return tr("All pictures") if outcome == ALL else tr(_SHORT.get(outcome, outcome)).capitalize()


def _count_text(count: int, outcome: str) -> str:
    return f"{count:,} {tr(_SHORT.get(outcome, outcome))}"


def reading_text(context: PanelContext, record: Record | None) -> str:
    """The first card's reading and confidence, and the number of further plates; empty without a plate."""
    plates = context.program.state.cards(record.recognition.plates) if record is not None else []
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
