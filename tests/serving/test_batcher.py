"""The queue between clients and worker threads."""

from __future__ import annotations

import threading
from time import monotonic

import pytest
from services import Waiting

from alpr_app.data.images import PictureError
from alpr_app.serving.batcher import Batcher, Late, Overloaded

LONG = 1000.0


@pytest.fixture
def make():
    """Makes batchers, which are closed in the end."""
    made = []

    def make(alpr, **options):
        batcher = Batcher(alpr, **({"workers": 1, "maximum_batch": 1, "capacity": 8} | options))
        made.append((batcher, alpr))
        return batcher

    yield make
    for batcher, alpr in made:
        if isinstance(alpr, Waiting):
            alpr.go_on.set()
        batcher.close()


def until() -> float:
    return monotonic() + LONG


def test_readings_are_those_of_the_library(make, small_alpr, picture):
    batcher = make(small_alpr, workers=3, capacity=100)
    images = [picture(40 + number, 60, number) for number in range(20)]
    answers = [batcher.submit(lambda image=image: image, until()) for image in images]
    for answer, image in zip(answers, images, strict=True):
        reading = answer.result(60)
        assert reading.size == (60, image.shape[0])
        assert reading.result.plates == small_alpr.analyse(image).plates


def test_what_waits_is_read_in_one_batch_up_to_the_maximum(make, picture):
    alpr, sizes = Waiting(), []
    batcher = make(alpr, maximum_batch=4, observe=sizes.append)
    answers = [batcher.submit(picture, until())]
    assert alpr.begun.acquire(timeout=30)
    answers += [batcher.submit(picture, until()) for _ in range(6)]
    alpr.go_on.set()
    for answer in answers:
        answer.result(60)
    assert sizes == [1, 4, 2]


def test_a_lone_picture_does_not_wait_for_others(make, picture):
    alpr = Waiting()
    alpr.go_on.set()
    batcher = make(alpr, maximum_batch=100)
    assert batcher.submit(picture, until()).result(60).result.plates == []


def test_a_full_queue_refuses_at_once_and_takes_again(make, picture):
    alpr = Waiting()
    batcher = make(alpr, capacity=2)
    first = batcher.submit(picture, until())
    assert alpr.begun.acquire(timeout=30)
    others = [batcher.submit(picture, until()) for _ in range(2)]
    assert batcher.is_full and batcher.waiting == 2
    with pytest.raises(Overloaded, match="too many pictures are waiting"):
        batcher.submit(picture, until())
    alpr.go_on.set()
    for answer in (first, *others):
        answer.result(60)
    assert batcher.submit(picture, until()).result(60).size == (64, 48)


def test_a_picture_that_fails_fails_alone(make, picture):
    def broken():
        raise PictureError("broken")

    alpr = Waiting()
    alpr.go_on.set()
    batcher = make(alpr, maximum_batch=8)
    answers = [batcher.submit(load, until()) for load in (picture, broken, picture)]
    with pytest.raises(PictureError, match="broken"):
        answers[1].result(60)
    assert [answers[number].result(60).size for number in (0, 2)] == [(64, 48)] * 2


def test_a_picture_whose_client_has_gone_or_given_up_is_not_read(make, picture):
    alpr, loaded = Waiting(), []
    batcher = make(alpr)
    first = batcher.submit(picture, until())
    assert alpr.begun.acquire(timeout=30)
    late = batcher.submit(lambda: loaded.append("late"), monotonic() - 1)
    gone = batcher.submit(lambda: loaded.append("gone"), until())
    assert gone.cancel()
    alpr.go_on.set()
    first.result(60)
    with pytest.raises(Late, match="not reached in time"):
        late.result(60)
    batcher.close()
    assert loaded == []


def test_closing_reads_what_was_taken_and_takes_no_more(make, picture):
    alpr = Waiting()
    batcher = make(alpr)
    answers = [batcher.submit(picture, until()) for _ in range(4)]
    assert alpr.begun.acquire(timeout=30)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    while not batcher.is_full:
        pass
    with pytest.raises(Overloaded):
        batcher.submit(picture, until())
    assert not batcher.is_alive
    alpr.go_on.set()
    closing.join(60)
    assert [answer.result(0).result.plates for answer in answers] == [[]] * 4


def test_large_pictures_of_a_batch_are_read_in_parts(make, picture, monkeypatch):
    monkeypatch.setattr("alpr_app.serving.batcher.BATCH_PIXELS", 2 * 48 * 64)
    alpr, sizes = Waiting(), []
    batcher = make(alpr, maximum_batch=8, observe=sizes.append)
    answers = [batcher.submit(picture, until())]
    assert alpr.begun.acquire(timeout=30)
    answers += [batcher.submit(picture, until()) for _ in range(5)]
    alpr.go_on.set()
    assert [answer.result(60).size for answer in answers] == [(64, 48)] * 6
    assert sizes == [1, 3, 2]
