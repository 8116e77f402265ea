from __future__ import annotations

import errno
import os
import struct
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.data.images import MAXIMUM_PIXELS, PictureError, read_picture, write_picture
from tests.places import FIXTURES


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
    with pytest.raises(PictureError, match="not an ordinary file"):
        read_picture("/dev/zero")


@pytest.mark.parametrize("size", [(50_000, 50_000), (30_000, 30_000), (65_000, 4_000)])
def test_a_header_that_claims_too_much_is_refused_before_it_is_decoded(tmp_path, picture, monkeypatch, size):
    path = tmp_path / "bomb.jpg"
    path.write_bytes(claiming(encoded(".jpg", picture()), *size))
    monkeypatch.setattr(cv2, "imdecode", lambda *arguments: pytest.fail("memory was taken"))
    with pytest.raises(PictureError, match=f"{size[0]} x {size[1]} pixels, {MAXIMUM_PIXELS // 10**6} million"):
        read_picture(path)


def test_a_format_that_cannot_be_written_is_named(tmp_path, picture):
    with pytest.raises(PictureError, match=r"'\.xyz' is not a picture format; use \.jpg or \.png"):
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


HOSTILE = FIXTURES / "pictures"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("j_hidden2.jpg", "32000 x 32000 pixels"),
        ("j_hidden_prog.jpg", "32000 x 32000 pixels"),
        ("giant2.jp2", "32000 x 32000 pixels"),
        ("j_scans14k.jpg", "more than 100 scans"),
    ],
)
def test_a_small_file_that_would_take_much_memory_or_time_is_not_decoded(monkeypatch, name, complaint):
    monkeypatch.setattr(cv2, "imdecode", lambda *arguments: pytest.fail("it was decoded"))
    with pytest.raises(PictureError, match=f"{name}: .*{complaint}"):
        read_picture(HOSTILE / name)


def bomb(kind: str, side: int = 60_000) -> bytes:
    """The beginning of a picture of side x side pixels."""
    text, order = str(side).encode(), "<"
    if kind in ("P1", "P2", "P3", "P4", "P5", "P6"):
        return kind.encode() + b"\n# a remark\n" + text + b" " + text + b"\n255\n" + bytes(99)
    if kind == "PAM":
        return b"P7\nWIDTH %b\nHEIGHT %b\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" % (text, text) + bytes(99)
    if kind == "PFM":
        return b"PF\n%b %b\n-1.0\n" % (text, text) + bytes(99)
    if kind == "HDR":
        return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %b +X %b\n" % (text, text) + bytes(99)
    if kind == "Sun":
        return struct.pack(">8I", 0x59A66A95, side, side, 24, 0, 1, 0, 0) + bytes(99)
    if kind == "BMP":
        return b"BM" + struct.pack("<IIIIiiHHIIiiII", 999, 0, 54, 40, side, -side, 1, 24, 0, 0, 1, 1, 0, 0) + bytes(99)
    if kind == "GIF":
        return b"GIF89a" + struct.pack("<HHBBBB4HB", side, side, 0, 0, 0, 0x2C, 0, 0, 9, 9, 0) + bytes(9)
    if kind == "GIF frame":
        return b"GIF89a" + struct.pack("<HHBBBB4HB", 9, 9, 0, 0, 0, 0x2C, 0, 0, side, side, 0) + bytes(9)
    if kind == "PNG":
        return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", side, side, 8, 2, 0, 0, 0, 0) + bytes(99)
    if kind == "WebP":
        return b"RIFF" + struct.pack("<I4s4sI", 99, b"WEBP", b"VP8L", 60) + b"\x2f\xff\xff\xff\x0f" + bytes(60)
    if kind == "J2K":
        size = struct.pack(">HIIIIIIIIHBBB", 0, side, side, 0, 0, side, side, 0, 0, 1, 7, 1, 1)
        return b"\xff\x4f\xff\x51" + struct.pack(">H", 41) + size + bytes(99)
    if kind == "tiny tiles":
        size = struct.pack(">HIIIIIIIIHBBB", 0, 9000, 9000, 0, 0, 8, 8, 0, 0, 1, 7, 1, 1)
        return b"\xff\x4f\xff\x51" + struct.pack(">H", 41) + size + bytes(99)
    if kind == "AVIF":
        data = bytearray(encoded(".avif", np.zeros((48, 64, 3), np.uint8)))
        struct.pack_into(">II", data, data.index(b"ispe") + 8, side, side)
        return bytes(data)
    big = kind == "BigTIFF"
    tags = [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, side), (279, 9)]
    if kind == "tile":
        tags = [(256, 9), (257, 9), (258, 8), (259, 1), (277, 1), (322, side), (323, side), (324, 8), (325, 9)]
    if big:
        listed = b"".join(struct.pack(order + "HHQQ", tag, 4, 1, value) for tag, value in tags)
        return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(tags)) + listed + bytes(99)
    listed = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + listed + bytes(99)


@pytest.mark.parametrize(
    "kind",
    [
        *("P1", "P2", "P3", "P4", "P5", "P6", "PAM", "PFM", "HDR", "Sun", "BMP", "GIF", "GIF frame", "PNG", "WebP"),
        *("J2K", "tiny tiles", "AVIF", "TIFF", "BigTIFF", "tile"),
    ],
)
def test_a_claim_that_takes_too_much_memory_is_refused_in_every_format(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(cv2, "imdecode", lambda *arguments: pytest.fail("it was decoded"))
    path = tmp_path / "bomb"
    path.write_bytes(bomb(kind))
    with pytest.raises(PictureError, match=r"bomb: \d+ x \d+ pixels.*make it smaller first"):
        read_picture(path)


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(99) + b"\xff\xd9", b"P5\n", b"GIF89a\x09\0"])
def test_a_known_format_that_claims_nothing_is_not_decoded(tmp_path, monkeypatch, content):
    monkeypatch.setattr(cv2, "imdecode", lambda *arguments: pytest.fail("it was decoded"))
    path = tmp_path / "nothing"
    path.write_bytes(content)
    with pytest.raises(PictureError, match="a damaged picture"):
        read_picture(path)


def test_large_pictures_of_cameras_are_read(tmp_path):
    path = tmp_path / "panorama.jpg"
    path.write_bytes(encoded(".jpg", np.zeros((4000, 12_000, 3), np.uint8)))
    assert read_picture(path).shape == (4000, 12_000, 3)


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("lacking", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(tmp_path, picture, progressive, lacking):
    whole = cv2.imencode(".jpg", picture(200, 300), [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])[1].tobytes()
    path, without = tmp_path / "whole.jpg", tmp_path / "without.jpg"
    path.write_bytes(whole)
    without.write_bytes(whole[:-lacking])
    assert np.array_equal(read_picture(without), read_picture(path))
    for missing in (20, 60, 200):
        without.write_bytes(whole[:-missing])
        with pytest.raises(PictureError, match="cut short"):
            read_picture(without)


def test_the_turn_marks_of_an_avif_are_followed():
    assert read_picture(HOSTILE / "turned.avif").shape == (1160, 720, 3)
    assert read_picture(HOSTILE / "turned.avif", orient=False).shape == (720, 1160, 3)


def test_a_heic_picture_is_read_where_its_package_is_there():
    pytest.importorskip("pillow_heif", reason="HEIC pictures need pillow-heif")
    assert read_picture(HOSTILE / "iphone.heic").shape == (1160, 720, 3)


def test_a_heic_picture_names_the_package_that_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match=r"iphone\.heic: HEIC pictures need .*pip install pillow-heif"):
        read_picture(HOSTILE / "iphone.heic")


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_jpeg_of_few_bytes_that_claims_many_pixels_is_cut_short_and_never_decoded(tmp_path, progressive):
    image = np.zeros((3000, 4000, 3), np.uint8)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])[1].tobytes()
    # Nothing to be seen, and all there: it takes as few bytes as a JPEG can.
    (tmp_path / "black.jpg").write_bytes(data)
    assert read_picture(tmp_path / "black.jpg").shape == image.shape
    cut = data[: len(data) // 40] + b"\xff\xd9"
    (tmp_path / "cut.jpg").write_bytes(cut)
    with pytest.raises(PictureError, match=r"cut.jpg: cut short; .* bytes cannot hold 4000 x 3000 pixels"):
        read_picture(tmp_path / "cut.jpg")


def test_a_damaged_heic_picture_is_one_message(tmp_path):
    pytest.importorskip("pillow_heif", reason="HEIC pictures need pillow-heif")
    data, path = (HOSTILE / "iphone.heic").read_bytes(), tmp_path / "damaged.heic"
    for place in range(0, 600, 11):
        path.write_bytes(data[:place] + b"\xff\x00\xea" + data[place + 3 :])
        try:
            read_picture(path)
        except PictureError as error:
            assert str(error).startswith(f"{path}: ")
