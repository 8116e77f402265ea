from __future__ import annotations

import numpy as np
import pytest

from alpr_app.core.geometry import Letterbox
from alpr_app.networks.detector.postprocess import positions
from alpr_app.pipeline.plate_detector import (
    CLOSER_CANVAS,
    DETECTOR_BATCH,
    MAXIMUM_CLOSER_LOOKS,
    MAXIMUM_FAINT,
    PlateDetector,
)

BINS = 33


def outputs_for(canvas: tuple[int, int], plates: list[tuple[float, tuple[float, float, float, float]]]) -> np.ndarray:
    """What a network says of upright plates, (score, box in pixels of the canvas), each at the position nearest to its
    middle."""
    centres, strides = positions(*canvas)
    outputs = np.zeros((len(centres), 1 + 4 * BINS + 8), np.float32)
    outputs[:, 0] = -20
    for score, (left, top, right, bottom) in plates:
        fine = np.where(strides == strides.min(), 0, np.inf)
        index = int(np.argmin(np.hypot(*(centres - [(left + right) / 2, (top + bottom) / 2]).T) + fine))
        (x, y), stride = centres[index], strides[index]
        outputs[index, 0] = np.log(score / (1 - score))
        logits = np.full((4, BINS), -30, np.float32)
        for side, distance in enumerate(np.array([x - left, y - top, right - x, bottom - y]) / stride):
            low = int(distance)
            part = np.clip([1 - (distance - low), distance - low], 1e-9, 1)
            logits[side, low : low + 2] = np.log(part)
        outputs[index, 1 : 1 + 4 * BINS] = logits.ravel()
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        outputs[index, 1 + 4 * BINS :] = ((corners - [x, y]) / stride).ravel()
    return outputs


class FindsWhite:
    """Stands in for a network: it finds what is white, with the next of these scores; None is nothing."""

    def __init__(self, *scores: float | None) -> None:
        self.scores = list(scores)
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, canvases: np.ndarray) -> tuple[np.ndarray]:
        self.seen.append(canvases.shape)
        return (np.stack([self._find(canvas) for canvas in canvases]),)

    def _find(self, canvas: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(canvas[..., 0] > 127)
        score = self.scores.pop(0)
        plates = []
        if score is not None and len(rows):
            plates = [(score, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))]
        return outputs_for(canvas.shape[:2], plates)


def scene(*boxes: tuple[int, int, int, int]) -> tuple[np.ndarray, Letterbox]:
    """White plates in a black picture of which the network sees half the width."""
    image = np.zeros((640, 1024, 3), np.uint8)
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right] = 255
    return image, Letterbox.for_long_side(640, 1024, 512)


def find(network: FindsWhite, image: np.ndarray, box: Letterbox, *first: tuple[float, tuple[int, int, int, int]]):
    """What comes of plates that were found first with these scores at these places of the picture."""
    finder = PlateDetector(network)
    seen = [(score, tuple(value / 2 for value in place)) for score, place in first]
    found = finder.decode(image, box, outputs_for(box.canvas, seen))
    return finder.refine_small_plates(image, box, found)


def test_a_plate_of_usual_size_is_not_looked_at_again():
    place = (300, 200, 500, 260)
    image, box = scene(place)
    network = FindsWhite()
    (plate,) = find(network, image, box, (0.9, place))
    assert plate.score == pytest.approx(0.9, abs=1e-4) and plate.box == pytest.approx(place, abs=0.1)
    assert network.seen == []


@pytest.mark.parametrize("place", [(300, 200, 360, 220), (0, 0, 60, 20), (964, 620, 1024, 640), (500, 300, 540, 330)])
def test_a_small_plate_is_where_and_what_it_is_from_nearer_by(place):
    image, box = scene(place)
    network = FindsWhite(0.8)
    left, top, right, bottom = place
    (plate,) = find(network, image, box, (0.3, (left - 8, top - 2, right - 6, bottom + 4)))
    assert network.seen == [(1, *CLOSER_CANVAS, 3)]
    assert plate.score == pytest.approx(0.8, abs=1e-4)
    assert plate.box == pytest.approx(place, abs=1)
    assert plate.corners[0] == pytest.approx(place[:2], abs=1) and plate.corners[2] == pytest.approx(place[2:], abs=1)


def test_a_small_plate_may_be_fainter_at_first_than_a_large_one():
    small, large = (300, 200, 360, 220), (600, 200, 770, 260)
    image, box = scene(small, large)
    (plate,) = find(FindsWhite(0.8), image, box, (0.15, small), (0.15, large))
    assert plate.box == pytest.approx(small, abs=1)
    found = find(FindsWhite(0.8), image, box, (0.15, small), (0.21, large))
    assert [plate.score for plate in found] == pytest.approx([0.8, 0.21], abs=1e-4)


def test_of_many_faint_plates_the_best_are_read():
    places = [(100, y, 300, y + 60) for y in range(10, 600, 80)]
    image, box = scene(*places)
    first = [(0.31 + index / 100, place) for index, place in enumerate(places)]
    clear = ((0.46, (500, 100, 700, 160)), (0.9, (500, 300, 700, 360)))
    found = find(FindsWhite(), image, box, *first, *clear)
    best = sorted((score for score, _ in first), reverse=True)[:MAXIMUM_FAINT]
    assert [plate.score for plate in found] == pytest.approx([0.9, 0.46, *best], abs=1e-4)


@pytest.mark.parametrize("faint", [(420, 205, 520, 260), (220, 180, 600, 300), (100, 300, 740, 500)])
def test_faint_parts_of_a_plate_what_it_is_fixed_to_and_what_is_much_nearer_are_no_plates(faint):
    whole, beside = (300, 200, 500, 260), (490, 205, 600, 260)
    image, box = scene(whole)
    found = find(FindsWhite(), image, box, (0.9, whole), (0.31, faint), (0.31, beside))
    assert [plate.score for plate in found] == pytest.approx([0.9, 0.31], abs=1e-4)
    assert found[1].box == pytest.approx(beside, abs=0.1)


@pytest.mark.parametrize("sure, read", [(0.9, [0.9, 0.31]), (0.49, [0.49, 0.31, 0.29, 0.21])])
def test_beside_a_sure_plate_another_must_be_less_faint(sure, read):
    places = [(100, y, 300, y + 60) for y in range(10, 410, 100)]
    image, box = scene(*places)
    found = find(FindsWhite(), image, box, *zip((sure, 0.31, 0.29, 0.21), places, strict=True))
    assert [plate.score for plate in found] == pytest.approx(read, abs=1e-4)


def test_beside_a_sure_plate_a_small_one_must_be_less_faint():
    small, large = (300, 200, 360, 220), (600, 200, 800, 260)
    image, box = scene(small, large)
    network = FindsWhite(0.8)
    assert [plate.box for plate in find(network, image, box, (0.29, small), (0.6, large))] == [
        pytest.approx(large, abs=0.1)
    ]
    assert network.seen == []
    found = find(network, image, box, (0.31, small), (0.6, large))
    assert sorted(plate.score for plate in found) == pytest.approx([0.6, 0.8], abs=1e-4)


def test_beside_a_small_plate_another_may_be_as_faint_as_alone():
    places = (300, 200, 360, 220), (600, 200, 660, 220)
    image, box = scene(*places)
    found = find(FindsWhite(0.8, 0.7), image, box, (0.9, places[0]), (0.15, places[1]))
    assert [plate.box for plate in found] == [pytest.approx(place, abs=1) for place in places]
    assert [plate.score for plate in found] == pytest.approx([0.8, 0.7], abs=1e-4)


@pytest.mark.parametrize(("first", "kept"), [(0.96, [0.48]), (0.7, [0.35]), (0.55, [])])
def test_what_is_not_found_again_is_half_as_sure(first, kept):
    place = (300, 200, 360, 220)
    image, box = scene(place)
    assert [plate.score for plate in find(FindsWhite(None), image, box, (first, place))] == pytest.approx(
        kept, abs=1e-4
    )


def test_another_plate_beside_it_is_not_taken_for_the_one_that_was_found():
    first, other = (300, 200, 360, 220), (330, 224, 390, 244)
    image, box = scene(other)
    (plate,) = find(FindsWhite(0.9), image, box, (0.96, first))
    assert plate.box == pytest.approx(first, abs=0.1) and plate.score == pytest.approx(0.48, abs=1e-4)


def test_two_that_turn_out_to_be_one_count_once():
    place = (300, 200, 360, 220)
    image, box = scene(place)
    aside = [(283, 200, 343, 220), (317, 200, 377, 220)]
    (plate,) = find(FindsWhite(0.7, 0.8), image, box, *((0.46, other) for other in aside))
    assert plate.box == pytest.approx(place, abs=1) and plate.score == pytest.approx(0.8, abs=1e-4)


def test_only_the_best_of_very_many_are_looked_at_again_and_none_is_lost():
    places = [(x, y, x + 48, y + 16) for y in range(40, 600, 80) for x in range(40, 960, 120)]
    image, box = scene(*places)
    network = FindsWhite(*[0.9] * MAXIMUM_CLOSER_LOOKS)
    found = find(network, image, box, *((0.46 + index / 1000, place) for index, place in enumerate(places)))
    assert len(found) == len(places) > MAXIMUM_CLOSER_LOOKS
    assert [shape[0] for shape in network.seen] == [DETECTOR_BATCH] * (MAXIMUM_CLOSER_LOOKS // DETECTOR_BATCH)
    sure = [plate for plate in found if plate.score > 0.8]
    assert len(sure) == MAXIMUM_CLOSER_LOOKS
    # Those that were surest at first, which are the last ones.
    assert min(plate.box[1] for plate in sure) >= places[-MAXIMUM_CLOSER_LOOKS][1] - 1
