"""The frames of a video: all that can be decoded, at increasing times, with one report of what is missing.

A raw H.264 stream has no container to state its frame rate; it is read from the sequence parameter set (ITU-T H.264,
7.3.2.1 and E.1.1).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from alpr_app.data.frame import NO_LIMITS, Frame, Limits, SourceError
from alpr_app.data.isobmff import Bits
from alpr_app.data.video_headers import ContainerClaims, container_claims

# Parameter sets come first, after encoder comments at most; this many bytes are searched.
_SEARCHED_BYTES = 2**16
# Longer than any parameter set.
_SET_BYTES = 2048
# Profiles whose parameter sets include chroma information.
_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_EXTENDED_ASPECT = 255


def rate_of_h264(path: str) -> float | None:
    """Return the frame rate stated in a raw H.264 stream; None if there is none, or the file is something else."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(_SEARCHED_BYTES)
    except OSError:
        return None
    if not beginning.startswith((b"\0\0\x01", b"\0\0\0\x01")):
        return None
    for unit in beginning.split(b"\0\0\x01")[1:]:
        if unit[:1] and unit[0] & 0x9F == 7:
            try:
                return _rate(Bits(unit[1:_SET_BYTES].replace(b"\0\0\x03", b"\0\0")))
            except ValueError:
                return None
    return None


def _rate(bits: Bits) -> float | None:
    profile = bits.take(8)
    bits.take(16)
    bits.number()
    if profile in _HIGH_PROFILES:
        _skip_chroma(bits)
    bits.number()
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.take(1)
        bits.number()
        bits.number()
        for _ in range(bits.number()):
            bits.number()
    # Reference frames, a flag, width, height; then whether all frames are progressive, and the cropping.
    bits.number()
    bits.take(1)
    bits.number()
    bits.number()
    if not bits.take(1):
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        for _ in range(4):
            bits.number()
    return _usage_rate(bits) if bits.take(1) else None


def _skip_chroma(bits: Bits) -> None:
    chroma = bits.number()
    if chroma == 3:
        bits.take(1)
    bits.number()
    bits.number()
    bits.take(1)
    if bits.take(1):
        for place in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if place < 6 else 64)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            number = bits.number()
            # Signed numbers: 1, -1, 2, -2 and so on.
            following = (last + (number + 1) // 2 * (1 if number % 2 else -1)) % 256
        last = following or last


def _usage_rate(bits: Bits) -> float | None:
    """Read the frame rate in the video usability information."""
    if bits.take(1) and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):
        bits.number()
        bits.number()
    if not bits.take(1):
        return None
    ticks, scale = bits.take(32), bits.take(32)
    # A tick is half a frame period.
    return scale / (2 * ticks) if ticks else None


class Capture(Protocol):
    """The part of cv2.VideoCapture that is used here."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def get(self, prop: int) -> float: ...

    def set(self, prop: int, value: float) -> bool: ...

    def release(self) -> None: ...


# A video may hold hours of sound between two of its frames. OpenCV reads this setting with its first frame.
os.environ.setdefault("OPENCV_FFMPEG_READ_ATTEMPTS", str(10**9))

# 8K, 8192 x 4320. A decoder holds several frames at once.
MAXIMUM_VIDEO_PIXELS = 36_000_000
# Attempts to read on where nothing can be decoded; at the end of a file all of them together take a few milliseconds.
ATTEMPTS = 20_000
# Of a video whose rate nobody knows.
USUAL_PERIOD_MS = 40.0
# What a video may be shorter than it says, in seconds and as a share: sound may last longer, and lengths are rounded.
SHORTER_SECONDS, SHORTER_SHARE = 2.0, 0.05


def check_video_name(file: str) -> None:
    """Raises SourceError for a name that is no text: opening it, OpenCV would take the whole process down."""
    try:
        file.encode()
    except UnicodeEncodeError as error:
        printable = file.encode(errors="backslashreplace").decode()
        raise SourceError(f"{printable}: OpenCV opens no video whose name is not UTF-8; rename it") from error


def check_video_size(file: str, width: float, height: float) -> None:
    """Raises SourceError for frames that would take too much memory."""
    if width * height > MAXIMUM_VIDEO_PIXELS:
        raise SourceError(
            f"{file}: {width:.0f} x {height:.0f} pixels, {MAXIMUM_VIDEO_PIXELS // 10**6} million are "
            "allowed in a video; make it smaller first"
        )


class VideoClock:
    """Times that only go forward, out of those that a container has for its frames: none at all, or such that begin
    anew where recordings were joined. rate: frames a second, which counts where nothing better is known; 0 if unknown.
    period_ms: from one frame to the next at that rate."""

    def __init__(self, rate: float) -> None:
        self.period_ms = period_ms = 1000 / rate if 1 <= rate <= 1000 else USUAL_PERIOD_MS
        self._raw, self._offset = -math.inf, 0.0
        self.now = -period_ms

    def tick(self, raw_ms: float) -> float:
        """The time in milliseconds of a frame for which the container says `raw_ms`."""
        if not math.isfinite(raw_ms) or (raw_ms <= 0 and self._raw > -math.inf):
            # A container that does not know says 0.
            self.now += self.period_ms
            return self.now
        if raw_ms < self._raw:
            self._offset = self.now + self.period_ms - raw_ms
        told = max(0.0, raw_ms + self._offset)
        self.now = told if told > self.now else self.now + self.period_ms
        self._raw = raw_ms
        return self.now


def length_of(capture: Capture) -> float | None:
    """How many seconds a container says that its video lasts, as FFmpeg understands it; None if it does not."""
    frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return frames / rate if rate > 0 and 0 < frames < 1e9 else None


def ends_early(until: float, length: float | None) -> bool:
    """Whether a video that ends at `until` seconds lacks something of its `length`."""
    return length is not None and length - until > max(SHORTER_SECONDS, SHORTER_SHARE * length)


def video_frames(entry: Frame, limits: Limits = NO_LIMITS) -> Iterator[Frame]:
    """Every frame of a video that can be decoded; last, one with an error if some are missing. One with an error alone
    if it cannot be opened or holds none."""
    try:
        yield from _Video(entry).frames(limits)
    except SourceError as error:
        yield Frame(entry.file, entry.within, error=error)


class _Video:
    """One video as it is read."""

    def __init__(self, entry: Frame) -> None:
        if not Path(entry.file).is_file():
            missing = "no such file" if not os.path.exists(entry.file) else "this is not an ordinary file"
            raise SourceError(f"{entry.file}: {missing}")
        check_video_name(entry.file)
        self.entry = entry
        self.claims: ContainerClaims = container_claims(entry.file)
        # Frames decoded, lost, and the time at which the first one was lost.
        self.count = self.lost = 0
        self.first_lost_ms: float | None = None

    def frames(self, limits: Limits) -> Iterator[Frame]:
        entry = self.entry
        video = cv2.VideoCapture(entry.file)
        try:
            # OpenCV assumes 25 frames/s for a raw stream.
            rate = rate_of_h264(entry.file) or video.get(cv2.CAP_PROP_FPS)
            self.clock = VideoClock(rate)
            check_video_size(entry.file, video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT))
            for number, time_ms, image in self._decoded(video):
                if limits.reached(self.count - 1, time_ms):
                    return
                yield Frame(entry.file, entry.within, image, number, time_ms)
            length = length_of(video) if self.claims.lasting else None
        finally:
            video.release()
        if not self.count:
            raise SourceError(f"{entry.file}: {self._why_nothing()}")
        missing = self._missing(length)
        if missing:
            yield Frame(entry.file, entry.within, error=SourceError(f"{entry.file}: {missing}"))

    def _decoded(self, video: cv2.VideoCapture) -> Iterator[tuple[int, float, np.ndarray]]:
        """Yield number, time and image of every frame; numbers include frames that could not be decoded."""
        number = failures = 0
        while failures < ATTEMPTS:
            image = self._next(video)
            if image is None:
                failures += 1
                continue
            before = self.clock.now
            time_ms = self.clock.tick(video.get(cv2.CAP_PROP_POS_MSEC))
            if failures and not self.claims.repeating:
                # After a passage with sound only, nothing is missing: lost frames would have taken time.
                failures = min(failures, max(0, round((time_ms - before) / self.clock.period_ms) - 1))
            if failures and self.first_lost_ms is None:
                self.first_lost_ms = before + self.clock.period_ms
            self.lost += failures
            number += failures
            failures = 0
            self.count += 1
            yield number, time_ms, image
            number += 1

    def _next(self, video: cv2.VideoCapture) -> np.ndarray | None:
        try:
            read, image = video.read()
        except cv2.error:
            # A frame of a size or kind that OpenCV cannot convert.
            return None
        if not read or image is None or not image.size:
            return None
        check_video_size(self.entry.file, image.shape[1], image.shape[0])
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def _why_nothing(self) -> str:
        if self.claims.unindexed:
            return "cut short: the index at its end is missing, and without it nothing can be read"
        if self.claims.cut:
            return "cut short before the end of its first frame"
        return "this video cannot be read; is it damaged or of an unknown format?"

    def _missing(self, length: float | None) -> str:
        """Describe what the container claims and decoding did not yield; empty if the video is complete."""
        claimed, until = self.claims.frames, (self.clock.now + self.clock.period_ms) / 1000
        lost = 0 if self.claims.repeating else self.lost
        missing = lost if claimed is None else max(0, claimed - self.count)
        share = f"{missing} of {claimed or self.count + missing} frames"
        if missing and self.claims.cut and claimed is not None:
            return f"cut short: {share} are missing, the last one is at {self.clock.now / 1000:.1f} s"
        if self.claims.cut:
            of = f" of {length:.1f} s" if length is not None and length > until else ""
            return f"cut short: it ends at {until:.1f} s{of}"
        if missing:
            first = "" if self.first_lost_ms is None else f", the first at {self.first_lost_ms / 1000:.1f} s"
            return f"{share} could not be decoded{first}"
        if ends_early(until, length):
            return f"it ends at {until:.1f} s of {length:.1f} s; what follows could not be decoded"
        return ""
