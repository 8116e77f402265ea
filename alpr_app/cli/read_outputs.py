"""Other outputs of `alpr read`: annotated pictures, with unique names and never among the originals; and with --track
one result per car of a video instead of one per frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from alpr_app.cli.read_jobs import EndOfEntry
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
    """Assigns every frame a file under `folder`: by its path in the folder that was read, or by its bare name.

    Names are assigned in the order of the frames, so that they do not depend on parallel jobs. Raises AlprError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[str] = set()
        make_folder(folder)
        self._root = folder.resolve()

    def assign(self, frame: Frame) -> Path | None:
        """Return the file for the annotated picture of `frame`, and make its folder; None if there is no picture."""
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
        # Several folders may hold pictures of the same name, and some file systems ignore case.
        while os.path.normcase(path).casefold() in self._taken:
            path = self.folder / within.with_name(f"{within.name}-{number}{suffix}")
            number += 1
        self._taken.add(os.path.normcase(path).casefold())
        self._check_target(path, frame)
        make_folder(path.parent)
        return path

    def _check_target(self, path: Path, frame: Frame) -> None:
        """Raise AlprError if a picture written to `path` would lie outside the folder or replace an original."""
        # Follows links among the parents even if the file does not exist yet.
        above = Path(os.path.realpath(path.parent))
        if above != self._root and self._root not in above.parents:
            raise AlprError(f"{path.parent}: this leads outside {self.folder}; remove the link or name another folder")
        refuse_link(path)
        if frame.is_local and is_same_file(path, Path(frame.file)):
            raise AlprError(f"{path}: this is the original '{frame.file}' under another name; name another folder")

    def check(self, frame: Frame) -> None:
        """Raise AlprError if the frame's own file lies in the folder, where it could be overwritten."""
        # Not Path.resolve, which raises RuntimeError for a link that leads to itself.
        if frame.is_local and self._root in Path(os.path.realpath(frame.file)).parents:
            raise AlprError(f"--annotate {self.folder}: '{frame.file}' is in this folder; name another one")


def tracked(results: Iterable[FileResult | EndOfEntry]) -> Iterator[FileResult | EndOfEntry]:
    """Replace the results of a video's frames by one per car, as soon as it has left: the result of the frame in which
    it was read best. A video without cars yields one result without plates. Pictures and errors are passed on."""
    video: _Video | None = None
    for result in results:
        if isinstance(result, EndOfEntry):
            if video is not None:
                yield from video.end()
                video = None
            yield result
            continue
        number = result.frame.number
        if video is not None and (not number or result.frame.file != video.file):
            yield from video.end()
            video = None
        # Pages have a number but no time; nothing moves between them.
        if number is None or result.frame.time_ms is None or result.result is None:
            yield result
            continue
        video = video or _Video(result.frame.file)
        yield from video.add(result, result.result)
    if video is not None:
        yield from video.end()


class _Video:
    """The cars of one video."""

    def __init__(self, file: str) -> None:
        self.file = file
        # Imported here, because it imports numpy, which would slow `--help` down.
        from alpr_app.core.tracking import Tracker

        self._tracker = Tracker()
        # Results of the frames since no car was in sight, without their plates, by time.
        self._frames: dict[float, FileResult] = {}
        self._time = 0.0
        self._empty = True

    def add(self, line: FileResult, result: Result) -> Iterator[FileResult]:
        """Add a frame, and yield the cars that have left by then."""
        # Times of damaged videos may jump back.
        self._time = max(self._time, (line.frame.time_ms or 0.0) / 1000)
        self._tracker.update(result.plates, self._time)
        self._frames[self._time] = replace(line, result=replace(result, plates=[]))
        yield from map(self._car, self._tracker.ended())
        if not self._tracker.following:
            self._frames = {self._time: self._frames[self._time]}

    def end(self) -> Iterator[FileResult]:
        """Yield the cars in sight at the end."""
        yield from map(self._car, self._tracker.finish())
        if self._empty:
            result = self._frames[self._time]
            yield replace(result, frame=replace(result.frame, number=None, time_ms=None))

    def _car(self, track: Track) -> FileResult:
        self._empty = False
        result = self._frames[track.read]
        assert result.result is not None
        return replace(result, result=replace(result.result, plates=[track.plate]), track=track)
