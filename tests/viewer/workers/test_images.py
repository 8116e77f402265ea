from __future__ import annotations

import threading
from time import sleep

import cv2
import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.viewer.workers import images
from alpr_app.viewer.workers.images import (
    DISPLAY_SIDE,
    FolderSource,
    load_image_item,
    load_preview,
    make_image_item,
)
from alpr_app.viewer.workers.recogniser import Recogniser
from alpr_app.viewer.workers.threads import drain
from tests.viewer.conftest import FakeAlpr


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


def large_item(path, megabytes=100):
    """An item that takes as much memory as a picture of 33 MP, but has no pixels of its own."""
    return make_image_item(path, np.broadcast_to(np.uint8(7), (megabytes * 2**20 // 3072, 1024, 3)))


def test_neighbours_of_large_pictures_are_read_ahead_only_as_far_as_memory_allows(source, until, monkeypatch):
    monkeypatch.setattr(images, "CACHE_BYTES", 250 * 2**20)
    monkeypatch.setattr(images, "LARGE_BYTES", 50 * 2**20)
    desk = Desk()
    folder = source(desk, large_item)
    folder.focus(["c", "d", "e", "f", "b"])
    until(lambda: folder.image_item("d") is not None, "the picture and its neighbour")
    sleep(0.1)
    assert [key for key, _ in desk.order] == ["c", "d"]
    assert folder._bytes <= images.CACHE_BYTES
    for first, second in ("de", "ef", "fg", "gh"):
        folder.focus([first, second])
        until(lambda shown=second: folder.image_item(shown) is not None, "the next ones")
        assert folder._bytes <= images.CACHE_BYTES


def test_large_pictures_that_are_left_do_not_pile_up_before_the_recogniser(until, monkeypatch):
    monkeypatch.setattr(images, "LARGE_BYTES", 50 * 2**20)
    gate = threading.Event()
    recogniser = Recogniser(lambda: gate.wait(10) and FakeAlpr())
    folder = FolderSource(
        recogniser.submit, recogniser.queue_length, large_item, withdraw=recogniser.withdraw, preview=lambda path: None
    )
    names = [str(number) for number in range(12)]
    for name in names:
        folder.focus([name])
        until(lambda shown=name: folder.image_item(shown) is not None, "the picture")
        until(lambda: recogniser.queue_length() <= images.WAITING + 1, "the queue to be short")
    gate.set()
    read = set()

    def all_read():
        read.update(recognition.key for recognition in drain(recogniser.results))
        folder.notify()
        return read == set(names)

    until(all_read, "every picture to be read in the end")
    assert folder.close(5) and recogniser.close(5)


@pytest.fixture
def big_picture(tmp_path):
    """Writes a JPEG of 24 MP with a white left half, on request with an orientation mark."""

    def write(name, orientation=1):
        image = np.zeros((4000, 6000, 3), np.uint8)
        image[:, :3000] = 255
        content = cv2.imencode(".jpg", image)[1].tobytes()
        mark = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation]) + b"\0" * 6
        segment = b"\xff\xe1" + (len(mark) + 2).to_bytes(2, "big") + mark
        path = tmp_path / name
        path.write_bytes(content[:2] + segment + content[2:])
        return path

    return write


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_preview_has_the_size_and_orientation_of_the_picture(big_picture, orientation):
    path = str(big_picture("big.jpg", orientation))
    preview, full = load_preview(path), load_image_item(path)
    assert preview.is_preview and preview.image is None and not full.is_preview
    assert preview.size == full.size == ((6000, 4000) if orientation == 1 else (4000, 6000))
    assert max(preview.display.shape) == 3000
    shown = cv2.resize(full.image, preview.display.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - preview.display).mean() < 2


def test_small_pictures_other_formats_and_damaged_ones_have_no_preview(big_picture, tmp_path):
    path = big_picture("big.jpg")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(path.read_bytes()[:-5000])
    other = tmp_path / "other.png"
    write_picture(other, np.zeros((60, 80, 3), np.uint8))
    small = tmp_path / "small.jpg"
    write_picture(small, np.zeros((60, 80, 3), np.uint8))
    for name in (cut, other, small, tmp_path / "missing.jpg", tmp_path):
        assert load_preview(str(name)) is None


def test_the_preview_comes_while_the_picture_is_still_being_decoded(until, big_picture):
    path = str(big_picture("big.jpg"))
    gate = threading.Event()
    folder = FolderSource(lambda item, urgent: None, lambda: 0, lambda name: gate.wait(10) and load_image_item(name))
    folder.focus([path])
    until(lambda: folder.image_item(path) is not None, "the preview")
    assert folder.image_item(path).is_preview
    gate.set()
    until(lambda: not folder.image_item(path).is_preview, "the picture")
    until(lambda: folder._previews.get(path) is None, "the memory of the preview to be freed")
    assert folder.close(5)
