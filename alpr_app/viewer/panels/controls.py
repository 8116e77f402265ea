"""The tab of settings: thresholds, models, appearance, folders, timings, messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alpr_app.core.result import STAGES
from alpr_app.pipeline.options import TILE_CHOICES
from alpr_app.runtime.backends import BACKENDS
from alpr_app.runtime.system_info import cores
from alpr_app.viewer.app.commands import reset_light, save_results, watch_training
from alpr_app.viewer.app.saved_results import CSV, JSON_LINES
from alpr_app.viewer.app.settings import THEMES
from alpr_app.viewer.app.state import LIGHT_LIMIT, LIVE, Light
from alpr_app.viewer.panels.chart import sparkline
from alpr_app.viewer.panels.context import PanelContext, draw_pair, heading
from alpr_app.viewer.panels.kept_results import kept_results_section
from alpr_app.viewer.text.language import LANGUAGE_CHOICES, mark, tr

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit

# Names of the stages of a recognition.
_STAGE_TITLES = {
    "letterbox": mark("letterbox"),
    "detector": mark("detector"),
    "decode": mark("decode"),
    "closer": mark("refine small plates"),
    "rectify": mark("rectify"),
    "reader": mark("reader"),
    "total": mark("total"),
}
# Each in its own language, so that it is found in any.
_LANGUAGES = ("English", "中文")
_THEME_TITLES = {"dark": mark("Dark"), "light": mark("Light")}
# Share of the width that a combo box beside its title has.
CHOICE_SHARE = 0.58
_AUTO = mark("auto")
_TILES = {"off": mark("off"), "auto": mark("large pictures")}
SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)


def settings_panel(context: PanelContext) -> None:
    """Draw all sections of the settings."""
    _thresholds(context)
    _models(context)
    _cars(context)
    _appearance(context)
    _display(context)
    _folders(context)
    _save_buttons(context)
    kept_results_section(context)
    _training(context)
    _timings(context)
    _messages(context)


def _thresholds(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    heading(ui, tr("Show plates with"))
    floor = context.program.choice.floor
    for label, name, low in (
        (tr("Minimum score"), "score", floor),
        (tr("Minimum confidence"), "confidence", 0.0),
        (tr("Show as uncertain below"), "sure", 0.0),
    ):
        ui.text(label, wrapped=True)
        before = getattr(state.settings, name)
        value = ui.slider(name, max(before, low), low, 1.0)
        if value != before:
            state.change(**{name: round(value, 2)})


def _models(context: PanelContext) -> None:
    ui, program = context.ui, context.program
    heading(ui, tr("Models"))
    ui.text(program.state.models.detail or tr("loading..."), ui.theme.dim, wrapped=True)
    backends = [tr(_AUTO) if name == _AUTO else name for name in BACKENDS]
    backend = _choice(ui, tr("Backend"), "backend", BACKENDS.index(program.choice.backend), backends)
    ui.tooltip(tr("Engine that runs the networks; onnx-int8: 8-bit reader, faster, confidences differ slightly"))
    counts = [None, *range(1, cores() + 1)]
    if program.choice.threads not in counts:
        counts.append(program.choice.threads)
    names = [str(count) if count else tr(_AUTO) for count in counts]
    threads = counts[_choice(ui, tr("Threads"), "threads", counts.index(program.choice.threads), names)]
    ui.tooltip(tr("Processor threads for the networks"))
    current = TILE_CHOICES.index(program.choice.tiles)
    tiles = TILE_CHOICES[_choice(ui, tr("Search in tiles"), "tiles", current, [tr(_TILES[t]) for t in TILE_CHOICES])]
    ui.tooltip(tr("Searches large pictures in overlapping parts too: finds plates from 60 pixels wide, takes longer"))
    program.choose_models(backend=BACKENDS[backend], threads=threads, tiles=tiles)


def _choice(ui: Toolkit, title: str, name: str, current: int, options: Sequence[str]) -> int:
    """Draw a title and a combo box at its right; returns the index of the selected option."""
    left, top = ui.cursor
    room = ui.room[0]
    ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2), title, ui.theme.text)
    ui.cursor = (left + (1 - CHOICE_SHARE) * room, top)
    return ui.combo(name, current, options)


def _appearance(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    settings = state.settings
    heading(ui, tr("Appearance"))
    titles = [tr(_THEME_TITLES[name]) for name in THEMES]
    theme = THEMES[_choice(ui, tr("Theme"), "theme", THEMES.index(settings.theme), titles)]
    nearest = min(range(len(SCALES)), key=lambda index: abs(SCALES[index] - settings.ui_scale))
    chosen = _choice(ui, tr("Text size"), "scale", nearest, [f"{100 * scale:.0f} %" for scale in SCALES])
    languages = [tr("As the system"), *_LANGUAGES]
    current = LANGUAGE_CHOICES.index(settings.language)
    language = LANGUAGE_CHOICES[_choice(ui, tr("Language"), "language", current, languages)]
    colour_blind = ui.checkbox(tr("Colours for colour-blind eyes"), settings.colour_blind)
    keep_zoom = ui.checkbox(tr("Keep the zoom from picture to picture"), settings.keep_zoom, "Z")
    scale = SCALES[chosen] if chosen != nearest else settings.ui_scale
    changed = {
        "theme": theme,
        "language": language,
        "ui_scale": scale,
        "colour_blind": colour_blind,
        "keep_zoom": keep_zoom,
    }
    if any(getattr(settings, name) != value for name, value in changed.items()):
        state.change(**changed)


def _display(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    heading(ui, tr("Display"))
    values = {}
    for name, tip in (("brightness", "I, K"), ("contrast", "Ctrl I, Ctrl K")):
        value, (left, top) = getattr(state.light, name), ui.cursor
        # The value stands beside the name, because the knob would cover it at 0.
        draw_pair(ui, ui.painter, (left, top, ui.room[0], ui.line_height), "", f"{value:+d} %" if value else "0 %")
        ui.text(tr(name).capitalize())
        values[name] = round(ui.slider(name, value, -LIGHT_LIMIT, LIGHT_LIMIT, ""))
        ui.tooltip(tip)
    state.light = Light(**values)
    if ui.button(
        tr("Reset"),
        ui.room[0],
        enabled=not state.light.neutral,
        tip=tr("Brightness and contrast affect the display only (0)"),
    ):
        reset_light(context.program)


def _folders(context: PanelContext) -> None:
    ui, program, settings = context.ui, context.program, context.program.state.settings
    heading(ui, tr("Folders"))
    recursive = ui.checkbox(tr("Include subfolders"), settings.recursive)
    if recursive != settings.recursive:
        program.rescan(recursive)
    ui.text(tr("Seconds per picture in the slide show"))
    seconds = ui.slider("slide", settings.slide_seconds, 0.2, 10.0, tr("%.1f s"))
    if seconds != settings.slide_seconds:
        program.state.change(slide_seconds=round(seconds, 1))


def _cars(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    heading(ui, tr("Cameras and videos"))
    follow = ui.checkbox(tr("Track cars"), state.settings.follow_cars, tr("All readings of a car are combined"))
    if follow != state.settings.follow_cars:
        state.change(follow_cars=follow)


def _save_buttons(context: PanelContext) -> None:
    ui, program, state = context.ui, context.program, context.program.state
    heading(ui, tr("Save the results so far"))
    live = state.kind == LIVE
    width, some = (ui.room[0] - ui.gap[0]) / 2, bool(state.cars.listed if live else state.image_list.records)
    tips = (
        (tr("One line per car"), tr("One row per car"))
        if live
        else (tr("One line per picture"), tr("One row per plate"))
    )
    for suffix, name, tip, key in ((JSON_LINES, tr("JSON lines"), tips[0], "E"), (CSV, "CSV", tips[1], "Ctrl E")):
        if ui.button(name, width, enabled=some, tip=f"{tip} ({key})"):
            save_results(program, suffix)
        if suffix == JSON_LINES:
            ui.same_line()


def _training(context: PanelContext) -> None:
    ui, training = context.ui, context.program.training
    heading(ui, tr("Training"))
    if ui.button(tr("Watch a training run"), ui.room[0], tip=tr("Curves, mistakes, and its newest model to try (W)")):
        watch_training(context.program)
    if training.models_in_use:
        ui.text(
            f"{training.model_description[0].upper()}{training.model_description[1:]}", ui.theme.uncertain, wrapped=True
        )
        if ui.button(training.restore_label, ui.room[0]):
            training.restore_initial_models()


def _timings(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    timings = list(state.timings)
    if not timings:
        return
    heading(ui, tr("Milliseconds per picture, last {count}", count=len(timings)))
    totals = np.array([timing.detect_ms + timing.read_ms for timing in timings], np.float32)
    left, top = ui.cursor
    width, step = ui.room[0], ui.line_height + 2 * ui.unit
    sparkline(ui, (left, top, width, 54 * ui.unit), totals)
    top += 60 * ui.unit
    rows = [(name, np.array([getattr(timing, f"{name}_ms") for timing in timings], np.float32)) for name in STAGES]
    for name, values in [*rows, ("total", totals)]:
        title = tr(_STAGE_TITLES[name])
        draw_pair(ui, ui.painter, (left, top, width, step), title, f"{np.median(values):.1f}")
        top += step
    ui.cursor = (left, top + 4 * ui.unit)
    ui.space(1)


def _messages(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    if not state.messages:
        return
    heading(ui, tr("Messages"))
    for message in list(state.messages)[-12:]:
        ui.text(message.text, ui.theme.wrong if message.is_error else ui.theme.dim, wrapped=True)
