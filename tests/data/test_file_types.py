from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from alpr_app.data.file_types import PICTURE_SUFFIXES, VIDEO_SUFFIXES, kind_of_content, kind_of_file, kind_of_name
from alpr_app.data.sources import entries, frames
from tests.places import FIXTURES

DATA = FIXTURES
IMAGE = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
WRITTEN = (".jpg", ".png", ".bmp", ".webp", ".tiff", ".gif", ".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pam", ".sr")


def encoded(suffix: str) -> bytes:
    return cv2.imencode(suffix, IMAGE[..., 0] if suffix in (".pgm", ".pbm") else IMAGE)[1].tobytes()


@pytest.mark.parametrize("suffix", WRITTEN)
def test_a_picture_is_known_by_its_content(tmp_path, suffix):
    path = tmp_path / "picture.unknown"
    path.write_bytes(encoded(suffix))
    assert kind_of_file(str(path)) == "picture"
    (frame,) = frames(entries([str(tmp_path)]))
    assert frame.load().shape == (96, 128, 3)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JIF", ".mpo"])
def test_a_jpeg_may_be_called_as_cameras_call_it(tmp_path, suffix):
    (tmp_path / f"photo{suffix}").write_bytes(encoded(".jpg"))
    (frame,) = frames(entries([str(tmp_path)]))
    assert frame.load().shape == (96, 128, 3)


@pytest.mark.parametrize("path", sorted((DATA / "films").iterdir()), ids=lambda path: path.name)
def test_a_video_is_none_of_the_pictures(path):
    assert kind_of_file(str(path)) == "video"


def test_what_a_file_holds_counts_more_than_what_it_is_called(tmp_path):
    picture, video = tmp_path / "picture.mp4", tmp_path / "video.jpg"
    picture.write_bytes(encoded(".png"))
    video.write_bytes((DATA / "films" / "film.mkv").read_bytes())
    found = list(frames(entries([str(picture), str(video)])))
    assert found[0].load().shape == (96, 128, 3)
    assert len(found) == 31


@pytest.mark.parametrize(
    "content", [b"", b"P", b"BM is how this text begins", b"P5", b"RIFF....WAVE", b"\0" * 640, b"GGGG", b"\0\0\x01"]
)
def test_other_content_is_neither(content):
    assert kind_of_content(content) is None


def test_a_folder_says_how_many_files_it_leaves_out(tmp_path, picture):
    (tmp_path / "photo.jpg").write_bytes(encoded(".jpg"))
    for name in ("notes.txt", "list.csv", ".hidden", "alpr_dataset.csv"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "folder.gif").mkdir()
    told = []
    found = list(entries([str(tmp_path)], left_out=lambda folder, files: told.append((folder, files))))
    assert [entry.within for entry in found] == ["photo.jpg"]
    assert told == [(str(tmp_path), 2)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (entry,) = entries([str(tmp_path)])
    assert "no pictures or videos" in str(entry.error)


def test_no_suffix_is_both():
    assert not set(PICTURE_SUFFIXES) & set(VIDEO_SUFFIXES)
    assert kind_of_name("a.PNG") == "picture" and kind_of_name("a.M2TS") == "video" and kind_of_name("a.txt") is None


def test_a_pattern_that_the_shell_did_not_expand_means_its_files(tmp_path):
    for name in ("p10.jpg", "p2.jpg", "other.png"):
        (tmp_path / name).write_bytes(encoded(".jpg"))
    assert [entry.within for entry in entries([str(tmp_path / "p*.jpg")])] == ["p2.jpg", "p10.jpg"]
    (none,) = entries([str(tmp_path / "x*.jpg")])
    assert "nothing matches it" in str(none.error)


def test_a_name_that_looks_like_a_pattern_is_a_name_where_there_is_such_a_file(tmp_path):
    for name in ("a[1].jpg", "a1.jpg"):
        (tmp_path / name).write_bytes(encoded(".jpg"))
    assert [entry.within for entry in entries([str(tmp_path / "a[1].jpg")])] == ["a[1].jpg"]


@pytest.mark.parametrize("major", [b"avif", b"mif1", b"miaf", b"MA1B"])
def test_an_avif_is_one_whatever_it_calls_itself_first(tmp_path, major):
    content = encoded(".avif")
    path = tmp_path / "picture.avif"
    path.write_bytes(content[:8] + major + content[12:])
    assert b"avif" in content[16:40], "it says so further on"
    (frame,) = frames(entries([str(path)]))
    assert frame.load().shape == (96, 128, 3)
