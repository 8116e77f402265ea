from __future__ import annotations

import threading

import numpy as np
import pytest

from alpr_app.viewer.workers.crops import CropRequest, CropWorker
from alpr_app.viewer.workers.images import ImageItem, make_image_item

CORNERS = ((10.0, 10.0), (50.0, 10.0), (50.0, 20.0), (10.0, 20.0))


@pytest.fixture
def worker():
    made = []

    def make(load, **options):
        made.append(CropWorker(load=load, **options))
        return made[-1]

    yield make
    for one in made:
        assert one.close(5)


def grey(path):
    return make_image_item(path, np.full((40, 60, 3), int(path), np.uint8))


def request(number, corners=CORNERS):
    return CropRequest(str(number), corners)


def test_a_wanted_plate_is_cut_out_of_its_picture(worker, until):
    crops = worker(grey)
    assert crops.get(request(7)) is None
    crops.want([request(7)])
    until(lambda: crops.get(request(7)) is not None, "the crop")
    crop = crops.get(request(7))
    assert crop.shape == (48, 192, 3) and (crop == 7).all()


def test_plates_of_one_picture_are_cut_out_of_one_reading(worker, until):
    read = []
    crops = worker(lambda path: read.append(path) or grey(path))
    other = tuple((x + 5, y + 5) for x, y in CORNERS)
    wanted = [request(1), request(2), request(1, other)]
    crops.want(wanted)
    until(lambda: all(crops.get(one) is not None for one in wanted), "the crops")
    assert read == ["1", "2"]


def test_a_picture_that_cannot_be_read_leaves_a_crop_without_pixels(worker, until):
    def load(path):
        if path == "1":
            raise RuntimeError("the driver has gone")
        return ImageItem(path, error="cut short")

    crops = worker(load)
    wanted = [request(1), request(2), request(3, ((0.0, 0.0),) * 4)]
    crops.want(wanted)
    until(lambda: all(crops.get(one) is not None for one in wanted), "the answers")
    assert [crops.get(one).size for one in wanted] == [0, 0, 0]


def test_what_scrolled_out_of_sight_is_not_made(worker, until):
    begun, go_on, read = threading.Event(), threading.Event(), []

    def load(path):
        read.append(path)
        begun.set()
        go_on.wait(10)
        return grey(path)

    crops = worker(load)
    crops.want([request(number) for number in range(1, 100)])
    assert begun.wait(10)
    crops.want([request(200)])
    go_on.set()
    until(lambda: crops.get(request(200)) is not None, "the crop in sight")
    assert read == ["1", "200"]


def test_the_memory_of_crops_has_a_limit(worker, until):
    size = 48 * 192 * 3
    crops = worker(grey, maximum=3 * size)
    for number in range(1, 6):
        crops.want([request(number)])
        until(lambda number=number: crops.get(request(number)) is not None, "the crop")
    assert [crops.get(request(number)) is not None for number in range(1, 6)] == [False, False, True, True, True]
