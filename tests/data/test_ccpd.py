import warnings

import pytest

from alpr_app.data.ccpd import Annotation, CcpdNameError, format_name, is_ccpd_name, parse_name

BLUE = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"
GREEN = "00785807291667-95_272-366&547_508&602-502&602_366&592_368&547_508&562-0_0_3_24_32_31_31_25-102-91.jpg"


def test_a_blue_name_is_read_field_by_field():
    assert parse_name("some/folder/" + BLUE) == Annotation(
        text="皖AY339S",
        box=(154, 383, 386, 473),
        corners=((154, 383), (363, 402), (386, 473), (177, 454)),
        area="025",
        tilt=(95, 113),
        brightness=37,
        blurriness=15,
    )


def test_a_green_name_has_eight_characters():
    annotation = parse_name(GREEN)
    assert annotation.text == "皖AD08771"
    assert annotation.corners[0] == (368, 547)


@pytest.mark.parametrize("name", [BLUE, GREEN])
def test_names_survive_a_round_trip(name):
    assert format_name(parse_name(name)) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("holiday.jpg", "is missing"),
        ("025-95_113-154&383_386&473.jpg", "'corners' is missing"),
        (BLUE.replace("154&383_386", "154&x_386"), "'box'"),
        (BLUE.replace("154&383_386&473-", "386&383_154&473-"), "'box'"),
        (BLUE.replace("386&473_177", "386&473_9_177"), "'corners' holds 9"),
        (BLUE.replace("-0_0_22", "-0_22"), "'characters' holds 6"),
        (BLUE.replace("-0_0_22", "-40_0_22"), "'characters' holds 40 at place 1"),
        (BLUE.replace("_113-", "_steep-"), "'tilt'"),
        (BLUE.replace("025-", "many-"), "'area'"),
        (BLUE.replace("-37-", "--"), "'brightness'"),
        (BLUE.replace("-15.jpg", "-fifteen.jpg"), "'blurriness'"),
        (BLUE.replace("-15.jpg", "-15-1.jpg"), "8 fields"),
    ],
)
def test_a_damaged_name_says_which_field_is_wrong(name, said):
    with pytest.raises(CcpdNameError, match=name.split("-")[0]) as caught:
        parse_name(name)
    assert said in str(caught.value)
    assert not is_ccpd_name(name)


@pytest.mark.parametrize(("text", "said"), [("皖A1234", "6"), ("皖A1234挂", "place 7"), ("京I12345", "place 2")])
def test_a_text_that_ccpd_cannot_spell_is_refused(text, said):
    annotation = parse_name(BLUE)
    with pytest.raises(CcpdNameError, match=said):
        format_name(Annotation(text, annotation.box, annotation.corners))


@pytest.mark.parametrize("number", ["9" * 20, "9" * 400, "2000000"])
@pytest.mark.parametrize("field", ["box", "corners"])
def test_a_number_that_no_picture_has_is_no_label(number, field):
    place = "154&383" if field == "box" else "386&473_177"
    with pytest.raises(CcpdNameError, match=f"field '{field}'"):
        parse_name(BLUE.replace(place, place.replace("383" if field == "box" else "177", number), 1))


def test_huge_numbers_in_a_name_are_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not is_ccpd_name(BLUE.replace("386&473_177", f"{'9' * 99}&473_177"))
