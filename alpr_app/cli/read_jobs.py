"""Memory and interruption of `alpr read`: a budget for pictures decoded in parallel, and Ctrl-C as the regular way to
end endless sources.
"""

from __future__ import annotations

import signal
import stat
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from alpr_app.data.image_headers import FREE_BYTES, Header, decoding_bytes, picture_header

if TYPE_CHECKING:
    from alpr_app.data.sources import Frame


# A part is left for what is not counted here, such as memory held by the threads.
BUDGET_BYTES = round(0.75 * FREE_BYTES)
# Headers nearly always lie within so many first bytes. If not (TIFF may have its header at the end), small files are
# read whole.
_HEADER_BYTES = 2**15
_SMALL_FILE_BYTES = 2**25
# A decoded frame, the copy that is drawn on, and the copy that is written.
_COPIES = 3


@dataclass(frozen=True)
class EndOfEntry:
    """Follows the frames of an entry through the stages: all its results have been passed on. key: see `Frame.key`."""

    key: str


class MemoryBudget:
    """Bytes of memory handed out first come, first served; a request for more than the total gets all of it."""

    def __init__(self, total: int = BUDGET_BYTES) -> None:
        self._total, self._used = total, 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def acquire(self, amount: int, wait: bool = True) -> bool:
        """Take `amount`, waiting until it is available; without `wait`, only if it is. Return whether it was taken."""
        amount, ticket = min(amount, self._total), object()
        with self._changed:
            if not wait and (self._waiting or self._used + amount > self._total):
                return False
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._used + amount <= self._total)
                self._used += amount
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        return True

    def release(self, amount: int) -> None:
        """Return `amount` to the budget."""
        with self._changed:
            self._used -= min(amount, self._total)
            self._changed.notify_all()


def memory_of(frame: Frame) -> int:
    """Return the bytes that reading a frame takes; for a picture not decoded yet, according to its header."""
    if frame.image is not None:
        return _COPIES * frame.image.nbytes
    if frame.error is not None:
        return 0
    if frame.content is not None:
        return len(frame.content) + _memory_of_picture(picture_header(frame.content), len(frame.content))
    return _memory_of_file(Path(frame.file))


def _memory_of_file(path: Path) -> int:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return 0
        length = state.st_size
        with path.open("rb") as file:
            header = picture_header(file.read(_HEADER_BYTES))
            if header is not None and header.size is None and _HEADER_BYTES < length <= _SMALL_FILE_BYTES:
                file.seek(0)
                header = picture_header(file.read())
    except (OSError, ValueError):
        # Reading it later reports the error.
        return 0
    return _memory_of_picture(header, length)


def _memory_of_picture(header: Header | None, length: int) -> int:
    if header is None:
        return length
    if header.size is None:
        return FREE_BYTES if length > _HEADER_BYTES else length
    width, height = header.size
    return max(decoding_bytes(header, length), 3 * _COPIES * width * height)


class StopOnInterrupt:
    """A block in which the first Ctrl-C is only recorded, so that results so far can be written; the second interrupts
    as usual. active: whether to do so."""

    def __init__(self, active: bool) -> None:
        # Only the main thread receives signals.
        self._active = active and threading.current_thread() is threading.main_thread()
        self._wanted = False
        self._before: Callable[[int, FrameType | None], Any] | int | signal.Handlers | None = None

    def wanted(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._wanted

    def __enter__(self) -> StopOnInterrupt:
        if self._active:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._wanted:
            raise KeyboardInterrupt
        self._wanted = True
