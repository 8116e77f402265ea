"""The contact sheet in place of the picture: crops of all plates in a grid, and the table of confused characters."""

from __future__ import annotations

from alpr_app.evaluation.outcomes import TEXT_WRONG
from alpr_app.viewer.app.contact_sheet import ORDER_TITLES, ORDERS, Sheet, SheetItem
from alpr_app.viewer.panels.confusions import describe, draw_confusions
from alpr_app.viewer.panels.context import PanelContext, confidence_colour, draw_outcome, elide, visible_rows
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import SMALL, Point, Rect
from alpr_app.viewer.workers.crops import CropRequest

PAD = 12
# A crop in design units, with the proportions of the reader's input, and the space around it.
CROP_WIDTH, CROP_HEIGHT, MARGIN = 152, 38, 7
ORDER_WIDTH = 150


class ContactSheetPanel:
    """The contact sheet."""

    def __init__(self) -> None:
        self._requests: list[CropRequest] = []
        # What is sorted how; the sheet begins at its top when that changes.
        self._shown: tuple[object, ...] = ()

    def draw(self, context: PanelContext, rect: Rect) -> None:
        ui, contact_sheet = context.ui, context.program.contact_sheet
        with ui.area("contact sheet", rect, ui.theme.panel, padding=PAD):
            sheet = contact_sheet.sheet
            self._header(context, sheet)
            if sheet is None:
                ui.text(tr("Calculating..."), ui.theme.dim)
            elif contact_sheet.confusions_open and sheet.counts:
                draw_confusions(context, sheet)
            else:
                self._crops(context, sheet)

    def _header(self, context: PanelContext, sheet: Sheet | None) -> None:
        """Draw the counts at the left, and order, refresh and close at the right."""
        ui, program = context.ui, context.program
        contact_sheet, image_list = program.contact_sheet, program.state.image_list
        left, top = ui.cursor
        right = left + ui.room[0]
        for label, tip, shown, on, act in (
            (tr("Close"), tr("V or Escape"), True, False, contact_sheet.toggle),
            (
                tr("Refresh"),
                tr("Take up the results that have come since"),
                contact_sheet.outdated and contact_sheet.scrolled,
                False,
                contact_sheet.refresh,
            ),
            (
                tr("Confusions"),
                tr("Which characters are read as which others"),
                sheet is not None and bool(sheet.counts),
                contact_sheet.confusions_open,
                contact_sheet.toggle_confusions,
            ),
        ):
            if not shown:
                continue
            width = ui.text_width(label) + 20 * ui.unit
            right -= width
            ui.cursor = (right, top)
            if ui.button(f"{label}##sheet", width, on=on, tip=tip):
                act()
            right -= ui.gap[0]
        right -= ORDER_WIDTH * ui.unit
        ui.cursor = (right, top)
        titles = [tr(title) for title in ORDER_TITLES]
        chosen = ui.combo("sheet-order", ORDERS.index(contact_sheet.order), titles, ORDER_WIDTH * ui.unit)
        contact_sheet.order = ORDERS[chosen]
        right -= ui.gap[0]
        if contact_sheet.only:
            label = f"{describe(contact_sheet.only)}  ×"
            width = ui.text_width(label) + 20 * ui.unit
            right -= width
            ui.cursor = (right, top)
            if ui.button(f"{label}##only", width, on=True, tip=tr("Show all plates again")):
                contact_sheet.show()
            right -= ui.gap[0]
        text = tr("Contact sheet")
        if sheet is not None:
            total = len(image_list.rows)
            text = tr(
                "{plates:,} plates in {count:,} of {total:,} pictures",
                plates=len(sheet.items),
                count=sheet.pictures,
                total=total,
            )
        y = top + (ui.row_height - ui.line_height) / 2
        ui.painter.text((left, y), elide(ui, text, right - left - 10 * ui.unit), ui.theme.text)
        ui.cursor = (left, top + ui.row_height + ui.gap[1])

    def _crops(self, context: PanelContext, sheet: Sheet) -> None:
        """Draw the visible rows of the grid, and request their crops and those of the next rows."""
        ui, contact_sheet = context.ui, context.program.contact_sheet
        if not sheet.items:
            _empty(context)
            return
        with ui.child("sheet rows"):
            choice = (sheet.folder, contact_sheet.order, contact_sheet.only)
            if choice != self._shown:
                self._shown, ui.scroll = choice, 0
            unit, room = ui.unit, ui.room
            cell = (CROP_WIDTH + 2 * MARGIN) * unit
            columns = max(1, int(room[0] / cell))
            # Columns share the remaining width.
            width, height = room[0] / columns, self._cell_height(context, sheet)
            seen = int(room[1] / height) + 2
            rows = range(-(-len(sheet.items) // columns))
            first = int(ui.scroll / height)
            contact_sheet.scrolled |= ui.scroll > height
            self._request(context, sheet, first * columns, seen * columns)
            for row, (left, top, _, _) in visible_rows(ui, rows, height):
                for column, item in enumerate(sheet.items[row * columns : (row + 1) * columns]):
                    # As many textures as there are cells in sight, whatever the length of the sheet.
                    slot = ("sheet", row % seen, column)
                    self._cell(context, sheet, item, (left + column * width, top, width, height), slot)

    def _cell_height(self, context: PanelContext, sheet: Sheet) -> float:
        ui = context.ui
        with ui.font(SMALL):
            line = ui.line_height
        return (CROP_HEIGHT + 2 * MARGIN + 3) * ui.unit + line * (2 if sheet.counts else 1)

    def _request(self, context: PanelContext, sheet: Sheet, start: int, count: int) -> None:
        """Request the crops in sight, then those of the next screen and the one before."""
        crops = context.program.contact_sheet.crops
        items = [
            *sheet.items[start : start + 2 * count],
            *sheet.items[max(0, start - count) : start],
        ]
        requests = [sheet.request(item) for item in items if not (item.plate is not None and item.plate.crop.size)]
        if crops is not None and requests != self._requests:
            self._requests = requests
            crops.want(requests)

    def _cell(self, context: PanelContext, sheet: Sheet, item: SheetItem, rect: Rect, slot: tuple[object, ...]) -> None:
        ui, program = context.ui, context.program
        unit, theme, paint = ui.unit, ui.theme, ui.painter
        left, top, width, height = rect
        ui.cursor = (left, top)
        hit = ui.hit(f"{slot}", width, height)
        selected = item.name == program.state.image_list.name
        if hit.hovered or selected:
            paint.fill((left + 1, top + 1, width - 2, height - 2), theme.field, 4 * unit)
        if selected:
            # A frame, because the colours of results and confidences are chosen for this ground.
            paint.outline((left + 1, top + 1, width - 2, height - 2), theme.accent, 4 * unit, 2 * unit)
        # The crop keeps its proportions in a wider cell.
        wide = min(width - 2 * MARGIN * unit, 1.3 * CROP_WIDTH * unit)
        left += (width - wide) / 2
        top += MARGIN * unit
        self._crop(context, sheet, item, (left, top, wide, CROP_HEIGHT * unit), slot)
        self._caption(context, sheet, item, (left, top + (CROP_HEIGHT + 3) * unit), wide)
        if hit.hovered:
            ui.tooltip(_tip(item))
        if hit.clicked:
            program.contact_sheet.go_to(item)

    def _crop(self, context: PanelContext, sheet: Sheet, item: SheetItem, rect: Rect, slot: tuple[object, ...]) -> None:
        ui, crops, request = context.ui, context.program.contact_sheet.crops, sheet.request(item)
        plate = item.plate
        crop = plate.crop if plate is not None and plate.crop.size else crops.get(request) if crops else None
        if crop is None or not crop.size:
            ui.painter.fill(rect, ui.theme.raised)
            if crop is not None:
                text = elide(ui, tr("The picture cannot be read"), rect[2] - 8 * ui.unit, SMALL)
                ui.painter.text((rect[0] + 4 * ui.unit, rect[1] + 10 * ui.unit), text, ui.theme.dim, SMALL)
            return
        texture = context.textures.get(slot, request, lambda: crop, mipmaps=False)
        ui.painter.picture(texture, rect)

    def _caption(self, context: PanelContext, sheet: Sheet, item: SheetItem, point: Point, width: float) -> None:
        """Draw the outcome, the reading and its confidence; below them the label of a wrong text."""
        ui = context.ui
        theme, paint, unit = ui.theme, ui.painter, ui.unit
        left, top = point
        with ui.font(SMALL):
            line = ui.line_height
        start = left
        if item.outcome:
            draw_outcome(ui, paint, (left + 5 * unit, top + line / 2), 4 * unit, item.outcome)
            start += 14 * unit
        if item.plate is None:
            paint.text((start, top), elide(ui, item.label, width - (start - left), SMALL), theme.dim, SMALL)
            return
        share = f"{100 * item.plate.confidence:.0f} %"
        wide = ui.text_width(share, SMALL)
        text = elide(ui, item.plate.text or "–", width - wide - (start - left) - 6 * unit, SMALL)
        paint.text((start, top), text, theme.text, SMALL)
        paint.text((left + width - wide, top), share, confidence_colour(context, item.plate.confidence), SMALL)
        if item.outcome == TEXT_WRONG:
            self._label(context, item, (start, top + line))

    def _label(self, context: PanelContext, item: SheetItem, point: Point) -> None:
        """Draw the label, with the characters that were read otherwise in the colour of a wrong text."""
        ui, text = context.ui, item.text
        x, y = point
        for number, character in enumerate(item.label):
            wrong = text[number : number + 1] != character if len(item.label) == len(text) else character not in text
            ui.painter.text((x, y), character, ui.theme.wrong if wrong else ui.theme.dim, SMALL)
            x += ui.text_width(character, SMALL)


def _tip(item: SheetItem) -> str:
    lines = [item.name]
    if item.plate is not None:
        lines.append(
            tr("Read as {text}, {share:.1f} %", text=item.plate.text or "–", share=100 * item.plate.confidence)
        )
    if item.label:
        lines.append(tr("Label {text}", text=item.label))
    if item.outcome:
        lines.append(tr(item.outcome))
    return "\n".join([*lines, tr("A click shows the picture")])


def _empty(context: PanelContext) -> None:
    """Say why there are no crops, with what helps."""
    ui, program = context.ui, context.program
    image_list = program.state.image_list
    ui.space(20 * ui.unit)
    if program.contact_sheet.only or (image_list.records and len(image_list.rows) < len(image_list.names)):
        ui.text(tr("No plate meets this filter"), ui.theme.dim)
    elif image_list.records:
        ui.text(tr("No plate has been found so far"), ui.theme.dim)
    else:
        ui.text(tr("No picture has been read yet"), ui.theme.dim)
    if len(image_list.records) < len(image_list.names) and not program.state.read_all_total:
        label = tr("Read the whole folder")
        if ui.button(f"{label}##sheet", ui.text_width(label) + 30 * ui.unit):
            program.read_all(True)
