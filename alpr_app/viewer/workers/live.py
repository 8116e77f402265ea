"""The source threads of cameras and streams. They notice when a source stops or freezes, and open it again."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import cv2
import numpy as np

from alpr_app.data.camera_mode import CameraMode
from alpr_app.data.cameras import actual_mode
from alpr_app.data.frame import SourceError
from alpr_app.data.network import is_address, without_secrets
from alpr_app.data.streams import open_capture as open_within
from alpr_app.data.videos import Capture
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.images import ImageItem, make_image_item
from alpr_app.viewer.workers.threads import noop

# Period over which a rate is measured, in seconds.
WINDOW_SECONDS = 2.0


class Rate:
    """Events per second over the last two seconds. One thread calls `tick`; any thread may read the rate."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=512)

    def tick(self, now: float | None = None) -> None:
        """Count an event."""
        self._times.append(monotonic() if now is None else now)

    def per_second(self, now: float | None = None) -> float:
        """The present rate."""
        now = monotonic() if now is None else now
        recent = [time for time in tuple(self._times) if now - time <= WINDOW_SECONDS]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        # Counts the time since the last event as well, so that the rate of a stopped source falls to 0.
        spacing = (recent[-1] - recent[0]) / (len(recent) - 1)
        return (len(recent) - 1) / (recent[-1] - recent[0] + max(0.0, now - recent[-1] - spacing))


OPENING, RUNNING, PAUSED, WAITING, ENDED = "opening", "running", "paused", "waiting", "ended"

# A source without a new frame for this long has stopped. Slightly less than 2 s, so that it is noticed within 2 s.
SILENCE_SECONDS = 1.6
# Opening takes longer than the next frame: cameras initialise, streams wait for a key frame.
OPENING_SECONDS = 6.0
# Delays before the 1st, 2nd, ... attempt to reconnect, in seconds.
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# Longest wait for the former reader to release the camera, unless it hangs in the driver.
RELEASE_SECONDS = 1.0
# After running for this long, a source counts as healthy and the delays start again from the first.
STEADY_SECONDS = 5.0

# Timeout of a network address: no longer than that of the next frame.
_NETWORK_SECONDS = 1.5


@dataclass(frozen=True)
class LiveStatus:
    """The state of a live source.

    Attributes:
        state: One of the five constants above.
        detail: What is wrong; empty if nothing is.
        until: Time of the next attempt, in seconds of the monotonic clock.
    """

    state: str = OPENING
    detail: str = ""
    until: float = 0.0


def address_name(address: int | str) -> str:
    """Name of a source for the user: the number of a camera, the name of a file, an address without its password."""
    if isinstance(address, int):
        return f"camera {address}"
    return without_secrets(address) if is_address(address) else os.path.basename(address)


def open_capture(address: int | str, mode: CameraMode | None = None) -> Capture:
    """Open a camera by number in a `mode`, a video file, or an HTTP or RTSP address.

    Raises:
        SourceError: An address cannot be opened, with the reason, or a name is not valid text.
    """
    return open_within(address, _NETWORK_SECONDS, mode=mode)


class LiveSource:
    """The thread that supervises a camera or stream and reopens it after a failure.

    Args:
        address: Number of a camera or network address; for a subclass, path of a video.
        offer: Takes every frame.
        wake: Called when the status has changed.
        capture: Opens the source.

    Attributes:
        actual_mode: Mode in which a camera runs; None before its first frame.
    """

    def __init__(
        self,
        address: int | str,
        offer: Callable[[ImageItem], None],
        wake: Callable[[], None] = noop,
        capture: Callable[[int | str], Capture] = open_capture,
    ) -> None:
        self.address, self.name = address, address_name(address)
        self.status = LiveStatus()
        self.rate = Rate()
        # When the last new frame came, in seconds of the monotonic clock; 0 before the first one.
        self.last_frame_time = 0.0
        self.actual_mode: CameraMode | None = None
        self._offer, self._wake, self._capture = offer, wake, capture
        self._changed = threading.Condition()
        self._reader: FrameReader | None = None
        self._number = 0
        self._paused = self._step = self._reconnect_now = self._ended = False
        self._thread = threading.Thread(target=self._run, name="alpr-live", daemon=True)
        self._thread.start()

    @property
    def paused(self) -> bool:
        """Whether the user has paused the source."""
        return self._paused

    def pause(self, paused: bool) -> None:
        """Pause: frames are dropped."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def step(self) -> None:
        """Show one more frame while paused."""
        with self._changed:
            self._step = True
            self._changed.notify_all()

    def reconnect(self) -> None:
        """Open the source again at once."""
        with self._changed:
            self._reconnect_now = True
            self._changed.notify_all()

    def reopen(self, capture: Callable[[int | str], Capture]) -> None:
        """Open the source again with `capture`, because another mode of the camera is wanted."""
        self._capture, self.actual_mode = capture, None
        self.reconnect()

    def close(self, timeout: float = 1.0) -> bool:
        """Stop; returns whether the threads have ended. A reading thread that hangs in a driver is abandoned."""
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
            if self._reader is not None:
                # A camera cannot be opened twice.
                self._reader.thread.join(RELEASE_SECONDS)
            started = monotonic()
            self._reader = reader = self._make_reader()
            detail = self._watch(reader)
            reader.ended = True
            if self._ended:
                return
            if reader.done and reader.failed_for_good and not self._reconnect_now:
                self._set_status(LiveStatus(ENDED, detail))
                self._wait(None)
                continue
            if self._reconnect_now:
                continue
            attempt = 0 if monotonic() - started > STEADY_SECONDS + SILENCE_SECONDS else attempt
            wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            attempt += 1
            self._set_status(LiveStatus(WAITING, detail, monotonic() + wait))
            self._wait(wait)

    def _make_reader(self) -> FrameReader:
        return FrameReader(self)

    def _watch(self, reader: FrameReader) -> str:
        """Supervise `reader` until it fails and return the reason."""
        with self._changed:
            while not self._ended and not self._reconnect_now:
                if reader.done:
                    return reader.failure
                if self._paused:
                    reader.last_frame_time = monotonic()
                patience = reader.patience
                silent = monotonic() - reader.last_frame_time
                if silent > patience:
                    return reader.silence_reason()
                if reader.frames:
                    self._set_status(LiveStatus(self._running_state))
                self._changed.wait(min(0.25, patience - silent + 0.01))
        return ""

    @property
    def _running_state(self) -> str:
        return PAUSED if self._paused else RUNNING

    def _wait(self, seconds: float | None) -> None:
        """Wait until the user reconnects, or until `seconds` have passed."""
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


class FrameReader:
    """The thread that reads one opened capture.

    Attributes:
        frames: Number of frames read.
        last_frame_time: When the last new frame arrived, in seconds of the monotonic clock.
        frozen: Whether the last frame was the same as the one before.
        done: Whether it has stopped reading.
        failure: Why it has stopped.
        failed_for_good: Whether another attempt by itself would be useless.
    """

    failed_for_good = False

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self.frames = 0
        self.last_frame_time = monotonic()
        self.frozen = False
        self.done = self.ended = False
        self.failure = ""
        self._last: np.ndarray | None = None
        self.thread = threading.Thread(target=self._run, name="alpr-reader", daemon=True)
        self.thread.start()

    @property
    def patience(self) -> float:
        """Seconds without a new frame after which the source counts as silent."""
        return SILENCE_SECONDS if self.frames else OPENING_SECONDS

    def silence_reason(self) -> str:
        """Why no new frame arrives."""
        if not self.frames:
            return tr("does not answer")
        return tr("repeats the same frame") if self.frozen else tr("sends no more frames")

    def _run(self) -> None:
        source = self._source
        self.failure = tr("was closed")
        try:
            self.failure = self._read_source()
        except (cv2.error, OSError, SourceError) as error:
            # The address is added by the window.
            message = str(error).removeprefix(f"{source.name}: ")
            self.failure = tr("cannot be read: {reason}", reason=message).replace("\n", " ")
        finally:
            with source._changed:
                self.done = True
                source._changed.notify_all()

    def _read_source(self) -> str:
        """Read until the source fails or is closed; returns the reason."""
        capture = self._source._capture(self._source.address)
        try:
            return self._read_all(capture) if capture.isOpened() else tr("cannot be opened")
        finally:
            capture.release()

    def _read_all(self, capture: Capture) -> str:
        source = self._source
        while not self._stopped():
            read, image = capture.read()
            if self._stopped():
                break
            if not read or image is None or not image.size:
                return tr("sends no more frames")
            if not self.frames and isinstance(source.address, int):
                source.actual_mode = actual_mode(capture, (image.shape[1], image.shape[0]))
            self._check_frozen(image)
            if not source._paused or self._take_step():
                source._frame(image)
        return tr("was closed")

    def _stopped(self) -> bool:
        return self.ended or self._source._ended

    def _take_step(self) -> bool:
        step, self._source._step = self._source._step, False
        return step

    def _check_frozen(self, image: np.ndarray) -> None:
        """Note when the last new frame came. After an unplug, some drivers repeat their last frame for ever."""
        self.frozen = (
            isinstance(self._source.address, int)
            and self._last is not None
            and image.shape == self._last.shape
            # A covered lens gives frames of one colour, which is not a fault.
            and bool(image.min() != image.max())
            and np.array_equal(image, self._last)
        )
        self._last = image
        self._note_frame(new=not self.frozen)

    def _note_frame(self, new: bool = True) -> None:
        """Count a frame that was read, and note when the last new one came."""
        if new:
            self.last_frame_time = self._source.last_frame_time = monotonic()
        self.frames += 1
        if self.frames == 1:
            with self._source._changed:
                self._source._changed.notify_all()
