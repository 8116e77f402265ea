import numpy as np
import pytest

from alpr_app.core.plate import ALPHABET, LETTERS, PROVINCES, SPECIALS, Plate


def make_plate(**changes) -> Plate:
    values = {
        "text": "皖A12345",
        "confidence": 0.91234567,
        "characters": (0.99, 0.91234567),
        "alternatives": (("沪", 0.004), ("", 0.05678901)),
        "colour": "blue",
        "score": 0.8,
        "box": (1.04, 2.0, 3.0, 4.0),
        "corners": ((1.0, 2.0), (3.0, 2.0), (3.0, 4.0), (1.0, 4.06)),
        "crop": np.zeros((48, 192, 3), np.uint8),
    }
    return Plate(**{**values, **changes})


def test_alphabet_holds_every_province_letter_and_special_once():
    assert len(PROVINCES) == 31
    assert len(LETTERS) == 24
    assert "I" not in ALPHABET and "O" in ALPHABET
    # Classes of bundles made before there were more kinds keep their order.
    assert ALPHABET.endswith("O学警挂港澳使领军海空沈北兰济南广成民航应急临试超")
    assert len(ALPHABET) == len(set(ALPHABET)) == 31 + 10 + 24 + 1 + len(SPECIALS)


@pytest.mark.parametrize(("fits", "shown"), [(True, "皖A12345"), (False, "皖A12345 ?"), (None, "皖A12345")])
def test_a_reading_that_fits_no_format_is_marked_and_kept(fits, shown):
    plate = make_plate(fits_format=fits)
    assert plate.marked_text == shown
    assert (plate.text, plate.to_dict()["fits_format"]) == ("皖A12345", fits)


@pytest.mark.parametrize(("province", "doubtful"), [(0.59, True), (0.61, False)])
def test_a_province_that_is_a_guess_is_marked(province, doubtful):
    plate = make_plate(fits_format=True, characters=(province, 0.99))
    assert plate.doubtful is doubtful and plate.marked_text.endswith("?") is doubtful
    # Other characters are not marked, nor are plates without a province.
    assert not make_plate(fits_format=True, characters=(0.99, 0.2)).doubtful
    assert not make_plate(fits_format=None, text="AB12CDE", characters=(0.2, 0.9)).doubtful


def test_to_dict_rounds_and_leaves_the_crop_out():
    assert make_plate().to_dict() == {
        "text": "皖A12345",
        "confidence": 0.9123,
        "characters": [0.99, 0.9123],
        "alternatives": [["沪", 0.004], ["", 0.0568]],
        "colour": "blue",
        "fits_format": None,
        "kind": None,
        "score": 0.8,
        "box": [1.0, 2.0, 3.0, 4.0],
        "corners": [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 4.1]],
    }


def test_plates_compare_by_value():
    assert make_plate() == make_plate()
    assert hash(make_plate()) == hash(make_plate())
    assert make_plate() != make_plate(text="皖A12346")
    assert make_plate() != make_plate(alternatives=(("沪", 0.004), ("B", 0.056)))
    assert make_plate() != make_plate(crop=np.ones((48, 192, 3), np.uint8))


def test_plates_that_are_equal_as_they_are_written_are_one_in_a_set():
    assert len({make_plate(), make_plate(confidence=0.91234561, box=(1.04, 2.0, 3.0, 4.001))}) == 1
