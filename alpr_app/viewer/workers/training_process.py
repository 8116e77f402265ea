"""A training as a process of its own, which goes on when the window is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import alpr_app
from alpr_app.core.errors import AlprError, reason
from alpr_app.data.run_folder import LOG, forget_stop

# Bytes at the end of the log in which the reason of a failure is looked for.
LOG_END = 4096


class TrainingProcess:
    """`python -m alpr_app.train ARGUMENTS`.

    Args:
        arguments: Those behind `alpr_app.train`.
        folder: The run's folder, made if missing. What the training prints is appended to its `log.txt`.
        place: Folder to start it in; empty for that of the window.

    Raises:
        AlprError: The folder or the log cannot be written, or no process can be started.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, place: str = "") -> None:
        self.folder = folder
        # The package of this program, wherever it was started from.
        package = str(Path(alpr_app.__file__).parents[1])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "alpr_app.train", *arguments]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            forget_stop(folder)
            with (folder / LOG).open("ab") as log:
                self._process = _start_detached(command, log.fileno(), environment, place)
        except OSError as error:
            raise AlprError(f"{error.filename or folder}: training cannot be started: {reason(error)}") from error

    @property
    def status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it at once, without a checkpoint."""
        self._process.kill()


def _start_detached(
    command: Sequence[str], log: int, environment: dict[str, str], place: str
) -> subprocess.Popen[bytes]:
    """Start a process that neither Ctrl-C in the window's terminal nor the end of the window reaches."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        cwd=place or None,
        start_new_session=sys.platform != "win32",
        creationflags=flags,
    )


def last_line(folder: Path) -> str:
    """The last line of a run's log; empty if there is none."""
    try:
        with (folder / LOG).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_END))
            lines = log.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
