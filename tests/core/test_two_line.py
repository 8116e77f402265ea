import numpy as np
import pytest

from alpr_app import ALPR
from alpr_app.core.geometry import picture_corners
from alpr_app.core.plate import ALPHABET
from alpr_app.core.two_line import may_have_two_lines, reads_two_lines, side_by_side
from alpr_app.synth.plates.painters import PlatePainter, random_text


def outline(width: float, height: float) -> np.ndarray:
    return np.float32([[0, 0], [width, 0], [width, height], [0, height]])


def test_only_narrow_plates_may_have_two_rows():
    assert may_have_two_lines(outline(440, 220)) and may_have_two_lines(outline(300, 220))
    assert not may_have_two_lines(outline(440, 140)) and not may_have_two_lines(outline(480, 140))


def test_readers_of_other_plates_do_not_know_these_rows():
    assert reads_two_lines(ALPHABET) and not reads_two_lines("ABCDEFGHIJ0123456789")


def test_the_upper_row_comes_to_stand_before_the_lower_one():
    plate = np.zeros((220, 440, 3), np.uint8)
    plate[15:75, 110:330] = (250, 0, 0)
    plate[90:200, 27:413] = (0, 0, 250)
    row = side_by_side(plate, picture_corners(plate), 48, 192)
    assert row.shape == (48, 192, 3) and row.dtype == np.uint8
    red, blue = row[10:38, 8:50].mean(axis=(0, 1)), row[10:38, 70:185].mean(axis=(0, 1))
    assert red[0] > 200 and red[2] < 20
    assert blue[2] > 200 and blue[0] < 20


@pytest.mark.parametrize("rows", [1, 2])
def test_the_shipped_reader_reads_drawn_plates_of_one_row_and_of_two(rows):
    painter, rng = PlatePainter(), np.random.default_rng(5)
    texts = [random_text("yellow", rng) for _ in range(30)]
    plates = [painter.draw(text, "yellow", rng, rows) for text in texts]
    read = ALPR(backend="torch", threads=1).read_crops(plates)
    right = [plate.text == text for plate, text in zip(read, texts, strict=True)]
    assert np.mean(right) >= 0.8
    assert {plate.colour for plate, good in zip(read, right, strict=True) if good} == {"yellow"}
