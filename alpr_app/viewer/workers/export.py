"""Writes the pictures and results that the user saves, one after the other in the background, into the user's pictures
folder."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

import numpy as np
import platformdirs

from alpr_app.core.errors import AlprError, reason
from alpr_app.data.images import write_picture
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.threads import describe_error, noop


def export_folder() -> Path:
    """The folder for saved files; never the folder that is being viewed."""
    return Path(platformdirs.user_pictures_dir()) / "alpr-app"


def export_name(title: str, kind: str, now: datetime | None = None, suffix: str = ".png") -> str:
    """Name a file after its time and content: 20260131-101500-123-camera 0-crop.png."""
    now = now or datetime.now()
    plain = re.sub(r"[^\w .-]+", "_", title).strip(". ")[:60]
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{plain or 'picture'}-{kind}{suffix}"


class ExportWorker:
    """Saves files on the single thread of an executor, in the order in which they were requested.

    Python waits for that thread when the process ends, so no file that was requested is lost.

    Args:
        wake: Called when a file has been written or has failed.
        folder: Where files are written; None for `export_folder`.
    """

    def __init__(self, wake: Callable[[], None] = noop, folder: Path | None = None) -> None:
        self._wake, self._folder = wake, folder
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="alpr-export")
        self._files: list[tuple[str, Future[Path]]] = []
        self._jobs: list[Future[str]] = []

    def save_image(self, title: str, kind: str, image: np.ndarray) -> None:
        """Write `image`, H x W x 3 uint8 RGB, as PNG."""
        self.save(title, kind, ".png", lambda path: write_picture(path, image))

    def save(self, title: str, kind: str, suffix: str, write: Callable[[Path], None]) -> None:
        """Have `write`, which may raise AlprError, create a file; it is called on the worker's thread."""
        name = export_name(title, kind, suffix=suffix)
        future = self._executor.submit(self._write, name, write)
        self._files.append((name, future))
        future.add_done_callback(lambda _: self._wake())

    def run(self, job: Callable[[], str]) -> None:
        """Call `job`, which may raise AlprError, on the worker's thread; it returns a message for the user."""
        future = self._executor.submit(job)
        self._jobs.append(future)
        future.add_done_callback(lambda _: self._wake())

    def _write(self, name: str, write: Callable[[Path], None]) -> Path:
        folder = self._folder or export_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _unused_path(folder / name)
        except OSError as error:
            raise AlprError(tr("{path}: cannot be created: {reason}", path=folder, reason=reason(error))) from error
        try:
            write(path)
        except OSError as error:
            raise AlprError(tr("{path}: cannot be written: {reason}", path=path, reason=reason(error))) from error
        return path

    @property
    def busy(self) -> bool:
        """Whether files are still to be written."""
        return self._unfinished > 0

    @property
    def _unfinished(self) -> int:
        return sum(not future.done() for _, future in self._files)

    @property
    def progress_text(self) -> str:
        """How many files are still to be written, for a user who is closing the program."""
        folder, count = self._folder or export_folder(), self._unfinished
        if count == 1:
            return tr("1 file is still being written to {folder}; then the program ends", folder=folder)
        return tr(
            "{count} files are still being written to {folder}; then the program ends", count=count, folder=folder
        )

    def take_messages(self) -> list[tuple[str, bool]]:
        """A message for each file and job that was finished since the last call, and whether it reports a failure."""
        finished = [entry for entry in self._files if entry[1].done()]
        self._files = [entry for entry in self._files if entry not in finished]
        jobs = [job for job in self._jobs if job.done()]
        self._jobs = [job for job in self._jobs if job not in jobs]
        return [_message(name, future) for name, future in finished] + [_job_message(job) for job in jobs]

    def close(self, timeout: float | None = 1.0) -> bool:
        """Accept no more files; returns whether all have been written within `timeout` seconds (None: wait for all)."""
        self._executor.shutdown(wait=False)
        return not wait([future for _, future in self._files], timeout).not_done


def _message(name: str, future: Future[Path]) -> tuple[str, bool]:
    error = future.exception()
    if error is None:
        return tr("Saved as {path}", path=future.result()), False
    return (
        str(error)
        if isinstance(error, AlprError)
        else tr("{path}: was not written: {reason}", path=name, reason=describe_error(error))
    ), True


def _job_message(job: Future[str]) -> tuple[str, bool]:
    error = job.exception()
    if error is None:
        return job.result(), False
    return (str(error) if isinstance(error, AlprError) else describe_error(error)), True


def _unused_path(path: Path) -> Path:
    """`path`, or a numbered variant if the file exists: a clock that was set back gives the same time twice."""
    names = itertools.chain([path], (path.with_stem(f"{path.stem} {number}") for number in itertools.count(2)))
    return next(candidate for candidate in names if not os.path.lexists(candidate))
