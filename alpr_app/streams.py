"""Cameras and streams: opened with a reason given where that fails, and read as fast as they come.

A read can wait in a driver or on the network, so it is done on a thread of its own, and Ctrl-C does not have to wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np

from alpr_app.addresses import file_name_for, is_address, without_secrets
from alpr_app.films import check_video_name
from alpr_app.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.network import TIMEOUT_SECONDS, SnapshotCapture, WebAddress, check_rtsp, gives_single_pictures

# A picture that is asked for comes no more often than this, in seconds.
SNAPSHOT_SECONDS = 0.2
# Frames that wait to be read; of a live source older ones make room, so that what is read is of now.
WAITING_BYTES = 64 * 2**20
MOST_WAITING = 64
# A camera sets itself up before its first picture.
CAMERA_SECONDS = 10.0


class Capture(Protocol):
    """What of cv2.VideoCapture is needed; tests bring their own."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def get(self, prop: int) -> float: ...

    def release(self) -> None: ...


def source_name(address: int | str) -> str:
    """How a camera or a stream is called to the user: no password is in it."""
    return f"camera {address}" if isinstance(address, int) else without_secrets(address)


def stream_entry(address: str) -> Frame:
    """The entry of a stream, not opened yet."""
    return Frame(without_secrets(address), file_name_for(address), stream=address)


def camera_entry(number: int) -> Frame:
    """The entry of a camera, not opened yet."""
    return Frame(f"camera {number}", f"camera-{number}", stream=number)


def open_capture(address: int | str, timeout: float = TIMEOUT_SECONDS) -> Capture:
    """A camera by number, a film, or a stream by its address, waiting no longer than `timeout` seconds for an answer.
    Raises SourceError, which says why an address cannot be opened: refused, not authorised, unknown, silent."""
    if isinstance(address, int):
        return cv2.VideoCapture(address)
    check_video_name(address)
    if not is_address(address):
        return cv2.VideoCapture(address)
    scheme = urlsplit(address).scheme.lower()
    if scheme in ("http", "https"):
        web = WebAddress(address, timeout)
        with web.ask() as answer:
            if gives_single_pictures(answer):
                return SnapshotCapture(web)
    elif scheme in ("rtsp", "rtsps", "rtmp"):
        check_rtsp(address, timeout)
    waits = int(1000 * timeout)
    network = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, waits, cv2.CAP_PROP_READ_TIMEOUT_MSEC, waits)
    # FFmpeg knows schemes by their small letters.
    return cv2.VideoCapture(scheme + address[len(scheme) :], cv2.CAP_FFMPEG, network)


def stream_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """The frames of a camera or a stream until a limit is reached; last, one with an error if it has ended or failed
    before. Numbers count all that came, times are those since the first one."""
    reader = _Reader(entry.stream)
    name = source_name(entry.stream)
    begun: float | None = None
    count = 0
    try:
        while not limits.stopped():
            if limits.frames is not None and count >= limits.frames:
                return
            if begun is not None and limits.seconds is not None and monotonic() - begun >= limits.seconds:
                return
            taken = reader.next()
            if taken is None:
                if reader.failure is not None:
                    break
                continue
            number, at, image = taken
            begun = at if begun is None else begun
            if limits.seconds is not None and at - begun >= limits.seconds:
                return
            count += 1
            yield Frame(entry.file, entry.within, image, number, 1000 * (at - begun))
        else:
            return
    finally:
        reader.close()
    yield Frame(entry.file, entry.within, error=SourceError(_with_name(name, reader.failure, count)))


def _with_name(name: str, failure: str, count: int) -> str:
    said = failure.removeprefix(f"{name}: ")
    return f"{name}: {said}" + (f" (after {count} frame{'s' if count > 1 else ''})" if count else "")


class _Reader:
    """The thread that reads a source. failure: why it reads no more."""

    def __init__(self, address: int | str) -> None:
        self._address = address
        self._changed = threading.Condition()
        self._frames: deque[tuple[int, float, np.ndarray]] = deque()
        self._ended = False
        self._heard = monotonic()
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="alpr-stream", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """Why no more comes; None while there is something still."""
        with self._changed:
            return None if self._frames else self._failure

    def next(self, seconds: float = 0.1) -> tuple[int, float, np.ndarray] | None:
        """Number, time and picture of the next frame; None if none has come within `seconds`."""
        with self._changed:
            if not self._frames and self._failure is None:
                # In short steps: where Python cannot be woken from a wait, Ctrl-C would be.
                self._changed.wait(seconds)
            if self._frames:
                return self._frames.popleft()
            if self._failure is None and monotonic() - self._heard > CAMERA_SECONDS + TIMEOUT_SECONDS:
                self._failure = "does not answer"
            return None

    def close(self) -> None:
        """Read no more. A thread that hangs in a driver is left behind."""
        with self._changed:
            self._ended = True
        self._thread.join(1.0)

    def _run(self) -> None:
        capture: Capture | None = None
        failure = "was closed"
        try:
            capture = open_capture(self._address)
            failure = self._read_all(capture) if capture.isOpened() else self._not_opened()
        except (cv2.error, OSError, SourceError) as error:
            failure = str(error)
        finally:
            if capture is not None:
                capture.release()
            with self._changed:
                self._failure = self._failure or failure
                self._changed.notify_all()

    def _not_opened(self) -> str:
        if isinstance(self._address, int):
            return "cannot be opened; is there such a camera, and does no other program use it?"
        return "cannot be opened: what is there is no stream that can be read"

    def _read_all(self, capture: Capture) -> str:
        polled = isinstance(capture, SnapshotCapture)
        number = 0
        while not self._ended:
            started = monotonic()
            read, image = capture.read()
            if not read or image is None or not image.size:
                return "sends no more pictures" if number else "sends no pictures"
            self._put(number, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            number += 1
            if polled:
                sleep(max(0.0, SNAPSHOT_SECONDS - (monotonic() - started)))
        return "was closed"

    def _put(self, number: int, image: np.ndarray) -> None:
        most = max(1, min(MOST_WAITING, WAITING_BYTES // image.nbytes))
        with self._changed:
            self._heard = monotonic()
            while len(self._frames) >= most:
                self._frames.popleft()
            self._frames.append((number, self._heard, image))
            self._changed.notify_all()
