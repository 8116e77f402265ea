"""Films read from any position."""

from __future__ import annotations

import random
import struct

import cv2
import numpy as np
import pytest

from alpr_app.data.films import Film
from alpr_app.data.frame import SourceError
from tests.places import FIXTURES

FILMS, NUMBERED = FIXTURES / "films", FIXTURES / "numbered_films"
# Frames of B-frames, of variable rate, streams that cannot be entered everywhere, and a film between hours of sound.
SEEKABLE = (
    *(FILMS / f"film.{suffix}" for suffix in ("asf", "avi", "flv", "mjpg", "mkv", "mp4", "mts", "vob")),
    *(FILMS / name for name in ("sound_between.mp4", "trimmed.mp4", "variable.mp4")),
    *(NUMBERED / name for name in ("late_entry.ts", "unknown_length.mkv", "variable_rate.mp4")),
)
BITS = 8
SIZE = (160, 48)


def numbered(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A frame whose stripes are the bits of its number."""
    image = np.full((size[1], size[0], 3), 30, np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            image[8:40, 8 + 18 * bit : 22 + 18 * bit] = 230
    return image


def number_in(image: np.ndarray) -> int:
    return sum((int(image[24, 15 + 18 * bit].mean()) > 128) << bit for bit in range(BITS))


def write_film(path, count=200, rate=25.0, codec="mp4v"):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, SIZE)
    for number in range(count):
        writer.write(numbered(number))
    writer.release()
    return path


@pytest.fixture
def film():
    """Opens films; all are closed at the end."""
    opened = []

    def make(path, **more):
        opened.append(Film(str(path), cv2.VideoCapture, **more))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def all_frames(film):
    frames = []
    while (frame := film.next()) is not None:
        frames.append(frame)
    return frames


def is_same(first, second):
    # Lossy decoders may round differently after a seek, but not by much.
    return np.abs(first.astype(int) - second).mean() < 1


@pytest.mark.parametrize("codec", ["mp4v", "MJPG"])
def test_every_frame_is_reached_exactly_forward_backward_and_at_random(film, tmp_path, codec):
    path = write_film(tmp_path / ("film.avi" if codec == "MJPG" else "film.mp4"), codec=codec)
    seen = film(path)
    seen.next()
    assert (seen.can_seek, seen.length_ms) == (True, 8000.0)
    order = random.Random(7).sample(range(200), 60)
    for number in [0, 199, 1, 198, *order]:
        # A time within the frame is enough.
        frame = seen.at(40 * number + 13)
        assert (number_in(frame.image), frame.number, round(frame.time_ms)) == (number, number, 40 * number)
    seen.at(40 * 120)
    assert [number_in(seen.previous().image) for _ in range(40)] == list(range(119, 79, -1))
    assert [number_in(seen.next().image) for _ in range(60)] == list(range(81, 141))


@pytest.mark.parametrize("path", SEEKABLE, ids=lambda path: path.name)
def test_a_seek_arrives_at_the_frame_that_reading_on_would_show(film, path):
    frames = all_frames(film(path))
    assert [frame.number for frame in frames] == list(range(len(frames)))
    seen = film(path)
    seen.next()
    picks = random.Random(3)
    for _ in range(25):
        place = picks.randrange(len(frames))
        frame = seen.at(frames[place].time_ms)
        assert is_same(frame.image, frames[place].image)
        assert frame.time_ms == pytest.approx(frames[place].time_ms, abs=0.5)
        assert frame.number in (place, None), "no number is better than a wrong one"
        if place:
            assert is_same(seen.previous().image, frames[place - 1].image)


def test_the_first_and_the_last_frame_are_ends(film, tmp_path):
    seen = film(write_film(tmp_path / "film.mp4", 20))
    seen.next()
    assert seen.previous() is None
    assert number_in(seen.at(10**7).image) == 19
    assert seen.next() is None
    assert (seen.length_ms, seen.trouble) == (800.0, "")
    assert number_in(seen.previous().image) == 18


def test_a_stream_without_times_is_only_read_on(film):
    seen = film(FILMS / "film.h264")
    assert not seen.can_seek
    assert seen.length_ms is None
    assert [frame.time_ms for frame in all_frames(seen)[:3]] == [0.0, 100.0, 200.0]
    assert seen.at(500.0) is None or seen.frame.time_ms == 500.0
    assert seen.length_ms == 3000.0, "known at the end"


def test_recordings_that_were_joined_are_only_read_on(film):
    seen = film(FILMS / "joined.ts")
    times = [frame.time_ms for frame in all_frames(seen)]
    assert times == sorted(times) and len(set(times)) == len(times) == 20
    assert times[-1] == pytest.approx(1900.0, abs=1)
    assert not seen.can_seek


def test_a_film_with_a_rotation_mark_is_upright_after_a_seek_too(film, tmp_path):
    path = write_film(tmp_path / "film.mp4", 40)
    content = bytearray(path.read_bytes())
    # The matrix of the track's header, for a quarter turn (ISO/IEC 14496-12, 8.3.2).
    start = content.index(b"tkhd") + 4 + 40
    content[start : start + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, SIZE[1] << 16, 0, 1 << 30)
    path.write_bytes(content)
    seen = film(path)
    first, later = seen.next(), seen.at(1200.0)
    assert first.image.shape == later.image.shape == (SIZE[0], SIZE[1], 3)
    assert number_in(np.rot90(later.image)) == 30 or number_in(np.rot90(later.image, 3)) == 30


class _Damaged:
    """A film of which some frames cannot be decoded, or whose end is missing."""

    def __init__(self, path, lost=(), end=200):
        self._capture, self._lost, self._end = cv2.VideoCapture(path), lost, end

    def read(self):
        read, image = self._capture.read()
        place = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 40)
        return (False, None) if not read or place in self._lost or place >= self._end else (read, image)

    def __getattr__(self, name):
        return getattr(self._capture, name)


def test_lost_frames_are_skipped_counted_once_and_keep_their_numbers(tmp_path):
    path = write_film(tmp_path / "film.avi", codec="MJPG")
    seen = Film(str(path), lambda name: _Damaged(name, lost=range(50, 53)))
    frames = all_frames(seen)
    assert len(frames) == 197
    assert [frame.number for frame in frames[48:52]] == [48, 49, 53, 54]
    assert all(number_in(frame.image) == frame.number for frame in frames)
    assert seen.trouble == "3 frames could not be decoded, the first at 2.0 s"
    assert number_in(seen.at(40 * 51).image) == 49, "the last frame until then"
    assert number_in(seen.next().image) == 53
    assert seen.trouble == "3 frames could not be decoded, the first at 2.0 s"
    seen.close()


def test_a_film_that_ends_early_says_so_and_its_length_is_corrected(tmp_path):
    path = write_film(tmp_path / "film.avi", codec="MJPG")
    seen = Film(str(path), lambda name: _Damaged(name, end=100))
    assert number_in(seen.at(7000.0).image) == 99
    all_frames(seen)
    assert seen.length_ms == 4000.0
    assert seen.trouble == "it ends at 4.0 s of 8.0 s; the rest cannot be decoded"
    seen.close()


def test_a_seek_that_is_no_longer_wanted_ends(film, tmp_path):
    cancelled = []
    seen = film(write_film(tmp_path / "film.mp4", 50), cancelled=lambda: bool(cancelled))
    seen.next()
    cancelled.append(True)
    assert seen.at(1600.0) is None
    cancelled.clear()
    assert number_in(seen.at(1600.0).image) == 40


def test_frames_that_are_too_large_are_refused(film, tmp_path, monkeypatch):
    path = write_film(tmp_path / "film.mp4", 3)
    monkeypatch.setattr("alpr_app.data.videos.MAXIMUM_VIDEO_PIXELS", 100)
    with pytest.raises(SourceError, match=r"film\.mp4: 160 x 48 pixels, 0 million are allowed"):
        film(path)


def test_memory_for_steps_back_is_bounded(film, tmp_path, monkeypatch):
    monkeypatch.setattr("alpr_app.data.films.WINDOW_BYTES", 5 * SIZE[0] * SIZE[1] * 3)
    seen = film(write_film(tmp_path / "film.mp4", 100))
    for _ in range(60):
        seen.next()
        assert len(seen._window) <= 5
    seen.at(3000.0)
    assert [number_in(seen.previous().image) for _ in range(9)] == list(range(74, 65, -1))
    assert len(seen._window) <= 5
