"""The source thread of cameras, videos and streams: reads on, notices what stops or freezes, and opens it again; and
how often something happens, of late.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import cv2
import numpy as np

from alpr_app.data.frame import SourceError
from alpr_app.data.network import is_address, without_secrets
from alpr_app.data.streams import Capture
from alpr_app.data.streams import open_capture as open_within
from alpr_app.viewer.workers.images import ImageItem, make_image_item
from alpr_app.viewer.workers.threads import noop

# Seconds that a rate looks back.
WINDOW_SECONDS = 2.0


class Rate:
    """Events a second over the last two seconds. One thread ticks, any may ask."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=512)

    def tick(self, now: float | None = None) -> None:
        self._times.append(monotonic() if now is None else now)

    def per_second(self, now: float | None = None) -> float:
        now = monotonic() if now is None else now
        recent = [time for time in tuple(self._times) if now - time <= WINDOW_SECONDS]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        # What should have come by now counts too, so that a source that has stopped goes down to 0.
        spacing = (recent[-1] - recent[0]) / (len(recent) - 1)
        return (len(recent) - 1) / (recent[-1] - recent[0] + max(0.0, now - recent[-1] - spacing))


OPENING, RUNNING, PAUSED, WAITING, ENDED = "opening", "running", "paused", "waiting", "ended"

# A source that gives no new frame for so long has stopped. Noticed within 2 s means a little less here.
SILENCE_SECONDS = 1.6
# Opening takes longer than the next frame: cameras set themselves up, streams wait for a key frame.
OPENING_SECONDS = 6.0
# Waits before the 1st, 2nd, ... new attempt, in seconds.
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# A source that has run for so long is well again, and waits start from the beginning.
STEADY_SECONDS = 5.0

# How long an address may take to answer: no longer than the next frame.
_NETWORK_SECONDS = 1.5


@dataclass(frozen=True)
class LiveStatus:
    """state: one of the five above. detail: what is wrong. until: monotonic seconds of the next attempt."""

    state: str = OPENING
    detail: str = ""
    until: float = 0.0


def address_name(address: int | str) -> str:
    """How a source is called to the user: a camera's number, a file's name, an address without its password."""
    if isinstance(address, int):
        return f"camera {address}"
    return without_secrets(address) if is_address(address) else os.path.basename(address)


def open_capture(address: int | str) -> Capture:
    """A camera by number, a video file or an HTTP or RTSP address. Raises SourceError, which says why an address cannot
    be opened, or that a name is no text."""
    return open_within(address, _NETWORK_SECONDS)


class LiveSource:
    """address: a camera's number, a path or an address. offer: takes every frame. wake: something has changed. hold_at_first_frame:
    as `hold_file`, from the beginning."""

    def __init__(
        self,
        address: int | str,
        offer: Callable[[ImageItem], None],
        wake: Callable[[], None] = noop,
        capture: Callable[[int | str], Capture] = open_capture,
        hold_at_first_frame: bool = False,
    ) -> None:
        self.address, self.name = address, address_name(address)
        # A file ends, is played at its own pace and may hold the frozen frame for long.
        self.is_file = isinstance(address, str) and not is_address(address)
        self.status = LiveStatus()
        self.rate = Rate()
        self._offer, self._wake, self._capture = offer, wake, capture
        self._changed = threading.Condition()
        self._reader: _FrameReader | None = None
        self._number = 0
        self._paused = self._step = self._reconnect_now = self._ended = False
        self._hold_at_first_frame = hold_at_first_frame and self.is_file
        self._thread = threading.Thread(target=self._run, name="alpr-live", daemon=True)
        self._thread.start()

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self, paused: bool) -> None:
        """Stand still: a file is read no further, frames of a camera are dropped."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def hold_file(self, hold_at_first_frame: bool) -> None:
        """Read a file no further than its first frame, until nobody has to be waited for; others run on."""
        if self.is_file and hold_at_first_frame != self._hold_at_first_frame:
            with self._changed:
                self._hold_at_first_frame = hold_at_first_frame
                self._changed.notify_all()

    def step(self) -> None:
        """One more frame while paused."""
        with self._changed:
            self._step = True
            self._changed.notify_all()

    def reconnect(self) -> None:
        """Open again at once; a file from its beginning."""
        with self._changed:
            self._reconnect_now = True
            self._changed.notify_all()

    def close(self, timeout: float = 1.0) -> bool:
        """Stop; whether the threads have ended. A reading thread that hangs in a driver is left behind."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        deadline = monotonic() + timeout
        self._thread.join(timeout)
        reader = self._reader
        if reader is not None:
            reader.thread.join(max(0.0, deadline - monotonic()))
        return not self._thread.is_alive() and (reader is None or not reader.thread.is_alive())

    def _run(self) -> None:
        attempt = 0
        while not self._ended:
            self._set_status(LiveStatus(OPENING))
            self._reconnect_now = False
            started = monotonic()
            self._reader = reader = _FrameReader(self)
            detail = self._watch(reader)
            reader.ended = True
            if self._ended:
                return
            if detail is None:
                self._set_status(LiveStatus(ENDED))
                self._wait(None)
                continue
            if self._reconnect_now:
                continue
            attempt = 0 if monotonic() - started > STEADY_SECONDS + SILENCE_SECONDS else attempt
            wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            attempt += 1
            self._set_status(LiveStatus(WAITING, detail, monotonic() + wait))
            self._wait(wait)

    def _watch(self, reader: _FrameReader) -> str | None:
        """Follow `reader` until it fails, and say how; None if a file has come to its end."""
        with self._changed:
            while not self._ended and not self._reconnect_now:
                if reader.done:
                    return reader.failure
                if self._paused or self._hold_at_first_frame:
                    reader.last_frame_time = monotonic()
                patience = SILENCE_SECONDS if reader.frames else OPENING_SECONDS
                silent = monotonic() - reader.last_frame_time
                if silent > patience:
                    return reader.silence_reason()
                if reader.frames:
                    self._set_status(LiveStatus(PAUSED if self._paused else RUNNING))
                self._changed.wait(min(0.25, patience - silent + 0.01))
        return ""

    def _wait(self, seconds: float | None) -> None:
        """Until somebody wants it open now, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._reconnect_now or self._ended, seconds)

    def _set_status(self, status: LiveStatus) -> None:
        if status != self.status:
            self.status = status
            self._wake()

    def _frame(self, image: np.ndarray) -> None:
        self._number += 1
        self.rate.tick()
        self._offer(make_image_item(f"{self.name} #{self._number}", cv2.cvtColor(image, cv2.COLOR_BGR2RGB), live=True))


class _FrameReader:
    """The thread that reads one opened capture. last_frame_time: when the last new frame came. done: it reads no more."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self.frames = 0
        self.last_frame_time = monotonic()
        self.frozen = False
        self.done = self.ended = False
        self.failure: str | None = ""
        self._last: np.ndarray | None = None
        self.thread = threading.Thread(target=self._run, name="alpr-reader", daemon=True)
        self.thread.start()

    def silence_reason(self) -> str:
        """What has gone wrong when nothing new comes."""
        if not self.frames:
            return "does not answer"
        return "repeats the same frame" if self.frozen else "sends no more frames"

    def _run(self) -> None:
        source = self._source
        self.failure = "was closed"
        capture = None
        try:
            capture = source._capture(source.address)
            self.failure = self._read_all(capture) if capture.isOpened() else "cannot be opened"
        except (cv2.error, OSError, SourceError) as error:
            # An address stands before it already.
            message = str(error).removeprefix(f"{source.name}: ")
            self.failure = f"cannot be read: {message}".replace("\n", " ")
        finally:
            if capture is not None:
                capture.release()
            with source._changed:
                self.done = True
                source._changed.notify_all()

    def _read_all(self, capture: Capture) -> str | None:
        source = self._source
        period = 1 / (capture.get(cv2.CAP_PROP_FPS) or 25.0) if source.is_file else 0.0
        due = monotonic()
        while not self._stopped():
            if source.is_file and not self._frame_is_due(due):
                continue
            read, image = capture.read()
            if self._stopped():
                break
            if not read or image is None or not image.size:
                return None if source.is_file and self.frames else "sends no more frames"
            self._check_frozen(image)
            due = max(due + period, monotonic() - period)
            if source.is_file or not source._paused or self._take_step():
                source._frame(image)
        return "was closed"

    def _stopped(self) -> bool:
        return self.ended or self._source._ended

    def _frame_is_due(self, due: float) -> bool:
        """Wait until the next frame of a file is due; False if it is not due yet, or everything stands still."""
        source = self._source
        with source._changed:
            if (source._hold_at_first_frame and self.frames) or (source._paused and not source._step):
                source._changed.wait(0.25)
                return False
            if not source._step and (rest := due - monotonic()) > 0:
                source._changed.wait(rest)
                return monotonic() >= due
            source._step = False
        return True

    def _take_step(self) -> bool:
        step, self._source._step = self._source._step, False
        return step

    def _check_frozen(self, image: np.ndarray) -> None:
        """Remember that something new came. After an unplug, some drivers repeat their last frame for ever."""
        self.frozen = (
            isinstance(self._source.address, int)
            and self._last is not None
            and image.shape == self._last.shape
            # A covered lens gives one colour, and that is no fault.
            and bool(image.min() != image.max())
            and np.array_equal(image, self._last)
        )
        self._last = image
        if not self.frozen:
            self.last_frame_time = monotonic()
        self.frames += 1
        if self.frames == 1:
            with self._source._changed:
                self._source._changed.notify_all()
