from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from alpr_app.av1_header import coded_sizes
from alpr_app.picture_header import is_cut_short, picture_size
from alpr_app.turn_marks import turn_marks

IMAGE = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)


def encoded(suffix: str, *parameters: int) -> bytes:
    return cv2.imencode(suffix, IMAGE, list(parameters))[1].tobytes()


@pytest.mark.parametrize(
    "data",
    [
        encoded(".jpg"),
        encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encoded(".png"),
        encoded(".bmp"),
        encoded(".gif"),
        encoded(".tiff"),
        encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
        encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80),
    ],
)
def test_the_size_is_read_from_the_header(data):
    assert picture_size(data) == (53, 37)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".gif", ".tiff", ".webp"])
def test_any_beginning_of_a_file_is_survived(suffix):
    data = encoded(suffix)
    for length in range(min(len(data), 700)):
        assert picture_size(data[:length]) in (None, (53, 37))


def test_what_is_no_picture_has_no_size():
    assert picture_size(b"just text") is None
    assert picture_size(b"") is None


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_missing_end_is_seen(suffix):
    data = encoded(suffix)
    assert not is_cut_short(data)
    assert not is_cut_short(data + b"what phones put behind the picture")
    for part in (0.3, 0.9):
        assert is_cut_short(data[: int(part * len(data))])


@pytest.mark.parametrize("pages", [1, 2])
def test_what_is_coded_counts_whatever_an_avif_says_around_it(tmp_path, pages):
    path = tmp_path / "picture.avif"
    if pages == 1:
        path.write_bytes(encoded(".avif"))
    else:
        animation = cv2.Animation()
        animation.frames, animation.durations = [IMAGE, IMAGE[::-1].copy()], [40, 40]
        assert cv2.imwriteanimation(str(path), animation)
    data = bytearray(path.read_bytes())
    place = data.find(b"ispe")
    while place >= 0:
        struct.pack_into(">II", data, place + 8, 8, 8)
        place = data.find(b"ispe", place + 1)
    assert coded_sizes(bytes(data)) == [(53, 37)] * pages
    assert picture_size(bytes(data)) == (53, 37)


@pytest.mark.parametrize("suffix", [".avif", ".jp2", ".webp", ".jpg", ".tiff", ".gif", ".hdr", ".pam"])
def test_damage_anywhere_in_a_header_is_survived(suffix):
    image = cv2.resize(IMAGE, (128, 96))
    data = cv2.imencode(suffix, image.astype(np.float32) if suffix == ".hdr" else image)[1].tobytes()
    for place in range(min(len(data), 600)):
        for value in (0, 0x7F, 0xFF):
            damaged = data[:place] + bytes((value,)) + data[place + 1 :]
            size = picture_size(damaged)
            assert size is None or all(size)
            turn_marks(damaged)
