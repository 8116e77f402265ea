import pytest

from alpr_app.core.plate import ALPHABET, COLOURS, LETTERS
from alpr_app.core.plate_kinds import KINDS, check_format, fits_format, kind_of, plausibility


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


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0),
        ("3", 1 / 7),
        ("皖A1234", 6 / 7),
        ("DZ733", 1 / 0.6),
        ("D7333", 5 / 7),
        ("JEANS", 5 / 7),
        ("BVTESZE", 1),
        ("皖A1234567", 1),
        ("皖A12345", 1 / 0.6),
        ("皖A1BC45", 1 / 0.6),
        ("皖AD12345", 1 / 0.6),
    ],
)
def test_a_reading_is_the_less_a_plate_the_less_it_reads_like_one(text, share):
    assert plausibility(text, fits_format(text)) == pytest.approx(0.6 * share)
    assert plausibility(text, None) == 1, "plates of other countries may have any text"


def test_plates_of_two_rows_are_judged_by_their_layout_too():
    assert check_format("皖A12345", "yellow", ALPHABET, rows=2) is True
    assert check_format("皖AD12345", "green", ALPHABET, rows=1) is True
    # New-energy plates have one row; green ones of two are a tractor's.
    assert check_format("皖AD12345", "green", ALPHABET, rows=2) is False


def test_a_white_plate_of_a_province_is_a_policemans_or_unknown():
    assert check_format("豫A1092警", "white", ALPHABET) is True
    assert check_format("豫R81092", "white", ALPHABET) is False


@pytest.mark.parametrize(
    ("text", "colour", "rows", "kind"),
    [
        ("皖A12345", "blue", 1, "standard"),
        ("鄂FSB017", "yellow", 2, "standard"),
        ("皖A12345", "white", 1, None),
        ("皖AD12345", "green", 1, "new_energy"),
        ("皖A12345D", "green", 1, "new_energy"),
        ("皖AD12345", "green", 2, None),
        ("皖1149885", "green", 2, "farm"),
        ("皖1149885", "green", 1, None),
        ("民航B9016", "green", 1, "airport"),
        ("京A1234警", "white", 1, "police"),
        ("BS13107", "white", 1, "military"),
        ("军A00101", "white", 1, "military"),
        ("军R31092", "white", 2, "military"),
        ("WJ07X0230", "white", 1, "armed_police"),
        ("WJ苏1234X", "white", 1, "armed_police"),
        ("WJ12345", "white", 1, "armed_police"),
        ("浙X1234应急", "white", 1, "emergency"),
        ("湘AH575挂", "yellow", 2, "trailer"),
        ("苏A1234学", "yellow", 1, "driving_school"),
        ("224578使", "black", 1, "embassy"),
        ("使224578", "black", 1, "embassy"),
        ("沪A1234领", "black", 1, "consulate"),
        ("粤ZBD60港", "black", 1, "hong_kong"),
        ("DZ7333", "white", 2, "hong_kong"),
        ("粤Z1234澳", "black", 1, "macao"),
        ("MA1234", "black", 1, "macao"),
        ("京A0001试", "white", 1, "test"),
        ("京A12345临", "yellow", 1, "temporary"),
        ("京A0012超", "white", 1, "oversize"),
        ("AB12", "white", 1, None),
    ],
)
def test_the_kind_follows_from_text_colour_and_rows(text, colour, rows, kind):
    assert kind_of(text, colour, rows) == kind
    assert check_format(text, colour, ALPHABET, rows) is (kind is not None)


def test_every_kind_has_colours_that_plates_have():
    assert {colour for kind in KINDS for colour in kind.colours} == set(COLOURS)
