from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alpr_app.core.errors import AlprError
from alpr_app.core.plate import Plate
from alpr_app.data import assets
from alpr_app.data.overlay import annotate, label, label_place


def plate(box, text: str = "皖A12345") -> Plate:
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    count = len(text)
    crop = np.zeros((48, 192, 3), np.uint8)
    return Plate(text, 0.98, (0.98,) * count, (("", 0.01),) * count, "blue", 0.9, box, corners, crop)


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_plates_show_on_any_ground_and_the_picture_stays(ground):
    image = np.full((400, 600, 3), ground, np.uint8)
    drawn = annotate(image, [plate((200, 200, 300, 230))])
    assert (image == ground).all()
    assert drawn.shape == image.shape
    around = drawn[150:240, 190:420].astype(int)
    assert around.max() - around.min() > 200
    assert (drawn[300:] == ground).all()


def test_the_province_is_written_and_not_a_question_mark():
    image = np.zeros((400, 600, 3), np.uint8)
    pictures = [annotate(image, [plate((200, 200, 300, 230), text)]) for text in ("皖A1", "京A1", "?A1", "皖A1")]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])
    assert np.array_equal(pictures[0], pictures[3])


@pytest.mark.parametrize("box", [(0, 0, 40, 12), (560, 0, 600, 12), (0, 388, 40, 400), (560, 388, 600, 400)])
def test_labels_stay_inside_the_picture(box):
    size = (150, 30)
    left, top = label_place(box, size, (400, 600), 3)
    assert 0 <= left <= 600 - size[0]
    assert 0 <= top <= 400 - size[1]
    # And off the plate.
    assert top + size[1] <= box[1] or top >= box[3]


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (30, 40), (3000, 20), (20, 3000)])
def test_pictures_of_any_size_can_be_drawn_on(size):
    image = np.zeros((*size, 3), np.uint8)
    assert annotate(image, [plate((-50.5, -3.2, 9000.0, 8.0)), plate((0, 0, 1, 1), "")]).shape == image.shape


def test_no_plates_leave_a_copy(picture):
    image = picture()
    drawn = annotate(image, [])
    assert np.array_equal(drawn, image)
    assert drawn is not image


def test_the_label_says_how_sure_the_reading_is():
    assert label(plate((0, 0, 1, 1))) == "皖A12345 98%"
    assert label(plate((0, 0, 1, 1), "")) == "?"


def test_a_reading_that_fits_no_format_is_marked_on_the_picture():
    image, found = np.zeros((400, 600, 3), np.uint8), plate((200, 200, 300, 230), "皖A1234")
    marked = replace(found, fits_format=False)
    assert label(marked) == "皖A1234 ? 98%"
    assert label(replace(found, fits_format=True)) == label(found) == "皖A1234 98%"
    assert not np.array_equal(annotate(image, [marked]), annotate(image, [found]))


def test_a_missing_font_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "FONT", tmp_path / "font.ttf")
    monkeypatch.setattr("alpr_app.data.overlay._faces", [])
    with pytest.raises(AlprError, match=r"font\.ttf: the font is missing"):
        annotate(np.zeros((40, 40, 3), np.uint8), [plate((0, 0, 9, 9))])
