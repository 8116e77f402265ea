"""Settings: thresholds, models, looks, and how long each stage takes."""

from __future__ import annotations

import numpy as np

from alpr_app.machine import cores
from alpr_app.viewer.commands import keep_results
from alpr_app.viewer.models import BACKENDS
from alpr_app.viewer.panels.stage import Stage, heading, pair
from alpr_app.viewer.results import CSV, JSON_LINES
from alpr_app.viewer.settings import THEMES

SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
STAGES = ("letterbox", "detector", "decode", "rectify", "reader")


def controls(stage: Stage) -> None:
    _thresholds(stage)
    _models(stage)
    _looks(stage)
    _pictures(stage)
    _timings(stage)
    _log(stage)


def _thresholds(stage: Stage) -> None:
    ui, state = stage.ui, stage.program.state
    heading(ui, "Shown are plates with")
    floor = stage.program.choice.floor
    for label, name, low in (
        ("Detection score from", "score", floor),
        ("Confidence from", "confidence", 0.0),
        ("Confidence counted as sure from", "sure", 0.0),
    ):
        ui.text(label)
        before = getattr(state.settings, name)
        value = ui.slider(name, max(before, low), low, 1.0)
        if value != before:
            state.change(**{name: round(value, 2)})


def _models(stage: Stage) -> None:
    ui, program = stage.ui, stage.program
    heading(ui, "Models")
    ui.text(program.state.models.detail or "loading...", ui.theme.dim, wrapped=True)
    width = (ui.room[0] - ui.gap[0]) / 2
    backend = ui.choice("backend", BACKENDS.index(program.choice.backend), BACKENDS, width)
    ui.tip("What runs the networks")
    ui.beside()
    counts = [None, *range(1, cores() + 1)]
    if program.choice.threads not in counts:
        counts.append(program.choice.threads)
    names = ["threads: auto", *(f"{count} thread{'s' if count != 1 else ''}" for count in counts[1:])]
    threads = counts[ui.choice("threads", counts.index(program.choice.threads), names, width)]
    ui.tip("Processor threads of the networks")
    program.choose_models(backend=BACKENDS[backend], threads=threads)


def _looks(stage: Stage) -> None:
    ui, state = stage.ui, stage.program.state
    settings = state.settings
    heading(ui, "Looks")
    width = (ui.room[0] - ui.gap[0]) / 2
    theme = THEMES[ui.choice("theme", THEMES.index(settings.theme), [f"{name} theme" for name in THEMES], width)]
    ui.beside()
    nearest = min(range(len(SCALES)), key=lambda place: abs(SCALES[place] - settings.ui_scale))
    chosen = ui.choice("scale", nearest, [f"size {100 * scale:.0f} %" for scale in SCALES], width)
    colour_blind = ui.switch("Colours for colour-blind eyes", settings.colour_blind)
    keep_zoom = ui.switch("Keep the zoom from picture to picture", settings.keep_zoom, "Z")
    scale = SCALES[chosen] if chosen != nearest else settings.ui_scale
    changed = {"theme": theme, "ui_scale": scale, "colour_blind": colour_blind, "keep_zoom": keep_zoom}
    if any(getattr(settings, name) != value for name, value in changed.items()):
        state.change(**changed)


def _pictures(stage: Stage) -> None:
    ui, program, settings = stage.ui, stage.program, stage.program.state.settings
    heading(ui, "Folders")
    recursive = ui.switch("Pictures of folders within too", settings.recursive)
    if recursive != settings.recursive:
        program.rescan(recursive)
    ui.text("Seconds a picture in the slide show")
    seconds = ui.slider("slide", settings.slide_seconds, 0.2, 10.0, "%.1f s")
    if seconds != settings.slide_seconds:
        program.state.change(slide_seconds=round(seconds, 1))
    ui.text("Keep what was read so far")
    width, some = (ui.room[0] - ui.gap[0]) / 2, bool(program.state.browse.records)
    if ui.button("JSON lines", width, enabled=some, tip="One line a picture, as `alpr read` writes them (E)"):
        keep_results(program, JSON_LINES)
    ui.beside()
    if ui.button("CSV", width, enabled=some, tip="One row a plate, as `alpr read` writes them (Ctrl E)"):
        keep_results(program, CSV)


def _timings(stage: Stage) -> None:
    ui, state = stage.ui, stage.program.state
    timed = [outcome.timings for outcome in state.timed]
    if not timed:
        return
    heading(ui, f"Milliseconds a picture, the last {len(timed)}")
    totals = np.float32([timing.detect_ms + timing.read_ms for timing in timed])
    ui.plot(totals, 54 * ui.em)
    left, top = ui.cursor
    width, step = ui.room[0], ui.line_height + 2 * ui.em
    rows = [(name, np.float32([getattr(timing, f"{name}_ms") for timing in timed])) for name in STAGES]
    for name, values in [*rows, ("whole", totals)]:
        pair(ui, ui.painter, (left, top, width, step), name, f"{np.median(values):.1f}")
        top += step
    ui.cursor = (left, top + 4 * ui.em)
    ui.space(1)


def _log(stage: Stage) -> None:
    ui, state = stage.ui, stage.program.state
    if not state.messages:
        return
    heading(ui, "Messages")
    for message in list(state.messages)[-12:]:
        ui.text(message.text, ui.theme.wrong if message.bad else ui.theme.dim, wrapped=True)
