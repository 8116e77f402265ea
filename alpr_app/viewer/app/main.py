"""Runs the desktop program: arguments, then the window or a screenshot, then the exit status."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from alpr_app.viewer.text.language import ENGLISH

# Packages of the window, by the names under which they are imported; `toolkit.binding` reports those of Dear ImGui.
_PACKAGES = {"glfw": "glfw", "OpenGL": "PyOpenGL"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the desktop program with `argv` (None: the arguments of the process).

    Returns:
        The exit status: 0 success, 2 the program could not run, 130 interrupted.
    """
    from alpr_app.core.errors import AlprError, print_error
    from alpr_app.core.native_libraries import explain, quiet_libraries
    from alpr_app.core.startup import limit_opencv
    from alpr_app.viewer.app.arguments import PROGRAM, parse

    limit_opencv()
    args = parse(argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal without Chinese characters must not stop the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with quiet_libraries():
            ended = _run(args)
    except AlprError as error:
        print_error(error, PROGRAM)
        return 2
    except ImportError as error:
        if explain(error) is not None:
            # With this error, `alpr read` does not work either.
            raise
        print_error(f"{without_package(error)}; `alpr read PATH` reads plates without a window", PROGRAM)
        return 2
    except KeyboardInterrupt:
        print_error("interrupted", PROGRAM)
        # A user who interrupts the program while it still writes files does not want to wait for them.
        others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
        return _exit_status(130, ended=all(thread.daemon for thread in others))
    return _exit_status(0, ended)


def _exit_status(status: int, ended: bool) -> int:
    """Return `status`; if threads have not ended, end the process with it at once.

    Such a thread hangs in a driver, a recognition or a write. Python would wait for it, or crash because of it.
    """
    if not ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def without_package(error: ImportError) -> str:
    """The message for a package of the window that cannot be imported."""
    package = _PACKAGES.get((error.name or "").partition(".")[0])
    if package is None:
        return f"the window cannot be drawn: {error}"
    return f"the window needs the package {package}, which is not installed: {sys.executable} -m pip install {package}"


def _run(args: argparse.Namespace) -> bool:
    """Run the window or take the screenshot; returns whether all threads have ended."""
    from alpr_app.data.images import quiet_opencv
    from alpr_app.viewer.app.arguments import (
        DEFAULT_SIZE,
        camera_wishes,
        chosen_settings,
        initial_target,
        model_choice,
    )
    from alpr_app.viewer.app.program import ViewerProgram
    from alpr_app.viewer.app.settings import Settings, load_settings, settings_path
    from alpr_app.viewer.toolkit.binding import load_toolkit, name_glfw_library

    quiet_opencv()
    # Before the window: without a toolkit none is opened, and imgui-bundle may have to be imported before GLFW.
    load_toolkit()
    name_glfw_library()

    choice = model_choice(args)

    def make(**options: Any) -> ViewerProgram:
        program = ViewerProgram(choice, **options)
        program.state.change(**chosen_settings(args))
        target, wishes = initial_target(args), camera_wishes(args)
        if isinstance(target, int) and wishes:
            program.camera_modes.choose(replace(program.camera_modes.wanted(target), **wishes), target)
        program.open(target)
        if args.run is not None:
            program.training.open(args.run)
        return program

    if args.screenshot is not None:
        from alpr_app.viewer.app.screenshot import take_screenshot

        # Independent of the user's settings, so that the same arguments always give the same picture.
        settings = Settings(language=args.language or ENGLISH)
        take_screenshot(lambda: make(settings=settings), args.screenshot, args.size or DEFAULT_SIZE)
        return True
    from alpr_app.viewer.app.notices import report_threads
    from alpr_app.viewer.app.window import Waker, Window
    from alpr_app.viewer.workers.label_places import labels_path
    from alpr_app.viewer.workers.recogniser import Analyser
    from alpr_app.viewer.workers.result_store import results_path
    from alpr_app.viewer.workers.star_keeper import stars_path

    report_threads()
    path = settings_path()
    settings, message = load_settings(path)

    def make_with_settings(waker: Waker) -> ViewerProgram:
        def make_models() -> Analyser:
            # Importing torch would hold up the first frame.
            waker.wait_for_window()
            return choice.make()

        files = {"settings_file": path, "results_file": results_path(), "stars_file": stars_path()}
        files |= {"labels_folder": labels_path()}
        program = make(settings=settings, wake=waker, make=make_models, **files)
        program.state.add_message(message, is_error=True)
        return program

    maximised = settings.maximised and args.size is None
    window = Window(args.size or settings.window, make_with_settings, settings.place, maximised)
    try:
        window.run()
        window.wait_for_exports()
    finally:
        ended = window.close()
    return ended
