"""Cameras and streams: opened with a clear reason if that fails, and read as fast as frames arrive.

Reading can block in a driver or on the network, so a thread of its own does it and Ctrl-C works at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import cv2
import numpy as np

from alpr_app.data.camera_mode import CameraMode
from alpr_app.data.cameras import open_camera
from alpr_app.data.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.data.network import (
    TIMEOUT_SECONDS,
    SnapshotCapture,
    WebAddress,
    check_rtsp,
    file_name_for,
    gives_single_pictures,
    is_address,
    is_video,
    without_secrets,
)
from alpr_app.data.videos import Capture, VideoClock, check_video_name, ends_early, length_of

# Limits of the queue of frames. A live source drops its oldest frames, so that current ones are read.
WAITING_BYTES = 64 * 2**20
MAXIMUM_WAITING = 64
# A source without a frame for so long is given up; drivers and connections usually give up sooner.
SILENCE_SECONDS = 20.0


def stream_entry(address: str) -> Frame:
    """Return the entry of a stream, not opened yet."""
    return Frame(without_secrets(address), file_name_for(address), stream=address)


def camera_entry(number: int) -> Frame:
    """Return the entry of a camera, not opened yet."""
    return Frame(f"camera {number}", f"camera-{number}", stream=number)


@dataclass(frozen=True)
class Opened:
    """An open source. video: whether it is a stored video, which waits for its reader; all other sources are live."""

    capture: Capture
    video: bool = False


def open_capture(address: int | str, timeout: float = TIMEOUT_SECONDS, *, mode: CameraMode | None = None) -> Capture:
    """Open a camera by number in a `mode`, a video, or a stream by address, waiting at most `timeout` seconds for an
    answer.

    Raises:
        SourceError: The address cannot be opened; the message says why (refused, not authorised, unknown, silent).
    """
    return _opened(address, timeout, mode=mode).capture


def _opened(address: int | str, timeout: float = TIMEOUT_SECONDS, *, mode: CameraMode | None = None) -> Opened:
    if isinstance(address, int):
        return Opened(open_camera(address, mode))
    check_video_name(address)
    if not is_address(address):
        return Opened(cv2.VideoCapture(address), True)
    scheme, video = address.partition("://")[0].lower(), False
    if scheme in ("http", "https"):
        web = WebAddress(address, timeout)
        with web.request() as answer:
            if gives_single_pictures(answer):
                return Opened(SnapshotCapture(web))
            video = is_video(answer)
    elif scheme in ("rtsp", "rtsps", "rtmp"):
        check_rtsp(address, timeout)
    waits = int(1000 * timeout)
    network = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, waits, cv2.CAP_PROP_READ_TIMEOUT_MSEC, waits)
    # FFmpeg knows schemes in lower case only.
    return Opened(cv2.VideoCapture(scheme + address[len(scheme) :], cv2.CAP_FFMPEG, network), video)


def stream_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """Yield the frames of a camera or a stream until a limit is reached, and finally an entry with an error if it
    failed or ended earlier. Numbers count all frames received; times are relative to the first one, except that a video
    has its own. A video at an address is read to its end."""
    assert entry.stream is not None
    reader = _Reader(entry.stream)
    begun: float | None = None
    count = 0
    try:
        while not limits.stopped():
            # Time limits also apply while no frame arrives.
            silent_ms = 0.0 if begun is None or reader.video else 1000 * monotonic() - begun
            if limits.reached(count, silent_ms):
                return
            taken = reader.next()
            if taken is not None:
                number, at_ms, image = taken
                begun = at_ms if begun is None else begun
                if limits.reached(count, at_ms - begun):
                    return
                count += 1
                yield Frame(entry.file, entry.within, image, number, at_ms - begun)
            elif reader.over:
                break
        else:
            return
    finally:
        reader.close()
    if reader.failure:
        failure = reader.failure.removeprefix(f"{entry.file}: ")
        after = f" (after {count} frame{'s' if count > 1 else ''})" if count else ""
        yield Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: {failure}{after}"))


class _Reader:
    """The thread that reads a source. video: see `Opened`. failure: why reading stopped; empty if it ended normally."""

    def __init__(self, address: int | str) -> None:
        self.video, self.failure = False, ""
        self._address = address
        self._changed = threading.Condition()
        self._frames: deque[tuple[int, float, np.ndarray]] = deque()
        self._ended = self._done = False
        self._heard = monotonic()
        self._thread = threading.Thread(target=self._run, name="alpr-stream", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether no more frames will come."""
        with self._changed:
            return self._done and not self._frames

    def next(self, seconds: float = 0.1) -> tuple[int, float, np.ndarray] | None:
        """Return number, time in milliseconds and image of the next frame; None if none arrives within `seconds`."""
        with self._changed:
            if not self._frames and not self._done:
                # In short steps: on systems where a wait cannot be interrupted, Ctrl-C would be delayed as well.
                self._changed.wait(seconds)
            if self._frames:
                self._changed.notify_all()
                return self._frames.popleft()
            if not self._done and monotonic() - self._heard > SILENCE_SECONDS:
                self._done, self.failure = True, "does not answer any more"
            return None

    def close(self) -> None:
        """Stop reading. A thread that hangs in a driver is abandoned."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(1.0)

    def _run(self) -> None:
        capture: Capture | None = None
        # Reported if a bug ends the thread with a traceback.
        failure = "cannot be read any further because of an error in the program"
        try:
            opened = _opened(self._address)
            self.video, capture = opened.video, opened.capture
            failure = self._read_all(capture) if capture.isOpened() else self._not_opened()
        except (cv2.error, OSError, SourceError) as error:
            failure = str(error)
        finally:
            if capture is not None:
                capture.release()
            with self._changed:
                self.failure = self.failure or failure
                self._done = True
                self._changed.notify_all()

    def _not_opened(self) -> str:
        if isinstance(self._address, int):
            return "cannot be opened; does this camera exist, and is no other program using it?"
        return "cannot be opened: there is no readable stream"

    def _read_all(self, capture: Capture) -> str:
        """Read to the end, and return why it ended."""
        clock = VideoClock(capture.get(cv2.CAP_PROP_FPS))
        number = 0
        while not self._ended:
            read, image = capture.read()
            if not read or image is None or not image.size:
                return self._end(capture, clock, number)
            at_ms = clock.tick(capture.get(cv2.CAP_PROP_POS_MSEC)) if self.video else 1000 * monotonic()
            self._put(number, at_ms, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            number += 1
        return ""

    def _end(self, capture: Capture, clock: VideoClock, count: int) -> str:
        if not count:
            return "sends no pictures"
        if not self.video:
            return "sends no more pictures"
        length, until = length_of(capture), (clock.now + clock.period_ms) / 1000
        return f"ends at {until:.1f} s of {length:.1f} s" if ends_early(until, length) else ""

    def _put(self, number: int, at_ms: float, image: np.ndarray) -> None:
        """Queue a frame. A video waits for room; a live source drops its oldest frame."""
        maximum = max(1, min(MAXIMUM_WAITING, WAITING_BYTES // image.nbytes))
        with self._changed:
            if self.video:
                self._changed.wait_for(lambda: len(self._frames) < maximum or self._ended)
            while len(self._frames) >= maximum:
                self._frames.popleft()
            self._heard = monotonic()
            self._frames.append((number, at_ms, image))
            self._changed.notify_all()
