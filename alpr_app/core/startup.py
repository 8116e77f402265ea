"""The first thing every program of this package does: Ctrl-C prints one line however early it comes, closed standard
streams cause no traceback, and a missing system library is named.

This module imports nothing slow, because Ctrl-C during an import is handled only from here on.
"""

import os
import signal
import sys
from importlib import import_module
from types import FrameType

# More than any camera records at once (200 million on telephones), and as much as long panoramas have.
MAXIMUM_PIXELS = 200_000_000


def limit_opencv() -> None:
    """Make OpenCV refuse larger pictures too, unless the user has set its limit. Call this before cv2 is imported:
    OpenCV reads the limit from the environment when it is loaded."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAXIMUM_PIXELS))


def enter(program: str) -> None:
    """Prepare the process. Call this first. program: the name that precedes its messages."""
    _open_standard_streams()
    limit_opencv()
    # A shell may have its background jobs ignore Ctrl-C; that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Interrupt(program))
    from alpr_app.core.allocator import keep_freed_memory

    keep_freed_memory()


class _Interrupt:
    """Ends the process at once if Ctrl-C comes during an import: there is nothing to save yet, and an exception in the
    middle of an import may surface as another one or not at all. Later, Ctrl-C raises KeyboardInterrupt as usual."""

    def __init__(self, program: str) -> None:
        self._program = program

    def __call__(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_globals.get("__name__", "").startswith("importlib._bootstrap"):
                # Bypasses the stream's buffer, which may be in use.
                os.write(sys.stderr.fileno(), f"{self._program}: interrupted\n".encode())
                os._exit(130)
            frame = frame.f_back
        raise KeyboardInterrupt


def _open_standard_streams() -> None:
    """Put the null device in place of closed standard streams: the next file opened would take their descriptor, and
    messages would be written into it. Using the substitute fails, as a closed stream does; errors are discarded."""
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def alpr() -> int:
    """The command `alpr`."""
    return start("alpr", "alpr_app.cli.main")


def viewer() -> int:
    """The command `alpr-viewer`."""
    return start("alpr_viewer", "alpr_app.viewer.app.main")


def start(program: str, module: str) -> int:
    """Call `enter`, then the `main` of a module, and return its exit status. A missing system library, as on bare
    systems without all that OpenCV loads, is reported in one line, wherever it is imported."""
    enter(program)
    try:
        status: int = import_module(module).main()
        return status
    except ImportError as error:
        from alpr_app.core.native_libraries import explain

        explanation = explain(error)
        if explanation is None:
            raise
        print(f"{program}: {explanation}", file=sys.stderr)
        return 2
