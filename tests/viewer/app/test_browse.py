from __future__ import annotations

import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.viewer.app.image_list import ImageList
from alpr_app.viewer.workers.recogniser import Recognition

CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))


def labelled(text, area):
    return format_name(Annotation(text, (20, 30, 60, 42), CORNERS, area=str(area)))


@pytest.fixture
def image_list():
    made = ImageList()
    made.set_names([f"{number}.jpg" for number in range(100)])
    return made


def test_steps_stop_at_the_ends(image_list):
    image_list.step(-1)
    assert image_list.name == "0.jpg"
    image_list.step(7)
    assert image_list.name == "7.jpg"
    image_list.step(1000)
    assert image_list.name == "99.jpg"


def test_neighbours_are_the_next_ones_and_the_last(image_list):
    image_list.go(5)
    assert image_list.neighbours(3, 1) == ["5.jpg", "6.jpg", "7.jpg", "8.jpg", "4.jpg"]
    image_list.go(0)
    assert image_list.neighbours(2, 1) == ["0.jpg", "1.jpg", "2.jpg"]
    image_list.go(99)
    assert image_list.neighbours(2, 1) == ["99.jpg", "98.jpg"]
    assert ImageList().neighbours() == []


def test_a_growing_list_keeps_the_selected_picture():
    image_list = ImageList()
    image_list.set_names(["5", "7"], wanted="7")
    assert image_list.name == "7"
    image_list.set_names(["1", "5", "6", "7"])
    assert (image_list.name, image_list.index) == ("7", 3)
    image_list.set_names([])
    assert (image_list.name, image_list.index, image_list.position) == ("", -1, -1)


def test_the_filter_finds_names_and_read_texts(image_list, fakes):
    image_list.add("42.jpg", Recognition("42.jpg", (fakes.plate("皖A12345"),)))
    image_list.filter("a123", "all")
    assert list(image_list.rows) == [42]
    image_list.filter("9", "all")
    assert len(image_list.rows) == 19
    image_list.go(50)
    assert image_list.position == -1, "hidden by the filter, still looked at"
    image_list.step(1)
    assert image_list.name == "59.jpg"
    image_list.step(-1)
    assert image_list.name == "49.jpg"
    image_list.filter("nothing", "all")
    image_list.step(1)
    assert image_list.name == "49.jpg"


def test_outcomes_totals_and_filters_follow_the_thresholds(fakes):
    names = [labelled("皖A12345", 1), labelled("皖B12345", 2), labelled("皖C12345", 3), "plain.jpg"]
    image_list = ImageList()
    image_list.set_names(names)
    image_list.add(names[0], Recognition(names[0], (fakes.plate("皖A12345", score=0.6, corners=CORNERS),)))
    image_list.add(names[1], Recognition(names[1], (fakes.plate("沪B12345", score=0.6, corners=CORNERS),)))
    image_list.add(names[2], Recognition(names[2]))
    image_list.add(names[3], Recognition(names[3]))
    assert [image_list.outcome(name) for name in names] == ["right", "wrong", "missed", ""]
    totals = image_list.totals
    assert (totals.pictures, totals.right, totals.read_without_province, totals.found_70) == (3, 1, 2, 2)
    image_list.filter("", "wrong")
    assert list(image_list.rows) == [1]
    image_list.set_thresholds(0.7, 0.0)
    image_list.refilter()
    assert list(image_list.rows) == []
    assert (image_list.totals.missed, image_list.totals.right) == (3, 0)
    image_list.filter("", "all")
    assert image_list.next_error()
    assert image_list.name == names[1]


def test_a_picture_read_again_is_counted_once(fakes):
    name = labelled("皖A12345", 1)
    image_list = ImageList()
    image_list.set_names([name])
    image_list.add(name, Recognition(name))
    image_list.add(name, Recognition(name, (fakes.plate("皖A12345", corners=CORNERS),)))
    assert (image_list.totals.pictures, image_list.totals.right, image_list.totals.missed) == (1, 1, 0)
    image_list.clear_records()
    image_list.add(name, Recognition(name, error="not a picture"))
    assert image_list.totals.pictures == 0
    assert image_list.outcome(name) == ""
    assert not image_list.next_error()


def test_labels_without_a_position_are_compared_by_text_and_leave_the_found_share_alone(image_list, fakes):
    placed, texts = labelled("皖A12345", 1), ("皖A12345.jpg", "皖A12346_2.jpg", "皖A12347.jpg")
    image_list.set_names([placed, *texts])
    far = tuple((x + 500, y) for x, y in CORNERS)
    image_list.add(placed, Recognition(placed, (fakes.plate(corners=CORNERS),)))
    for name in texts[:2]:
        image_list.add(name, Recognition(name, (fakes.plate(corners=far),)))
    image_list.add(texts[2], Recognition(texts[2]))
    assert [image_list.outcome(name) for name in image_list.names] == ["right", "right", "wrong", "missed"]
    totals = image_list.totals
    assert (totals.pictures, totals.right, totals.wrong, totals.missed) == (4, 2, 1, 1)
    assert totals.placed == 1
    assert totals.found_share == 1
    image_list.add(texts[0], Recognition(texts[0]))
    image_list.set_thresholds(0.95, 0)
    assert (image_list.totals.pictures, image_list.totals.placed, image_list.totals.missed) == (4, 1, 4)
