"""The window on the screen: GLFW, its events, its position, and an event loop that sleeps while nothing changes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import monotonic
from typing import Any

import glfw

from alpr_app.core.errors import AlprError
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.layout import WindowLayout
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.text.language import letters, mark, tr
from alpr_app.viewer.toolkit.binding import make_toolkit
from alpr_app.viewer.toolkit.inputs import REST_SECONDS
from alpr_app.viewer.toolkit.painter import printable
from alpr_app.viewer.toolkit.textures import Textures
from alpr_app.viewer.toolkit.theme import theme

Area = tuple[int, int, int, int]
"""Left, top, width, height in the common coordinates of all screens."""

# Width and height of a window that have to be visible so that the user can move it.
MINIMUM_VISIBLE = (120, 40)
# Positions exclude the frame; below the top edge of the screen, the title bar needs this much room.
TITLE_HEIGHT = 32


def fit_to_screens(
    place: tuple[int, int] | None, size: tuple[int, int], areas: Sequence[Area]
) -> tuple[tuple[int, int] | None, tuple[int, int]]:
    """Fit a window of `size` that was at `place` to the screens.

    Args:
        place: Former position; None if unknown.
        size: Width and height.
        areas: Usable area of each screen, the main screen first.

    Returns:
        Position and size completely on the screen that shows most of the window; without a position, which the system
        then chooses, if no screen shows enough of it.
    """
    if not areas:
        return place, size
    screen = max(areas, key=lambda area: _shared(place, size, area)) if place is not None else areas[0]
    left, top, width, height = screen
    size = min(size[0], width), min(size[1], height)
    if place is None or not _is_visible(place, size, screen):
        return None, size
    y = place[1] if place[1] >= top else top + TITLE_HEIGHT
    return (min(max(place[0], left), left + width - size[0]), min(y, top + height - size[1])), size


def _overlap(place: tuple[int, int], size: tuple[int, int], area: Area) -> tuple[int, int]:
    """Width and height of the intersection."""
    width, height = (
        max(0, min(place[axis] + size[axis], area[axis] + area[axis + 2]) - max(place[axis], area[axis]))
        for axis in (0, 1)
    )
    return width, height


def _shared(place: tuple[int, int], size: tuple[int, int], area: Area) -> int:
    width, height = _overlap(place, size, area)
    return width * height


def _is_visible(place: tuple[int, int], size: tuple[int, int], area: Area) -> bool:
    width, height = _overlap(place, size, area)
    return width >= MINIMUM_VISIBLE[0] and height >= MINIMUM_VISIBLE[1]


TITLE = mark("Licence plates")
MINIMUM_SIZE = (640, 420)
# Screens without vertical synchronisation (virtual ones) would otherwise be redrawn as fast as possible.
SHORTEST_FRAME = 1 / 60
# Seconds between two readings of the window's position.
PLACEMENT_SECONDS = 1.0
# Seconds of waiting for unwritten files before the window says so, and between two checks.
SILENT_SECONDS, POLL_SECONDS = 0.8, 0.05
# An event shows in its own frame, the hover state in the next; a combo box is measured, drawn, and drawn in its
# final size.
FRAMES_AFTER_EVENT = 4


class WindowError(AlprError):
    """No window can be opened; the message says why and how to work without one."""


class Waker:
    """Ends the window's sleep, from any thread; has no effect before the window is open and after it is closed.

    Attributes:
        seen: Set when the first frame is on the screen, or when there will be none.
    """

    def __init__(self) -> None:
        self.ready = self.pending = False
        self.seen = threading.Event()

    def wait_for_window(self) -> None:
        """Wait until the window shows its first frame or is closed; called on other threads."""
        self.seen.wait()

    def __call__(self) -> None:
        self.pending = True
        if self.ready:
            glfw.post_empty_event()


class Window:
    """The window on the screen.

    Args:
        size: Width and height.
        make: Builds the program and so starts its threads: after the window is open, because importing torch blocks.
        place: Position without the frame while not maximised; None for the system's choice.
        maximised: Whether it opens maximised.

    Raises:
        WindowError: No window can be opened.
    """

    def __init__(
        self,
        size: tuple[int, int],
        make: Callable[[Waker], ViewerProgram],
        place: tuple[int, int] | None = None,
        maximised: bool = False,
    ) -> None:
        # Errors are reported by return values, not by warnings on stderr.
        glfw.ERROR_REPORTING = "ignore"
        if not glfw.init():
            raise WindowError(_failure_reason())
        # An error from here on closes everything that has been opened.
        with ExitStack() as cleanup:
            cleanup.callback(glfw.terminate)
            self._window = self._open(place, size, maximised)
            cleanup.callback(glfw.destroy_window, self._window)
            self._place, self._size, self._placement_read = place, size, monotonic()
            self._is_full_screen, self._restored = False, (0, 0, *size)
            self._waker = Waker()
            # After an error, the thread that waits for the window can end.
            cleanup.callback(self._waker.seen.set)
            self._program = make(self._waker)
            cleanup.callback(self._program.close)
            self._build(cleanup)
            self._waker.ready = True
            cleanup.pop_all()

    def _build(self, cleanup: ExitStack) -> None:
        """Set up everything that draws; `cleanup` closes it after an error."""
        settings = self._program.state.settings
        self._cursors: dict[str, Any] = {"arrow": None, "across": glfw.create_standard_cursor(glfw.HRESIZE_CURSOR)}
        self._cursors["down"] = glfw.create_standard_cursor(glfw.VRESIZE_CURSOR)
        self._cursor = "arrow"
        units, pixels = glfw.get_window_size(self._window), glfw.get_framebuffer_size(self._window)
        ratio = pixels[0] / units[0] if units[0] else 1.0
        # Except on macOS, a unit is a pixel, and the screen tells the scale.
        scale = max(1.0, glfw.get_window_content_scale(self._window)[0] / ratio)
        colours = theme(settings.theme, settings.colour_blind)
        self._ui = make_toolkit(colours, scale * settings.ui_scale, ratio, letters())
        cleanup.callback(self._ui.close)
        self._ui.attach_renderer()
        self._ui.attach_clipboard(self._get_clipboard, self._put_clipboard)
        self._textures = Textures()
        cleanup.callback(self._textures.close)
        self._frame = WindowLayout(self._program, self._ui, self._textures, scale)
        self._attach_events()

    def _open(self, place: tuple[int, int] | None, size: tuple[int, int], maximised: bool) -> Any:
        place, (width, height) = fit_to_screens(
            place, size, [glfw.get_monitor_workarea(one) for one in glfw.get_monitors()]
        )
        for hint, value in (
            (glfw.CONTEXT_VERSION_MAJOR, 3),
            (glfw.CONTEXT_VERSION_MINOR, 3),
            (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
            (glfw.OPENGL_FORWARD_COMPAT, glfw.TRUE),
            (glfw.MAXIMIZED, int(maximised)),
            # Wayland has no window positions and ignores the hint.
            (glfw.POSITION_X, place[0] if place else glfw.ANY_POSITION),
            (glfw.POSITION_Y, place[1] if place else glfw.ANY_POSITION),
        ):
            glfw.window_hint(hint, value)
        window = glfw.create_window(width, height, tr(TITLE), None, None)
        if not window:
            raise WindowError(_failure_reason())
        glfw.set_window_size_limits(window, *MINIMUM_SIZE, glfw.DONT_CARE, glfw.DONT_CARE)
        glfw.make_context_current(window)
        glfw.swap_interval(1)
        if sys.platform.startswith("linux"):
            # PyOpenGL has to use the same platform as GLFW, or no OpenGL function finds the context.
            wayland = glfw.get_platform() == glfw.PLATFORM_WAYLAND
            os.environ["PYOPENGL_PLATFORM"] = "egl" if wayland else "x11"
        return window

    def _attach_events(self) -> None:
        window, inputs = self._window, self._ui.inputs

        def key(_: object, code: int, scancode: int, action: int, mods: int) -> None:
            inputs.key(code, action != glfw.RELEASE, mods, action == glfw.REPEAT)

        glfw.set_key_callback(window, key)
        glfw.set_char_callback(window, lambda _, code: inputs.character(code))
        glfw.set_cursor_pos_callback(window, lambda _, x, y: inputs.move(x, y))
        glfw.set_scroll_callback(window, lambda _, x, y: inputs.wheel(x, y))
        glfw.set_mouse_button_callback(
            window, lambda _, number, action, mods: inputs.button(number, action == glfw.PRESS)
        )
        # GLFW passes a list, unlike its type hints say.
        glfw.set_drop_callback(window, lambda _, paths: self._drop(paths))  # type: ignore[arg-type,misc]
        glfw.set_cursor_enter_callback(window, lambda _, inside: None if inside else inputs.leave())
        glfw.set_window_refresh_callback(window, lambda _: self._waker())

    def _drop(self, paths: list[str]) -> None:
        """Open what was dropped onto the window; the first of several files."""
        press(self._program, "Escape")
        self._program.open(paths[0])

    def _get_clipboard(self) -> str:
        text = glfw.get_clipboard_string(self._window)
        return text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text or ""

    def _put_clipboard(self, text: str) -> None:
        glfw.set_clipboard_string(self._window, text)

    def run(self) -> None:
        """Run until the user closes the window or the system ends the session."""
        signal.signal(signal.SIGTERM, lambda *_: glfw.set_window_should_close(self._window, True))
        last, more = monotonic() - SHORTEST_FRAME, FRAMES_AFTER_EVENT
        title = ""
        while not glfw.window_should_close(self._window):
            now = monotonic()
            if now - last < SHORTEST_FRAME:
                glfw.wait_events_timeout(SHORTEST_FRAME - (now - last))
                continue
            if self._ui.inputs:
                more = FRAMES_AFTER_EVENT
            if self._draw(now - last):
                last = now
            more -= 1
            if self._title != title:
                title = self._title
                glfw.set_window_title(self._window, title)
            if more <= 0 and not self._ui.inputs:
                self._sleep()
                more = FRAMES_AFTER_EVENT if self._ui.inputs else 1

    @property
    def _title(self) -> str:
        title = self._program.state.title
        return printable(f"{title} - {tr(TITLE)}") if title else tr(TITLE)

    def _sleep(self) -> None:
        """Sleep until something happens, unless it has happened while the frame was drawn."""
        if monotonic() - self._placement_read > PLACEMENT_SECONDS:
            # Read now, because a maximised window no longer knows its normal position.
            self._remember_placement()
        if not self._waker.pending:
            patience = self._program.sleep_seconds()
            # Tooltips appear after the pointer has rested.
            glfw.wait_events_timeout(patience if self._ui.mouse.is_resting else min(patience, REST_SECONDS))
        self._waker.pending = False

    def _draw(self, seconds: float) -> bool:
        """Draw a frame; returns False if the window is not visible."""
        glfw.poll_events()
        width, height = glfw.get_window_size(self._window)
        if not width or not height or glfw.get_window_attrib(self._window, glfw.ICONIFIED):
            self._waker.seen.set()
            glfw.wait_events_timeout(0.2)
            # Otherwise frames of a live source would pile up.
            self._program.collect()
            return False
        self._frame.draw((width, height), seconds)
        if self._program.state.full_screen != self._is_full_screen:
            self._switch_full_screen()
        glfw.swap_buffers(self._window)
        self._waker.seen.set()
        cursor = self._ui.cursor_shape
        if cursor != self._cursor:
            self._cursor = cursor
            glfw.set_cursor(self._window, self._cursors[cursor])
        return True

    def _switch_full_screen(self) -> None:
        """Cover the screen that shows most of the window, or go back to the former position and size."""
        window = self._window
        if self._is_full_screen:
            no_monitor: Any = None
            glfw.set_window_monitor(window, no_monitor, *self._restored, glfw.DONT_CARE)
            self._is_full_screen = False
            return
        monitors = glfw.get_monitors()
        if not monitors:
            self._program.state.full_screen = False
            return
        self._remember_placement()
        place = (0, 0) if glfw.get_platform() == glfw.PLATFORM_WAYLAND else glfw.get_window_pos(window)
        size = glfw.get_window_size(window)
        self._restored = (*place, *size)
        monitor = max(monitors, key=lambda one: _shared(place, size, glfw.get_monitor_workarea(one)))
        mode = glfw.get_video_mode(monitor)
        glfw.set_window_monitor(window, monitor, 0, 0, *mode.size, mode.refresh_rate)
        self._is_full_screen = True

    def wait_for_exports(self) -> None:
        """Wait until all saved files are written, before the window closes.

        After a moment, the window says so. If the user closes it again, the rest is reported on the terminal.
        """
        started, announced = monotonic(), False
        glfw.set_window_should_close(self._window, False)
        while self._program.export_worker.busy and not glfw.window_should_close(self._window):
            if announced or monotonic() - started > SILENT_SECONDS:
                self._program.state.add_message(self._program.export_worker.progress_text)
                announced = True
                self._draw(SHORTEST_FRAME)
            glfw.wait_events_timeout(POLL_SECONDS)

    def _remember_placement(self) -> None:
        """Remember position and size of the window, unless it is maximised, minimised or covers the screen."""
        window, self._placement_read = self._window, monotonic()
        hidden = glfw.get_window_attrib(window, glfw.MAXIMIZED) or glfw.get_window_attrib(window, glfw.ICONIFIED)
        if hidden or self._is_full_screen:
            return
        width, height = glfw.get_window_size(window)
        self._size = (width, height) if width and height else self._size
        if glfw.get_platform() != glfw.PLATFORM_WAYLAND:
            left, top = glfw.get_window_pos(window)
            self._place = (left, top)

    def close(self) -> bool:
        """Save the settings and stop all threads; returns whether all have ended."""
        self._remember_placement()
        maximised = bool(glfw.get_window_attrib(self._window, glfw.MAXIMIZED))
        self._program.state.change(window=self._size, place=self._place, maximised=maximised)
        glfw.hide_window(self._window)
        self._waker.seen.set()
        ended = self._program.close()
        self._waker.ready = False
        self._textures.close()
        self._ui.close()
        glfw.destroy_window(self._window)
        glfw.terminate()
        return ended


def _failure_reason() -> str:
    """Why no window can be opened."""
    _, description = glfw.get_error()
    description = description.decode(errors="replace") if isinstance(description, bytes) else description or ""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        reason = "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    else:
        reason = f"no window with OpenGL 3.3 can be opened ({description or 'the graphics driver refuses it'})"
    return f"{reason}; `alpr read PATH` reads plates without a window"
