"""Pictures of several pages: scans in a TIFF, animations. Each page is a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from alpr_app.films import film_frames
from alpr_app.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.media import beginning_of
from alpr_app.picture_header import Header
from alpr_app.pictures import PictureError, check_header, read_bytes
from alpr_app.turn_marks import turn_marks

# Formats whose pages can only be counted by going through the file.
_BEGINNINGS = (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Where the mark of an animated PNG stands before the picture.
_PNG_BYTES = 2**16
# Pages are decoded in small numbers, because each number begins with the first page again.
_AT_ONCE_BYTES = 64 * 2**20


def picture_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """`entry` itself, to be decoded by whom it is handed to; of a picture of several pages every page, decoded, with
    its number, and with its time if it is an animation. Last, one with an error if pages cannot be decoded."""
    if _may_have_pages(entry.file):
        yield from _opened(entry, limits)
    else:
        yield entry


def _may_have_pages(file: str) -> bool:
    """Told by the beginning alone, because nearly all pictures have one page, and are read by many at once."""
    beginning = beginning_of(file)
    if beginning[:4] == b"RIFF":
        return beginning[12:16] == b"VP8X" and len(beginning) > 20 and bool(beginning[20] & 2)
    if beginning[:4] == b"\x89PNG":
        return b"acTL" in beginning_of(file, _PNG_BYTES)
    return beginning.startswith(_BEGINNINGS) or beginning[4:12] == b"ftypavis"


def _opened(entry: Frame, limits: Limits) -> Iterable[Frame]:
    try:
        content = read_bytes(Path(entry.file))
        header = check_header(entry.file, content)
    except PictureError:
        # Whoever decodes it says what is wrong.
        return [entry]
    if header.pages < 2:
        return [entry]
    if header.format in ("GIF", "PNG"):
        # FFmpeg goes through these from page to page.
        return film_frames(entry, limits)
    return _Pages(entry, content, header).frames(limits)


class _Pages:
    """The pages of one TIFF, WebP or AVIF file."""

    def __init__(self, entry: Frame, content: bytes, header: Header) -> None:
        self.entry, self.header = entry, header
        self._data = np.frombuffer(content, np.uint8)
        self._marks = turn_marks(content) if header.format == "AVIF" else None
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
        """Pages and how long each is shown, in milliseconds; 0 if they are no animation."""
        try:
            if self.header.format == "TIFF":
                _, images = cv2.imdecodemulti(self._data, cv2.IMREAD_COLOR_RGB, range=(start, start + count))
                return [(image, 0.0) for image in images]
            _, animation = cv2.imdecodeanimation(self._data, start, count)
        except cv2.error:
            return []
        durations = [max(1.0, float(duration)) for duration in animation.durations]
        return list(zip(map(self._seen, animation.frames), durations, strict=False))

    def _seen(self, image: np.ndarray) -> np.ndarray:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        return image if self._marks is None else self._marks.apply(image)
