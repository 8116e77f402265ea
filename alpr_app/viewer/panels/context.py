"""What every panel is given, and helpers that several panels draw with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from alpr_app.evaluation.outcomes import FALSE_BOX, MISSED, PLACE_OFF, RIGHT, TEXT_WRONG, UNREADABLE
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import BODY, SMALL, Painter, Point, Rect, wrap_words
from alpr_app.viewer.toolkit.textures import Textures
from alpr_app.viewer.toolkit.theme import Colour, Theme

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit

# The ellipsis of the font is vertically centred, as in Chinese.
DOTS = "..."

Row = TypeVar("Row")


@dataclass(frozen=True)
class PanelContext:
    """What every panel draws with, and the program that it shows."""

    ui: Toolkit
    textures: Textures
    program: ViewerProgram


def elide(ui: Toolkit, text: str, width: float, font: str = BODY, middle: bool = False) -> str:
    """Shorten `text` to `width` with an ellipsis; in the middle if names differ at their end."""
    if ui.text_width(text, font) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        count = (low + high + 1) // 2
        if ui.text_width(_cut(text, count, middle), font) <= width:
            low = count
        else:
            high = count - 1
    return _cut(text, low, middle)


def wrap(ui: Toolkit, text: str, width: float, font: str = BODY) -> list[str]:
    """Wrap `text` into lines of at most `width`; a word that is too long is shortened in the middle."""
    return wrap_words(
        text,
        width,
        lambda line: ui.text_width(line, font),
        lambda word: [elide(ui, word, width, font, middle=True)],
    )


def _cut(text: str, count: int, middle: bool) -> str:
    """The first `count` characters of `text`, or the first and last ones, with an ellipsis."""
    if not middle:
        return text[:count] + DOTS
    end = count // 2
    return text[: count - end] + DOTS + (text[-end:] if end else "")


def duration(seconds: float) -> str:
    """45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return tr("{seconds:.0f} s", seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 90:
        return tr("{minutes} min", minutes=minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def threads_text(count: int) -> str:
    """A number of threads in words."""
    return tr("1 thread") if count == 1 else tr("{count} threads", count=count)


def confidence_colour(context: PanelContext, confidence: float) -> Colour:
    """Colour of a certain or uncertain reading."""
    theme = context.ui.theme
    return theme.certain if confidence >= context.program.state.settings.sure else theme.uncertain


def picture_colour(context: PanelContext, confidence: float) -> Colour:
    """The same colour for lines on a picture, which are the same in both themes."""
    theme = context.ui.theme
    certain = confidence >= context.program.state.settings.sure
    return theme.picture_certain if certain else theme.picture_uncertain


def outcome_colour(theme: Theme, outcome: str) -> Colour:
    """Colour of one of `OUTCOMES`."""
    return {
        RIGHT: theme.right,
        TEXT_WRONG: theme.wrong,
        PLACE_OFF: theme.place_off,
        MISSED: theme.missed,
        FALSE_BOX: theme.false_box,
        UNREADABLE: theme.unreadable,
    }.get(outcome, theme.dim)


def draw_outcome(ui: Toolkit, paint: Painter, centre: Point, radius: float, outcome: str) -> None:
    """Draw a tick for right, a cross for text wrong, a diamond for place off, a ring for missed, a square for a false
    box and a triangle for an unreadable file. The shapes differ for colour-blind eyes."""
    x, y = centre
    colour, width = outcome_colour(ui.theme, outcome), max(1.5, radius * 0.36)
    if outcome == RIGHT:
        paint.line(
            [(x - radius, y), (x - radius * 0.25, y + radius * 0.75), (x + radius, y - radius * 0.75)], colour, width
        )
    elif outcome == TEXT_WRONG:
        part = radius * 0.75
        paint.line([(x - part, y - part), (x + part, y + part)], colour, width)
        paint.line([(x - part, y + part), (x + part, y - part)], colour, width)
    elif outcome == PLACE_OFF:
        paint.line([(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)], colour, width, closed=True)
    elif outcome == MISSED:
        paint.ring(centre, radius * 0.8, colour, width)
    elif outcome == FALSE_BOX:
        part = radius * 0.8
        paint.fill((x - part, y - part, 2 * part, 2 * part), colour)
    elif outcome == UNREADABLE:
        paint.triangle((x - radius, y + radius * 0.8), (x, y - radius), (x + radius, y + radius * 0.8), colour)


def draw_star(paint: Painter, centre: Point, radius: float, colour: Colour, filled: bool = True) -> None:
    """Draw a star with five points, or its outline."""
    x, y = centre
    radii = [radius * (0.42 if number % 2 else 1.0) for number in range(10)]
    angles = [number * pi / 5 for number in range(10)]
    points = [(x + size * sin(angle), y - size * cos(angle)) for size, angle in zip(radii, angles, strict=True)]
    if filled:
        for tip in range(0, 10, 2):
            paint.quad([centre, points[tip - 1], points[tip], points[tip + 1]], colour)
    else:
        paint.line(points, colour, max(1.0, radius * 0.16), closed=True)


def draw_dashed(paint: Painter, points: Sequence[Point], colour: Colour, width: float, dash: float) -> None:
    """Draw a closed line of dashes and gaps of equal length."""
    for (x, y), (to_x, to_y) in zip(points, [*points[1:], points[0]], strict=True):
        length = hypot(to_x - x, to_y - y)
        # At high zoom, an edge can be thousands of pixels long.
        count = min(400, max(1, round(length / (2 * dash))))
        for number in range(count):
            start, end = number / count, (number + 0.55) / count
            paint.line(
                [(x + (to_x - x) * start, y + (to_y - y) * start), (x + (to_x - x) * end, y + (to_y - y) * end)],
                colour,
                width,
            )


def scroll_to_row(ui: Toolkit, top: float, row: float, height: float) -> None:
    """Scroll a list just far enough to show the row at `top`; `height` is that of the visible part."""
    if top < ui.scroll:
        ui.scroll = top
    elif top + row > ui.scroll + height:
        ui.scroll = top + row - height


def visible_rows(ui: Toolkit, rows: Sequence[Row], height: float) -> Iterator[tuple[Row, Rect]]:
    """Iterate over the visible rows of a list and their rectangles; each row is `height` high.

    Afterwards the list has its full length, although only few rows were drawn.
    """
    left, top = ui.cursor
    width, seen = ui.room
    first = int(ui.scroll / height)
    for number, row in enumerate(rows[first : first + int(seen / height) + 2], first):
        yield row, (left, top + number * height, width, height)
    ui.cursor = (left, top)
    ui.space(len(rows) * height)


def flow(widths: Sequence[float], room: float, gap: float) -> list[tuple[float, int]]:
    """Left end and row of each button of these widths, in as many rows as needed."""
    places: list[tuple[float, int]] = []
    x, row = 0.0, 0
    for width in widths:
        if x and x + width > room:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += width + gap
    return places


def icon_width(ui: Toolkit) -> float:
    """Width of an icon button."""
    return ui.row_height * 1.15


def icon_button(context: PanelContext, name: str, icon: str, tip: str, on: bool = False, enabled: bool = True) -> bool:
    """Draw a square button with an icon: previous, next, up, refresh, pencil, play, pause or star; whether it was
    clicked."""
    ui = context.ui
    left, top = ui.cursor
    side = ui.row_height
    hit = ui.hit(name, icon_width(ui), side)
    ui.tooltip(tip)
    theme, paint = ui.theme, ui.painter
    ground = theme.clear if not enabled else theme.pressed if hit.hovered else theme.accent_dim if on else theme.raised
    paint.fill((left, top, side * 1.15, side), ground, 4 * ui.unit)
    paint.outline(
        (left, top, side * 1.15, side), theme.accent if on else theme.edge if enabled else theme.line, 4 * ui.unit
    )
    colour = theme.text if enabled else theme.dim
    x, y, size = left + side * 0.575, top + side / 2, side * 0.22
    if icon in ("previous", "next"):
        offset = size * (0.6 if icon == "next" else -0.6)
        paint.line([(x - offset, y - size), (x + offset, y), (x - offset, y + size)], colour, 2.2 * ui.unit)
    elif icon == "up":
        offset = size * 0.6
        paint.line([(x - size, y + offset), (x, y - offset), (x + size, y + offset)], colour, 2.2 * ui.unit)
    elif icon == "refresh":
        turn = [(x + size * cos(angle), y + size * sin(angle)) for angle in np.linspace(-0.4, -5.2, 16)]
        paint.line(turn, colour, 1.8 * ui.unit)
        tip_x, tip_y = turn[0]
        part = size * 0.65
        paint.triangle((tip_x - part, tip_y), (tip_x + part, tip_y), (tip_x, tip_y + part * 1.3), colour)
    elif icon == "star":
        draw_star(paint, (x, y), 1.35 * size, colour, filled=on)
    elif icon == "pencil":
        end, part = (x + size, y - size), size * 0.5
        paint.line([(x - size * 0.55, y + size * 0.55), end], colour, 3.4 * ui.unit)
        paint.triangle((x - size, y + size), (x - size, y + size - part), (x - size + part, y + size), colour)
    elif icon == "pause":
        for part in (-0.85, 0.25):
            paint.fill((x + part * size, y - size, size * 0.6, 2 * size), colour)
    else:
        paint.triangle((x - size * 0.7, y - size), (x + size, y), (x - size * 0.7, y + size), colour)
    return hit.clicked and enabled


def field_title(ui: Toolkit, title: str, column: float) -> None:
    """Draw the title of a field, and put the field behind it; `column` is the width of the titles."""
    left, top = ui.cursor
    ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), title, ui.theme.text)
    ui.cursor = (left + column, top)


def heading(ui: Toolkit, text: str) -> None:
    """Draw the heading of a section."""
    ui.space(2 * ui.unit)
    ui.text(text.upper(), ui.theme.dim, SMALL)


def draw_pair(ui: Toolkit, paint: Painter, rect: Rect, name: str, value: str, colour: Colour | None = None) -> None:
    """Draw a name at the left and its value at the right of `rect`."""
    left, top, width, _ = rect
    shown = elide(ui, value, width)
    room = width - ui.text_width(shown)
    paint.text((left, top), elide(ui, name, room - 6 * ui.unit) if room > 20 * ui.unit else "", ui.theme.dim)
    paint.text((left + room, top), shown, colour or ui.theme.text)
