from __future__ import annotations

import threading

import numpy as np
import pytest

from alpr_app.viewer.workers.images import DISPLAY_SIDE, FolderSource, load_image_item, make_image_item


class Desk:
    """Takes items as a recogniser would."""

    def __init__(self):
        self.order, self.queue = [], 0
        self.lock = threading.Lock()

    def submit(self, image_item, first):
        with self.lock:
            self.order.append((image_item.key, first))


@pytest.fixture
def source(until):
    made = []

    def make(desk, load=None):
        load = load or (lambda path: make_image_item(path, np.zeros((4, 4, 3), np.uint8)))
        made.append(FolderSource(desk.submit, lambda: desk.queue, load))
        return made[-1]

    yield make
    for one in made:
        assert one.close(5)


def test_the_selected_picture_comes_first_then_its_neighbours(source, until):
    desk = Desk()
    folder = source(desk)
    folder.focus(["c", "d", "b"])
    until(lambda: len(desk.order) == 3, "three pictures")
    assert desk.order == [("c", True), ("d", False), ("b", False)]
    assert folder.image_item("d") is not None
    assert folder.image_item("a") is None


def test_no_picture_is_dropped_and_none_is_read_twice(source, until):
    desk = Desk()
    folder = source(desk)
    names = [str(number) for number in range(200)]
    for name, following in zip(names, [*names[1:], ""], strict=True):
        folder.focus([name, following] if following else [name])
    until(lambda: len(desk.order) == 200, "all pictures that were passed")
    assert sorted(key for key, _ in desk.order) == sorted(names)


def test_while_the_recogniser_is_busy_only_the_selected_picture_is_decoded(source, until):
    desk = Desk()
    desk.queue = 2
    folder = source(desk)
    folder.read_all(["x", "y", "z"])
    folder.focus(["a"])
    until(lambda: folder.image_item("a") is not None, "the picture looked at")
    assert [key for key, _ in desk.order] == ["a"]
    desk.queue = 0
    folder.notify()
    until(lambda: len(desk.order) == 4, "the rest")
    assert folder.image_item("x") is None, "a picture nobody looks at is not kept"


def test_reading_the_whole_folder_can_be_stopped(source, until):
    desk = Desk()
    desk.queue = 2
    folder = source(desk)
    folder.read_all(["x", "y"])
    folder.read_all(None)
    desk.queue = 0
    folder.focus(["a"])
    until(lambda: desk.order, "the picture looked at")
    folder.notify()
    assert [key for key, _ in desk.order] == ["a"]


def test_an_unreadable_picture_is_an_item_with_an_error(few_pictures):
    image_item = load_image_item(str(few_pictures / "5.png"))
    assert image_item.image is None
    assert image_item.size == (0, 0)
    assert "not a picture" in image_item.error


def test_a_picture_larger_than_a_texture_is_shown_smaller(picture):
    image_item = make_image_item("wide", np.zeros((3, 12_000, 3), np.uint8))
    assert image_item.size == (12_000, 3)
    assert image_item.display.shape == (1, DISPLAY_SIDE, 3)
    small = make_image_item("small", picture(20, 401))
    assert small.display is small.image
