from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.core.plate import Plate
from alpr_app.data.labels import EVERY_SPLIT, DataFolder, LabelledCrop, LabelledPicture, LabelledPlate
from alpr_app.evaluation.evaluate import evaluate

CORNERS = np.float32([[20, 30], [120, 30], [120, 60], [20, 60]])
TEXT = "皖A12345"


def plate(text: str, shift: float = 0.0, corner_error: float = 0.0) -> Plate:
    left, top, right, bottom = 20 + shift, 30, 120 + shift, 60
    corners = ((left, top + corner_error), (right, top), (right, bottom), (left, bottom))
    count, box, crop = len(text), (left, top, right, bottom), np.zeros((48, 192, 3))
    return Plate(text, 0.9, (0.9,) * count, (("", 0.05),) * count, "blue", 0.8, box, corners, crop)


class Scripted:
    """Stands in for ALPR: says what it is told for a picture, known by the value of its first pixel."""

    def __init__(self, plates: dict[int, list[Plate]], crop_text: str = TEXT) -> None:
        self.plates, self.crop_text = plates, crop_text

    def read(self, image):
        return self.plates[int(image[0, 0, 0])]

    def read_crops(self, crops):
        return [plate(self.crop_text) for _ in crops]

    def read_at(self, image, corners):
        return [plate(self.crop_text) for _ in corners]


@pytest.fixture
def picture(tmp_path):
    def write(value: int, **changes) -> LabelledPicture:
        path = tmp_path / f"{value}.png"
        image = np.full((100, 150, 3), value, np.uint8)
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        values = {"plates": (LabelledPlate(CORNERS, TEXT, "blue"),), "split": "val", "subset": "base"}
        return LabelledPicture(path, **{**values, **changes})

    return write


def scores_of(found: list[Plate], picture, crop_text: str = TEXT) -> dict[str, float]:
    data = DataFolder((picture(7),), (), ())
    return evaluate(Scripted({7: found}, crop_text), data)["scenes"]["micro"]


def test_a_plate_found_and_read_counts_everywhere(picture):
    scores = scores_of([plate(TEXT)], picture)
    assert scores == {
        "plates": 1,
        "recall_50": 1,
        "recall_70": 1,
        "precision_50": 1,
        "corner_px": 0,
        "corner_heights": 0,
        "end_to_end": 1,
        "without_province": 1,
        "on_true_corners": 1,
        "true_without_province": 1,
        "text_right": 1,
        "place_right": 1,
    }


@pytest.mark.parametrize(
    ("shift", "recall_50", "recall_70", "end_to_end"),
    [(15, 1, 1, 1), (20, 1, 0, 1), (28, 1, 0, 0), (40, 0, 0, 0)],  # IoU .74, .67, .56, .43
)
def test_overlap_decides_what_is_found_and_what_is_read(shift, recall_50, recall_70, end_to_end, picture):
    scores = scores_of([plate(TEXT, shift)], picture)
    assert (scores["recall_50"], scores["recall_70"], scores["end_to_end"]) == (recall_50, recall_70, end_to_end)


def test_a_wrong_province_is_right_only_without_it(picture):
    scores = scores_of([plate("京A12345")], picture)
    assert (scores["end_to_end"], scores["without_province"]) == (0, 1)


def test_text_and_place_are_counted_apart(picture):
    scores = scores_of([plate(TEXT)], picture)
    assert (scores["text_right"], scores["place_right"]) == (1, 1)
    scores = scores_of([plate("皖A12346")], picture)
    assert (scores["text_right"], scores["place_right"]) == (0, 1)
    # An IoU of a half, which is not read end to end.
    scores = scores_of([plate(TEXT, 33)], picture)
    assert (scores["text_right"], scores["place_right"], scores["end_to_end"]) == (1, 0, 0)
    scores = scores_of([plate(TEXT, 60)], picture)
    assert (scores["text_right"], scores["place_right"]) == (0, 0)
    unread = LabelledPlate(CORNERS + np.float32([0, 40]), None, None)
    data = DataFolder((picture(7, plates=(unread, LabelledPlate(CORNERS, TEXT, "blue"))),), (), ())
    scores = evaluate(Scripted({7: [plate(TEXT), replace(plate(TEXT), box=(20, 70, 120, 100))]}), data)["scenes"]
    assert (scores["colour blue"]["text_right"], scores["macro"]["place_right"]) == (1, 1)


def test_false_boxes_lower_the_precision(picture):
    assert scores_of([plate(TEXT), plate("京B11111", 200)], picture)["precision_50"] == 0.5


@pytest.mark.parametrize("first", [True, False])
def test_boxes_on_plates_without_a_text_do_not_count(first, picture):
    unread = LabelledPlate(CORNERS + np.float32([0, 40]), None, None)
    plates = (unread, LabelledPlate(CORNERS, TEXT, "blue"))
    found = [plate(TEXT), replace(plate("京B11111"), box=(20, 70, 120, 100))]
    data = DataFolder((picture(7, plates=plates if first else plates[::-1]),), (), ())
    scores = evaluate(Scripted({7: found}), data)["scenes"]["micro"]
    assert (scores["plates"], scores["precision_50"]) == (1, 1)


def test_precision_of_a_colour_is_of_boxes_on_plates_of_that_colour(picture):
    below = CORNERS + np.float32([0, 40])
    plates = (LabelledPlate(CORNERS, TEXT, "blue"), LabelledPlate(below, "皖AD12345", "green"))
    found = [plate(TEXT), replace(plate("皖AD12345"), box=(20, 70, 120, 100))]
    data = DataFolder((picture(7, plates=plates),), (), ())
    scores = evaluate(Scripted({7: found}), data)["scenes"]
    assert scores["colour blue"]["precision_50"] == scores["colour green"]["precision_50"] == 1
    scores = evaluate(Scripted({7: [*found, plate(TEXT, 300)]}), data)["scenes"]
    assert scores["micro"]["precision_50"] == pytest.approx(2 / 3)
    assert scores["colour blue"]["precision_50"] == scores["colour green"]["precision_50"] == 0.5


def test_corner_error_is_the_mean_distance(picture):
    scores = scores_of([plate(TEXT, corner_error=6)], picture)
    assert scores["corner_px"] == pytest.approx(1.5)
    assert scores["corner_heights"] == pytest.approx(0.05)


def test_reading_on_true_corners_is_apart_from_finding(picture):
    scores = scores_of([], picture)
    assert (scores["recall_50"], scores["on_true_corners"]) == (0, 1)
    assert scores_of([], picture, crop_text="皖A12346")["on_true_corners"] == 0


def test_subsets_colours_micro_and_macro(picture):
    data = DataFolder((picture(1), picture(2), picture(3, subset="rain")), (), ())
    result = evaluate(Scripted({1: [plate(TEXT)], 2: [plate(TEXT)], 3: []}), data)["scenes"]
    assert set(result) == {"base", "rain", "colour blue", "micro", "macro"}
    assert result["micro"]["end_to_end"] == pytest.approx(2 / 3)
    assert result["macro"]["end_to_end"] == pytest.approx(1 / 2)


def test_machine_labels_and_other_splits_are_left_out(picture):
    data = DataFolder((picture(1), picture(2, by_machine=True), picture(3, split="train")), (), ())
    alpr = Scripted({1: [plate(TEXT)], 2: [], 3: []})
    assert evaluate(alpr, data)["scenes"]["micro"]["plates"] == 1
    assert evaluate(alpr, data, split="all")["scenes"]["micro"]["plates"] == 2


def test_a_stated_plate_counts_wherever_it_is_read(picture):
    pictures = [picture(value, plates=(), stated=TEXT, subset="street") for value in (1, 2)]
    alpr = Scripted({1: [plate("京B11111"), plate(TEXT, 300)], 2: [plate("京A12345")]})
    scores = evaluate(alpr, DataFolder(tuple(pictures), (), ()))["street"]["all"]
    assert scores == {"pictures": 2, "stated_among_readings": 0.5, "without_province": 1.0, "boxes": 3}


def test_crops_and_negatives(picture):
    one, two = picture(1).path, picture(2).path
    crops = (LabelledCrop(one, TEXT, "val"), LabelledCrop(two, "京A12345", "val"))
    negatives = (LabelledPicture(one, split=EVERY_SPLIT), LabelledPicture(two, split="val"))
    result = evaluate(Scripted({1: [plate(TEXT)], 2: []}), DataFolder((), crops, negatives))
    assert result["crops"]["all"] == {"crops": 2, "exact": 0.5, "without_province": 1.0}
    assert result["negatives"]["all"]["false_boxes_per_100"] == 50


def test_confidences_are_measured_over_all_plates_whose_place_is_known(picture):
    pictures = (picture(1), picture(2), picture(3))
    crops = (LabelledCrop(picture(4).path, "京A12345", "val"),)
    # Right; wrong; not found, but something is read elsewhere; a crop read wrong.
    found = {1: [plate("京B11111", 200), plate(TEXT)], 2: [plate("皖A12340")], 3: [plate(TEXT, 40)]}
    result = evaluate(Scripted(found), DataFolder(pictures, crops, ()))
    assert result["confidence"]["confidence 0.90"] == {
        "readings": 3,
        "precision": pytest.approx(1 / 3),
        "recall": 0.25,
    }
    assert result["confidence"]["confidence 0.95"]["readings"] == 0
    assert result["calibration"]["all"]["calibration_error"] == pytest.approx(0.9 - 1 / 3)


def test_every_mistake_is_shown_with_what_was_expected(picture):
    seen: list[tuple[Path, str]] = []
    data = DataFolder((picture(1), picture(2)), (LabelledCrop(picture(3).path, "京B11111", "val"),), (picture(4),))
    alpr = Scripted({1: [plate(TEXT)], 2: [plate("皖A12340")], 4: [plate(TEXT)]})
    evaluate(alpr, data, watch=lambda path, image, plates, expected: seen.append((path.stem, expected)))
    assert seen == [("2", TEXT), ("3", "京B11111"), ("4", "")]
