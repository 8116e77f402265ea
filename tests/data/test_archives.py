"""Pictures in tar files, whole and damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tarfile
import tracemalloc

import cv2
import numpy as np
import pytest

from alpr_app.data import archives
from alpr_app.data.sources import Frame, entries, frames, unpacked
from tests.places import FIXTURES


def png(grey: int) -> bytes:
    return cv2.imencode(".png", np.full((48, 64, 3), grey, np.uint8))[1].tobytes()


def tar_of(*members: tuple[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar file with these members in their order."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as tar:
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return stream.getvalue()


FIVE = tuple((f"{number}.png", png(40 * number)) for number in range(5))


def read(path) -> tuple[list[Frame], dict[str, int]]:
    """The entries of a tar file, and how many members were left out."""
    left_out: dict[str, int] = {}
    return list(unpacked(entries([str(path)]), left_out.__setitem__)), left_out


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize(("suffix", "pack"), [(".tar", bytes), (".tar.gz", gzip.compress), (".tar.bz2", bz2.compress)])
def test_members_are_pictures_in_their_order(tmp_path, kind, suffix, pack):
    path = tmp_path / f"shard{suffix}"
    path.write_bytes(pack(tar_of(*FIVE, kind=kind)))
    found, left_out = read(path)
    assert [entry.file for entry in found] == [f"{path}/{name}" for name, _ in FIVE]
    assert [frame.load().mean() for frame in frames(iter(found))] == [0, 40, 80, 120, 160]
    assert left_out == {}


def test_labels_beside_pictures_are_counted_and_left_out(tmp_path):
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of(("a.png", png(9)), ("a.json", b"{}"), ("a.txt", b"x"), ("inner.tar", tar_of(*FIVE))))
    found, left_out = read(path)
    assert [entry.within for entry in found] == ["shard.tar/a.png"]
    assert left_out == {str(path): 3}


def test_links_and_devices_are_never_followed(tmp_path):
    path = tmp_path / "shard.tar"
    with tarfile.open(path, "w") as tar:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)):
            header = tarfile.TarInfo(f"{number}.png")
            header.type, header.linkname = kind, "/etc/passwd"
            tar.addfile(header)
    assert read(path) == ([], {str(path): 4})


def test_names_of_members_lead_nowhere_else(tmp_path):
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of(("../../up.png", png(1)), ("/etc/abs.png", png(2)), ("c:\\dir\\..\\win.png", png(3))))
    found, _ = read(path)
    assert [entry.within for entry in found] == [
        "shard.tar/up.png",
        "shard.tar/etc/abs.png",
        "shard.tar/c_/dir/win.png",
    ]


@pytest.mark.parametrize("length", [1, 300, 512, 700, 1024 + 200, 4096, 5000])
def test_an_archive_that_is_cut_short_yields_what_precedes_the_cut_and_one_error(tmp_path, length):
    path = tmp_path / "shard.tar"
    # Without the members' own ends, each takes a header and a block or more.
    path.write_bytes(tar_of(*FIVE)[:length])
    found, _ = read(path)
    *good, last = found
    assert all(entry.error is None and entry.load().shape == (48, 64, 3) for entry in good)
    assert f"{path}: cut short" in str(last.error)


def test_an_archive_that_ends_between_two_members_is_cut_short(tmp_path):
    path = tmp_path / "shard.tar"
    whole = tar_of(*FIVE)
    path.write_bytes(whole[: whole.index(b"3.png") - whole.index(b"3.png") % 512])
    found, _ = read(path)
    assert len(found) == 4 and "cut short" in str(found[-1].error)


def test_a_damaged_header_is_an_error_and_not_the_end(tmp_path):
    path = tmp_path / "shard.tar"
    content = bytearray(tar_of(*FIVE))
    start = content.index(b"2.png")
    content[start : start + 20] = os.urandom(20)
    path.write_bytes(content)
    found, _ = read(path)
    assert [entry.error is None for entry in found] == [True, True, False]
    assert "shard.tar: damaged" in str(found[-1].error)


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar at all" * 99, gzip.compress(b"no tar" * 200, mtime=0), b"\x1f\x8b", b"BZh9 x"],
    ids=["empty", "text", "gzip of text", "gzip cut short", "bzip2 cut short"],
)
def test_what_is_no_archive_is_one_error(tmp_path, content):
    path = tmp_path / "shard.tar"
    path.write_bytes(content)
    found, _ = read(path)
    assert len(found) == 1 and str(found[0].error).startswith(f"{path}: ")


def test_a_missing_archive_is_one_error(tmp_path):
    (entry,), _ = read(tmp_path / "none.tar")
    assert str(entry.error) == f"{tmp_path / 'none.tar'}: cannot be opened: No such file or directory"


def test_a_member_that_is_too_large_is_an_error_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAXIMUM_BYTES", 2**20)
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of(("large.png", png(1) + bytes(2**21)), ("small.png", png(2))))
    large, small = read(path)[0]
    assert "large.png: larger than 1 MiB" in str(large.error)
    assert small.load().mean() == 2


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_much_takes_no_memory(tmp_path, kind):
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 2**28
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(2**6):
            file.write(bytes(2**20))
    tracemalloc.start()
    (entry,), _ = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "impossible size" in str(entry.error)
    assert peak < 2**24


def test_many_members_take_no_more_memory_than_few(tmp_path):
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of(*((f"{number:05}.txt", b"") for number in range(5000))))
    tracemalloc.start()
    assert read(path) == ([], {str(path): 5000})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 2**20


@pytest.mark.parametrize("name", ["film.avi", "film.mp4"])
def test_a_video_in_an_archive_is_an_error_that_says_what_to_do(tmp_path, name):
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of((name, (FIXTURES / "films" / name).read_bytes()), ("a.png", png(7))))
    video, still = frames(entries([str(path)]))
    assert "videos are read from files alone" in str(video.error)
    assert still.load().mean() == 7


@pytest.mark.parametrize("suffix", [".tiff", ".gif", ".png", ".webp"])
def test_pages_in_an_archive_are_those_of_the_file(tmp_path, suffix):
    images = [np.full((48, 64, 3), 20 + 60 * number, np.uint8) for number in range(4)]
    file = tmp_path / f"pages{suffix}"
    if suffix == ".tiff":
        cv2.imwritemulti(str(file), images)
    else:
        animation = cv2.Animation()
        animation.frames, animation.durations = images, np.full(4, 100, np.int32)
        cv2.imwriteanimation(str(file), animation)
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of((file.name, file.read_bytes())))
    alone, packed = list(frames(entries([str(file)]))), list(frames(entries([str(path)])))
    assert [frame.number for frame in packed] == [frame.number for frame in alone] == [0, 1, 2, 3]
    assert [frame.time_ms for frame in packed] == pytest.approx([frame.time_ms for frame in alone])
    for one, other in zip(alone, packed, strict=True):
        np.testing.assert_allclose(one.load().mean(), other.load().mean(), atol=3)
