"""Two models on one folder: what got better and worse, stepped through, exported."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.evaluation.ground_truth import compare, ground_truth_of
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.differences import BETTER, CHANGED, COLUMNS, WORSE, compare_results, judge, write_differences
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers.recogniser import Recognition
from tests.builders import make_plate

TEXT = "皖A12345"
CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))
LOOSE = tuple((x + 14, y) for x, y in CORNERS)
FAR = tuple((x + 300, y) for x, y in CORNERS)


def name_of(text, number=0):
    return format_name(Annotation(text, (20, 30, 60, 42 + number), CORNERS), ".jpg")


def record(name, *plates, stamp=(1, 1), **values):
    truth = ground_truth_of(name)
    recognition = Recognition(name, plates, stamp=stamp, **values)
    return Record(recognition, truth, compare(truth, plates) if truth else ())


RIGHT = make_plate(TEXT, corners=CORNERS)
WRONG = make_plate("皖A12346", corners=CORNERS)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([RIGHT], [RIGHT], ""),
        ([WRONG], [RIGHT], BETTER),
        ([RIGHT], [WRONG], WORSE),
        ([RIGHT], [], WORSE),
        # A right text counts before a place that is off.
        ([WRONG], [make_plate(TEXT, corners=LOOSE)], BETTER),
        ([make_plate(TEXT, corners=LOOSE)], [RIGHT], BETTER),
        ([RIGHT], [RIGHT, make_plate("京B1", corners=FAR)], WORSE),
        ([WRONG], [make_plate("皖A12347", corners=CORNERS)], CHANGED),
        # Confidences alone are no difference.
        ([RIGHT], [make_plate(TEXT, corners=CORNERS, confidence=0.6)], ""),
        # Below the threshold it does not count.
        ([RIGHT], [RIGHT, make_plate("京B1", corners=FAR, score=0.4)], ""),
    ],
)
def test_a_labelled_picture_is_judged_by_what_is_right(first, second, expected):
    name = name_of(TEXT)
    assert judge(record(name, *first), record(name, *second), 0.5, 0.0) == expected


def test_without_a_label_nothing_is_better_or_worse():
    assert judge(record("1.jpg", RIGHT), record("1.jpg", WRONG), 0.5, 0.0) == CHANGED
    assert judge(record("1.jpg", RIGHT), record("1.jpg"), 0.5, 0.0) == CHANGED
    # The order in which plates were found is no difference.
    other = make_plate("京B1", corners=FAR)
    assert judge(record("1.jpg", RIGHT, other), record("1.jpg", other, RIGHT), 0.5, 0.0) == ""


def test_only_pictures_that_both_have_read_are_compared_and_the_worse_come_first():
    names = [name_of(TEXT, number) for number in range(5)]
    first = {name: record(name, plate) for name, plate in zip(names, [WRONG, RIGHT, RIGHT, RIGHT, WRONG], strict=True)}
    second = {names[0]: record(names[0], RIGHT), names[1]: record(names[1], WRONG), names[2]: record(names[2], RIGHT)}
    # This file was replaced between the two readings.
    second[names[4]] = record(names[4], RIGHT, stamp=(2, 2))
    found = compare_results("folder", names, first, second, 0.5, 0.0)
    assert found.pictures == 3
    assert [(one.name, one.verdict) for one in found.differences] == [(names[1], WORSE), (names[0], BETTER)]
    assert (found.counts[WORSE], found.counts[BETTER], found.counts[CHANGED]) == (1, 1, 0)
    assert (found.first.text_rate, found.second.text_rate) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_differences_are_written_as_csv(tmp_path):
    name = name_of(TEXT)
    two = [RIGHT, make_plate("京B67890", corners=FAR, confidence=0.5)]
    found = compare_results("", [name], {name: record(name)}, {name: record(name, *two)}, 0.5, 0.0)
    write_differences(tmp_path / "d.csv", found, 0.5, 0.0)
    with (tmp_path / "d.csv").open(encoding="utf-8-sig", newline="") as stream:
        header, row = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert row == [name, BETTER, TEXT, "", "", "missed", f"{TEXT} 京B67890", "0.9700 0.5000", "false box"]


class Models:
    """Reads the plates that were chosen for the detector of a choice."""

    backend, device = "fake", "cpu"

    def __init__(self, detector, plates):
        self.identity, self._plates = detector or "first", plates

    def analyse(self, image):
        from tests.viewer.conftest import FakeResult

        return FakeResult(self._plates(self.identity, int(image[0, 0, 0])))


@pytest.fixture
def compared(window, tmp_path, until, monkeypatch, fakes):
    """A folder of four pictures: the second model reads the first one worse, the second better, the third otherwise,
    the fourth the same; the window's models are chosen by the path of the detector."""
    from alpr_app.pipeline.options import ModelChoice

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        name = name_of(TEXT, number) if number != 2 else "plain.png"
        write_picture(folder / name, np.full((100, 120, 3), 10 * number, np.uint8))
    by_model = {
        "first": {0: RIGHT, 10: WRONG, 20: RIGHT, 30: RIGHT},
        "second": {0: WRONG, 10: RIGHT, 20: WRONG, 30: RIGHT},
    }

    def make(self):
        which = "second" if self.detector is not None else "first"
        return Models(which, lambda identity, grey: [by_model[identity][grey]])

    monkeypatch.setattr(ModelChoice, "make", make)
    first = Models("first", lambda identity, grey: [by_model[identity][grey]])
    made = window(folder, alpr=first)
    made.draw()
    return made


def begin(compared, until, tmp_path):
    file = tmp_path / "second.safetensors"
    file.write_bytes(b"")
    viewer, comparison = compared.viewer, compared.viewer.comparison
    comparison.begin(viewer.choice, replace(viewer.choice, detector=str(file)))
    comparison.read_both()
    until(lambda: viewer.collect() or not comparison.reading, "both readings")
    until(lambda: viewer.collect() or (comparison.result and comparison.result.pictures == 4), "the comparison")
    viewer.collect()


def test_the_folder_is_read_with_both_and_the_differences_are_listed(compared, until, tmp_path):
    press(compared.viewer, "Y")
    compared.draw()
    begin(compared, until, tmp_path)
    result = compared.viewer.comparison.result
    assert [(one.name.rpartition(".")[2], one.verdict) for one in result.differences] == [
        ("jpg", WORSE),
        ("jpg", BETTER),
        ("png", CHANGED),
    ]
    compared.draw()
    # The first row of the list.
    compared.click(700, 219)
    assert not compared.viewer.comparison.open
    assert compared.state.image_list.name == result.differences[0].name


def test_n_steps_through_the_differences_and_the_filter_knows_them(compared, until, tmp_path):
    begin(compared, until, tmp_path)
    state, viewer = compared.state, compared.viewer
    seen = set()
    for _ in range(3):
        press(viewer, "N")
        seen.add(state.image_list.name)
    assert seen == set(viewer.comparison.result.verdicts) and len(seen) == 3
    state.image_list.filter("", WORSE)
    assert [state.image_list.names[row] for row in state.image_list.rows] == [
        viewer.comparison.result.differences[0].name
    ]
    compared.draw()
    viewer.comparison.end()
    viewer.collect()
    state.image_list.refilter()
    assert len(state.image_list.rows) == 4, "a filter for a verdict ends with the comparison"


def test_both_readings_of_a_picture_are_at_hand_and_a_key_changes_between_them(compared, until, tmp_path):
    begin(compared, until, tmp_path)
    viewer, state, comparison = compared.viewer, compared.state, compared.viewer.comparison
    state.image_list.select(name_of(TEXT, 0))
    active = comparison.active
    texts = {active: lambda: state.record.recognition.plates[0].text}
    assert {texts[active](), comparison.other_record(state.image_list.name).recognition.plates[0].text} == {
        RIGHT.text,
        WRONG.text,
    }
    compared.draw()
    before = texts[active]()
    press(viewer, "M", CONTROL)
    assert comparison.active == 1 - active
    until(
        lambda: viewer.collect() or (state.record is not None and state.record.recognition.plates[0].text != before),
        "it",
    )
    assert comparison.other_record(state.image_list.name).recognition.plates[0].text == before
    assert not state.read_all_total, "what both have read is not read again"


def test_reading_with_both_can_be_stopped(compared, tmp_path):
    viewer, comparison = compared.viewer, compared.viewer.comparison
    comparison.begin(viewer.choice, replace(viewer.choice, detector="other"))
    comparison.read_both()
    assert comparison.reading
    comparison.read_both()
    viewer.collect()
    assert not comparison.reading and not compared.state.read_all_total


def test_the_same_models_are_not_compared(compared):
    comparison = compared.viewer.comparison
    comparison.begin(compared.viewer.choice, replace(compared.viewer.choice))
    assert comparison.sides is None and "in use already" in compared.state.message.text


def test_a_model_that_cannot_be_loaded_is_said_and_reading_ends(compared, until, monkeypatch):
    from alpr_app.core.errors import AlprError
    from alpr_app.pipeline.options import ModelChoice

    def make(self):
        raise AlprError("second.safetensors: this is no bundle")

    monkeypatch.setattr(ModelChoice, "make", make)
    viewer, comparison = compared.viewer, compared.viewer.comparison
    comparison.begin(viewer.choice, replace(viewer.choice, detector="second.safetensors"))
    comparison.read_both()
    until(lambda: viewer.collect() or not comparison.reading, "the end")
    assert "this is no bundle" in compared.state.message.text
    compared.draw()


def test_a_path_that_is_not_there_is_said(compared):
    press(compared.viewer, "Y")
    compared.draw()
    inputs = compared.frame.context.ui.inputs
    compared.click(600, 114)
    for letter in "/no/such.safetensors":
        inputs.character(ord(letter))
    compared.draw()
    compared.click(352, 229)
    assert compared.viewer.comparison.sides is None
    assert compared.state.message.text == "/no/such.safetensors: there is no such file or folder"


def test_another_folder_begins_anew(compared, until, tmp_path):
    begin(compared, until, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    write_picture(other / "1.png", np.full((50, 60, 3), 30, np.uint8))
    compared.viewer.open(str(other))
    until(lambda: compared.viewer.collect() or compared.state.image_list.records, "the other folder")
    result = compared.viewer.comparison.result
    assert result is None or not result.pictures
    assert not compared.state.image_list.verdicts
    compared.draw()
