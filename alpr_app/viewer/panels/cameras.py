"""The cameras there are, to be opened by a click."""

from __future__ import annotations

from collections.abc import Callable

from alpr_app.viewer.cameras import Camera
from alpr_app.viewer.fonts import SMALL
from alpr_app.viewer.panels.stage import Stage, elided, icon_button, icon_width


def cameras_part(stage: Stage, open_camera: Callable[[int], None]) -> None:
    """A heading with a button that looks again, and a row for each camera, which opens it."""
    ui, program = stage.ui, stage.program
    listing, address = program.cameras, program.live.address if program.live is not None else None
    busy = address if isinstance(address, int) else None
    if listing.result is None:
        listing.refresh(busy)
    ui.space(2 * ui.em)
    left, top = ui.cursor
    width = ui.room[0]
    ui.painter.text((left, top + (ui.row_height - ui.line_height) / 2 + 2 * ui.em), "CAMERAS", ui.theme.dim, SMALL)
    ui.cursor = (left + width - icon_width(ui), top)
    if icon_button(stage, "cameras again", "again", "Look for cameras again", enabled=not listing.busy):
        listing.refresh(busy)
    if not listing.result:
        ui.text("No camera is there" if listing.result == () and not listing.busy else "Looking...", ui.theme.dim)
        return
    for camera in listing.result:
        if _row(stage, camera, camera.number == busy):
            open_camera(camera.number)


def _row(stage: Stage, camera: Camera, current: bool) -> bool:
    """Whether it was clicked."""
    ui, theme, em = stage.ui, stage.ui.theme, stage.ui.em
    left, top = ui.cursor
    width, height = ui.room[0], ui.row_height
    hit = ui.hit(f"camera {camera.number}", width, height)
    name = camera.name or "Camera"
    ui.tip(f"Open camera {camera.number}, {name}")
    ground = theme.accent_dim if current else theme.pressed if hit.hovered else theme.raised
    ui.painter.surface((left, top, width, height), ground, 4 * em)
    y = top + (height - ui.line_height) / 2
    ui.painter.text((left + 10 * em, y), str(camera.number), theme.text if current else theme.dim)
    ui.painter.text((left + 32 * em, y), elided(ui, name, width - 42 * em), theme.text)
    return hit.clicked
