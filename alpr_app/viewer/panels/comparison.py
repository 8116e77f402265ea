"""The page that compares two models in place of the picture, and the strip below a picture that both have read."""

from __future__ import annotations

import os
from dataclasses import replace

from alpr_app.evaluation.ground_truth import Totals
from alpr_app.evaluation.outcomes import FALSE_BOX, MISSED
from alpr_app.runtime.backends import BACKENDS
from alpr_app.viewer.app.differences import BETTER, CHANGED, VERDICTS, WORSE, Comparison, Difference, write_differences
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.app.saved_results import CSV
from alpr_app.viewer.panels.browser import reading_text
from alpr_app.viewer.panels.context import PanelContext, draw_outcome, elide, field_title, visible_rows
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import SMALL, Painter, Point, Rect
from alpr_app.viewer.toolkit.theme import Colour, Theme
from alpr_app.viewer.toolkit.toolkit import Toolkit

PAD = 12
NAMES = (mark("First"), mark("Second"))
# Shares of the width of a row: label, first and second reading; the file name has the rest.
SHARES = (0.2, 0.25, 0.25)
FIELD_WIDTH = 420


def verdict_colour(theme: Theme, verdict: str) -> Colour:
    """Colour of one of VERDICTS."""
    return {BETTER: theme.right, WORSE: theme.wrong, CHANGED: theme.place_off}.get(verdict, theme.dim)


def draw_verdict(ui: Toolkit, paint: Painter, centre: Point, radius: float, verdict: str) -> None:
    """Draw a triangle upwards for better, downwards for worse, and a double-headed dash for changed."""
    x, y = centre
    colour = verdict_colour(ui.theme, verdict)
    if verdict == CHANGED:
        paint.line([(x - radius, y - radius / 2), (x + radius, y - radius / 2)], colour, radius * 0.45)
        paint.line([(x - radius, y + radius / 2), (x + radius, y + radius / 2)], colour, radius * 0.45)
        return
    tip = -radius if verdict == BETTER else radius
    paint.triangle((x - radius, y - 0.8 * tip), (x + radius, y - 0.8 * tip), (x, y + tip), colour)


class ComparisonPanel:
    """The page: the choice of the second model, then the differences."""

    def __init__(self) -> None:
        self._detector = self._reader = ""
        self._backend = -1

    def draw(self, context: PanelContext, rect: Rect) -> None:
        ui, comparison = context.ui, context.program.comparison
        with ui.area("comparison", rect, ui.theme.panel, padding=PAD):
            left, top = ui.cursor
            label = tr("Close")
            width = ui.text_width(label) + 20 * ui.unit
            title = tr("Compare two models")
            ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), title, ui.theme.text)
            ui.cursor = (left + ui.room[0] - width, top)
            if ui.button(f"{label}##comparison", width, tip=tr("Y or Escape")):
                comparison.toggle()
            ui.cursor = (left, top + ui.row_height + ui.gap[1])
            if comparison.sides is None:
                self._form(context)
            else:
                _sides(context)
                _differences(context, comparison.result)

    def _form(self, context: PanelContext) -> None:
        """Draw the choice of the second model."""
        ui, program = context.ui, context.program
        choice = program.choice
        ui.text(
            tr(
                "The models in use are the first. Choose the second: a bundle of a training run, another file, or "
                "another backend. Both read this folder, and the pictures that they read differently are listed."
            ),
            ui.theme.dim,
            wrapped=True,
        )
        ui.space(6 * ui.unit)
        if self._backend < 0:
            self._backend = BACKENDS.index(choice.backend)
        column = max(map(ui.text_width, (tr("Detector"), tr("Reader"), tr("Backend")))) + 16 * ui.unit
        width = min(FIELD_WIDTH * ui.unit, ui.room[0] - column)
        hint = tr("as now, or the path of a bundle")
        field_title(ui, tr("Detector"), column)
        self._detector, _ = ui.text_field("second-detector", self._detector, hint, width)
        field_title(ui, tr("Reader"), column)
        self._reader, _ = ui.text_field("second-reader", self._reader, hint, width)
        field_title(ui, tr("Backend"), column)
        self._backend = ui.combo("second-backend", self._backend, BACKENDS, width)
        ui.space(6 * ui.unit)
        label = tr("Compare")
        if ui.button(label, ui.text_width(label) + 30 * ui.unit):
            self._begin(context)
        newest = program.training.view.newest if program.training.view is not None else None
        if newest is not None:
            ui.same_line()
            label = tr("Compare with the newest {kind} of {name}", kind=tr(newest.kind), name=newest.path.parent.name)
            if ui.button(label, ui.text_width(label) + 30 * ui.unit):
                path = str(newest.path)
                second = (
                    replace(choice, detector=path, version=newest.sha256)
                    if newest.kind == "detector"
                    else replace(choice, reader=path, reader_config=None, version=newest.sha256)
                )
                program.comparison.begin(choice, second)

    def _begin(self, context: PanelContext) -> None:
        program, choice = context.program, context.program.choice
        paths = [
            os.path.abspath(os.path.expanduser(text.strip())) if text.strip() else ""
            for text in (self._detector, self._reader)
        ]
        for path in filter(None, paths):
            if not os.path.isfile(path):
                program.state.add_message(tr("{path}: there is no such file or folder", path=path), is_error=True)
                return
        second = replace(choice, backend=BACKENDS[self._backend])
        if paths[0]:
            second = replace(second, detector=paths[0])
        if paths[1]:
            second = replace(second, reader=paths[1], reader_config=None)
        program.comparison.begin(choice, second)


def _sides(context: PanelContext) -> None:
    """Draw both models with their figures and a button to use them, and the buttons for both."""
    ui, program, comparison = context.ui, context.program, context.program.comparison
    assert comparison.sides is not None
    result = comparison.result
    use = tr("Use")
    button = ui.text_width(use) + 20 * ui.unit
    for number, (name, side) in enumerate(zip(NAMES, comparison.sides, strict=True)):
        left, top = ui.cursor
        room = ui.room[0]
        tip = tr("Show the results of this model (Ctrl M changes between both)")
        if ui.button(f"{use}##{number}", button, on=comparison.active == number, tip=tip):
            comparison.use(number)
        y, x = top + (ui.row_height - ui.line_height) / 2, left + button + 10 * ui.unit
        figures = _figures(result.first if number == 0 else result.second) if result is not None else ""
        right = left + room - ui.text_width(figures)
        ui.painter.text((right, y), figures, ui.theme.text)
        title = f"{tr(name)}: {side.title}"
        ui.painter.text((x, y), elide(ui, title, right - x - 16 * ui.unit, middle=True), ui.theme.text)
        ui.cursor = (left, top + ui.row_height + ui.gap[1])
    label = tr("Stop") if comparison.reading else tr("Read the folder with both")
    if ui.button(f"{label}##both", ui.text_width(label) + 30 * ui.unit, on=comparison.reading):
        comparison.read_both()
    ui.same_line()
    label = tr("Save as CSV")
    some = result is not None and bool(result.differences)
    if ui.button(f"{label}##differences", ui.text_width(label) + 30 * ui.unit, enabled=some) and result is not None:
        score, confidence = program.state.image_list.score, program.state.image_list.confidence
        program.export_worker.save(
            os.path.basename(program.state.folder),
            "differences",
            CSV,
            lambda path: write_differences(path, result, score, confidence),
        )
    ui.same_line()
    label = tr("Compare others")
    if ui.button(label, ui.text_width(label) + 30 * ui.unit, tip=tr("End this comparison; the models in use stay")):
        comparison.end()
    ui.space(4 * ui.unit)


def _figures(totals: Totals) -> str:
    """Text right 95.0 %, place right 97.1 %, 3 missed, 1 false boxes; empty without labels."""
    if not totals.plates:
        return ""
    shares = [f"{tr('Text right')} {100 * totals.text_rate:.1f} %"]
    if totals.placed_plates:
        shares.append(f"{tr('Place right')} {100 * totals.place_rate:.1f} %")
    counts = [f"{totals.outcomes[name]:,} {tr(name)}" for name in (MISSED, FALSE_BOX) if totals.outcomes[name]]
    return "   ".join([*shares, *counts])


def _differences(context: PanelContext, result: Comparison | None) -> None:
    """Draw the counts and the visible rows of the list."""
    ui = context.ui
    if result is None or not result.pictures:
        text = tr("Both models have to read the pictures; so far they have none in common.")
        ui.text(text, ui.theme.dim, wrapped=True)
        return
    counts = "   ".join(f"{result.counts[verdict]:,} {tr(verdict)}" for verdict in VERDICTS)
    ui.text(f"{counts}   {tr('of {count:,} pictures that both have read', count=result.pictures)}", ui.theme.text)
    row = round(ui.line_height + 6 * ui.unit)
    left, top = ui.cursor
    titles = (tr("Label"), tr("First"), tr("Second"), tr("Picture"))
    for (x, width), title in zip(_columns(context), titles, strict=True):
        ui.painter.text((left + x, top), elide(ui, title, width, SMALL), ui.theme.dim, SMALL)
    ui.cursor = (left, top + row)
    with ui.child("differences"):
        for difference, rect in visible_rows(ui, result.differences, row):
            _row(context, difference, rect)


def _columns(context: PanelContext) -> list[tuple[float, float]]:
    """Left end and width of each column."""
    unit = context.ui.unit
    room = context.ui.room[0] - 30 * unit
    places, x = [], 24 * unit
    for share in (*SHARES, 1 - sum(SHARES)):
        places.append((x, share * room - 10 * unit))
        x += share * room
    return places


def _row(context: PanelContext, difference: Difference, rect: Rect) -> None:
    ui, program = context.ui, context.program
    left, top, width, height = rect
    ui.cursor = (left, top)
    hit = ui.hit(f"difference {difference.name}", width, height)
    selected = difference.name == program.state.image_list.name
    if hit.hovered or selected:
        ui.painter.fill(rect, ui.theme.accent_dim if selected else ui.theme.field, 3 * ui.unit)
    draw_verdict(ui, ui.painter, (left + 11 * ui.unit, top + height / 2), 4.5 * ui.unit, difference.verdict)
    y = top + (height - ui.line_height) / 2
    columns = _columns(context)
    truth = difference.second.ground_truth
    x, room = columns[0]
    ui.painter.text((left + x, y), elide(ui, truth.text if truth is not None else "", room), ui.theme.text)
    for (x, room), record in zip(columns[1:3], (difference.first, difference.second), strict=True):
        _reading(context, record, (left + x, y), room)
    x, room = columns[3]
    colour = ui.theme.text if selected or hit.hovered else ui.theme.dim
    ui.painter.text((left + x, y), elide(ui, difference.name, room, middle=True), colour)
    if hit.hovered:
        ui.tooltip("\n".join([tr(difference.verdict).capitalize(), difference.name, tr("A click shows the picture")]))
    if hit.clicked and program.state.image_list.select(difference.name):
        program.comparison.toggle()


def _reading(context: PanelContext, record: Record, point: Point, width: float) -> None:
    """Draw the outcome and the reading of one model."""
    ui, image_list = context.ui, context.program.state.image_list
    x, y = point
    outcome = record.picture_outcome(image_list.score, image_list.confidence)
    if outcome:
        draw_outcome(ui, ui.painter, (x + 5 * ui.unit, y + ui.line_height / 2), 4 * ui.unit, outcome)
        x, width = x + 15 * ui.unit, width - 15 * ui.unit
    text = record.recognition.error or reading_text(context, record) or tr("no plate")
    ui.painter.text((x, y), elide(ui, text, width), ui.theme.text)


def comparison_strip(context: PanelContext, area: Rect) -> float:
    """Draw both readings of the picture along the bottom of `area`, if two models are compared; returns its height."""
    ui, comparison, state = context.ui, context.program.comparison, context.program.state
    record, other = state.record, comparison.other_record(state.image_list.name)
    if comparison.sides is None or comparison.active < 0 or record is None:
        return 0.0
    records = (record, other) if comparison.active == 0 else (other, record)
    unit, height = ui.unit, ui.line_height + 12 * ui.unit
    left, top, width = area[0], area[1] + area[3] - height, area[2]
    ui.painter.fill((left, top, width, height), ui.theme.panel)
    verdict = state.image_list.verdicts.get(state.image_list.name, "")
    if verdict:
        draw_verdict(ui, ui.painter, (left + width / 2, top + height / 2), 5 * unit, verdict)
    half, y = width / 2 - 20 * unit, top + 6 * unit
    for number, found in enumerate(records):
        x = left + 12 * unit + number * width / 2
        title = f"{tr(NAMES[number])}:"
        colour = ui.theme.accent if comparison.active == number else ui.theme.dim
        ui.painter.text((x, y), title, colour)
        x += ui.text_width(title) + 8 * unit
        room = half - ui.text_width(title) - 20 * unit
        if found is None:
            ui.painter.text((x, y), elide(ui, tr("not yet read"), room), ui.theme.dim)
        else:
            _reading(context, found, (x, y), room)
    return height
