"""Cameras and streams: opened with a reason given where that fails, and read as fast as they come.

A read can wait in a driver or on the network, so it is done on a thread of its own, and Ctrl-C does not have to wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import cv2
import numpy as np

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
from alpr_app.data.videos import VideoClock, check_video_name, ends_early, length_of

# Frames that wait to be read; of a live source older ones make room, so that what is read is of now.
WAITING_BYTES = 64 * 2**20
MOST_WAITING = 64
# After so long without a frame, whatever holds up the reading is given up: drivers and connections end it sooner.
SILENCE_SECONDS = 20.0


class Capture(Protocol):
    """What of cv2.VideoCapture is needed; tests bring their own."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def get(self, prop: int) -> float: ...

    def release(self) -> None: ...


def stream_entry(address: str) -> Frame:
    """The entry of a stream, not opened yet."""
    return Frame(without_secrets(address), file_name_for(address), stream=address)


def camera_entry(number: int) -> Frame:
    """The entry of a camera, not opened yet."""
    return Frame(f"camera {number}", f"camera-{number}", stream=number)


@dataclass(frozen=True)
class Opened:
    """film: whether it is a film that lies at an address, and waits; everything else is of now."""

    capture: Capture
    film: bool = False


def open_capture(address: int | str, timeout: float = TIMEOUT_SECONDS) -> Capture:
    """A camera by number, a film, or a stream by its address, waiting no longer than `timeout` seconds for an answer.
    Raises SourceError, which says why an address cannot be opened: refused, not authorised, unknown, silent."""
    return _opened(address, timeout).capture


def _opened(address: int | str, timeout: float = TIMEOUT_SECONDS) -> Opened:
    if isinstance(address, int):
        return Opened(cv2.VideoCapture(address))
    check_video_name(address)
    if not is_address(address):
        return Opened(cv2.VideoCapture(address), True)
    scheme, film = address.partition("://")[0].lower(), False
    if scheme in ("http", "https"):
        web = WebAddress(address, timeout)
        with web.ask() as answer:
            if gives_single_pictures(answer):
                return Opened(SnapshotCapture(web))
            film = is_video(answer)
    elif scheme in ("rtsp", "rtsps", "rtmp"):
        check_rtsp(address, timeout)
    waits = int(1000 * timeout)
    network = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, waits, cv2.CAP_PROP_READ_TIMEOUT_MSEC, waits)
    # FFmpeg knows schemes by their small letters.
    return Opened(cv2.VideoCapture(scheme + address[len(scheme) :], cv2.CAP_FFMPEG, network), film)


def stream_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """The frames of a camera or a stream until a limit is reached; last, one with an error if it has failed, or has
    ended before. Numbers count all that came; times are those since the first one, of a film its own. A film that lies
    at an address is read to its end."""
    assert entry.stream is not None
    reader = _Reader(entry.stream)
    begun: float | None = None
    count = 0
    try:
        while not limits.stopped():
            # A limit is a limit also while nothing comes.
            silent_ms = 0.0 if begun is None or reader.film else 1000 * monotonic() - begun
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
        said = reader.failure.removeprefix(f"{entry.file}: ")
        after = f" (after {count} frame{'s' if count > 1 else ''})" if count else ""
        yield Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: {said}{after}"))


class _Reader:
    """The thread that reads a source. film: see `Opened`. failure: why it reads no more; empty if that is as it should
    be."""

    def __init__(self, address: int | str) -> None:
        self.film, self.failure = False, ""
        self._address = address
        self._changed = threading.Condition()
        self._frames: deque[tuple[int, float, np.ndarray]] = deque()
        self._ended = self._done = False
        self._heard = monotonic()
        self._thread = threading.Thread(target=self._run, name="alpr-stream", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        with self._changed:
            return self._done and not self._frames

    def next(self, seconds: float = 0.1) -> tuple[int, float, np.ndarray] | None:
        """Number, time in milliseconds and picture of the next frame; None if none has come within `seconds`."""
        with self._changed:
            if not self._frames and not self._done:
                # In short steps: where Python cannot be woken from a wait, Ctrl-C would have to wait too.
                self._changed.wait(seconds)
            if self._frames:
                self._changed.notify_all()
                return self._frames.popleft()
            if not self._done and monotonic() - self._heard > SILENCE_SECONDS:
                self._done, self.failure = True, "does not answer any more"
            return None

    def close(self) -> None:
        """Read no more. A thread that hangs in a driver is left behind."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(1.0)

    def _run(self) -> None:
        capture: Capture | None = None
        # Where an error of the program ends the thread, with a traceback, the stream has not ended as it should.
        failure = "cannot be read on, for an error of the program"
        try:
            opened = _opened(self._address)
            self.film, capture = opened.film, opened.capture
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
            return "cannot be opened; is there such a camera, and does no other program use it?"
        return "cannot be opened: what is there is no stream that can be read"

    def _read_all(self, capture: Capture) -> str:
        """Read until there is nothing more, and say why."""
        clock = VideoClock(capture.get(cv2.CAP_PROP_FPS))
        number = 0
        while not self._ended:
            read, image = capture.read()
            if not read or image is None or not image.size:
                return self._end(capture, clock, number)
            at_ms = clock.tick(capture.get(cv2.CAP_PROP_POS_MSEC)) if self.film else 1000 * monotonic()
            self._put(number, at_ms, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            number += 1
        return ""

    def _end(self, capture: Capture, clock: VideoClock, count: int) -> str:
        if not count:
            return "sends no pictures"
        if not self.film:
            return "sends no more pictures"
        length, until = length_of(capture), (clock.now + clock.period_ms) / 1000
        return f"ends at {until:.1f} s of {length:.1f} s" if ends_early(until, length) else ""

    def _put(self, number: int, at_ms: float, image: np.ndarray) -> None:
        """A frame of a film waits for room; for one of now the oldest has to go."""
        most = max(1, min(MOST_WAITING, WAITING_BYTES // image.nbytes))
        with self._changed:
            if self.film:
                self._changed.wait_for(lambda: len(self._frames) < most or self._ended)
            while len(self._frames) >= most:
                self._frames.popleft()
            self._heard = monotonic()
            self._frames.append((number, at_ms, image))
            self._changed.notify_all()
