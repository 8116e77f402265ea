import numpy as np
import pytest

from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.postprocess import decode

CONFIG = ReaderConfig(alphabet="皖AB1", max_length=4, colours=("blue", "green"))


def logits(classes: list[int], sure: float = 8.0) -> np.ndarray:
    values = np.zeros((1, 4, 5), np.float32)
    for place, index in enumerate(classes):
        values[0, place, index] = sure
    return values


def test_blanks_are_left_out_wherever_they_stand():
    (reading,) = decode(logits([0, 4, 1, 4]), np.float32([[0, 1]]), CONFIG)
    assert reading.text == "皖A"
    assert reading.colour == "green"
    assert len(reading.characters) == 2


def test_confidence_is_that_of_the_worst_character():
    values = logits([0, 1, 2, 3])
    values[0, 2, 2] = 2.0
    (reading,) = decode(values, np.float32([[1, 0]]), CONFIG)
    assert reading.confidence == pytest.approx(np.exp(2) / (np.exp(2) + 4))
    assert reading.characters[0] == pytest.approx(np.exp(8) / (np.exp(8) + 4))


def test_every_character_has_a_second_guess_which_may_be_none_at_all():
    values = logits([0, 4, 1, 2])
    values[0, 0, 3], values[0, 2, 4] = 6.0, 5.0
    (reading,) = decode(values, np.float32([[1, 0]]), CONFIG)
    assert reading.text == "皖AB"
    assert [guess for guess, _ in reading.alternatives[:2]] == ["1", ""]
    assert reading.alternatives[0][1] == pytest.approx(np.exp(6) / (np.exp(8) + np.exp(6) + 3))
    assert len(reading.alternatives) == len(reading.characters) == 3
    assert all(second <= first for first, (_, second) in zip(reading.characters, reading.alternatives, strict=True))


def test_a_plate_without_characters_has_no_confidence():
    (reading,) = decode(logits([4, 4, 4, 4]), np.float32([[1, 0]]), CONFIG)
    assert (reading.text, reading.characters, reading.alternatives, reading.confidence) == ("", (), (), 0.0)


def test_no_plates_give_no_readings():
    assert decode(np.zeros((0, 4, 5)), np.zeros((0, 2)), CONFIG) == []
