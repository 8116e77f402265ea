from __future__ import annotations

import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.viewer.app.image_list import Browse
from alpr_app.viewer.workers.recogniser import Outcome

CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))


def labelled(text, area):
    return format_name(Annotation(text, (20, 30, 60, 42), CORNERS, area=str(area)))


@pytest.fixture
def browse():
    made = Browse()
    made.set_names([f"{number}.jpg" for number in range(100)])
    return made


def test_steps_stop_at_the_ends(browse):
    browse.step(-1)
    assert browse.name == "0.jpg"
    browse.step(7)
    assert browse.name == "7.jpg"
    browse.step(1000)
    assert browse.name == "99.jpg"


def test_neighbours_are_the_next_ones_and_the_last(browse):
    browse.go(5)
    assert browse.neighbours(3, 1) == ["5.jpg", "6.jpg", "7.jpg", "8.jpg", "4.jpg"]
    browse.go(0)
    assert browse.neighbours(2, 1) == ["0.jpg", "1.jpg", "2.jpg"]
    browse.go(99)
    assert browse.neighbours(2, 1) == ["99.jpg", "98.jpg"]
    assert Browse().neighbours() == []


def test_a_growing_list_keeps_the_picture_looked_at():
    browse = Browse()
    browse.set_names(["5", "7"], wanted="7")
    assert browse.name == "7"
    browse.set_names(["1", "5", "6", "7"])
    assert (browse.name, browse.index) == ("7", 3)
    browse.set_names([])
    assert (browse.name, browse.index, browse.position) == ("", -1, -1)


def test_the_filter_finds_names_and_read_texts(browse, fakes):
    browse.add("42.jpg", Outcome("42.jpg", (fakes.plate("皖A12345"),)))
    browse.filter("a123", "all")
    assert list(browse.rows) == [42]
    browse.filter("9", "all")
    assert len(browse.rows) == 19
    browse.go(50)
    assert browse.position == -1, "hidden by the filter, still looked at"
    browse.step(1)
    assert browse.name == "59.jpg"
    browse.step(-1)
    assert browse.name == "49.jpg"
    browse.filter("nothing", "all")
    browse.step(1)
    assert browse.name == "49.jpg"


def test_marks_totals_and_filters_follow_the_thresholds(fakes):
    names = [labelled("皖A12345", 1), labelled("皖B12345", 2), labelled("皖C12345", 3), "plain.jpg"]
    browse = Browse()
    browse.set_names(names)
    browse.add(names[0], Outcome(names[0], (fakes.plate("皖A12345", score=0.6, corners=CORNERS),)))
    browse.add(names[1], Outcome(names[1], (fakes.plate("沪B12345", score=0.6, corners=CORNERS),)))
    browse.add(names[2], Outcome(names[2]))
    browse.add(names[3], Outcome(names[3]))
    assert [browse.mark(name) for name in names] == ["right", "wrong", "missed", ""]
    totals = browse.totals
    assert (totals.pictures, totals.right, totals.read_without_province, totals.found_70) == (3, 1, 2, 2)
    browse.filter("", "wrong")
    assert list(browse.rows) == [1]
    browse.set_thresholds(0.7, 0.0)
    browse.refilter()
    assert list(browse.rows) == []
    assert (browse.totals.missed, browse.totals.right) == (3, 0)
    browse.filter("", "all")
    assert browse.next_error()
    assert browse.name == names[1]


def test_a_picture_read_again_is_counted_once(fakes):
    name = labelled("皖A12345", 1)
    browse = Browse()
    browse.set_names([name])
    browse.add(name, Outcome(name))
    browse.add(name, Outcome(name, (fakes.plate("皖A12345", corners=CORNERS),)))
    assert (browse.totals.pictures, browse.totals.right, browse.totals.missed) == (1, 1, 0)
    browse.clear_records()
    browse.add(name, Outcome(name, error="not a picture"))
    assert browse.totals.pictures == 0
    assert browse.mark(name) == ""
    assert not browse.next_error()


def test_labels_without_a_place_are_marked_by_text_and_leave_the_found_share_alone(browse, fakes):
    placed, texts = labelled("皖A12345", 1), ("皖A12345.jpg", "皖A12346_2.jpg", "皖A12347.jpg")
    browse.set_names([placed, *texts])
    far = tuple((x + 500, y) for x, y in CORNERS)
    browse.add(placed, Outcome(placed, (fakes.plate(corners=CORNERS),)))
    for name in texts[:2]:
        browse.add(name, Outcome(name, (fakes.plate(corners=far),)))
    browse.add(texts[2], Outcome(texts[2]))
    assert [browse.mark(name) for name in browse.names] == ["right", "right", "wrong", "missed"]
    totals = browse.totals
    assert (totals.pictures, totals.right, totals.wrong, totals.missed) == (4, 2, 1, 1)
    assert totals.placed == 1
    assert totals.found_share == 1
    browse.add(texts[0], Outcome(texts[0]))
    browse.set_thresholds(0.95, 0)
    assert (browse.totals.pictures, browse.totals.placed, browse.totals.missed) == (4, 1, 4)
