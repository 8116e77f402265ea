"""The tree of subfolders above the list of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpr_app.core.errors import printable
from alpr_app.viewer.app.commands import expand_folder
from alpr_app.viewer.app.settings import LIMITS
from alpr_app.viewer.app.tree import Node
from alpr_app.viewer.panels.context import PanelContext, elide, scroll_to_row, visible_rows
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import SMALL, Painter, Point, Rect
from alpr_app.viewer.toolkit.theme import Colour

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit

# Maximum fraction of the left side, without the controls below; the rest belongs to the pictures.
MAXIMUM_SHARE, MINIMUM_BELOW = 0.7, 170
INDENT = 15
EDGE = 9


class TreePanel:
    """The tree of subfolders."""

    def __init__(self) -> None:
        self._scrolled_to = ""

    def draw(self, context: PanelContext) -> None:
        """Draw the tree at the cursor; nothing for a folder without subfolders."""
        ui, state = context.ui, context.program.state
        if state.tree.root is None or not state.tree.root.children:
            return
        room = ui.room[1]
        self._head(context)
        if not state.settings.show_tree:
            return
        row = round(ui.line_height + 4 * ui.unit)
        wanted = min(state.settings.tree_height * ui.unit, MAXIMUM_SHARE * room - MINIMUM_BELOW * ui.unit)
        height = min(len(state.tree.rows) * row, wanted)
        if height < row:
            # The pictures need the remaining room.
            return
        with ui.child("tree", 0, height):
            self._rows(context, row)
        self._edge(context, height)

    def _head(self, context: PanelContext) -> None:
        ui, state = context.ui, context.program.state
        left, top = ui.cursor
        height = ui.line_height + 2 * ui.unit
        hit = ui.hit("folders", ui.room[0], height)
        ui.tooltip(tr("Hide or show the folders (M)"))
        colour = ui.theme.text if hit.hovered else ui.theme.dim
        shown = state.settings.show_tree
        _triangle(ui, ui.painter, (left + 8 * ui.unit, top + height / 2), shown, colour)
        ui.painter.text((left + 20 * ui.unit, top + 2 * ui.unit), tr("Folders").upper(), colour, SMALL)
        if hit.clicked:
            state.change(show_tree=not shown)

    def _rows(self, context: PanelContext, row: float) -> None:
        ui, state = context.ui, context.program.state
        rows = state.tree.rows
        if state.folder != self._scrolled_to:
            chosen = next((number for number, node in enumerate(rows) if node.path == state.folder), -1)
            if chosen >= 0:
                scroll_to_row(ui, chosen * row, row, ui.room[1])
                self._scrolled_to = state.folder
        for node, rect in visible_rows(ui, rows, row):
            self._row(context, node, rect)

    def _row(self, context: PanelContext, node: Node, rect: Rect) -> None:
        ui, program = context.ui, context.program
        left, top, width, height = rect
        ui.cursor = (left, top)
        hit = ui.hit(f"folder {node.path}", width, height)
        chosen = node.path == program.state.folder
        paint, theme = ui.painter, ui.theme
        if chosen or hit.hovered:
            paint.fill(rect, theme.accent_dim if chosen else theme.field, 3 * ui.unit)
        # The indent is limited, so that deep folders stay visible.
        x = left + min(node.depth * INDENT * ui.unit, width * 0.5)
        triangle = x + 8 * ui.unit
        over_triangle = hit.hovered and ui.mouse.position[0] < triangle + 9 * ui.unit
        if node.expandable:
            colour = theme.text if over_triangle else theme.dim
            _triangle(ui, paint, (triangle, top + height / 2), node.expanded, colour)
        start = x + 20 * ui.unit
        y = top + (height - ui.line_height) / 2
        right = left + width - 8 * ui.unit
        for text, strong in reversed(picture_counts(node, program.state.settings.recursive)):
            right -= ui.text_width(text)
            paint.text((right, y), text, theme.text if strong or chosen else theme.dim)
            right -= 5 * ui.unit
        tint = theme.wrong if node.error else theme.text if chosen or hit.hovered else theme.dim
        paint.text((start, y), elide(ui, node.name, right - start - 4 * ui.unit, middle=True), tint)
        ui.tooltip(_tooltip(node))
        if node.expandable and (hit.clicked if over_triangle else hit.double):
            expand_folder(program, node, not node.expanded)
        elif hit.clicked:
            program.show_folder(node.path)

    def _edge(self, context: PanelContext, height: float) -> None:
        """A line that can be dragged to resize the tree."""
        ui, state = context.ui, context.program.state
        left, top = ui.cursor
        # Directly below the tree, without the spacing between widgets.
        top -= ui.gap[1]
        width = ui.room[0]
        ui.cursor = (left, top)
        hit = ui.hit("tree edge", width, EDGE * ui.unit)
        active = hit.hovered or hit.held
        if active:
            ui.drag_cursor("down")
        y = top + EDGE * ui.unit / 2
        colour = ui.theme.accent if active else ui.theme.line
        ui.painter.line([(left, y), (left + width, y)], colour, 2 if active else 1)
        if hit.held and ui.mouse.delta[1]:
            low, high = LIMITS["tree_height"]
            state.change(tree_height=min(max((height + ui.mouse.delta[1]) / ui.unit, low), high))


def _triangle(ui: Toolkit, paint: Painter, centre: Point, open_: bool, colour: Colour) -> None:
    x, y = centre
    size = 4 * ui.unit
    if open_:
        paint.triangle((x - size, y - size * 0.6), (x + size, y - size * 0.6), (x, y + size * 0.8), colour)
    else:
        paint.triangle((x - size * 0.6, y - size), (x + size * 0.8, y), (x - size * 0.6, y + size), colour)


def picture_counts(node: Node, recursive: bool) -> list[tuple[str, bool]]:
    """Numbers of pictures shown by a click and of those further down; each with whether it is the former."""
    if node.error:
        return [(tr("no access"), False)]
    if recursive:
        return [(f"{node.total:,}", True)]
    below = node.total - node.pictures
    direct = [(f"{node.pictures:,}", True)] if node.pictures or not below else []
    return direct + ([(f"+{below:,}", False)] if below else [])


def _tooltip(node: Node) -> str:
    if node.error:
        return f"{printable(node.path)}\n{node.error}"
    if node.total == node.pictures:
        counts = tr("{count:,} pictures", count=node.pictures)
    else:
        counts = tr("{count:,} pictures, {total:,} including subfolders", count=node.pictures, total=node.total)
    return f"{printable(node.path)}\n{counts}"
