from pathlib import Path

import numpy as np
import pytest

from alpr_app.data.labels import LabelledPicture, LabelledPlate, read_data_folder
from alpr_app.networks.bundle import load_detector, load_reader
from alpr_app.networks.detector.postprocess import Detection
from alpr_app.train.reports.mistakes import (
    CORNERS,
    FALSE_BOX,
    MISSED,
    DetectionMistake,
    ReadingMistake,
    balanced_selection,
    detection_mistake_sheet,
    detection_mistakes,
    picture_mistakes,
    reading_mistake_sheet,
    reading_mistakes,
)

PLATE = np.float32([[20, 30], [120, 30], [120, 60], [20, 60]])


def found(shift: float = 0, corner: float = 0, score: float = 0.9) -> Detection:
    corners = PLATE + np.float32([shift, 0])
    return Detection(score, np.float32([20 + shift, 30, 120 + shift, 60]), corners + np.float32([0, corner]))


def kinds(detections, ignored=None):
    picture = LabelledPicture(Path("a.jpg"), (LabelledPlate(PLATE),), ignored)
    return [(wrong.kind, wrong.badness) for wrong in picture_mistakes(picture, detections)]


def test_a_plate_that_is_found_is_no_mistake():
    assert kinds([found()]) == []


def test_a_plate_that_no_box_covers_by_half_is_missed_and_the_box_is_false():
    assert kinds([]) == [(MISSED, 1)]
    (missed, overlap), (false, score) = kinds([found(shift=60, score=0.7)])
    assert (missed, false, score) == (MISSED, FALSE_BOX, 0.7)
    assert overlap == pytest.approx(1 - 40 / 160)


def test_corners_are_measured_in_heights_of_the_plate():
    assert kinds([found(corner=6)]) == [(CORNERS, pytest.approx(0.2))]
    assert kinds([found(corner=1)]) == []


def test_a_box_where_there_may_be_a_plate_is_not_held_against_it():
    elsewhere = Detection(0.6, np.float32([200, 200, 300, 230]), PLATE + 180)
    assert kinds([found(), elsewhere]) == [(FALSE_BOX, 0.6)]
    assert kinds([found(), elsewhere], np.float32([[190, 190, 310, 240]])) == []


def test_each_kind_of_mistake_gets_its_share_of_the_sheet():
    wrong = [DetectionMistake(Path(), kind, 1.0) for kind in [CORNERS] * 10 + [MISSED] + [FALSE_BOX] * 10]
    chosen = [one.kind for one in balanced_selection(wrong, 9)]
    assert chosen == [MISSED] + [CORNERS] * 4 + [FALSE_BOX] * 4
    assert len(balanced_selection(wrong, 100)) == 21


def test_wrong_readings_come_the_surest_first(data_folder, reader_path):
    reader, _ = load_reader(reader_path)
    wrong, plates = reading_mistakes(reader, read_data_folder(data_folder).of_split("val"))
    assert plates == 3  # two in scenes, one crop
    assert [one.truth for one in wrong if one.truth == one.read] == []
    assert [one.confidence for one in wrong] == sorted((one.confidence for one in wrong), reverse=True)


def test_a_detector_that_finds_plates_everywhere_makes_false_boxes(data_folder, detector_path):
    detector, _ = load_detector(detector_path)
    wrong, plates = detection_mistakes(detector, read_data_folder(data_folder))
    assert plates == 2
    assert FALSE_BOX in {one.kind for one in wrong}
    assert any(one.path.parent.name == "negatives" for one in wrong)


def test_the_sheet_of_readings_shows_wrong_characters_in_red():
    plate = np.full((48, 192, 3), 60, np.uint8)
    red = lambda sheet: int((sheet == (255, 110, 90)).all(axis=2).sum())  # noqa: E731
    one = reading_mistake_sheet([ReadingMistake(plate, "皖A12345", "皖A12346", 0.9)], columns=1)
    two = reading_mistake_sheet([ReadingMistake(plate, "皖A12345", "皖A12366", 0.9)], columns=1)
    assert 0 < red(one) < red(two)
    rows = reading_mistake_sheet([ReadingMistake(plate, "皖A12345", "", 0.0)] * 3, columns=2)
    assert rows.shape == (2 * one.shape[0], 2 * one.shape[1], 3)
    assert reading_mistake_sheet([]).size


def test_the_sheet_of_finds_shows_label_and_box_where_they_are(data_folder):
    picture = next(picture for picture in read_data_folder(data_folder).pictures)
    corners = picture.plates[0].corners
    sheet = detection_mistake_sheet([DetectionMistake(picture.path, CORNERS, 0.3, corners, corners + 4)], columns=1)
    for colour in ((214, 140, 255), (255, 196, 0)):
        near = (np.abs(sheet.astype(int) - colour) < 40).all(axis=2)
        rows, columns = np.nonzero(near)
        assert len(rows) > 50
        # The plate is in the middle of its view.
        assert abs(columns.mean() - sheet.shape[1] / 2) < 40
    assert detection_mistake_sheet([]).size
