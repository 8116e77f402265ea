from __future__ import annotations

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.labels import LabelledPlate
from alpr_app.evaluation.detection_metrics import score_plate
from alpr_app.evaluation.ground_truth import Totals, compare, ground_truth_of, picture_outcome
from tests.builders import make_plate

CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))
NAME = format_name(Annotation("皖A12345", (20, 30, 60, 42), CORNERS))


def moved(by):
    return tuple((x + by, y) for x, y in CORNERS)


def test_a_ccpd_name_is_the_truth_and_another_one_is_none():
    assert ground_truth_of(f"/some/folder/{NAME}").text == "皖A12345"
    assert ground_truth_of("holiday.jpg") is None
    flat = format_name(Annotation("皖A12345", (20, 30, 60, 42), ((1, 1),) * 4))
    assert ground_truth_of(flat) is None, "corners without an area are no label"


@pytest.mark.parametrize(
    ("plates", "expected"),
    [
        ([], "missed"),
        ([("皖A12345", 0)], "right"),
        ([("沪A12345", 0)], "wrong"),
        ([("皖A12345", 39)], "missed"),
        ([("皖A12345", 12)], "wrong"),
        ([("皖A12345", 39), ("皖A12346", 0), ("皖A12345", 2)], "right"),
    ],
)
def test_verdicts_are_those_of_the_evaluation(plates, expected):
    found = [make_plate(text, corners=moved(by)) for text, by in plates]
    truth = ground_truth_of(NAME)
    comparisons = compare(truth, tuple(found))
    assert picture_outcome(comparisons, 0, 0) == expected
    reference = score_plate(LabelledPlate(truth.corners, truth.text), found, "")
    totals = Totals()
    totals.add(comparisons, 0, 0)
    assert totals.right == reference.read
    assert totals.read_without_province == reference.read_without_province
    assert totals.found_70 == reference.found_70
    assert totals.missed == 1 - reference.found_50


def test_overlap_and_corner_error_are_measured():
    (item,) = compare(ground_truth_of(NAME), (make_plate(corners=moved(8)),))
    assert item.iou == pytest.approx(32 / 48)
    assert item.corner_px == pytest.approx(8)
    assert np.isfinite(item.corner_px)


@pytest.mark.parametrize("name", ["皖A12345.jpg", "皖A12345_3.jpg", "/some/folder/皖A12345_12.png"])
def test_a_plate_text_as_a_name_is_a_truth_without_a_place(name):
    truth = ground_truth_of(name)
    assert truth.text == "皖A12345"
    assert truth.corners is None
    assert truth.box is None


@pytest.mark.parametrize("name", ["皖A1234.jpg", "皖A12345_.jpg", "皖A12345_b.jpg", "x皖A12345.jpg", "皖A12345 3.jpg"])
def test_names_that_only_resemble_a_plate_are_no_truth(name):
    assert ground_truth_of(name) is None


@pytest.mark.parametrize(
    ("texts", "expected", "without_province"),
    [
        ([], "missed", 0),
        (["皖A12345"], "right", 1),
        (["沪A12345"], "wrong", 1),
        (["皖A12346"], "wrong", 0),
        (["沪B99999", "皖A12345"], "right", 1),
    ],
)
def test_without_a_place_the_text_alone_counts(texts, expected, without_province):
    plates = tuple(make_plate(text, corners=moved(500 * number)) for number, text in enumerate(texts))
    comparisons = compare(ground_truth_of("皖A12345_3.jpg"), plates)
    assert picture_outcome(comparisons, 0, 0) == expected
    totals = Totals()
    totals.add(comparisons, 0, 0, placed=False)
    assert getattr(totals, expected) == totals.pictures == 1
    assert totals.read_without_province == without_province
    assert (totals.placed, totals.found_70) == (0, 0)


def test_thresholds_choose_among_what_was_found():
    comparisons = compare(ground_truth_of(NAME), (make_plate(score=0.4, confidence=0.6, corners=CORNERS),))
    assert picture_outcome(comparisons, 0.3, 0.5) == "right"
    assert picture_outcome(comparisons, 0.5, 0.5) == "missed"
    assert picture_outcome(comparisons, 0.3, 0.7) == "missed"
