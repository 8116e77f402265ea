"""What every program of this package does before anything else: so that Ctrl-C is one line however early it comes, a
closed stream is no traceback, and what libraries print of themselves does not mix with what we say.

It imports nothing that takes time: Ctrl-C during an import is handled only from here on.
"""

import os
import signal
import sys
from importlib import import_module
from types import FrameType

# More than any camera takes at once (telephones: 200 million), and what long panoramas have.
MAXIMUM_PIXELS = 200_000_000


def limit_opencv() -> None:
    """Have OpenCV refuse larger pictures too, unless the user has said how large they may be. To be called before cv2
    is imported: OpenCV reads it from the environment when it is loaded."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAXIMUM_PIXELS))


def enter(program: str) -> None:
    """To be called first of all. program: the name that stands before its messages."""
    _open_standard_streams()
    # Read by OpenCV when it is loaded.
    limit_opencv()
    # Where a script has its background jobs ignore Ctrl-C, that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Interrupt(program))


class _Interrupt:
    """Ctrl-C while something is imported ends the process at once: there is nothing to be kept yet, and an exception in
    the middle of an import may come out as another one, or not at all. Later on it is KeyboardInterrupt as ever."""

    def __init__(self, program: str) -> None:
        self._program = program

    def __call__(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_globals.get("__name__", "").startswith("importlib._bootstrap"):
                # Past the stream's buffer, which may be in the middle of something.
                os.write(sys.stderr.fileno(), f"{self._program}: interrupted\n".encode())
                os._exit(130)
            frame = frame.f_back
        raise KeyboardInterrupt


def _open_standard_streams() -> None:
    """Where standard input, output or error is closed, the next file that is opened would take its place, and messages
    would be written into it. What stands there instead fails when it is used, as a closed one does; errors are for
    nobody."""
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
    """`enter`, then the `main` of a module; returns the exit status. A library that the system lacks is one line,
    wherever what loads it is imported: bare systems have not all that OpenCV loads."""
    enter(program)
    try:
        status: int = import_module(module).main()
        return status
    except ImportError as error:
        from alpr_app.core.native_libraries import explain

        said = explain(error)
        if said is None:
            raise
        print(f"{program}: {said}", file=sys.stderr)
        return 2
