from __future__ import annotations

import os

from alpr_app.data.sources import natural_key
from alpr_app.viewer.workers.folders import FolderScan, read_folder, sort_key, walk


def test_keys_sort_as_the_rest_of_the_program_does():
    names = ["a10.jpg", "a2.jpg", "A1.jpg", "b.jpg", "a.jpg", "10.jpg", "9.jpg", "皖2.jpg", "皖10.jpg", "a-1.jpg"]
    names += ["025-95_113-154&383.jpg", "25-95_113-154&384.jpg", "0.jpg", "ab1.jpg", "a1b2.jpg", "a1b10.jpg"]
    assert sorted(names, key=sort_key) == sorted(names, key=natural_key)


def test_ten_thousand_files_come_in_natural_order(tmp_path, until):
    for number in range(10_000):
        (tmp_path / f"{number}.jpg").touch()
    (tmp_path / ".hidden.jpg").touch()
    (tmp_path / "notes.txt").touch()
    scan = FolderScan(str(tmp_path))
    seen = []

    def finished():
        listing = scan.listings.take()
        seen.extend([listing] if listing else [])
        return seen and seen[-1].finished

    until(finished, "the list to be complete")
    assert seen[-1].names == [f"{number}.jpg" for number in range(10_000)]
    for listing in seen:
        assert listing.names == sorted(listing.names, key=natural_key)
    assert scan.close()


def test_subfolders_only_on_demand_hidden_ones_never(tmp_path):
    for folder in ("in", ".git"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").touch()
    (tmp_path / "y.png").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert {name for name, _ in walk(str(tmp_path), recursive=False)} == {"y.png"}
    assert {name.replace("\\", "/") for name, _ in walk(str(tmp_path), recursive=True)} == {"y.png", "in/x.png"}


def test_a_folder_that_is_gone_is_a_message(tmp_path, until):
    scan = FolderScan(str(tmp_path / "gone"))
    found = []
    until(lambda: found.extend(filter(None, [scan.listings.take()])) or found, "a listing")
    assert found[0].finished
    assert not found[0].names
    assert "gone" in found[0].error


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path):
    for name in ("album.jpg", "moving.gif"):
        (tmp_path / name).mkdir()
    (tmp_path / "album.jpg" / "a.jfif").touch()
    (tmp_path / "b.JPE").touch()
    assert sorted(name for name, _ in walk(str(tmp_path), recursive=False)) == ["b.JPE"]
    inside = os.path.join("album.jpg", "a.jfif")
    assert sorted(name for name, _ in walk(str(tmp_path), recursive=True)) == [inside, "b.JPE"]
    found = read_folder(str(tmp_path))
    assert (found.folders, found.pictures) == (("album.jpg", "moving.gif"), 1)
