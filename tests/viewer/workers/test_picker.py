"""The list of the open dialog."""

from __future__ import annotations

import os

import pytest

from alpr_app.viewer.workers.picker import PARENT, FolderPicker, Row


@pytest.fixture
def nested(tmp_path):
    """Folders a and b, of which a has a folder and two pictures; files that can be opened and one that cannot."""
    for folder in ("a", "a/deep", "b", "bild.jpg"):
        (tmp_path / folder).mkdir()
    for name in ("a/0.jpg", "a/1.png", "film.mp4", "Bus.JPG", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def picker(until):
    made = FolderPicker()
    made.ready = lambda: until(lambda: made.collect() or made.content is not None, "the content")
    made.names = lambda: [row.name for row in made.rows]
    yield made
    assert made.close()


def test_folders_and_the_files_that_can_be_opened_are_listed(picker, nested):
    picker.go(str(nested))
    picker.ready()
    assert picker.rows == [
        Row(PARENT, True),
        *(Row(name, True) for name in ("a", "b", "bild.jpg")),
        *(Row(name, False) for name in ("Bus.JPG", "film.mp4")),
    ]
    for by, cursor in ((1, 0), (1, 1), (9, 5), (-1, 4), (-9, 0), (1, 1)):
        picker.move(by)
        assert picker.cursor == cursor
    assert picker.path_of(picker.rows[1]) == str(nested / "a")
    assert picker.path_of(picker.rows[0]) == os.path.dirname(nested)
    picker.go(os.path.abspath(os.sep))
    assert PARENT not in picker.names()


def test_the_list_follows_what_is_typed(picker, nested):
    picker.go(str(nested))
    picker.ready()
    picker.follow(f"{nested}{os.sep}b")
    assert picker.names() == ["b", "bild.jpg", "Bus.JPG"], "in upper or lower case"
    picker.follow(f"{nested}{os.sep}a{os.sep}")
    picker.ready()
    assert (picker.path, picker.names()) == (str(nested / "a"), [PARENT, "deep", "0.jpg", "1.png"])
    picker.follow(f"{nested}{os.sep}a{os.sep}1")
    assert picker.names() == ["1.png"]
    for typed in ("rtsp://camera/stream", "b", "", "0"):
        picker.follow(typed)
        assert picker.names() == ["1.png"], typed
    picker.follow(f"{nested}{os.sep}gone{os.sep}x")
    picker.ready()
    assert picker.content.error and picker.names() == []
