from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.pictures import MAXIMUM_PIXELS, PictureError, read_picture, write_picture


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def claiming(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header claims another size."""
    start = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:start] + struct.pack(">HH", height, width) + jpeg[start + 4 :]


def turned(jpeg: bytes) -> bytes:
    """A JPEG whose EXIF says: turn me a quarter to the right."""
    tags = b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x112, 3, 1, 6, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + jpeg[2:]


@pytest.mark.parametrize("name", ["plain.png", "with space.png", "a & b.png", "皖A12345 照片.png", "sub/#%.png"])
def test_any_path_can_be_written_and_read(tmp_path, picture, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    write_picture(path, picture())
    assert np.array_equal(read_picture(path), picture())
    assert np.array_equal(read_picture(str(path)), picture())


def test_colours_are_red_green_blue(tmp_path):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    write_picture(tmp_path / "red.bmp", red)
    assert cv2.imread(str(tmp_path / "red.bmp"))[0, 0].tolist() == [0, 0, 255]
    assert np.array_equal(read_picture(tmp_path / "red.bmp"), red)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_depth_and_number_of_channels_becomes_rgb(tmp_path, suffix, dtype, channels):
    top = np.iinfo(dtype).max
    image = np.full((6, 7, channels), top, dtype)
    image[:3] = top // 2
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(encoded(suffix, image))
    found = read_picture(path)
    assert (found.shape, found.dtype) == ((6, 7, 3), np.uint8)
    assert abs(int(found[0, 0, 0]) - 127) <= 1
    assert found[5, 6].tolist() == [255, 255, 255]


def test_exif_orientation_is_applied_unless_asked_otherwise(tmp_path, picture):
    path = tmp_path / "turned.jpg"
    path.write_bytes(turned(encoded(".jpg", picture(40, 60))))
    assert read_picture(path).shape == (60, 40, 3)
    assert read_picture(path, orient=False).shape == (40, 60, 3)
    assert np.array_equal(np.rot90(read_picture(path, orient=False), -1), read_picture(path))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".gif", ".tiff"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_a_cut_short_picture_is_an_error_and_never_half_grey(tmp_path, picture, suffix, part):
    data = encoded(suffix, picture(200, 300))
    path = tmp_path / f"part{suffix}"
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(PictureError, match=f"part{suffix}: (cut short|a damaged picture|not a picture)"):
        read_picture(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "the file is empty"), (b"no picture at all " * 9, "not a picture"), (b"\xff\xd8\xff", "cut short")],
)
def test_what_is_no_picture_is_named(tmp_path, content, complaint):
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=rf"text\.jpg: {complaint}"):
        read_picture(path)


def test_missing_files_folders_and_impossible_names_are_named(tmp_path):
    with pytest.raises(PictureError, match=r"none\.jpg: no such file"):
        read_picture(tmp_path / "none.jpg")
    with pytest.raises(PictureError, match="this is a folder"):
        read_picture(tmp_path)
    with pytest.raises(PictureError, match=r"cannot be opened|no such file"):
        read_picture("a\0b.jpg")
    with pytest.raises(PictureError, match=r"cannot be opened|no such file"):
        read_picture("x" * 5000)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path, picture):
    path = tmp_path / "secret.png"
    write_picture(path, picture())
    path.chmod(0)
    with pytest.raises(PictureError, match=r"secret\.png: cannot be opened: Permission denied"):
        read_picture(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without end, as Unix has one")
def test_a_device_is_not_read():
    with pytest.raises(PictureError, match="no ordinary file"):
        read_picture("/dev/zero")


@pytest.mark.parametrize("size", [(50_000, 50_000), (30_000, 30_000), (65_000, 4_000)])
def test_a_header_that_claims_too_much_is_refused_before_it_is_decoded(tmp_path, picture, monkeypatch, size):
    path = tmp_path / "bomb.jpg"
    path.write_bytes(claiming(encoded(".jpg", picture()), *size))
    monkeypatch.setattr(cv2, "imdecode", lambda *arguments: pytest.fail("memory was taken"))
    with pytest.raises(PictureError, match=f"{size[0]} x {size[1]} pixels, {MAXIMUM_PIXELS // 10**6} million"):
        read_picture(path)


def test_a_format_that_cannot_be_written_is_named(tmp_path, picture):
    with pytest.raises(PictureError, match=r"'\.xyz' is no picture format; use \.jpg or \.png"):
        write_picture(tmp_path / "picture.xyz", picture())


def test_a_full_disk_leaves_the_earlier_picture(tmp_path, picture, monkeypatch):
    path = tmp_path / "picture.png"
    write_picture(path, picture(seed=1))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PictureError, match=r"picture\.png: cannot be written: No space left"):
        write_picture(path, picture(seed=2))
    assert np.array_equal(read_picture(path), picture(seed=1))
    assert list(tmp_path.iterdir()) == [path]
