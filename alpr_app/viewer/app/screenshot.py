"""Draws the window into a picture without a display: `--screenshot`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from alpr_app.core.errors import AlprError
from alpr_app.data.images import write_picture
from alpr_app.viewer.app.layout import WindowLayout
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.app.state import FOLDER, LIVE, NOTHING
from alpr_app.viewer.text.language import letters
from alpr_app.viewer.toolkit.binding import make_toolkit
from alpr_app.viewer.toolkit.offscreen import Offscreen
from alpr_app.viewer.toolkit.textures import Textures
from alpr_app.viewer.toolkit.theme import theme
from alpr_app.viewer.workers.live import ENDED, WAITING
from alpr_app.viewer.workers.recogniser import FAILED, READY

PATIENCE_SECONDS = 60.0
# A folder with at most this many pictures is read completely, so that its list is complete.
SMALL_FOLDER = 24
# Some parts of a frame depend on the one before: tooltips, scrolling.
SETTLING_FRAMES = 4


def take_screenshot(make: Callable[[], ViewerProgram], path: Path, size: tuple[int, int]) -> None:
    """Draw the window once its first picture and the neighbours of it have been read.

    Args:
        make: Builds the program.
        path: Picture file to write.
        size: Width and height of the window.

    Raises:
        OffscreenError: Nothing can be drawn on this computer.
        PictureError: The file cannot be written.
        AlprError: The models cannot be used.
    """
    with Offscreen(*size) as screen, ExitStack() as cleanup:
        program = make()
        cleanup.callback(program.close)
        if program.state.kind == NOTHING and not program.state.run_open:
            raise AlprError(program.state.messages[-1].text)
        settings = program.state.settings
        ui = make_toolkit(theme(settings.theme, settings.colour_blind), settings.ui_scale, letters=letters())
        cleanup.callback(ui.close)
        ui.attach_renderer()
        textures = Textures()
        cleanup.callback(textures.close)
        frame = WindowLayout(program, ui, textures)
        _wait(program)
        for _ in range(SETTLING_FRAMES):
            screen.clear()
            frame.draw(size, 1 / 60)
        write_picture(path, screen.read())


def _wait(program: ViewerProgram) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not _settled(program):
        if monotonic() > deadline:
            raise AlprError(f"nothing has been read within {PATIENCE_SECONDS:.0f} s; no screenshot is made")
        sleep(0.02)
        program.collect()
    status = program.recogniser.status
    if status.state == FAILED:
        raise AlprError(status.detail)


def _settled(program: ViewerProgram) -> bool:
    state = program.state
    if program.recogniser.status.state == FAILED:
        return True
    if not program.training.settled:
        return False
    if state.kind == NOTHING:
        return program.recogniser.status.state == READY
    if state.kind == FOLDER:
        if state.listing_error:
            return True
        if state.scanning or state.image_list.labels.folder != state.folder:
            return False
        names = state.image_list.names
        if len(names) > SMALL_FOLDER:
            names = state.image_list.neighbours()
        elif not state.read_all_total and len(state.image_list.records) < len(names):
            program.read_all(True)
        if not names:
            return True
        read = (
            state.image_item is not None
            and not state.image_item.is_preview
            and all(name in state.image_list.records for name in names)
        )
        return read and not (state.record is not None and state.record.lacks_crops)
    return state.recognition is not None or (state.kind == LIVE and state.live_status.state in (WAITING, ENDED))
