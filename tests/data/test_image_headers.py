from __future__ import annotations

import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest

from alpr_app.data.image_headers import is_cut_short, picture_size
from alpr_app.data.isobmff import coded_sizes, read_orientation

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
            read_orientation(damaged)


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def jpeg_with_filling() -> bytes:
    """A scan that goes on as what stands before a marker, which does not come."""
    return b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"\xff" * 2**20 + b"\0"


def avif_of_one_part() -> bytes:
    """Its table says that each of a thousand items is the whole file 65,535 times."""
    table = b"".join(struct.pack(">HHH", number, 0, 65535) for number in range(1000))
    locations = box(b"iloc", bytes(6) + struct.pack(">H", 1000) + table)
    return box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4) + locations) + b"\x12\0" * 1000


@pytest.mark.parametrize("bomb", [jpeg_with_filling, avif_of_one_part])
def test_a_header_without_an_end_is_given_up(tmp_path, bomb):
    path = tmp_path / "bomb"
    path.write_bytes(bomb())
    program = (
        "import sys; from pathlib import Path; from alpr_app.data.images import PictureError, decode_picture\n"
        "try: decode_picture(Path(sys.argv[1]).read_bytes(), 'bomb')\n"
        "except PictureError as error: print(error)"
    )
    # To go through all of it takes days.
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bomb: ") and done.stdout.count("\n") == 1


def with_parts(format: str, count: int) -> bytes:
    """A picture with so many empty parts."""
    if format == "jpeg":
        return b"\xff\xd8" + b"\xff\xe1\0\2" * count + encoded(".jpg")[2:]
    if format == "webp":
        return b"RIFF\0\0\0\1WEBP" + bytes(8 * count) + encoded(".webp")[12:]
    if format == "gif":
        picture = encoded(".gif")
        begin = 13 + 3 * 2 ** ((picture[10] & 7) + 1)
        return picture[:begin] + b"!\xfe\0" * count + picture[begin:]
    return encoded(".avif") + box(b"free", b"") * count


@pytest.mark.parametrize("format", ["jpeg", "webp", "gif", "avif"])
def test_what_is_made_of_more_parts_than_any_picture_has_no_size(format):
    assert picture_size(with_parts(format, 1000)) == (53, 37)
    assert picture_size(with_parts(format, 1_000_001)) is None


def test_a_png_of_more_parts_than_any_is_cut_short():
    picture = encoded(".png")
    empty = struct.pack(">I4sI", 0, b"tEXt", 0)
    assert not is_cut_short(picture[:-12] + empty * 1000 + picture[-12:])
    assert is_cut_short(picture[:-12] + empty * 1_000_001 + picture[-12:])
