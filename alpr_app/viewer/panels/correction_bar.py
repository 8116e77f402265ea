"""The bar below the picture while labels are corrected: the text of the plate, what can be done, and whether it is
saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alpr_app.core.plate import COLOURS
from alpr_app.viewer.app import label_draft
from alpr_app.viewer.app.corrections import Corrections
from alpr_app.viewer.app.label_draft import STATE_NAMES
from alpr_app.viewer.panels.context import PanelContext, elide, flow
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import Rect

FIELD_WIDTH, COLOUR_WIDTH = 190, 130
# Width for a remark beside the field; if there is less, it stands below.
REMARK_WIDTH = 280
PAD = 8


@dataclass(frozen=True)
class _Button:
    """A button of the bar. on: shown as switched on."""

    title: str
    tip: str
    act: Callable[[], object]
    enabled: bool = True
    on: bool = False


class CorrectionBar:
    """The bar below the picture."""

    def __init__(self) -> None:
        # Whether the field had the focus in the last frame, and for which plate.
        self._typing = False

    def draw(self, context: PanelContext, rect: Rect) -> Rect:
        """Draw the bar at the bottom of `rect`, if labels are being corrected; returns what is left for the picture."""
        corrections, ui = context.program.corrections, context.ui
        if not corrections.active:
            self._typing = False
            return rect
        unit, gap = ui.unit, ui.gap[0]
        pad = PAD * unit
        room = rect[2] - 2 * pad
        buttons = _buttons(corrections)
        places = flow([_width(context, button) for button in buttons], room, gap)
        step = ui.row_height + 6 * unit
        # The text, its remark, the buttons, and the state of the file.
        beside = room >= (FIELD_WIDTH + COLOUR_WIDTH + REMARK_WIDTH) * unit
        rows = (1 if beside else 2) + places[-1][1] + 1 + 1
        height = rows * step + 2 * pad
        top = rect[1] + rect[3] - height
        with ui.area("correction bar", (rect[0], top, rect[2], height), ui.theme.panel, padding=0):
            ui.painter.line([(rect[0], top + 0.5), (rect[0] + rect[2], top + 0.5)], ui.theme.line)
            left, y = rect[0] + pad, top + pad
            used = self._field(context, left, y, room)
            if beside:
                _remark(context, (left + used + 2 * gap, y, room - used - 2 * gap, ui.row_height))
            else:
                y += step
                _remark(context, (left, y, room, ui.row_height))
            y += step
            for button, (x, row) in zip(buttons, places, strict=True):
                ui.cursor = (left + x, y + row * step)
                if ui.button(button.title, on=button.on, enabled=button.enabled, tip=button.tip):
                    button.act()
            y += (places[-1][1] + 1) * step
            _file(context, (left, y, room, ui.row_height))
        return rect[0], rect[1], rect[2], rect[3] - height

    def _field(self, context: PanelContext, left: float, top: float, room: float) -> float:
        """Draw the field of the text and the colour of the plate; returns their width."""
        corrections, ui = context.program.corrections, context.ui
        plate = corrections.plate
        field, colours = (min(width * ui.unit, room / 2 - ui.gap[0]) for width in (FIELD_WIDTH, COLOUR_WIDTH))
        ui.cursor = (left, top)
        if plate is None:
            corrections.focus_field = self._typing = False
            text = tr("No plate") if corrections.path else tr("Opening the labels...")
            ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), text, ui.theme.dim)
            return ui.text_width(text)
        focus, corrections.focus_field = corrections.focus_field, False
        shown = plate.text if corrections.field_text is None else corrections.field_text
        # A field of another name begins without the focus and without the text typed before.
        name = f"label {corrections.selected} {corrections.field_number}"
        text, entered = ui.text_field(name, shown, tr("Text of the plate (F2)"), field, focus)
        corrections.type_text(text)
        typing, keys = ui.is_typing, [key for key, _ in ui.inputs.pressed]
        # After Tab, Dear ImGui gives the focus back to the only field.
        if self._typing and not focus and ("Tab" in keys or not typing):
            _end_typing(corrections, keys, entered)
        self._typing = typing or focus
        ui.cursor = (left + field + ui.gap[0], top)
        names = [tr("colour unknown"), *(tr(colour) for colour in COLOURS)]
        known = [*COLOURS].index(plate.colour) + 1 if plate.colour in COLOURS else 0
        chosen = ui.combo("label-colour", known, names, colours)
        if chosen != known:
            corrections.change(colour=COLOURS[chosen - 1] if chosen else "")
        return field + ui.gap[0] + colours


def _end_typing(corrections: Corrections, keys: list[str], entered: bool) -> None:
    """The field has lost the focus: Enter accepts, Tab goes to the next plate, Escape gives up."""
    if "Escape" in keys:
        corrections.cancel()
    corrections.end_typing()
    if entered:
        corrections.accept()
    elif "Tab" in keys:
        corrections.focus_field = len(corrections.plates) > 1
        corrections.select_next()


def _buttons(corrections: Corrections) -> list[_Button]:
    ready, plate = bool(corrections.path), corrections.plate
    documents = corrections.session.documents if corrections.session is not None else None
    unreadable = plate is not None and plate.unreadable
    drawing = corrections.drawing is not None
    return [
        _Button(tr("Accept"), tr("Accept as checked, go to the next (Enter)"), corrections.accept, ready),
        _Button(tr("Draw a plate"), tr("Drag a box or click four corners (Insert)"), corrections.draw, ready, drawing),
        _Button(tr("Delete"), tr("Delete the plate (Delete)"), corrections.delete, plate is not None),
        _Button(
            tr("Unreadable"),
            tr("The plate counts neither as right nor as wrong (Q)"),
            corrections.mark_unreadable,
            plate is not None,
            unreadable,
        ),
        _Button(tr("No plate"), tr("This picture has no plate (V)"), corrections.mark_plate_free, ready),
        _Button(tr("Undo"), tr("Undo (Ctrl Z)"), corrections.undo, documents is not None and documents.can_undo),
        _Button(tr("Redo"), tr("Redo (Ctrl Y)"), corrections.redo, documents is not None and documents.can_redo),
    ]


def _width(context: PanelContext, button: _Button) -> float:
    return context.ui.text_width(button.title.split("##")[0]) + 18 * context.ui.unit


def _remark(context: PanelContext, rect: Rect) -> None:
    """Draw which plate this is, and what is noticeable about it."""
    ui, corrections = context.ui, context.program.corrections
    theme, plate = ui.theme, corrections.plate
    left, top, width, height = rect
    y = top + (height - ui.line_height) / 2
    if plate is not None and len(corrections.plates) > 1:
        count = tr("{number} of {count}", number=corrections.selected + 1, count=len(corrections.plates)) + "   "
        ui.painter.text((left, y), count, theme.dim)
        left, width = left + ui.text_width(count), width - ui.text_width(count)
    colour = theme.wrong
    if corrections.drawing is not None:
        text, colour = tr("Drag a box, or click four corners; Escape gives up"), theme.accent
    elif corrections.strange:
        text = tr("Not on any plate: {characters}", characters=" ".join(corrections.strange))
    elif corrections.remark:
        text = corrections.remark
    elif plate is None:
        text, colour = (tr("Insert draws one") if corrections.path else ""), theme.dim
    elif remark := ("" if plate.unreadable else label_draft.text_remark(plate, corrections.alphabet)):
        text, colour = remark, theme.uncertain
    elif corrections.guessed:
        text, colour = tr("A reading as first guess: Enter accepts it"), theme.dim
    else:
        text, colour = tr(STATE_NAMES.get(plate.state, "")), theme.dim
    ui.painter.text((left, y), elide(ui, text, width), colour)


def _file(context: PanelContext, rect: Rect) -> None:
    """Draw where labels are saved and whether they are, with a button that changes that or reads them again."""
    ui, corrections, session = context.ui, context.program.corrections, context.program.corrections.session
    if session is None or session.place is None:
        return
    theme, documents = ui.theme, session.documents
    left, top, width, height = rect
    changed = documents.changed
    title = tr("Read again") if changed is not None else tr("Other folder...")
    button = ui.text_width(title) + 18 * ui.unit
    ui.cursor = (left + width - button, top)
    if ui.button(title, tip=tr("Choose where labels are saved") if changed is None else ""):
        if changed is not None:
            documents.reload()
        else:
            corrections.place_dialog_open = True
    if changed is not None:
        text, colour = tr("Changed by another program, so not saved: {path}", path=changed.table.path), theme.wrong
    elif documents.problem:
        text, colour = documents.problem, theme.wrong
    elif not documents.is_saved:
        text, colour = tr("Saving..."), theme.dim
    else:
        text, colour = tr("Labels are saved in {folder}", folder=session.place.labels), theme.dim
    shown = elide(ui, text, width - button - 2 * ui.gap[0], middle=True)
    ui.painter.text((left, top + (height - ui.line_height) / 2), shown, colour)
    ui.cursor = (left, top)
    ui.hit("labels file", width - button - ui.gap[0], height)
    ui.tooltip(text)
