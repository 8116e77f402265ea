from __future__ import annotations

import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.evaluation.outcomes import OUTCOMES
from alpr_app.viewer.app.image_list import ImageList
from alpr_app.viewer.app.record import make_record
from alpr_app.viewer.workers.label_tables import Labels, read_tables
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


def test_late_results_of_pictures_that_are_gone_are_not_taken():
    image_list = ImageList()
    image_list.set_names(["1.jpg"])
    assert image_list.expects("2.jpg"), "it may be in the part that is still to come"
    image_list.set_names(["1.jpg", "3.jpg"])
    image_list.complete()
    assert image_list.expects("3.jpg") and not image_list.expects("2.jpg")
    records = {name: make_record(Labels(), name, Recognition(name)) for name in ("1.jpg", "2.jpg")}
    assert image_list.add_known(records) == 1
    assert list(image_list.records) == ["1.jpg"]


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
    assert [image_list.outcome(name) for name in names] == ["right", "text wrong", "missed", ""]
    totals = image_list.totals
    assert (totals.pictures, totals.plates, totals.text_right, totals.place_right) == (3, 3, 1, 2)
    image_list.filter("", "text wrong")
    assert list(image_list.rows) == [1]
    image_list.set_thresholds(0.7, 0.0)
    image_list.refilter()
    assert list(image_list.rows) == []
    assert (image_list.totals.outcomes["missed"], image_list.totals.outcomes["right"]) == (3, 0)
    image_list.filter("", "all")
    assert image_list.next_error()
    assert image_list.name == names[1]


def test_a_picture_read_again_is_counted_once(fakes):
    name = labelled("皖A12345", 1)
    image_list = ImageList()
    image_list.set_names([name])
    image_list.add(name, Recognition(name))
    image_list.add(name, Recognition(name, (fakes.plate("皖A12345", corners=CORNERS),)))
    totals = image_list.totals
    assert (totals.pictures, totals.outcomes["right"], totals.outcomes["missed"]) == (1, 1, 0)
    image_list.add(name, Recognition(name, error="not a picture"))
    assert (image_list.totals.pictures, image_list.totals.plates) == (0, 0)
    assert image_list.outcome(name) == "unreadable file"
    assert image_list.totals.outcomes["unreadable file"] == 1
    image_list.add(name, Recognition(name))
    assert image_list.totals.outcomes["unreadable file"] == 0


def test_labels_without_a_position_are_compared_by_text_and_leave_the_found_share_alone(image_list, fakes):
    placed, texts = labelled("皖A12345", 1), ("皖A12345.jpg", "皖A12346_2.jpg", "皖A12347.jpg")
    image_list.set_names([placed, *texts])
    far = tuple((x + 500, y) for x, y in CORNERS)
    image_list.add(placed, Recognition(placed, (fakes.plate(corners=CORNERS),)))
    for name in texts[:2]:
        image_list.add(name, Recognition(name, (fakes.plate(corners=far),)))
    image_list.add(texts[2], Recognition(texts[2]))
    assert [image_list.outcome(name) for name in image_list.names] == ["right", "right", "text wrong", "missed"]
    totals = image_list.totals
    outcomes = totals.outcomes
    assert (totals.pictures, outcomes["right"], outcomes["text wrong"], outcomes["missed"]) == (4, 2, 1, 1)
    assert (totals.placed, totals.place_rate, totals.text_rate) == (1, 1, 0.5)
    image_list.add(texts[0], Recognition(texts[0]))
    image_list.set_thresholds(0.95, 0)
    totals = image_list.totals
    assert (totals.pictures, totals.placed, totals.outcomes["missed"]) == (4, 1, 4)


@pytest.fixture
def every_outcome(fakes):
    """A list with a picture of each outcome, worst last, one without a label, and one that has not been read."""
    loose = ((20, 30), (42, 30), (42, 42), (20, 42))
    far = tuple((x + 200, y) for x, y in CORNERS)
    results = {
        "right": (fakes.plate("皖A12341", corners=CORNERS),),
        "false box": (fakes.plate("皖A12342", corners=CORNERS), fakes.plate("京B00000", corners=far, confidence=0.6)),
        "place off": (fakes.plate("皖A12343", corners=loose),),
        "text wrong": (fakes.plate("沪A12344", corners=loose),),
        "missed": (),
    }
    names = {outcome: labelled(f"皖A1234{number}", number) for number, outcome in enumerate(results, 1)}
    names |= {"unreadable file": "broken.jpg", "": "plain.jpg", "not yet read": labelled("皖A12349", 9)}
    image_list = ImageList()
    image_list.set_names(list(names.values()))
    for outcome, plates in results.items():
        image_list.add(names[outcome], Recognition(names[outcome], plates))
    image_list.add("broken.jpg", Recognition("broken.jpg", error="not a picture"))
    image_list.add("plain.jpg", Recognition("plain.jpg", (fakes.plate("粤B00001", colour="green"),)))
    image_list.set_labels(read_tables("", image_list.names))
    return image_list, names


def rows(image_list, text, only="all"):
    image_list.filter(text, only)
    return [image_list.names[index] for index in image_list.rows]


def test_every_outcome_is_counted_filtered_and_reached(every_outcome):
    image_list, names = every_outcome
    assert {outcome: image_list.outcome(name) for outcome, name in names.items()} == {
        outcome: "" if outcome == "not yet read" else outcome for outcome in names
    }
    assert image_list.totals.outcomes == dict.fromkeys(OUTCOMES, 1)
    for only, name in names.items():
        assert not only or rows(image_list, "", only) == [name]
    reached = []
    for _ in range(6):
        assert image_list.next_error()
        reached.append(image_list.outcome(image_list.name))
    assert reached == ["false box", "place off", "text wrong", "missed", "unreadable file", "false box"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("a12349", ["not yet read"]),
        ("皖A·12349", ["not yet read"]),
        ("沪A", ["text wrong"]),
        ("沪", ["text wrong"]),
        ("京", ["false box"]),
        ("粤", [""]),
        ("broken", ["unreadable file"]),
        ("conf<0.9", ["false box"]),
        ("conf<90%", ["false box"]),
        ("CONF<0,9", ["false box"]),
        ("conf>0.9 沪", ["text wrong"]),
        ("iou<0.7", ["place off", "text wrong"]),
        ("iou<0.7 沪", ["text wrong"]),
        ("iou<0.3", []),
        ("green", [""]),
        ("blue 粤", []),
        ("皖 a12343", ["place off"]),
    ],
)
def test_conditions_can_be_typed(every_outcome, typed, found):
    image_list, names = every_outcome
    assert rows(image_list, typed) == [names[outcome] for outcome in found]


@pytest.mark.parametrize("typed", ["conf<", "iou<", "iou<=", "conf<0.", "conf>."])
def test_a_condition_that_is_still_being_typed_hides_nothing(every_outcome, typed):
    image_list, names = every_outcome
    assert len(rows(image_list, typed)) == len(names)


def test_thresholds_act_on_typed_conditions_without_reading_again(every_outcome):
    image_list, names = every_outcome
    assert rows(image_list, "conf<0.9") == [names["false box"]]
    image_list.set_thresholds(0.5, 0.7)
    image_list.refilter()
    assert not image_list.rows
    assert image_list.outcome(names["false box"]) == "right", "the false box is not shown any more"
