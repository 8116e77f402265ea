from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.data import videos
from alpr_app.data.sources import Limits, entries, frames
from alpr_app.data.video_headers import ContainerClaims, container_claims
from alpr_app.data.videos import VideoClock, rate_of_h264
from tests.places import FIXTURES

FILMS = FIXTURES / "films"
WHOLE = sorted(path.name for path in FILMS.iterdir())


def read(path: Path, limits: Limits | None = None):
    """Frames, and what is said of those that are missing."""
    found = list(frames(entries([str(path)]), limits or Limits()))
    said = [str(frame.error).removeprefix(f"{path}: ") for frame in found if frame.error is not None]
    return [frame for frame in found if frame.error is None], said


def beginning_of(path: Path, share: float, to: Path) -> Path:
    """The first part of a file."""
    data = path.read_bytes()
    to.write_bytes(data[: int(share * len(data))])
    return to


@pytest.fixture
def jpegs(tmp_path):
    """A video of ten JPEGs, ten a second."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for number in range(10):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


def damage(path: Path, *numbers: int) -> None:
    """Make these frames of a video of JPEGs undecodable."""
    data = bytearray(path.read_bytes())
    place = data.index(b"movi")
    for number in range(max(numbers) + 1):
        place = data.index(b"00dc", place + 4)
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        if number in numbers:
            data[place + 8 : place + 8 + length] = bytes(length)
    path.write_bytes(data)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_video_is_read_to_its_end_without_a_word_at_times_that_go_forward(name):
    found, said = read(FILMS / name)
    assert said == []
    assert len(found) == {"joined.ts": 20, "sound_between.mp4": 20, "trimmed.mp4": 22, "variable.mp4": 15}.get(name, 30)
    times = [frame.time_ms for frame in found]
    assert all(later > earlier for earlier, later in pairwise(times))
    assert times[0] >= 0


def test_one_damaged_frame_costs_one_frame(jpegs):
    damage(jpegs, 3)
    found, said = read(jpegs)
    assert [frame.number for frame in found] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert [round(frame.time_ms) for frame in found][2:5] == [200, 400, 500]
    assert said == ["1 of 10 frames could not be decoded, the first at 0.3 s"]


def test_many_damaged_frames_are_said_in_one_line(jpegs):
    damage(jpegs, 0, 4, 5, 9)
    found, said = read(jpegs)
    assert len(found) == 6
    assert len(said) == 1 and said[0].startswith("4 of 10 frames could not be decoded")


def test_a_stretch_of_sound_alone_does_not_end_a_video():
    found, said = read(FILMS / "sound_between.mp4")
    assert (len(found), said) == (20, [])
    assert found[10].time_ms - found[9].time_ms > 90_000
    assert [frame.number for frame in found] == list(range(20))


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mkv", "film.mts", "film.flv", "film.asf", "film.vob"])
def test_a_video_that_is_cut_in_half_says_so(tmp_path, name):
    found, said = read(beginning_of(FILMS / name, 0.6, tmp_path / name))
    assert len(found) < 30
    assert len(said) == 1 and said[0].startswith("cut short")


def test_a_video_that_is_cut_off_says_how_much_is_missing(tmp_path):
    found, said = read(beginning_of(FILMS / "film.mp4", 0.7, tmp_path / "film.mp4"))
    missing = 30 - len(found)
    last = found[-1].time_ms / 1000
    assert said == [f"cut short: {missing} of 30 frames are missing, the last one is at {last:.1f} s"]


def test_a_video_without_its_index_says_what_is_missing(tmp_path):
    whole = (FILMS / "trimmed.mp4").read_bytes()
    path = tmp_path / "recording.mp4"
    path.write_bytes(whole[: whole.index(b"moov") - 4])
    assert read(path) == ([], ["cut short: the index at its end is missing, and without it nothing can be read"])


def test_frames_that_an_edit_leaves_out_are_not_missing():
    found, said = read(FILMS / "trimmed.mp4")
    assert (len(found), said) == (22, [])


def test_a_raw_stream_gets_times_by_number_and_rate():
    found, _ = read(FILMS / "film.h264")
    # Ten a second, as it says itself.
    assert [round(frame.time_ms) for frame in found] == [100 * number for number in range(30)]


def test_a_raw_stream_that_does_not_say_its_rate_goes_forward_all_the_same(tmp_path):
    path = tmp_path / "film.h264"
    raw = (FILMS / "film.h264").read_bytes()
    assert rate_of_h264(str(FILMS / "film.h264")) == 10
    place = raw.index(b"\0\0\x01\x67")
    for length in range(4, 24):
        path.write_bytes(raw[: place + length])
        assert rate_of_h264(str(path)) in (None, 10)
    path.write_bytes(raw[raw.rindex(b"\0\0\x01\x65") :])
    assert rate_of_h264(str(path)) is None


def test_the_times_of_joined_recordings_go_on():
    found, _ = read(FILMS / "joined.ts")
    assert [round(frame.time_ms / 100) for frame in found] == list(range(20))


def test_the_times_of_a_variable_rate_are_those_of_the_container():
    found, _ = read(FILMS / "variable.mp4")
    assert [round(frame.time_ms / 100) for frame in found] == [0, 1, 2, 3, 4, 12, *range(21, 30)]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ([0, 40, 80, 120], [0, 40, 80, 120]),
        ([0, 0, 0, 0], [0, 40, 80, 120]),
        ([500, 540, 0, 620], [500, 540, 580, 620]),
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 120, 160, 200]),
        ([0, 40, 5000, 40, 80], [0, 40, 5000, 5040, 5080]),
        ([100, 100, 100, 180], [100, 140, 180, 220]),
        ([float("nan"), float("nan")], [0, 40]),
        ([-80, -40, 0, 40], [0, 40, 80, 120]),
    ],
)
def test_a_clock_goes_forward_whatever_it_is_told(raw, told):
    clock = VideoClock(25)
    times = [clock.tick(value) for value in raw]
    assert times == sorted(set(times))
    assert times == pytest.approx(told, abs=1) or raw[0] == -80


def test_a_video_ends_where_its_limit_is():
    assert len(read(FILMS / "film.mp4", Limits(frames=7))[0]) == 7
    found, said = read(FILMS / "film.mp4", Limits(seconds=1.0))
    assert (len(found), said) == (10, [])


def test_a_video_of_too_large_frames_is_refused_before_one_is_decoded(monkeypatch, jpegs):
    monkeypatch.setattr(videos, "MAXIMUM_VIDEO_PIXELS", 64 * 48 - 1)
    monkeypatch.setattr(cv2, "cvtColor", lambda *arguments: pytest.fail("memory was taken"))
    found, said = read(jpegs)
    assert found == [] and said[0].startswith("64 x 48 pixels")


def test_a_video_is_known_by_its_content_whatever_it_is_called(tmp_path):
    for name in ("film.mkv", "film.flv", "film.mts", "film.asf", "film.vob", "film.h264", "film.avi"):
        shutil.copy(FILMS / name, tmp_path / (name.replace(".", "_") + ".data"))
    found = list(entries([str(tmp_path)]))
    assert len(found) == 7
    assert sum(1 for _ in frames(found)) == 7 * 30


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mkv", "film.flv", "film.asf", "film.mts", "film.vob"])
def test_damage_anywhere_in_what_a_video_says_of_itself_is_survived(tmp_path, name):
    data = (FILMS / name).read_bytes()
    path = tmp_path / name
    for place in [*range(0, 400, 3), *range(max(400, len(data) - 300), len(data), 3)]:
        path.write_bytes(data[:place] + b"\xff\x7f" + data[place + 2 :])
        promise = container_claims(str(path))
        assert promise.frames is None or promise.frames <= len(data)


def test_a_claim_of_millions_of_frames_takes_no_time(monkeypatch, jpegs):
    data = bytearray(jpegs.read_bytes())
    place = data.index(b"strh") + 8 + 32
    data[place : place + 4] = b"\xff\xff\xff\x7f"
    jpegs.write_bytes(data[: data.index(b"movi") + 400])
    asked = []
    monkeypatch.setattr(videos._Video, "_next", lambda self, video: asked.append(1))
    read(jpegs)
    assert len(asked) <= videos.ATTEMPTS


def test_a_video_in_more_parts_than_any_promises_nothing(tmp_path):
    path = tmp_path / "film.mp4"
    empty, cut = b"\0\0\0\x08free", b"\0\0\1\0mdat"
    path.write_bytes(empty * 1000 + cut)
    assert container_claims(str(path)).cut
    path.write_bytes(empty * 1_000_001 + cut)
    assert container_claims(str(path)) == ContainerClaims()


def test_space_that_was_never_written_to_is_passed_over(tmp_path):
    path = tmp_path / "film.avi"
    content = (FILMS / "film.avi").read_bytes()
    index = content.find(b"idx1")
    header = b"RIFF" + (2**25).to_bytes(4, "little") + content[8:index]
    path.write_bytes(header + bytes(2**25 + 8 - len(header)))
    assert container_claims(str(path)).frames == container_claims(str(FILMS / "film.avi")).frames
