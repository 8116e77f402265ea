from __future__ import annotations

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.labels import LabelledPlate
from alpr_app.evaluation.detection_metrics import score_plate
from alpr_app.evaluation.ground_truth import (
    GroundTruth,
    Label,
    Totals,
    compare,
    ground_truth_of,
    label_text_of,
    match_plates,
)
from alpr_app.evaluation.outcomes import (
    FALSE_BOX,
    MISSED,
    OUTCOMES,
    PLACE_OFF,
    RIGHT,
    TEXT_WRONG,
    UNREADABLE,
)
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


def label(text, by=0, down=0):
    return Label(text, np.float32(CORNERS) + np.float32([by, down]))


def outcomes(truth, *plates, score=0.0, confidence=0.0):
    """Match found plates, given by text and shift to the right, with the labels."""
    found = tuple(make_plate(text, corners=moved(by)) for text, by in plates)
    return match_plates(compare(truth, found), score, confidence, len(truth.labels), truth.placed)


# A shift by 8 of a plate that is 40 wide is an IoU of 0.67, by 16 of 0.43, by 24 of 0.25.
@pytest.mark.parametrize(
    ("plates", "expected"),
    [
        ([], MISSED),
        ([("皖A12345", 0)], RIGHT),
        ([("沪A12345", 0)], TEXT_WRONG),
        ([("皖A12345", 8)], PLACE_OFF),
        ([("皖A12345", 16)], PLACE_OFF),
        ([("沪A12345", 16)], TEXT_WRONG),
        ([("皖A12345", 24)], MISSED),
        ([("皖A12345", 0), ("京B11111", 200)], FALSE_BOX),
        ([("皖A12345", 8), ("京B11111", 200)], PLACE_OFF),
        ([("皖A12345", 39), ("皖A12346", 0), ("皖A12345", 2)], FALSE_BOX),
        # Of several boxes on a plate, the one with the right text counts, then the nearest; the others do not.
        ([("皖A12346", 0), ("皖A12345", 2)], RIGHT),
        ([("皖A12346", 0), ("皖A12345", 12)], PLACE_OFF),
        ([("皖A12345", 16), ("皖A12345", 1)], RIGHT),
    ],
)
def test_the_worst_outcome_is_that_of_the_picture(plates, expected):
    assert outcomes(ground_truth_of(NAME), *plates).outcome == expected


@pytest.mark.parametrize(("width", "expected"), [(40, RIGHT), (29, RIGHT), (28, RIGHT), (27, PLACE_OFF), (11, MISSED)])
def test_the_limits_of_overlap_belong_to_the_better_outcome(width, expected):
    corners = ((20, 30), (20 + width, 30), (20 + width, 42), (20, 42))
    truth = ground_truth_of(NAME)
    matching = match_plates(compare(truth, (make_plate("皖A12345", corners=corners),)), 0, 0)
    assert matching.labels == (expected,)
    twelve = ((20, 30), (32, 30), (32, 42), (20, 42))
    assert match_plates(compare(truth, (make_plate("沪A12345", corners=twelve),)), 0, 0).labels == (TEXT_WRONG,)


def test_plates_say_their_outcomes_and_those_that_do_not_count_none():
    matching = outcomes(ground_truth_of(NAME), ("皖A12345", 2), ("皖A12345", 0), ("京B11111", 200))
    assert [plate.outcome for plate in matching.plates] == ["", RIGHT, FALSE_BOX]
    assert [plate.label for plate in matching.plates] == [-1, 0, -1]
    assert matching.plates[1].iou == pytest.approx(1)


def test_each_label_is_matched_with_one_plate_at_most():
    truth = GroundTruth((label("皖A12345"), label("京B11111", 14)))
    # Both boxes lie nearest to the second label.
    matching = outcomes(truth, ("沪C00000", 14), ("皖A12345", 9))
    assert matching.labels == (PLACE_OFF, TEXT_WRONG)
    assert [plate.label for plate in matching.plates] == [1, 0]
    assert outcomes(truth, ("沪C00000", 14), ("沪C00001", 9)).labels == (TEXT_WRONG, TEXT_WRONG)
    assert outcomes(truth, ("京B11111", 14)).labels == (MISSED, RIGHT)


def test_boxes_on_unread_plates_are_neither_right_nor_false():
    truth = GroundTruth((label("皖A12345"),), (label("", 0, 100),))
    low = tuple((x, y + 100) for x, y in CORNERS)
    found = (make_plate("皖A12345", corners=CORNERS), *(make_plate(text, corners=low) for text in ("京B11111", "")))
    matching = match_plates(compare(truth, found), 0, 0)
    assert (matching.outcome, [plate.outcome for plate in matching.plates]) == (RIGHT, [RIGHT, "", ""])


def test_a_picture_without_plates_is_right_unless_a_box_is_found():
    assert outcomes(GroundTruth(())).outcome == RIGHT
    assert outcomes(GroundTruth(()), ("皖A12345", 0)).outcome == FALSE_BOX


def test_the_rates_of_text_and_place_are_apart():
    totals = Totals()
    # A box that is 22 wide on a plate of 40 has an IoU of 0.55, like boxes on loose labels.
    tight = ((20, 30), (42, 30), (42, 42), (20, 42))
    truth = ground_truth_of(NAME)
    for number in range(65):
        corners = tight if number < 15 else CORNERS
        totals.add(match_plates(compare(truth, (make_plate("皖A12345", corners=corners),)), 0, 0))
    assert (totals.text_rate, totals.place_rate) == (1, pytest.approx(50 / 65))
    assert totals.outcomes == dict.fromkeys(OUTCOMES, 0) | {RIGHT: 50, PLACE_OFF: 15}
    totals.add(outcomes(truth, ("沪A12345", 0)))
    totals.add_unreadable()
    assert (totals.pictures, totals.plates, totals.text_right, totals.place_right) == (66, 66, 65, 51)
    assert (totals.outcomes[TEXT_WRONG], totals.outcomes[UNREADABLE]) == (1, 1)
    totals.add(outcomes(truth, ("沪A12345", 0)), -1)
    totals.add_unreadable(-1)
    assert (totals.pictures, totals.place_right, totals.outcomes[TEXT_WRONG], totals.outcomes[UNREADABLE]) == (
        (65, 50, 0, 0)
    )


def test_the_counts_of_a_plate_are_those_of_the_evaluation():
    truth = ground_truth_of(NAME)
    for text, by in (("皖A12345", 0), ("沪A12345", 0), ("皖A12345", 39), ("皖A12345", 12)):
        (item,) = compare(truth, (make_plate(text, corners=moved(by)),))
        reference = score_plate(LabelledPlate(truth.corners, truth.text), [make_plate(text, corners=moved(by))], "")
        assert (item.read, item.read_without_province) == (reference.read, reference.read_without_province)
        assert (item.found, item.found_70) == (reference.found_50, reference.found_70)


@pytest.mark.parametrize("name", [NAME, "皖A12345.jpg", "皖A12345_3.jpg", "holiday.jpg", "a-b-c-d-e-f-g.jpg", ""])
def test_the_text_alone_is_that_of_the_truth(name):
    truth = ground_truth_of(name)
    assert label_text_of(name) == (truth.text if truth else "")


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
    ("texts", "expected"),
    [
        ([], MISSED),
        (["皖A12345"], RIGHT),
        (["沪A12345"], TEXT_WRONG),
        (["皖A12346"], TEXT_WRONG),
        (["沪B99999", "皖A12345"], RIGHT),
    ],
)
def test_without_a_place_the_text_alone_counts(texts, expected):
    truth = ground_truth_of("皖A12345_3.jpg")
    matching = outcomes(truth, *((text, 500 * number) for number, text in enumerate(texts)))
    assert matching.outcome == expected
    totals = Totals()
    totals.add(matching, placed=False)
    assert totals.outcomes[expected] == totals.pictures == 1
    assert totals.text_right == (expected == RIGHT)
    assert (totals.placed, totals.placed_plates, totals.place_right) == (0, 0, 0)


def test_several_labels_without_a_place_are_each_compared_with_one_reading():
    truth = GroundTruth((Label("皖A12345"), Label("京B11111")))
    assert outcomes(truth, ("皖A12345", 0), ("京B11112", 200)).labels == (RIGHT, TEXT_WRONG)
    assert outcomes(truth, ("皖A12345", 0)).labels == (RIGHT, MISSED)


def test_thresholds_choose_among_what_was_found():
    truth = ground_truth_of(NAME)
    found = (make_plate(score=0.4, confidence=0.6, corners=CORNERS), make_plate("京B11111", corners=moved(200)))
    comparisons = compare(truth, found)
    assert match_plates(comparisons, 0.3, 0.5).labels == (RIGHT,)
    matching = match_plates(comparisons, 0.5, 0.5)
    assert (matching.labels, [plate.outcome for plate in matching.plates]) == ((MISSED,), ["", FALSE_BOX])
    assert match_plates(comparisons, 0.3, 0.7).labels == (MISSED,)
