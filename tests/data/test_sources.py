from __future__ import annotations

import errno
import io
import os
import shutil
import sys

import cv2
import numpy as np
import pytest

from alpr_app.data.images import PictureError, write_picture
from alpr_app.data.sources import SourceError, entries, frames, natural_key


@pytest.fixture
def folder(tmp_path, picture):
    """Pictures whose names sort differently as text and as numbers, and things that are none."""
    root = tmp_path / "pictures 图"
    for name in ("b10.png", "b2.PNG", "a & b.jpg", ".hidden.png", "inner/c.png", "inner/.git/d.png", ".cache/e.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, picture())
    (root / "notes.txt").write_text("no picture")
    return root


@pytest.fixture
def video(tmp_path):
    """Five frames, each brighter than the one before, ten a second."""
    path = tmp_path / "clip 视频.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for number in range(5):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8))
    writer.release()
    return path


def within(found) -> list[str]:
    return [entry.within.replace(os.sep, "/") for entry in found]


def test_a_folder_gives_its_pictures_in_natural_order(folder):
    assert within(entries([str(folder)])) == ["a & b.jpg", "b2.PNG", "b10.png"]


def test_folders_within_are_read_only_when_asked_for(folder):
    assert within(entries([str(folder)], recursive=True)) == ["a & b.jpg", "b2.PNG", "b10.png", "inner/c.png"]


def test_paths_are_kept_as_given_and_in_order(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    found = list(entries([f"{folder.name}/inner", f"{folder.name}/b2.PNG"]))
    assert [entry.file for entry in found] == [os.path.join(folder.name, "inner", "c.png"), f"{folder.name}/b2.PNG"]
    assert all(entry.load().shape == (48, 64, 3) for entry in found)


def test_an_empty_folder_and_a_missing_file_are_errors_of_their_own(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    empty, missing, good = entries([str(tmp_path / "empty"), str(tmp_path / "no.jpg"), str(folder / "b2.PNG")])
    with pytest.raises(SourceError, match="empty: no pictures or videos in this folder; --recursive"):
        empty.load()
    with pytest.raises(PictureError, match=r"no\.jpg: no such file"):
        missing.load()
    assert good.load().shape == (48, 64, 3)


def test_paths_come_from_standard_input_as_bytes(folder, monkeypatch):
    lines = os.fsencode(folder / "b2.PNG") + b"\r\n\n" + os.fsencode(folder / "inner") + b"\nno\xff.png"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines), encoding="ascii"))
    found = list(entries(["-"]))
    assert within(found[:2]) == ["b2.PNG", "c.png"]
    assert os.fsencode(found[2].file) == b"no\xff.png"


def test_a_video_gives_its_frames_with_number_and_time(video):
    found = list(frames(entries([str(video)])))
    assert [frame.number for frame in found] == [0, 1, 2, 3, 4]
    assert [frame.time_ms for frame in found] == pytest.approx([0, 100, 200, 300, 400], abs=1)
    assert [frame.load().mean() for frame in found] == pytest.approx([0, 40, 80, 120, 160], abs=3)


def test_videos_that_cannot_be_read_are_errors_of_their_own(tmp_path, video):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 99)
    found = list(frames(entries([str(broken), str(tmp_path / "none.mp4"), str(video)])))
    assert "broken.mp4: this video cannot be read" in str(found[0].error)
    assert "none.mp4: no such file" in str(found[1].error)
    assert found[2].load().shape == (48, 64, 3)


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_video_whose_name_is_no_text_is_an_error_of_its_own(video):
    odd = os.fsdecode(os.fsencode(video.parent) + b"/no\xfftext.avi")
    try:
        shutil.copy(video, odd)
    except OSError:
        pytest.skip("this file system takes text only")
    refused, *others = frames(entries([odd, str(video)]))
    assert str(refused.error).endswith(r"no\udcfftext.avi: OpenCV opens no video whose name is not UTF-8; rename it")
    assert len(others) == 5


def test_a_folder_within_that_may_not_be_read_does_not_stop_the_others(folder, monkeypatch):
    listed = os.scandir

    def refusing(path: str):
        if path.endswith("inner"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listed(path)

    write_picture(folder / "outer.png", np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(os, "scandir", refusing)
    found = list(entries([str(folder)], recursive=True))
    assert within(found) == ["a & b.jpg", "b2.PNG", "b10.png", "inner", "outer.png"]
    assert [str(entry.error) for entry in found if entry.error] == [
        f"{folder / 'inner'}: cannot be opened: Permission denied"
    ]


def test_a_circle_of_links_ends(folder):
    (folder / "inner" / "up").symlink_to(folder, target_is_directory=True)
    assert within(entries([str(folder)], recursive=True))[-1] == "inner/c.png"


def test_natural_order_counts():
    names = ["p10", "P9", "p1b", "p1", "皖2", "10", "9", "²"]
    assert sorted(names, key=natural_key) == ["9", "10", "p1", "p1b", "P9", "p10", "²", "皖2"]
