from __future__ import annotations

import os

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.evaluation.ground_truth import compare, ground_truth_of
from alpr_app.viewer.app.image_list import (
    ERRORS,
    LARGEST,
    NAME,
    NEWEST,
    SORT_ORDERS,
    SORT_TITLES,
    UNSURE,
    rank_of,
)
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.app.settings import Settings
from alpr_app.viewer.workers.folders import FolderScan
from alpr_app.viewer.workers.recogniser import Recognition

CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))


def record(name, *plates):
    truth = ground_truth_of(name)
    return Record(Recognition(name, plates), truth, compare(truth, plates) if truth else ())


@pytest.fixture
def listed(tmp_path, until):
    """Lists the folder in an order."""

    def make(order, records=(), score=0.5, confidence=0.0):
        rank = rank_of(order, dict(records), score, confidence)
        scan = FolderScan(str(tmp_path), rank=rank)
        found = []
        until(lambda: found.extend(filter(None, [scan.listings.take()])) or (found and found[-1].finished), "the list")
        assert scan.close()
        return found[-1].names

    return make


def test_newest_and_largest_first_and_what_is_alike_by_name(tmp_path, listed):
    for name, size, time in (("1.jpg", 5, 100), ("2.jpg", 50_000, -3), ("10.jpg", 5, 100), ("b.jpg", 7, 2e9)):
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, (time, time))
    (tmp_path / "lost.jpg").symlink_to(tmp_path / "nowhere")
    assert listed(NAME) == ["1.jpg", "2.jpg", "10.jpg", "b.jpg", "lost.jpg"]
    assert listed(NEWEST) == ["b.jpg", "1.jpg", "10.jpg", "lost.jpg", "2.jpg"]
    assert listed(LARGEST) == ["2.jpg", "b.jpg", "1.jpg", "10.jpg", "lost.jpg"]


def test_least_confident_first_then_pictures_without_a_plate_then_unread_ones(tmp_path, listed, fakes):
    for number in range(1, 6):
        (tmp_path / f"{number}.jpg").touch()
    records = {
        "1.jpg": record("1.jpg", fakes.plate(confidence=0.9)),
        "3.jpg": record("3.jpg", fakes.plate(confidence=0.95), fakes.plate(confidence=0.3)),
        "4.jpg": record("4.jpg"),
        "5.jpg": record("5.jpg", fakes.plate(confidence=1.0), fakes.plate(confidence=0.1, score=0.4)),
    }
    assert listed(UNSURE, records) == ["3.jpg", "1.jpg", "5.jpg", "4.jpg", "2.jpg"]
    assert listed(UNSURE, records, score=0.3)[0] == "5.jpg"


def test_errors_first_and_the_worst_of_them_at_the_top(tmp_path, listed, fakes):
    names = [format_name(Annotation(f"皖A1234{n}", (20, 30, 60, 42), CORNERS, area=str(n))) for n in range(6)]
    for name in (*names, "plain.jpg", "broken.jpg"):
        (tmp_path / name).touch()
    right, wrong, missed, unread, off, false = names
    far, loose = tuple((x + 200, y) for x, y in CORNERS), tuple((x + 12, y) for x, y in CORNERS)
    records = {
        right: record(right, fakes.plate("皖A12340", corners=CORNERS)),
        wrong: record(wrong, fakes.plate("沪B00000", corners=CORNERS)),
        missed: record(missed),
        off: record(off, fakes.plate("皖A12344", corners=loose)),
        false: record(false, fakes.plate("皖A12345", corners=CORNERS), fakes.plate("沪B00000", corners=far)),
        "plain.jpg": record("plain.jpg"),
        "broken.jpg": Record(Recognition("broken.jpg", error="not a picture"), None, ()),
    }
    assert listed(ERRORS, records) == ["broken.jpg", missed, wrong, off, false, "plain.jpg", right, unread]
    labelled = sorted([right, wrong, missed, off, false])
    assert listed(ERRORS, records, score=0.95) == ["broken.jpg", *labelled, "plain.jpg", unread]


def test_results_move_no_row_before_a_refresh(program, until, tmp_path, fakes):
    for number in range(1, 5):
        write_picture(tmp_path / f"{number}.png", np.full((30, 40, 3), number, np.uint8))
    alpr = fakes.Alpr()
    sure = {1: 0.9, 2: 0.99, 3: 0.5, 4: 0.95}
    analyse = alpr.analyse

    def by_picture(image):
        alpr.plates = [fakes.plate(confidence=sure[int(image[0, 0, 0])])]
        return analyse(image)

    alpr.analyse = by_picture
    viewer = program(alpr, settings=Settings(order=UNSURE))
    viewer.open(str(tmp_path))
    image_list = viewer.state.image_list
    until(lambda: viewer.collect() or image_list.names, "the list")
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(image_list.records) == 4, "all read")
    assert image_list.names == ["1.png", "2.png", "3.png", "4.png"]
    assert viewer.navigator.order_is_stale
    viewer.step(1)
    viewer.navigator.refresh()
    until(lambda: viewer.collect() or not viewer.state.scanning, "the new order")
    assert image_list.names == ["3.png", "1.png", "4.png", "2.png"]
    assert image_list.name == "2.png", "the picture looked at stays"
    assert not viewer.navigator.order_is_stale
    viewer.navigator.sort(NAME)
    until(lambda: viewer.collect() or not viewer.state.scanning, "the order by name")
    assert image_list.names == ["1.png", "2.png", "3.png", "4.png"]
    assert viewer.state.settings.order == NAME
    assert len(image_list.records) == 4


def test_an_order_by_results_of_other_models_is_stale(program, until, few_pictures, fakes, monkeypatch):
    viewer = program(settings=Settings(order=UNSURE))
    monkeypatch.setattr("alpr_app.pipeline.options.ModelChoice.make", lambda self: fakes.Alpr())
    image_list = viewer.state.image_list

    def read():
        viewer.read_all(True)
        until(lambda: viewer.collect() or len(image_list.records) == 12, "all read")

    viewer.open(str(few_pictures))
    until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
    read()
    viewer.navigator.refresh()
    until(lambda: viewer.collect() or not viewer.state.scanning, "the order")
    assert not viewer.navigator.order_is_stale
    viewer.choose_models(threads=3)
    read()
    assert viewer.navigator.order_is_stale


def test_every_order_has_a_title():
    assert len(SORT_ORDERS) == len(SORT_TITLES) == len(set(SORT_ORDERS))
