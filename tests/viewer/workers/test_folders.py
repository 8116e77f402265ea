from __future__ import annotations

import os

import pytest

from alpr_app.viewer.workers import folders
from alpr_app.viewer.workers.folders import FolderCrawl, open_error, read_folder, start_folders, walk
from alpr_app.viewer.workers.threads import drain


@pytest.fixture
def nested(tmp_path):
    """a (2 pictures) with a/deep (3), b without any, a hidden folder, a text file, a link that leads back up."""
    for folder, count in (("a", 2), ("a/deep", 3), ("b", 0), (".hidden", 4)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"{number}.jpg").touch()
    (tmp_path / "a" / "notes.txt").touch()
    (tmp_path / "b" / "back").symlink_to(tmp_path)
    return tmp_path


def refused(*given):
    raise PermissionError(13, "Permission denied")


def test_a_folder_lists_its_subfolders_in_natural_order_and_counts_its_pictures(tmp_path):
    for name in ("f10", "f2", "F1", ".git"):
        (tmp_path / name).mkdir()
    for name in ("x.jpg", "y.PNG", "z.txt", ".w.jpg"):
        (tmp_path / name).touch()
    found = read_folder(str(tmp_path))
    assert (found.folders, found.pictures, found.error) == (("F1", "f2", "f10"), 2, "")


def test_a_folder_without_permission_is_listed_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "scandir", refused)
    assert read_folder(str(tmp_path)).error == "Permission denied"


def test_a_link_that_leads_to_itself_hides_nothing_beside_it(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "a").mkdir()
    (tmp_path / "x.jpg").touch()
    found = read_folder(str(tmp_path))
    assert (found.folders, found.pictures, found.error) == (("a",), 1, "")


def test_a_crawl_sees_every_folder_once_and_goes_through_no_link(nested, until):
    crawl, seen = FolderCrawl(True), []
    crawl.request(str(nested))
    until(lambda: seen.extend(found for batch in drain(crawl.batches) for found in batch) or len(seen) >= 4, "all")
    assert crawl.close()
    counts = {os.path.relpath(found.path, nested): found.pictures for found in seen}
    assert counts == {".": 0, "a": 2, "b": 0, os.path.join("a", "deep"): 3}
    assert seen[[found.path for found in seen].index(str(nested / "b"))].links == {"back"}


def test_thousands_of_folders_come_in_few_batches_and_a_whole_disk_in_part(tmp_path, until):
    for number in range(2000):
        (tmp_path / str(number)).mkdir()
    wakes, seen = [], []
    crawl = FolderCrawl(True, lambda: wakes.append(1), maximum=1500)
    crawl.request(str(tmp_path))
    until(lambda: seen.extend(found for batch in drain(crawl.batches) for found in batch) or len(seen) == 1501, "most")
    assert crawl.close()
    assert len(wakes) < 100


def test_the_start_folders_exist():
    found = start_folders()
    assert found[0][0] == "Home"
    assert all(os.path.isabs(path) for _, path in found)


def test_the_reason_why_a_path_cannot_be_opened_is_short(nested, monkeypatch):
    (nested / "film.mp4").touch()
    fine = (str(nested), str(nested / "a" / "0.jpg"), str(nested / "film.mp4"), "rtsp://camera/1", "0")
    assert [open_error(target) for target in fine] == [""] * 5
    assert open_error(str(nested / "a" / "gone" / "x")) == f"There is no gone in {nested / 'a'}"
    assert "neither" in open_error(str(nested / "a" / "notes.txt"))
    monkeypatch.setattr(os, "access", lambda *given: False)
    assert "no permission to open" in open_error(str(nested))


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path):
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.mp4").mkdir()
    (tmp_path / "y.jpg").touch()
    found = read_folder(str(tmp_path), with_files=True)
    assert (found.folders, found.files, found.pictures) == (("x.jpg", "x.mp4"), ("y.jpg",), 1)
    assert [name for name, _ in walk(str(tmp_path), recursive=True)] == ["y.jpg"]
    assert open_error(str(tmp_path / "x.jpg")) == ""


def test_of_a_large_folder_only_the_first_files_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAXIMUM_FILES", 3)
    for number in range(12):
        (tmp_path / f"{number}.jpg").touch()
    found = read_folder(str(tmp_path), with_files=True)
    assert (found.files, found.pictures) == (("0.jpg", "1.jpg", "2.jpg"), 12)
    assert read_folder(str(tmp_path)).files == ()
