"""Charts: lines over training steps with axes, a legend, and the values at the pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, floor, hypot, isfinite, log10
from typing import TYPE_CHECKING

import numpy as np

from alpr_app.viewer.panels.context import elide
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.inputs import Hit
from alpr_app.viewer.toolkit.painter import SMALL, Painter, Point, Rect
from alpr_app.viewer.toolkit.theme import SERIES, Colour, fade

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit


# Steps of a linear axis, times a power of ten.
_STEPS = (1, 2, 5, 10)
# Margin at both ends of an axis, as a fraction of its range.
MARGIN = 0.06


@dataclass(frozen=True)
class Axis:
    """The visible range of an axis, `low` < `high`; both are positive if it is logarithmic."""

    low: float
    high: float
    logarithmic: bool = False

    def fractions(self, values: np.ndarray | np.float64) -> np.ndarray:
        """Positions of values, from 0 at `low` to 1 at `high`; NaN for values that have none."""
        low, high = self.low, self.high
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.logarithmic:
                values, low, high = np.log10(np.where(values > 0, values, np.nan)), log10(low), log10(high)
            fractions = (values - low) / (high - low)
        return np.where(np.isfinite(fractions), fractions, np.nan)

    def ticks(self, maximum: int) -> list[tuple[float, str]]:
        """About `maximum` values to be labelled, with their labels."""
        if self.logarithmic and len(decades := self._decades(maximum)) > 1:
            return [(value, f"{value:g}") for value in decades]
        step = _step((self.high - self.low) / max(1, maximum))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        decimals = max(0, -floor(log10(step) + 1e-9))
        return [(number * step, _name(number * step, decimals)) for number in range(first, last + 1)]

    def _decades(self, maximum: int) -> list[float]:
        """Powers of ten, with their multiples by 2 and 5 if there is room."""
        powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        for parts in ((1, 2, 5), (1, 3), (1,)):
            values = [part * 10.0**power for power in powers for part in parts]
            seen = [value for value in values if self.low <= value <= self.high]
            if len(seen) <= maximum:
                break
        return seen[:: max(1, ceil(len(seen) / max(1, maximum)))]


def _step(minimum: float) -> float:
    power = 10.0 ** floor(log10(minimum))
    return next(step * power for step in _STEPS if step * power >= minimum * (1 - 1e-9))


def _name(value: float, decimals: int) -> str:
    if decimals > 4:
        return f"{value:.1e}"
    return f"{value:,.{decimals}f}"


def axis_for(values: list[np.ndarray], logarithmic: bool = False) -> Axis | None:
    """An axis that shows all finite values; None if there are none."""
    together = np.concatenate(values) if values else np.zeros(0)
    usable = together[np.isfinite(together) & ((together > 0) | (not logarithmic))]
    if not usable.size:
        return None
    low, high = float(usable.min()), float(usable.max())
    if logarithmic:
        room = max(MARGIN * (log10(high) - log10(low)), 0.02)
        return Axis(10 ** (log10(low) - room), 10 ** (log10(high) + room), True)
    room = MARGIN * (high - low) or abs(high) * 0.1 or 0.5
    return Axis(low - room, high + room) if isfinite(high - low) else None


# A step of the wheel zooms by this factor, up to this part of the whole axis.
ZOOM_STEP, MAXIMUM_ZOOM = 1.25, 1000.0
# Lines with at most this many points have a dot at each.
DOTTED = 30
TICKS_APART = 34, 90
# Cosine of the smallest angle that counts as a sharp turn.
SHARP = 0.6


@dataclass(frozen=True, eq=False)
class Chart:
    """The content of a chart.

    Attributes:
        title: Text above the chart.
        x: (N,) steps in ascending order; the axis ranges from 0 to `end`.
        lines: (N,) values of each line, by name.
        end: End of the axis.
        logarithmic: Whether the values have a logarithmic axis.
        of_columns: Whether the lines are named after columns of a run, which have plainer names in the window.
    """

    title: str
    x: np.ndarray
    lines: Mapping[str, np.ndarray]
    end: float
    logarithmic: bool = False
    of_columns: bool = True

    def name(self, line: str) -> str:
        """The name of a line as the window shows it."""
        return column_title(line) if self.of_columns else line


@dataclass
class ChartView:
    """What the user has chosen of a chart.

    Attributes:
        part: Begin and end of the visible steps, as fractions of the axis.
        hidden: Names of the lines that are not drawn.
    """

    part: tuple[float, float] = (0.0, 1.0)
    hidden: set[str] = field(default_factory=set)

    def zoom(self, steps: float, at: float) -> None:
        """Zoom in by wheel `steps`; the step at `at`, a fraction of the visible part, stays in its place."""
        low, high = self.part
        width = min(1.0, max((high - low) / ZOOM_STEP**steps, 1 / MAXIMUM_ZOOM))
        self._show(low + at * (high - low) - at * width, width)

    def move(self, by: float) -> None:
        """Move the visible part by a fraction of its width."""
        low, high = self.part
        self._show(low + by * (high - low), high - low)

    def _show(self, low: float, width: float) -> None:
        low = min(max(low, 0.0), 1.0 - width)
        self.part = low, low + width

    def toggle(self, name: str) -> None:
        """Hide or show a line."""
        self.hidden ^= {name}


def draw_chart(ui: Toolkit, chart: Chart, rect: Rect, view: ChartView | None = None) -> None:
    """Draw `chart` into `rect`: title and legend at the top, then the lines with their axes.

    The wheel zooms, dragging moves, a double click shows all steps, and a click on a name hides or shows its line; this
    changes `view`.
    """
    view = view or ChartView()
    unit, paint = ui.unit, ui.painter
    paint.fill(rect, ui.theme.field, 5 * unit)
    left, top, width, height = (rect[0] + 10 * unit, rect[1] + 6 * unit, rect[2] - 20 * unit, rect[3] - 12 * unit)
    paint.text((left, top), chart.title.upper(), ui.theme.dim, SMALL)
    if chart.end <= 0 or axis_for(list(chart.lines.values()), chart.logarithmic) is None:
        paint.text((left, top + 24 * unit), tr("No figures yet"), ui.theme.dim)
        return
    x = Axis(view.part[0] * chart.end, view.part[1] * chart.end)
    y = _visible_axis(chart, x, view)
    line = _line(ui)
    names = max(ui.text_width(name, SMALL) for _, name in y.ticks(8) or [(0, "")])
    below = line + 4 * unit
    rows = _legend_rows(ui, chart, width)
    head = line + rows * line + 4 * unit
    plot = (left + names + 8 * unit, top + head, width - names - 12 * unit, height - head - below)
    if min(plot[2:]) < 30 * unit:
        return
    ui.cursor = plot[:2]
    hit = ui.hit(f"chart {chart.title}", plot[2], plot[3])
    _handle_mouse(ui, view, plot, hit)
    index = _nearest_index(chart, x, plot, ui.mouse.position[0]) if hit.hovered else _last_index(chart, x)
    _legend(ui, chart, (left, top + line, width, rows * line), index, view)
    _grid(ui, (x, y), plot)
    if hit.hovered:
        _cursor(ui, chart, x, plot, index)
    with paint.clip((plot[0] - 4 * unit, plot[1] - 4 * unit, plot[2] + 8 * unit, plot[3] + 8 * unit)):
        for number, (name, values) in enumerate(chart.lines.items()):
            if name not in view.hidden:
                _draw_line(ui, paint, _points(x.fractions(chart.x), y.fractions(values), plot), colour_of(number))


def _visible_axis(chart: Chart, x: Axis, view: ChartView) -> Axis:
    """The axis of the values in sight; that of all values if none are."""
    seen = (chart.x >= x.low) & (chart.x <= x.high)
    shown = [values[seen] for name, values in chart.lines.items() if name not in view.hidden]
    axis = axis_for(shown, chart.logarithmic) or axis_for(list(chart.lines.values()), chart.logarithmic)
    assert axis is not None
    return axis


def _handle_mouse(ui: Toolkit, view: ChartView, plot: Rect, hit: Hit) -> None:
    if hit.hovered and ui.mouse.wheel:
        view.zoom(ui.mouse.wheel, (ui.mouse.position[0] - plot[0]) / plot[2])
    if hit.held and ui.mouse.delta[0]:
        view.move(-ui.mouse.delta[0] / plot[2])
    if hit.double:
        view.part = (0.0, 1.0)


# Columns of a run's CSV files that have a plainer name in the window than in the files.
_COLUMN_TITLES = {
    "samples_per_s": mark("samples per second"),
    "judgement": mark("validation score"),
    "bins": mark("box distribution"),
}


def column_title(column: str) -> str:
    """The name of a column of train.csv or val.csv as the window shows it."""
    return tr(_COLUMN_TITLES.get(column, column.replace("_", " ")))


def colour_of(number: int) -> Colour:
    """Colour of the line with this number."""
    return SERIES[number % len(SERIES)]


def _line(ui: Toolkit) -> float:
    """Height of a line of small text."""
    return 18 * ui.unit


def _entries(ui: Toolkit, chart: Chart, width: float) -> Iterator[tuple[int, str, float, int]]:
    """Number, name, left end and row of each legend entry; in as many columns as fit."""
    unit = ui.unit
    wide = max(ui.text_width(chart.name(name), SMALL) for name in chart.lines) + 72 * unit
    columns = max(1, min(len(chart.lines), int(width / wide)))
    for number, name in enumerate(chart.lines):
        yield number, name, (number % columns) * width / columns, number // columns


def _legend_rows(ui: Toolkit, chart: Chart, width: float) -> int:
    return max(row for *_, row in _entries(ui, chart, width)) + 1


def _legend(ui: Toolkit, chart: Chart, rect: Rect, index: int, view: ChartView) -> None:
    """The name of each line with its value at the point `index`; a click hides or shows the line."""
    unit, paint = ui.unit, ui.painter
    entries = list(_entries(ui, chart, rect[2]))
    columns = sum(row == 0 for *_, row in entries)
    for number, name, x, row in entries:
        left, top = rect[0] + x, rect[1] + row * _line(ui)
        ui.cursor = (left, top)
        hit = ui.hit(f"line {chart.title} {name}", rect[2] / columns - 8 * unit, _line(ui))
        ui.tooltip(tr("A click hides or shows this line"))
        if hit.clicked:
            view.toggle(name)
        shown_line = name not in view.hidden
        swatch = (left, top + 6 * unit, 12 * unit, 4 * unit)
        if shown_line:
            paint.fill(swatch, colour_of(number), 2 * unit)
        else:
            paint.outline(swatch, ui.theme.dim, 2 * unit)
        value = format_value(float(chart.lines[name][index]))
        room = rect[2] / columns - 24 * unit - ui.text_width(value, SMALL) - 8 * unit
        shown = elide(ui, chart.name(name), room, SMALL)
        colour = ui.theme.text if shown_line and not hit.hovered else ui.theme.accent if hit.hovered else ui.theme.dim
        paint.text((left + 18 * unit, top), shown, colour, SMALL)
        paint.text((left + 24 * unit + ui.text_width(shown, SMALL), top), value, ui.theme.dim, SMALL)
    # The step of these values.
    text = tr("step {step:,.0f}", step=chart.x[index])
    end = rect[0] + rect[2] - ui.text_width(text, SMALL)
    paint.text((end, rect[1] - _line(ui)), text, ui.theme.dim, SMALL)


def format_value(value: float) -> str:
    """Format a value with about four significant digits."""
    if not np.isfinite(value):
        return "–"
    if value == 0 or 0.0995 <= abs(value) < 1000:
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _last_index(chart: Chart, x: Axis) -> int:
    """Index of the last point in sight."""
    return max(0, int(np.searchsorted(chart.x, x.high, side="right")) - 1)


def _nearest_index(chart: Chart, x: Axis, plot: Rect, pointer: float) -> int:
    """Index of the point nearest to the pointer, horizontally."""
    positions = plot[0] + plot[2] * x.fractions(chart.x)
    return int(np.nanargmin(np.abs(positions - pointer)))


def _grid(ui: Toolkit, axes: tuple[Axis, Axis], plot: Rect) -> None:
    unit, paint, theme = ui.unit, ui.painter, ui.theme
    left, top, width, height = plot
    across, up = axes
    colour = fade(theme.dim, 0.22)
    for value, name in up.ticks(int(height / (TICKS_APART[0] * unit))):
        y = round(top + height * (1 - float(up.fractions(np.float64(value))))) + 0.5
        paint.line([(left, y), (left + width, y)], colour)
        paint.text((left - ui.text_width(name, SMALL) - 6 * unit, y - 9 * unit), name, theme.dim, SMALL)
    for value, name in across.ticks(int(width / (TICKS_APART[1] * unit))):
        x = round(left + width * float(across.fractions(np.float64(value)))) + 0.5
        paint.line([(x, top), (x, top + height)], colour)
        wide = ui.text_width(name, SMALL)
        start = min(max(x - wide / 2, left), left + width - wide)
        paint.text((start, top + height + 3 * unit), name, theme.dim, SMALL)


def _cursor(ui: Toolkit, chart: Chart, x: Axis, plot: Rect, index: int) -> None:
    left, top, width, height = plot
    middle = left + width * float(x.fractions(chart.x[index]))
    ui.painter.line([(middle, top), (middle, top + height)], fade(ui.theme.text, 0.5))


def _points(x: np.ndarray, y: np.ndarray, plot: Rect) -> list[list[Point]]:
    """Points in the window, in pieces without gaps."""
    left, top, width, height = plot
    pieces: list[list[Point]] = [[]]
    for across, up in zip((left + width * x).tolist(), (top + height * (1 - y)).tolist(), strict=True):
        if across == across and up == up:
            pieces[-1].append((across, up))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _draw_line(ui: Toolkit, paint: Painter, pieces: list[list[Point]], colour: Colour) -> None:
    dotted = sum(map(len, pieces)) <= DOTTED
    for piece in pieces:
        for part in _smooth_parts(piece):
            paint.line(part, colour, 1.8 * ui.unit)
        if dotted or len(piece) == 1:
            for point in piece:
                paint.dot(point, 2.6 * ui.unit, colour)


def _smooth_parts(points: list[Point]) -> Iterator[list[Point]]:
    """Cut `points` at sharp turns, where a continuous line would be drawn too thin."""
    begin = 0
    for index in range(1, len(points) - 1):
        (x, y), (at_x, at_y), (to_x, to_y) = points[index - 1 : index + 2]
        first, second = (at_x - x, at_y - y), (to_x - at_x, to_y - at_y)
        if first[0] * second[0] + first[1] * second[1] < SHARP * hypot(*first) * hypot(*second):
            yield points[begin : index + 1]
            begin = index
    if len(points) > 1:
        yield points[begin:]


def sparkline(ui: Toolkit, rect: Rect, values: np.ndarray) -> None:
    """Draw values (N,) from 0 up as a line without axes."""
    left, top, width, height = rect
    ui.painter.fill(rect, ui.theme.field, 4 * ui.unit)
    inner = (left + 4 * ui.unit, top + 4 * ui.unit, width - 8 * ui.unit, height - 8 * ui.unit)
    x = np.linspace(0, 1, len(values)) if len(values) > 1 else np.array([0.5])
    y = Axis(0.0, max(1.1 * float(values.max()), 1e-6)).fractions(values)
    for piece in _points(x, y, inner):
        if len(piece) > 1:
            ui.painter.line(piece, ui.theme.accent, 1.4 * ui.unit)
        else:
            ui.painter.dot(piece[0], 2 * ui.unit, ui.theme.accent)
