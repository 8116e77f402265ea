"""The controls of a camera: wanted size, rate, format and capture library, and what the driver really grants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from alpr_app.data.camera_mode import FORMATS, CameraMode
from alpr_app.data.cameras import camera_backends
from alpr_app.viewer.panels.context import PanelContext, heading
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.live import LiveSource

# Common ones; others can be given on the command line.
SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
RATES = (5.0, 10.0, 15.0, 25.0, 30.0, 50.0, 60.0)

if TYPE_CHECKING:
    from alpr_app.viewer.toolkit.toolkit import Toolkit

Choice = TypeVar("Choice")


def camera_controls(context: PanelContext) -> None:
    """Draw the controls, if the live source is a camera."""
    ui, program = context.ui, context.program
    live = program.live
    if live is None or not isinstance(live.address, int):
        return
    heading(ui, tr("Camera mode"))
    wanted = program.camera_modes.wanted(live.address)
    # After `same_line`, less room is left.
    width = (ui.room[0] - ui.gap[0]) / 2
    wanted_size = wanted.width, wanted.height
    size = _choice(ui, width, "size", tr("Size: auto"), SIZES, wanted_size, (0, 0), _size_title)
    ui.same_line()
    rate = _choice(ui, width, "rate", tr("Rate: auto"), RATES, wanted.rate, 0.0, _rate_title)
    form = _choice(ui, width, "format", tr("Format: auto"), FORMATS, wanted.format, "", str)
    ui.same_line()
    library = _choice(ui, width, "library", tr("Library: auto"), camera_backends(), wanted.backend, "", str)
    ui.tooltip(tr("Capture library that opens the camera"))
    _actual(context, live, wanted)
    mode = CameraMode(size[0], size[1], rate, form, library)
    if mode != wanted:
        program.camera_modes.choose(mode, live.address, live)


def _choice(
    ui: Toolkit,
    width: float,
    name: str,
    automatic: str,
    options: Sequence[Choice],
    current: Choice,
    nothing: Choice,
    title: Callable[[Choice], str],
) -> Choice:
    """Draw a combo box; its first row, `automatic`, leaves the choice to the driver, which `nothing` stands for."""
    choices = [nothing, *options]
    if current not in choices:
        choices.append(current)
    titles = [automatic, *(title(option) for option in choices[1:])]
    return choices[ui.combo(f"camera {name}", choices.index(current), titles, width)]


def _size_title(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _rate_title(rate: float) -> str:
    return tr("{rate:g} per second", rate=rate)


def _mode_title(mode: CameraMode) -> str:
    """The parts of a mode that are known, in a line."""
    parts = [_size_title((mode.width, mode.height)) if mode.width and mode.height else "", mode.format]
    parts += [_rate_title(mode.rate) if mode.rate else "", mode.backend]
    return ", ".join(part for part in parts if part)


def _actual(context: PanelContext, live: LiveSource, wanted: CameraMode) -> None:
    """Show the mode that the camera runs in, and what it has refused."""
    ui, actual = context.ui, live.actual_mode
    if actual is None:
        return
    ui.text(tr("Got {mode}", mode=_mode_title(actual)), ui.theme.dim, wrapped=True)
    refused = wanted.refused(actual)
    if refused == CameraMode():
        return
    line = tr("The driver refused {mode}", mode=_mode_title(refused))
    if refused.width and wanted.format != "MJPG":
        # Cheap cameras have their large sizes in this format only.
        line = tr("The driver refused {mode}; MJPG may allow it", mode=_mode_title(refused))
    ui.text(line, ui.theme.uncertain, wrapped=True)
