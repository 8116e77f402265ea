import numpy as np
import pytest

from alpr_app.core.plate import ALPHABET, COLOURS, LETTERS, PROVINCES, Plate
from alpr_app.core.plate_kinds import check_format, completeness, fits_format


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
    assert len(ALPHABET) == len(set(ALPHABET)) == 31 + 10 + 24 + 1 + 7


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("皖A12345", {"blue", "yellow", "black"}),
        ("京AD12345", {"green"}),
        ("京A12345D", {"green"}),
        ("苏A1234学", {"yellow"}),
        ("苏A1234挂", {"yellow"}),
        ("粤A1234警", {"white"}),
        ("粤Z1234港", {"black"}),
        ("使123456", {"black"}),
    ],
)
def test_formats_belong_to_their_colours(text, colours):
    assert {colour for colour in COLOURS if fits_format(text, colour)} == colours
    assert fits_format(text)


@pytest.mark.parametrize(
    "text", ["", "A12345", "皖A1234", "皖A123456", "皖I12345", "皖AO2345", "皖A·12345", "皖a12345"]
)
def test_other_texts_fit_no_format(text):
    assert not fits_format(text)


@pytest.mark.parametrize(
    ("text", "colour", "fits"),
    [
        ("皖A12345", "blue", True),
        ("皖A1234", "blue", False),
        ("皖A12345", "green", False),
        ("京AD12345", "green", True),
        ("京AD12345", "blue", False),
        ("京AD12345", "a colour of one's own", True),
        ("", "blue", None),
    ],
)
def test_a_reading_is_judged_by_the_formats_of_its_colour(text, colour, fits):
    assert check_format(text, colour, ALPHABET) is fits


def test_readings_of_other_plates_than_chinese_ones_are_not_judged():
    assert check_format("AB12CDE", "white", LETTERS + "0123456789") is None


@pytest.mark.parametrize(("fits", "shown"), [(True, "皖A12345"), (False, "皖A12345 ?"), (None, "皖A12345")])
def test_a_reading_that_fits_no_format_is_marked_and_kept(fits, shown):
    plate = make_plate(fits_format=fits)
    assert plate.marked_text == shown
    assert (plate.text, plate.to_dict()["fits_format"]) == ("皖A12345", fits)


def test_to_dict_rounds_and_leaves_the_crop_out():
    assert make_plate().to_dict() == {
        "text": "皖A12345",
        "confidence": 0.9123,
        "characters": [0.99, 0.9123],
        "alternatives": [["沪", 0.004], ["", 0.0568]],
        "colour": "blue",
        "fits_format": None,
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


@pytest.mark.parametrize(
    ("text", "share"), [("", 0), ("3", 1 / 7), ("皖A1234", 6 / 7), ("皖A12345", 1), ("皖AD12345", 1)]
)
def test_a_reading_is_the_less_a_plate_the_more_characters_it_lacks(text, share):
    assert completeness(text, ALPHABET) == pytest.approx(share)
    assert completeness(text, "ABC0123") == 1


def test_plates_of_two_rows_are_judged_by_their_layout_too():
    assert check_format("皖A12345", "yellow", ALPHABET, rows=2) is True
    assert check_format("皖AD12345", "green", ALPHABET, rows=1) is True
    # New-energy plates have one row; green ones of two are a tractor's.
    assert check_format("皖AD12345", "green", ALPHABET, rows=2) is False


def test_a_white_plate_of_a_province_is_a_policemans_or_unknown():
    assert check_format("豫A1092警", "white", ALPHABET) is True
    assert check_format("豫R81092", "white", ALPHABET) is False
