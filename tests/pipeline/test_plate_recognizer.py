from __future__ import annotations

import numpy as np
import pytest

from alpr_app.core.geometry import picture_corners
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.pipeline.plate_recognizer import SURE, PlateRecognizer

CONFIG = ReaderConfig()
TEXT, OTHER = "皖A12345", "皖A12346"


class Scripted:
    """Stands in for a network: every plate it is shown gets the next of these texts and confidences."""

    def __init__(self, *answers: tuple[str, float]) -> None:
        self.answers = list(answers)
        self.seen: list[np.ndarray] = []

    def __call__(self, plates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        classes = len(CONFIG.alphabet) + 1
        characters = np.zeros((len(plates), CONFIG.max_length, classes), np.float32)
        for row, plate in enumerate(plates):
            self.seen.append(plate)
            text, confidence = self.answers.pop(0)
            indices = [CONFIG.alphabet.index(character) for character in text]
            indices += [CONFIG.blank] * (CONFIG.max_length - len(indices))
            # The softmax of this logit among zeros is the confidence.
            logit = np.log(confidence * (classes - 1) / (1 - confidence))
            characters[row, np.arange(CONFIG.max_length), indices] = logit
        return characters, np.zeros((len(plates), len(CONFIG.colours)), np.float32)


@pytest.fixture
def framed() -> tuple[np.ndarray, np.ndarray]:
    """A white plate in a black picture, and its corners."""
    image = np.zeros((100, 300, 3), np.uint8)
    image[30:70, 50:210] = 255
    return image, np.float32([[50, 30], [210, 30], [210, 70], [50, 70]])


def read(answers: list[tuple[str, float]], *plates: tuple[np.ndarray, np.ndarray]):
    network = Scripted(*answers)
    reader = PlateRecognizer(network, CONFIG)
    return reader.read([reader.crops_of(*plate) for plate in plates]), network.seen


def test_a_sure_reading_is_not_looked_at_again(framed):
    ((reading, crop),), seen = read([(TEXT, SURE + 0.02)], framed)
    assert reading.text == TEXT
    assert len(seen) == 1 and np.array_equal(crop.image, seen[0])


def test_a_doubtful_plate_is_cut_out_wider_and_the_surer_reading_counts(framed):
    ((reading, crop),), seen = read([(OTHER, 0.5), (TEXT, 0.8), (OTHER, 0.6)], framed)
    assert reading.text == TEXT and reading.confidence == pytest.approx(0.8, abs=1e-3)
    assert len(seen) == 3 and np.array_equal(crop.image, seen[1])
    dark = [plate < 128 for plate in seen]
    assert min(dark[1].mean(), dark[2].mean()) > dark[0].mean() + 0.1  # more of what is around the plate
    assert dark[1][24].mean() > dark[2][24].mean() and dark[2][:, 96].mean() > dark[1][:, 96].mean()  # wider, higher
    ((reading, crop),), seen = read([(TEXT, 0.6), (OTHER, 0.5), (OTHER, 0.4)], framed)
    assert reading.text == TEXT and np.array_equal(crop.image, seen[0])


def test_what_may_not_be_issued_counts_half(framed):
    ((reading, _),), _ = read([("皖A1234", 0.8), (TEXT, 0.5), (OTHER, 0.2)], framed)
    assert reading.text == TEXT


def test_only_doubtful_plates_of_many_are_looked_at_again(framed):
    answers = [(TEXT, 0.99), (OTHER, 0.3), (TEXT, 0.97), (OTHER, 0.2), (TEXT, 0.7)]
    readings, seen = read(answers, framed, framed, framed)
    assert [reading.text for reading, _ in readings] == [TEXT] * 3
    assert len(seen) == 5


def test_a_doubtful_crop_is_looked_at_again_closer_and_with_its_edges_repeated(framed):
    crop = framed[0][26:74, 45:215]  # some of what is around it
    network = Scripted((OTHER, 0.4), (TEXT, 0.6), (OTHER, 0.5))
    reader = PlateRecognizer(network, CONFIG)
    plate = reader.crops_of_picture(crop)
    np.testing.assert_array_equal(plate.corners, picture_corners(crop))
    assert [reading.text for reading, _ in reader.read([plate])] == [TEXT]
    dark = [(plate < 128).mean() for plate in network.seen]
    assert dark[1] < dark[0] - 0.1 and dark[2] > dark[0]
    assert reader.read([]) == []


def test_what_is_probably_no_plate_is_looked_at_once(framed):
    network = Scripted((OTHER, 0.5))
    reader = PlateRecognizer(network, CONFIG)
    ((reading, _),) = reader.read([reader.crops_of(*framed, once=True)])
    assert reading.text == OTHER
    assert len(network.seen) == 1
