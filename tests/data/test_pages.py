from __future__ import annotations

import cv2
import numpy as np
import pytest

from alpr_app.data import pages
from alpr_app.data.sources import Limits, entries, frames

GREYS = [20 * number for number in range(8)]


def write(path, greys=GREYS):
    """A picture of several pages, each of another grey."""
    images = [np.full((48, 64, 3), grey, np.uint8) for grey in greys]
    if path.suffix == ".tiff":
        assert cv2.imwritemulti(str(path), images)
        return
    animation = cv2.Animation()
    animation.frames, animation.durations = images, [100] * len(images)
    assert cv2.imwriteanimation(str(path), animation)


def read(path, limits=None):
    return list(frames(entries([str(path)]), limits or Limits()))


@pytest.mark.parametrize("suffix", [".tiff", ".gif", ".png", ".webp", ".avif"])
def test_every_page_is_a_frame(tmp_path, monkeypatch, suffix):
    # Few at once, so that what is decoded in parts is seen to go on.
    monkeypatch.setattr(pages, "_AT_ONCE_BYTES", 3 * 4 * 48 * 64)
    path = tmp_path / f"pages{suffix}"
    write(path)
    found = read(path)
    assert [frame.number for frame in found] == list(range(8))
    assert [frame.load().mean() for frame in found] == pytest.approx(GREYS, abs=6)
    times = [frame.time_ms for frame in found]
    assert times == ([None] * 8 if suffix == ".tiff" else pytest.approx([100 * number for number in range(8)], abs=2))


@pytest.mark.parametrize("suffix", [".tiff", ".gif", ".png", ".webp", ".avif"])
def test_one_page_is_a_picture(tmp_path, suffix):
    path = tmp_path / f"page{suffix}"
    path.write_bytes(cv2.imencode(suffix, np.full((48, 64, 3), 90, np.uint8))[1].tobytes())
    (frame,) = read(path)
    assert frame.number is None and frame.image is None
    assert frame.load().shape == (48, 64, 3)


def test_pages_of_different_sizes_keep_them(tmp_path):
    path = tmp_path / "pages.tiff"
    cv2.imwritemulti(str(path), [np.zeros((20 + number, 30, 3), np.uint8) for number in range(4)])
    assert [frame.load().shape[0] for frame in read(path)] == [20, 21, 22, 23]


def test_pages_that_cannot_be_decoded_are_said(tmp_path):
    path = tmp_path / "pages.webp"
    write(path)
    data = path.read_bytes()
    last = data.rindex(b"ANMF")
    path.write_bytes(data[: last + 24] + bytes(len(data) - last - 24))
    *good, bad = read(path)
    assert len(good) == 7 or len(good) == 0
    assert "pages cannot be decoded" in str(bad.error)


def test_pages_end_where_their_limit_is(tmp_path):
    path = tmp_path / "pages.tiff"
    write(path)
    assert len(read(path, Limits(frames=3))) == 3
