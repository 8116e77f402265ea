"""What `alpr read` writes beside its results: annotated pictures, each with a name of its own and none among the
originals; and with --track one result a car of a video instead of one a frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from alpr_app.core.errors import AlprError
from alpr_app.data.atomic_files import is_same_file, make_folder, refuse_link
from alpr_app.data.result_writers import FileResult

if TYPE_CHECKING:
    from alpr_app.core.result import Result
    from alpr_app.core.tracking import Track
    from alpr_app.data.sources import Frame


# Formats that can be written; pictures in others become PNG.
_WRITABLE = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


class AnnotatedFolder:
    """Gives every frame its file under `folder`: as in the folder that was read, or by its bare name.

    Names are given in the order of the frames, so they do not depend on what runs in parallel. Raises AlprError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[str] = set()
        make_folder(folder)
        self._root = folder.resolve()

    def place(self, frame: Frame) -> Path | None:
        """Where the annotated picture of `frame` belongs; its folder is made. None if there is no picture."""
        if frame.error is not None:
            return None
        self.check(frame)
        within = PurePath(frame.within)
        suffix = within.suffix if within.suffix.lower() in _WRITABLE and frame.number is None else ".png"
        if frame.number is not None:
            within, suffix = within.with_name(f"{within.name}-{frame.number:06d}"), ".jpg"
        else:
            within = within.with_suffix("")
        path = self.folder / within.with_name(within.name + suffix)
        number = 2
        # Two folders may hold pictures of one name; some systems do not tell capitals from small letters.
        while os.path.normcase(path).casefold() in self._taken:
            path = self.folder / within.with_name(f"{within.name}-{number}{suffix}")
            number += 1
        self._taken.add(os.path.normcase(path).casefold())
        self._check_target(path, frame)
        make_folder(path.parent)
        return path

    def _check_target(self, path: Path, frame: Frame) -> None:
        """Raises AlprError if a picture written to `path` would lie outside of the folder, or replace an original."""
        # As it will be: of what is not there yet, links above it are followed all the same.
        above = Path(os.path.realpath(path.parent))
        if above != self._root and self._root not in above.parents:
            raise AlprError(f"{path.parent}: this leads out of {self.folder}; remove the link or name another folder")
        refuse_link(path)
        if is_same_file(path, Path(frame.file)):
            raise AlprError(f"{path}: this is the original '{frame.file}' under another name; name another folder")

    def check(self, frame: Frame) -> None:
        """Raises AlprError if the frame's own file lies in the folder, where it could be overwritten."""
        # Path.resolve raises what is no OSError for a link that leads to itself.
        if frame.stream is None and self._root in Path(os.path.realpath(frame.file)).parents:
            raise AlprError(f"--annotate {self.folder}: '{frame.file}' is in this folder; name another one")


def tracked(outcomes: Iterable[FileResult]) -> Iterator[FileResult]:
    """One outcome a car, as soon as it has left the picture, in the place of one a frame: that of the frame in which
    it was read best. A video without cars has one outcome without plates. Pictures, and what could not be read, are
    passed on as they are."""
    video: _Video | None = None
    for outcome in outcomes:
        number = outcome.frame.number
        if video is not None and (not number or outcome.frame.file != video.file):
            yield from video.end()
            video = None
        # Pages have a number but no time: nothing moves from one to the next.
        if number is None or outcome.frame.time_ms is None or outcome.result is None:
            yield outcome
            continue
        video = video or _Video(outcome.frame.file)
        yield from video.take(outcome, outcome.result)
    if video is not None:
        yield from video.end()


class _Video:
    """The cars of one video."""

    def __init__(self, file: str) -> None:
        self.file = file
        # Only here: it needs numpy, which `--help` does not wait for.
        from alpr_app.core.tracking import Tracker

        self._tracker = Tracker()
        # What came of the frames since there was no car in sight, without their plates, by their times.
        self._frames: dict[float, FileResult] = {}
        self._time = 0.0
        self._empty = True

    def take(self, outcome: FileResult, result: Result) -> Iterator[FileResult]:
        """The cars that have left when this frame is there."""
        # Of damaged videos the times jump back.
        self._time = max(self._time, (outcome.frame.time_ms or 0.0) / 1000)
        self._tracker.update(result.plates, self._time)
        self._frames[self._time] = replace(outcome, result=replace(result, plates=[]))
        yield from map(self._car, self._tracker.ended())
        if not self._tracker.following:
            self._frames = {self._time: self._frames[self._time]}

    def end(self) -> Iterator[FileResult]:
        """The cars that were in sight at the end."""
        yield from map(self._car, self._tracker.finish())
        if self._empty:
            outcome = self._frames[self._time]
            yield replace(outcome, frame=replace(outcome.frame, number=None, time_ms=None))

    def _car(self, track: Track) -> FileResult:
        self._empty = False
        outcome = self._frames[track.read]
        assert outcome.result is not None
        return replace(outcome, result=replace(outcome.result, plates=[track.plate]), track=track)
