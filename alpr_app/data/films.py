"""A video file that is read from any position, exact to the frame.

Frames are known by their times. OpenCV converts a position into a frame number with the mean frame rate, so with a
variable rate, or where a stream cannot be entered everywhere, it arrives too late or too early. A seek therefore begins
before its target, compares the time of the first frame, begins earlier if it is too late, and decodes on to the target.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import cv2
import numpy as np

from alpr_app.data.videos import ATTEMPTS, Capture, VideoClock, check_video_size, ends_early, length_of, rate_of_h264

# Frames decoded last, kept so that steps back need not be decoded again: at most so many bytes, but at least two.
WINDOW_BYTES = 96 * 2**20
# Times this close, in milliseconds, are those of the same frame: they are rounded differently after a seek.
SAME_TIME_MS = 0.5
# A target at most so many frames ahead is reached by decoding on.
NEAR_FRAMES = 12
# Frames before the target at which a seek begins, and the factor by which that grows while it arrives too late.
RUN_UP_FRAMES, RUN_UP_GROWTH = 3, 4
# A time that goes back by more than so many frames begins another recording in the same file.
JOINED_FRAMES = 4
# Deviation from a constant frame rate, in frame periods, from which frames are no longer numbered by their times.
UNSTEADY_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class FilmFrame:
    """A frame of a film.

    Attributes:
        image: H x W x 3 uint8 RGB, rotated as the container says.
        time_ms: Its time in the film.
        number: Counted from 0 over all frames, also lost ones; None if it is unknown after a seek in a film of variable
            rate.
    """

    image: np.ndarray = field(repr=False)
    time_ms: float
    number: int | None = None


class Film:
    """Reads a video file. One thread uses it.

    Args:
        path: The file.
        open_capture: Opens the file; also again where a seek cannot go back to the beginning.
        cancelled: Ends a seek that is no longer wanted.

    Attributes:
        opened: Whether the file could be opened.
        rate: Frames per second, as the container says.
        period_ms: Time from one frame to the next at that rate.
        length_ms: Length of the film; None while it is unknown.
        can_seek: Whether positions other than the next frame can be reached.

    Raises:
        SourceError: The file cannot be opened as a video, or its frames are too large.
    """

    def __init__(
        self,
        path: str,
        open_capture: Callable[[str], Capture],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path, self._open, self._cancelled = path, open_capture, cancelled
        self._capture = open_capture(path)
        self.opened = self._capture.isOpened()
        # OpenCV assumes 25 frames/s for a raw stream.
        self.rate = rate_of_h264(path) or self._capture.get(cv2.CAP_PROP_FPS)
        self.period_ms = VideoClock(self.rate).period_ms
        length = length_of(self._capture)
        self._claimed_s = length
        self.length_ms = 1000 * length if length is not None else None
        # A pipe or a device cannot go back.
        self.can_seek, self._steady = os.path.isfile(path), True
        # Numbers of frames that could not be decoded, by the time of the frame before; their sum, and the first one.
        self._lost: dict[int, int] = {}
        self._lost_count, self._first_lost_ms = 0, inf
        # Consecutive frames, and the index of the present one; -1 before the first.
        self._window: list[FilmFrame] = []
        self._index = -1
        # Times of the frames from the beginning, as far as they were decoded without a seek.
        self._times = array("d")
        self._at_end = self._reached_end = False
        if self.opened:
            self._probe()

    def _probe(self) -> None:
        """Decode two frames: a container without times, such as a raw stream, gives both the same."""
        raw: list[float] = []
        while len(raw) < 2 and self._decode():
            raw.append(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        if len(raw) == 2 and not raw[0] < raw[1]:
            self.can_seek = False

    @property
    def frame(self) -> FilmFrame | None:
        """The present frame; None before the first call of `next`."""
        return self._window[self._index] if self._index >= 0 else None

    @property
    def at_end(self) -> bool:
        """Whether the present frame is known to be the last one."""
        return self._at_end and self._index == len(self._window) - 1

    @property
    def trouble(self) -> str:
        """What is missing, as far as it is known: lost frames, or the end; empty if nothing is."""
        if self._lost:
            count, first_s = self._lost_count, self._first_lost_ms / 1000
            return f"{count} frame{'s' if count > 1 else ''} could not be decoded, the first at {first_s:.1f} s"
        until = (self.length_ms or 0.0) / 1000
        if self._reached_end and self._claimed_s is not None and ends_early(until, self._claimed_s):
            return f"it ends at {until:.1f} s of {self._claimed_s:.1f} s; the rest cannot be decoded"
        return ""

    def next(self) -> FilmFrame | None:
        """Go to the next frame and return it; None at the end."""
        if self._index + 1 < len(self._window) or self._decode():
            self._index += 1
            return self.frame
        return None

    def peek(self) -> FilmFrame | None:
        """Decode the next frame without going to it; None at the end."""
        return self._window[self._index + 1] if self._index + 1 < len(self._window) or self._decode() else None

    def previous(self) -> FilmFrame | None:
        """Go back by one frame and return it; None at the beginning, or if that is impossible or cancelled."""
        if self._index > 0:
            self._index -= 1
            return self.frame
        if not self.can_seek or not self._window or self._window[0].time_ms <= self._times[0] + SAME_TIME_MS:
            return None
        first = self._window[0].time_ms
        # As many frames as are kept, for further steps back.
        frame = self._seek(first - 2 * SAME_TIME_MS, max(RUN_UP_FRAMES, self._capacity() - 2))
        return frame if frame is not None and frame.time_ms < first - SAME_TIME_MS else None

    def at(self, time_ms: float) -> FilmFrame | None:
        """Go to the frame that is shown at a time, which is the last one until then, and return it; None if that is
        impossible or cancelled."""
        time_ms = max(time_ms, self._times[0] if self._times else 0.0) + SAME_TIME_MS
        window = self._window
        if window and window[0].time_ms <= time_ms and time_ms <= window[-1].time_ms + NEAR_FRAMES * self.period_ms:
            return self._decode_to(time_ms)
        return self._seek(time_ms, RUN_UP_FRAMES) if self.can_seek else None

    def close(self) -> None:
        self._capture.release()

    def _seek(self, time_ms: float, run_up: int) -> FilmFrame | None:
        while not self._cancelled():
            start = max(0.0, time_ms - run_up * self.period_ms)
            if not self._capture.set(cv2.CAP_PROP_POS_MSEC, start):
                self.can_seek = False
                return None
            self._forget()
            if self._decode() and self._window[0].time_ms <= time_ms:
                return self._decode_to(time_ms)
            if start == 0:
                return self._from_beginning(time_ms)
            run_up *= RUN_UP_GROWTH
        return None

    def _from_beginning(self, time_ms: float) -> FilmFrame | None:
        """Open the file again: some streams can be entered only where a complete picture begins, but always at the
        beginning."""
        self._capture.release()
        self._capture = self._open(self._path)
        self._forget()
        return self._decode_to(time_ms)

    def _forget(self) -> None:
        """Forget the window, because the next frame decoded does not follow it."""
        self._window, self._index, self._at_end = [], -1, False

    def _decode_to(self, time_ms: float) -> FilmFrame | None:
        """Decode until the last frame that is not after `time_ms` is known, and go to it."""
        while not self._window or self._window[-1].time_ms <= time_ms:
            if self._cancelled() or not self._decode():
                break
        times = [frame.time_ms for frame in self._window]
        self._index = max(0, bisect_right(times, time_ms) - 1) if times else -1
        return self.frame if not self._cancelled() else None

    def _capacity(self) -> int:
        return max(2, WINDOW_BYTES // self._window[-1].image.nbytes) if self._window else 2

    def _decode(self) -> bool:
        """Decode a frame and append it to the window; False at the end."""
        if self._at_end:
            return False
        failures = 0
        while failures < ATTEMPTS and not (failures and self._cancelled()):
            image = self._read()
            if image is not None:
                self._append(image, failures)
                return True
            failures += 1
        if failures >= ATTEMPTS:
            self._note_end()
        return False

    def _read(self) -> np.ndarray | None:
        try:
            read, image = self._capture.read()
        except cv2.error:
            # A frame of a size or kind that OpenCV cannot convert.
            return None
        if not read or image is None or not image.size:
            return None
        check_video_size(self._path, image.shape[1], image.shape[0])
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def _append(self, image: np.ndarray, failures: int) -> None:
        raw = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        before = self._window[-1] if self._window else None
        if self.can_seek and before is not None and 0 < raw < before.time_ms - JOINED_FRAMES * self.period_ms:
            if self._continues(before):
                # Recordings were joined, and times begin anew: a time no longer says which frame is meant.
                self.can_seek = False
            else:
                # Just after a seek, the first frames of some containers have wrong times.
                self._window, self._index, before = [], -1, None
        time_ms = self._time(raw, before)
        missing = self._missing_before(time_ms, before, failures)
        self._window.append(FilmFrame(image, time_ms, self._number(time_ms, before, missing)))
        if self.length_ms is not None:
            self.length_ms = max(self.length_ms, time_ms + self.period_ms)
        if len(self._window) > self._capacity():
            del self._window[0]
            self._index -= 1

    def _time(self, raw: float, before: FilmFrame | None) -> float:
        """The time of a frame for which the container says `raw`; times always grow."""
        if before is None:
            return max(0.0, raw) if self.can_seek else 0.0
        if not self.can_seek or raw <= 0:
            # A container that does not know says 0.
            return before.time_ms + self.period_ms
        return max(raw, before.time_ms + 2 * SAME_TIME_MS)

    def _missing_before(self, time_ms: float, before: FilmFrame | None, failures: int) -> int:
        """Number of frames lost before this one; nothing is missing where no time has passed."""
        if not failures or before is None:
            return 0
        missing = min(failures, max(0, round((time_ms - before.time_ms) / self.period_ms) - 1))
        if missing:
            # Counted once, however often the passage is seen.
            place = round(before.time_ms)
            self._lost_count += missing - self._lost.get(place, 0)
            self._first_lost_ms = min(self._first_lost_ms, before.time_ms + self.period_ms)
            self._lost[place] = missing
        return missing

    def _number(self, time_ms: float, before: FilmFrame | None, missing: int) -> int | None:
        times = self._times
        if before is None and not times:
            times.append(time_ms)
        elif before is not None and self._continues(before):
            times.extend(before.time_ms + self.period_ms * (1 + lost) for lost in range(missing))
            times.append(time_ms)
            expected = times[0] + self.period_ms * (len(times) - 1)
            self._steady &= abs(time_ms - expected) <= UNSTEADY_SHARE * self.period_ms
        place = bisect_left(times, time_ms - SAME_TIME_MS)
        if place < len(times) and abs(times[place] - time_ms) <= SAME_TIME_MS:
            return place
        if self._steady:
            return round((time_ms - times[0]) / self.period_ms)
        if before is not None and before.number is not None:
            return before.number + 1 + missing
        return None

    def _continues(self, before: FilmFrame) -> bool:
        """Whether the frame after `before` continues the frames that were decoded from the beginning without a gap."""
        return bool(self._times) and abs(before.time_ms - self._times[-1]) <= SAME_TIME_MS

    def _note_end(self) -> None:
        self._at_end = True
        if self._window:
            self._reached_end = True
            self.length_ms = self._window[-1].time_ms + self.period_ms
