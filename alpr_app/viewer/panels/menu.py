"""The context menu of a picture, of a row of the list and of a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alpr_app.core.plate import Plate
from alpr_app.viewer.app.commands import copy_crop, reveal, save_crop
from alpr_app.viewer.app.state import Menu
from alpr_app.viewer.panels.context import PanelContext
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import Rect
from alpr_app.viewer.workers.desktop import can_copy_pictures

ACTIONS = (
    mark("Copy text"),
    mark("Copy path"),
    mark("Copy crop"),
    mark("Save crop"),
    mark("Show in the file manager"),
    mark("Give or remove a star"),
)
"""Every action of the menu; the help window names them."""


@dataclass(frozen=True)
class Item:
    """A row of the menu."""

    title: str
    act: Callable[[], None]
    enabled: bool


def open_menu(
    context: PanelContext, path: str = "", plate: Plate | None = None, text: str = "", in_picture: bool = True
) -> None:
    """Open the menu at the pointer; the arguments are the fields of `Menu`. in_picture: whether the plate is in the
    picture on the canvas."""
    state, image_item = context.program.state, context.program.state.image_item
    image = image_item.image if in_picture and image_item is not None and plate is not None else None
    state.menu = Menu(context.ui.mouse.position, path, plate, image, text)


def items(context: PanelContext, menu: Menu) -> list[Item]:
    """The rows of the menu: those that make sense for what it is about."""
    ui, program = context.ui, context.program

    def copy(text: str) -> Callable[[], None]:
        def act() -> None:
            ui.copy(text)
            program.state.add_message(tr("Copied {text}", text=text))

        return act

    copy_text, copy_path, copy_picture, save, show, star = map(tr, ACTIONS)
    rows = [Item(copy_text, copy(menu.text), bool(menu.text))]
    if menu.path:
        rows.append(Item(copy_path, copy(menu.path), True))
    if menu.plate is not None:
        plate, has_crop = menu.plate, bool(menu.plate.crop.size)
        if can_copy_pictures():
            rows.append(Item(copy_picture, lambda: copy_crop(program, plate), has_crop))
        rows.append(Item(save, lambda: save_crop(program, plate, menu.image), has_crop))
    if menu.path:
        rows.append(Item(show, lambda: reveal(program, menu.path), True))
        rows.append(Item(star, lambda: program.stars.toggle_path(menu.path), True))
    return rows


def context_menu(context: PanelContext, window: Rect) -> None:
    """Draw the menu that is open; a click beside it and any key close it."""
    ui, state = context.ui, context.program.state
    menu = state.menu
    if menu is None:
        return
    rows, unit = items(context, menu), ui.unit
    row, pad = ui.line_height + 8 * unit, 5 * unit
    width = max(ui.text_width(item.title) for item in rows) + 24 * unit + 2 * pad
    height = len(rows) * row + 2 * pad
    left = min(menu.position[0], window[2] - width)
    top = min(menu.position[1], window[3] - height)
    with ui.area("menu ground", window, ui.theme.clear, padding=0, on_top=True):
        beside = ui.hit("outside", *window[2:])
    with ui.area("menu", (left, top, width, height), ui.theme.raised, padding=0, on_top=True):
        ui.painter.outline((left, top, width, height), ui.theme.edge)
        for number, item in enumerate(rows):
            rect = (left + pad, top + pad + number * row, width - 2 * pad, row)
            if _row(context, item, rect):
                state.menu = None
                item.act()
                return
    if beside.clicked or beside.menu or ui.inputs.pressed:
        # Only now, so that a click in the same frame still counts.
        state.menu = None


def _row(context: PanelContext, item: Item, rect: Rect) -> bool:
    """Draw a row; returns whether it was clicked."""
    ui = context.ui
    ui.cursor = rect[:2]
    hit = ui.hit(f"menu {item.title}", rect[2], rect[3])
    if hit.hovered and item.enabled:
        ui.painter.fill(rect, ui.theme.pressed, 3 * ui.unit)
    colour = ui.theme.text if item.enabled else ui.theme.dim
    ui.painter.text((rect[0] + 12 * ui.unit, rect[1] + (rect[3] - ui.line_height) / 2), item.title, colour)
    return hit.clicked and item.enabled
