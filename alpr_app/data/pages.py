"""The pages of pictures: TIFF, and animations (GIF, PNG, WebP, AVIF), decoded a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from alpr_app.data.file_types import BEGINNING, beginning_of
from alpr_app.data.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.data.image_headers import Header
from alpr_app.data.images import PictureError, check_header, read_bytes
from alpr_app.data.isobmff import read_orientation
from alpr_app.data.videos import video_frames

# Formats whose pages can only be counted by walking through the file.
_BEGINNINGS = (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# The mark of an animated PNG precedes the picture, within so many bytes.
_PNG_BYTES = 2**16
# Pages are decoded in batches of this size; each batch has to walk from the first page again.
_AT_ONCE_BYTES = 64 * 2**20


def picture_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """Yield `entry` itself, not decoded yet; for a picture of several pages, every page decoded, with its number, and
    with its time if it is an animation, and finally an entry with an error if pages cannot be decoded."""
    if may_have_pages(entry):
        yield from _opened(entry, limits)
    else:
        yield entry


def may_have_pages(entry: Frame) -> bool:
    """Decide by the first bytes, because nearly all pictures have one page and are read in parallel."""
    beginning = _beginning(entry)
    if beginning[:4] == b"RIFF":
        return beginning[12:16] == b"VP8X" and len(beginning) > 20 and bool(beginning[20] & 2)
    if beginning[:4] == b"\x89PNG":
        return b"acTL" in _beginning(entry, _PNG_BYTES)
    return beginning.startswith(_BEGINNINGS) or beginning[4:12] == b"ftypavis"


def _beginning(entry: Frame, length: int = BEGINNING) -> bytes:
    return beginning_of(entry.file, length) if entry.content is None else entry.content[:length]


def _opened(entry: Frame, limits: Limits) -> Iterable[Frame]:
    try:
        content = read_bytes(Path(entry.file)) if entry.content is None else entry.content
        header = check_header(entry.file, content)
    except PictureError:
        # Decoding it later reports what is wrong.
        return [entry]
    if header.pages < 2:
        return [entry]
    if header.format in ("GIF", "PNG") and entry.content is None:
        # FFmpeg walks through these page by page, but needs a file.
        return video_frames(entry, limits)
    return _Pages(entry, content, header).frames(limits)


class _Pages:
    """The pages of one TIFF, WebP or AVIF file."""

    def __init__(self, entry: Frame, content: bytes, header: Header) -> None:
        self.entry, self.header = entry, header
        self._data = np.frombuffer(content, np.uint8)
        self._marks = read_orientation(content) if header.format == "AVIF" else None
        # Guaranteed by `check_header`.
        assert header.size is not None
        width, height = header.size
        self._at_once = max(1, _AT_ONCE_BYTES // (4 * width * height))

    def frames(self, limits: Limits) -> Iterator[Frame]:
        entry, pages = self.entry, self.header.pages
        number, time_ms = 0, 0.0
        while number < pages:
            found = self._decoded(number, min(self._at_once, pages - number))
            for image, duration_ms in found:
                if limits.reached(number, time_ms):
                    return
                yield Frame(entry.file, entry.within, image, number, time_ms if duration_ms else None)
                number, time_ms = number + 1, time_ms + duration_ms
            if not found:
                break
        if number < pages:
            missing = f"{pages - number} of {pages} pages cannot be decoded, the first is page {number + 1}"
            yield Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: {missing}"))

    def _decoded(self, start: int, count: int) -> list[tuple[np.ndarray, float]]:
        """Return pages with their durations in milliseconds; 0 if this is not an animation."""
        try:
            if self.header.format == "TIFF":
                _, images = cv2.imdecodemulti(self._data, cv2.IMREAD_COLOR_RGB, range=(start, start + count))
                return [(image, 0.0) for image in images]
            _, animation = cv2.imdecodeanimation(self._data, start, count)
        except cv2.error:
            return []
        durations = [max(1.0, float(duration)) for duration in animation.durations]
        return list(zip(map(self._oriented, animation.frames), durations, strict=False))

    def _oriented(self, image: np.ndarray) -> np.ndarray:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        return image if self._marks is None else self._marks.apply(image)
