"""Writes what the user wants to keep, pictures and results, on a thread of its own, into the user's folder of
pictures."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import platformdirs

from alpr_app.core.errors import AlprError, reason
from alpr_app.data.images import write_picture
from alpr_app.viewer.workers.threads import Guard, KeepAll, noop, told


def export_folder() -> Path:
    """Where kept pictures go; never among those that are looked at."""
    return Path(platformdirs.user_pictures_dir()) / "alpr-app"


def export_name(title: str, kind: str, now: datetime | None = None, suffix: str = ".png") -> str:
    """A file name that tells what and when: 20260131-101500-123-camera 0-crop.png."""
    now = now or datetime.now()
    plain = re.sub(r"[^\w .-]+", "_", title).strip(". ")[:60]
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{plain or 'picture'}-{kind}{suffix}"


class ExportWorker:
    """messages: (text, whether it is bad), for the status line. folder: None for the user's."""

    def __init__(self, wake: Callable[[], None] = noop, folder: Path | None = None) -> None:
        self.messages: KeepAll[tuple[str, bool]] = KeepAll(wake)
        self._folder = folder
        self._jobs: KeepAll[tuple[str, Callable[[Path], None]]] = KeepAll()
        # Of files that were asked for, how many are not written yet.
        self._open, self._counting = 0, threading.Lock()
        self._ended = False
        self._work = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def keep(self, title: str, kind: str, image: np.ndarray) -> None:
        """Write `image`, H x W x 3 uint8 RGB."""
        self.write(title, kind, ".png", lambda path: write_picture(path, image))

    def write(self, title: str, kind: str, suffix: str, write: Callable[[Path], None]) -> None:
        """Have `write`, which may raise AlprError, make a file; it is called on the thread."""
        with self._counting:
            self._open += 1
        self._jobs.put((export_name(title, kind, suffix=suffix), write))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="alpr-keeper", daemon=True)
            self._thread.start()
        self._work.release()

    @property
    def busy(self) -> bool:
        """Whether something is still to be written."""
        return self._open > 0

    @property
    def said(self) -> str:
        """What is still to be written, for people who want to leave."""
        files = "1 file is" if self._open == 1 else f"{self._open} files are"
        return f"{files} still being written to {self._folder or export_folder()}; then the program ends"

    def close(self, timeout: float | None = 1.0) -> bool:
        """Write what waits and stop; whether the thread has ended within `timeout` seconds, None waiting as long as it
        takes."""
        self._ended = True
        if self._thread is None:
            return True
        self._work.release()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._work.acquire()
            job = self._jobs.take()
            if job is None:
                if self._ended:
                    return
                continue
            with Guard() as guard:
                self._write(*job)
            if guard.error is not None:
                self.messages.put((f"{job[0]}: was not written: {told(guard.error)}", True))
            with self._counting:
                self._open -= 1

    def _write(self, name: str, write: Callable[[Path], None]) -> None:
        folder = self._folder or export_folder()
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _free(path)
            write(path)
        except OSError as error:
            self.messages.put((f"{folder}: cannot be created: {reason(error)}", True))
        except AlprError as error:
            self.messages.put((str(error), True))
        else:
            self.messages.put((f"Saved as {path}", False))


def _free(path: Path) -> Path:
    """`path`, or one like it that no file has yet: a clock that was set back gives a time twice."""
    names = itertools.chain([path], (path.with_stem(f"{path.stem} {number}") for number in itertools.count(2)))
    return next(one for one in names if not os.path.lexists(one))
