"""The line at the bottom: what runs, what was said last, and how fast it goes."""

from __future__ import annotations

from alpr_app.viewer.live import RUNNING
from alpr_app.viewer.painter import Rect
from alpr_app.viewer.panels.stage import Stage, elided
from alpr_app.viewer.recogniser import FAILED, LOADING
from alpr_app.viewer.state import LIVE


def status_line(stage: Stage, rect: Rect, frame_rate: float) -> None:
    ui, state = stage.ui, stage.program.state
    theme, em = ui.theme, ui.em
    with ui.area("status", rect, theme.panel, padding=0):
        paint = ui.painter
        paint.line([(rect[0], rect[1] + 0.5), (rect[0] + rect[2], rect[1] + 0.5)], theme.line)
        middle, y = rect[1] + rect[3] / 2, rect[1] + (rect[3] - ui.line_height) / 2
        colour = {LOADING: theme.missed, FAILED: theme.wrong}.get(state.models.state, theme.right)
        paint.dot((rect[0] + 16 * em, middle), 4 * em, colour)
        right = _figures(stage, rect, y, frame_rate)
        left = rect[0] + 30 * em
        text = elided(ui, _models(stage), right - left)
        paint.text((left, y), text, theme.dim)
        left += ui.text_width(text) + 24 * em
        message = state.message
        if message is not None and left < right:
            tint = theme.wrong if message.bad else theme.text
            paint.text((left, y), elided(ui, message.text, right - left), tint)


def _models(stage: Stage) -> str:
    state = stage.program.state
    if state.models.state == LOADING:
        return "Loading the models..."
    if state.models.state == FAILED:
        return "No models"
    threads = stage.program.choice.threads
    own = stage.program.training.sign
    return (
        f"Ready: {state.models.detail or 'models'}"
        + (f", {threads} thread{'s' if threads > 1 else ''}" if threads else "")
        + (f", {own}" if own else "")
    )


def _figures(stage: Stage, rect: Rect, y: float, frame_rate: float) -> float:
    """Rates and times from the right end; returns where they begin."""
    ui, state = stage.ui, stage.program.state
    figures = []
    if state.kind == LIVE and state.live_status.state == RUNNING:
        figures.append(f"source {state.source_rate.per_second():.0f}/s")
    waiting = stage.program.recogniser.waiting()
    if state.kind == LIVE or state.whole:
        figures.append(f"read {state.recogniser_rate.per_second():.0f}/s")
        figures.append(f"window {frame_rate:.0f}/s")
    elif waiting > 2:
        figures.append(f"{waiting} waiting")
    outcome = state.outcome
    if outcome is not None and outcome.timings is not None:
        figures.append(f"found in {outcome.timings.detect_ms:.0f} ms")
        figures.append(f"read in {outcome.timings.read_ms:.0f} ms")
    figures.append("F1 help")
    text = "   ·   ".join(figures)
    left = rect[0] + rect[2] - ui.text_width(text) - 14 * ui.em
    ui.painter.text((left, y), text, ui.theme.dim)
    return left - 20 * ui.em
