from __future__ import annotations

import cv2
import numpy as np
import pytest

from alpr_app.pipeline.field_colour import seen_colour

BLACK, WHITE = (20, 20, 20), (235, 235, 235)


def crop(field, characters, light: float = 1.0) -> np.ndarray:
    """A plate seen straight on, 48 x 192 RGB. field: a colour, or one at the top and one at the bottom."""
    top, bottom = (field, field) if isinstance(field[0], int) else field
    ramp = np.linspace(0, 1, 48)[:, None, None]
    image = np.broadcast_to(np.float32(top) * (1 - ramp) + np.float32(bottom) * ramp, (48, 192, 3))
    image = np.ascontiguousarray(image.round().astype(np.uint8))
    for number, character in enumerate("AJ35R18"):
        cv2.putText(image, character, (8 + 26 * number, 37), cv2.FONT_HERSHEY_SIMPLEX, 1.0, characters, 4)
    image = cv2.GaussianBlur(image, (0, 0), 1.0)
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return (light * image + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("said", ["yellow", "blue", "green", "white"])
@pytest.mark.parametrize("light", [0.5, 1.0])
def test_a_white_plate_is_white_whatever_the_reader_takes_it_for(said, light):
    assert seen_colour(crop((232, 232, 226), BLACK, light), said) == "white"


@pytest.mark.parametrize("said", ["blue", "black"])
def test_a_green_plate_with_white_characters_is_green(said):
    assert seen_colour(crop((20, 110, 60), WHITE), said) == "green"


@pytest.mark.parametrize(
    ("said", "field", "characters"),
    [
        ("blue", (20, 60, 170), WHITE),
        ("blue", (120, 165, 215), WHITE),  # pale, in the sun
        ("yellow", (225, 170, 30), BLACK),
        ("yellow", (240, 225, 175), BLACK),  # pale, in the sun
        ("green", ((225, 240, 230), (90, 200, 130)), BLACK),
        ("black", (25, 25, 28), WHITE),
    ],
)
@pytest.mark.parametrize("light", [0.15, 0.5, 1.0])
def test_plates_of_the_known_kinds_stay_what_they_are_in_any_light(said, field, characters, light):
    assert seen_colour(crop(field, characters, light), said) == said


@pytest.mark.parametrize("lamp", [(1.0, 1.0, 0.45), (0.75, 1.0, 0.6)])
def test_a_blue_plate_in_yellow_or_green_light_is_no_green_one(lamp):
    image = (crop((20, 60, 170), WHITE) * np.float32(lamp)).astype(np.uint8)
    assert seen_colour(image, "blue") == "blue"


@pytest.mark.parametrize("value", [0, 114, 255])
def test_where_nothing_can_be_seen_the_reader_is_believed(value):
    for said in ("blue", "yellow", "green", "a colour of one's own"):
        assert seen_colour(np.full((48, 192, 3), value, np.uint8), said) == said
