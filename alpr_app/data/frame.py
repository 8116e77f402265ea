"""A frame: one picture on its way from where it lies to those who read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data.file_types import RAW_JPEG_SUFFIXES, kind_of_name
from alpr_app.data.images import read_picture


class SourceError(AlprError):
    """A folder, a film or a stream that gives no frames, or not all; the message names it and the remedy."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture to come, or one frame of a video.

    file: the path as given; for a folder's pictures, the folder as given and the way from there; of a stream its
    address without passwords.
    within: the path from the folder that was given, else the file's bare name.
    image: H x W x 3 uint8 RGB; None for a picture that is still to be read, so that many can be read at once.
    number, time_ms: of a video's frame, counted from 0; None for pictures. Pages of a picture have a number alone.
    error: why nothing can be read from here; then there is no image.
    """

    file: str
    within: str
    image: np.ndarray | None = field(default=None, repr=False)
    number: int | None = None
    time_ms: float | None = None
    error: AlprError | None = None
    # Of a stream: its whole address, with the password; of a camera its number. It is never shown.
    stream: int | str | None = field(default=None, repr=False)

    @property
    def is_endless(self) -> bool:
        """Whether it goes on for as long as somebody watches; a film at an address ends."""
        if not isinstance(self.stream, str):
            return self.stream is not None
        path = re.split(r"[?#]", self.stream, maxsplit=1)[0].lower()
        return not (path.startswith("http") and kind_of_name(path) == "film" and not path.endswith(RAW_JPEG_SUFFIXES))

    def load(self) -> np.ndarray:
        """The picture. Raises PictureError or SourceError."""
        if self.error is not None:
            raise self.error
        return read_picture(self.file) if self.image is None else self.image


@dataclass(frozen=True)
class Limits:
    """How much of each film and stream is read: frames, seconds of it. stopped: whether somebody wants no more."""

    frames: int | None = None
    seconds: float | None = None
    stopped: Callable[[], bool] = lambda: False

    def reached(self, count: int, time_ms: float) -> bool:
        """Whether a frame at `time_ms`, before which there were `count`, is one too many."""
        return (
            self.stopped()
            or (self.frames is not None and count >= self.frames)
            or (self.seconds is not None and time_ms >= 1000 * self.seconds)
        )


NO_LIMITS = Limits()
