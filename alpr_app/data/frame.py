"""A frame: one picture, or one frame of a video, on its way from its source to the pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data.file_types import RAW_JPEG_SUFFIXES, is_archive_name, kind_of_name
from alpr_app.data.images import decode_picture, read_picture


class SourceError(AlprError):
    """A folder, a video or a stream yields no frames, or not all; the message names it and the remedy."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture, or one frame of a video.

    Attributes:
        file: The path as given; for a folder's pictures, the given folder joined with the path in it; for a stream, its
            address without passwords.
        within: The path relative to the given folder, else the file's bare name.
        image: H x W x 3 uint8 RGB; None for a picture not read yet, so that many can be read in parallel.
        number, time_ms: Position of a video's frame, from 0; None for pictures. Pages of a picture have a number only.
        error: Why nothing can be read here; then there is no image.
        stream: The whole address of a stream, with its password, or the number of a camera. Never shown.
        address: The whole address of a stored picture or tar file, with its password. Never shown.
        content: The bytes of a picture that does not lie in a file of its own; None for files.
    """

    file: str
    within: str
    image: np.ndarray | None = field(default=None, repr=False)
    number: int | None = None
    time_ms: float | None = None
    error: AlprError | None = None
    stream: int | str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """What distinguishes the source of this frame from others: its path, or its whole address."""
        return self.address or (self.stream if isinstance(self.stream, str) else self.file)

    @property
    def is_local(self) -> bool:
        """Whether `file` is the path of a file."""
        return self.stream is None and self.address is None and self.content is None and self.error is None

    @property
    def is_archive(self) -> bool:
        """Whether this is a tar file, whose members are still to be listed."""
        if self.error is not None or self.stream is not None or self.content is not None:
            return False
        return is_archive_name(self.file if self.address is None else self.address)

    def with_content(self, content: bytes) -> Frame:
        """Return the frame of a file whose bytes have been read."""
        return replace(self, content=content)

    def without_data(self) -> Frame:
        """Return the frame without image and content, which may take much memory."""
        return replace(self, image=None, content=None)

    @property
    def is_endless(self) -> bool:
        """Whether the source never ends by itself; a video at an address does."""
        if not isinstance(self.stream, str):
            return self.stream is not None
        path = re.split(r"[?#]", self.stream, maxsplit=1)[0].lower()
        return not (path.startswith("http") and kind_of_name(path) == "video" and not path.endswith(RAW_JPEG_SUFFIXES))

    def load(self) -> np.ndarray:
        """Return the image. Raises PictureError or SourceError."""
        if self.error is not None:
            raise self.error
        if self.image is not None:
            return self.image
        return read_picture(self.file) if self.content is None else decode_picture(self.content, self.file)


@dataclass(frozen=True)
class Limits:
    """How much of each video and stream is read: frames, seconds, or until `stopped` returns True."""

    frames: int | None = None
    seconds: float | None = None
    stopped: Callable[[], bool] = lambda: False

    def reached(self, count: int, time_ms: float) -> bool:
        """Whether a frame at `time_ms` that follows `count` others exceeds the limits."""
        return (
            self.stopped()
            or (self.frames is not None and count >= self.frames)
            or (self.seconds is not None and time_ms >= 1000 * self.seconds)
        )


NO_LIMITS = Limits()
