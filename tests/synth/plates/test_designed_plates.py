"""Plates drawn from a plates file have the sizes, ink, bands and marks of the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpr_app.data.assets import FONT
from alpr_app.synth.plates.designed_plates import DesignPainter
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plate_design import PlatesError, PlatesFile
from alpr_app.synth.plates.plates_file import read_plates_file, shipped_plates

FILE = """
name = "Toy"
alphabet = "ABCDEÄЖ0123456789"
max_length = 6

[[design]]
pattern = "LL DDD"
width = 420
height = 100
background = "#ffe000"
colour = "yellow"
embossed = false
bolts = 0
frame = 0
band = { width = 50, colour = "#003399", text = "XY" }

[[design]]
pattern = "LL*/DDD"
width = 300
height = 200
bolts = 0
frame = 0
"""


def plates_in(folder: Path, content: str = FILE) -> PlatesFile:
    path = folder / "toy.toml"
    path.write_text(content, encoding="utf-8")
    return read_plates_file(path)


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> PlatesFile:
    return plates_in(tmp_path_factory.mktemp("plates"))


@pytest.fixture(scope="module")
def toy_painter(toy) -> DesignPainter:
    return DesignPainter(toy)


def draw(painter: DesignPainter, lettering: str, seed: int = 0, number: int = 0) -> np.ndarray:
    return painter.draw(painter.plates.designs[number], lettering, np.random.default_rng(seed)).astype(int)


def test_a_plate_has_its_size_and_colours(toy_painter):
    plate = draw(toy_painter, "AB 123")
    assert plate.shape == (100, 420, 3)
    ground, band = plate[4:9, 200:400].mean(axis=(0, 1)), plate[20:40, 12:40].mean(axis=(0, 1))
    assert ground[0] > 150 and ground[1] > 120 and ground[2] < 90
    assert band[2] > 1.4 * band[0]
    assert draw(toy_painter, "AB*/123", number=1).shape == (200, 300, 3)


@pytest.mark.parametrize("place", range(5))
def test_another_character_changes_its_own_cell_only(toy, toy_painter, place):
    lettering = "AB 123"
    place += place > 1
    other = lettering[:place] + ("E" if place < 2 else "8") + lettering[place + 1 :]
    first, second = draw(toy_painter, lettering), draw(toy_painter, other)
    changed = np.abs(first - second).max(axis=2) > 8
    design = toy.designs[0]
    *lefts, width = design.offsets(lettering)
    left = sum(design.area) / 2 - width / 2 + lefts[place]
    inside = slice(round(left) - 5, round(left) + design.character_width + 5)
    assert changed[:, inside].sum() > 100
    changed[:, inside] = False
    assert not changed.any()


def test_the_same_seed_draws_the_same_plate_and_another_one_another(toy_painter):
    first, again, other = (draw(toy_painter, "AB 123", seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_characters_without_strokes_come_from_the_font(toy_painter):
    rng = np.random.default_rng(0)
    plain, dotted, foreign = (draw(toy_painter, f"{letter}B 123", 6) for letter in "AÄЖ")
    assert (np.abs(plain - dotted) > 60).any() and (np.abs(dotted - foreign) > 60).any()
    texts = [toy_painter.random_plate(rng).text for _ in range(60)]
    assert all(len(text) == 5 and toy_painter.issues(text) for text in texts)


def test_a_lettering_that_does_not_fit_is_refused(toy_painter):
    wrong = (("AB/123", "has 1 rows, not 2"), ("AB 12345", "between the margins"), ("ZB 123", "no glyph"))
    for lettering, said in wrong:
        with pytest.raises(ValueError, match=said):
            draw(toy_painter, lettering)


def test_a_character_that_no_font_has_is_refused_by_name(tmp_path):
    plates = plates_in(tmp_path, FILE.replace("Ж", "\U0010fff0"))
    with pytest.raises(PlatesError, match=r"toy\.toml: the font has no '.'; name a font that has it"):
        DesignPainter(plates)


def test_a_font_of_its_own_writes_other_letters(toy, tmp_path):
    design = replace(toy.designs[0], font=FONT)
    own = DesignPainter(replace(toy, designs=(design,)))
    strokes, font = draw(DesignPainter(toy), "AB 123"), draw(own, "AB 123")
    assert (np.abs(strokes - font) > 60).mean() > 0.01


@pytest.mark.parametrize("name", shipped_plates())
def test_every_shipped_design_is_drawn_and_its_ink_stands_out(name):
    plates = read_plates_file(name)
    painter = DesignPainter(plates)
    rng = np.random.default_rng(7)
    for design in plates.designs:
        for pattern in design.patterns:
            plate = painter.draw(design, pattern.widest, rng)
            assert plate.shape == (design.height, design.width, 3) and plate.dtype == np.uint8
            assert plate.std() > 20
    seen = {painter.random_plate(rng).colour for _ in range(60)}
    assert seen == set(plates.colours)


def test_pictures_of_chinese_characters_do_not_go_with_other_plates(toy, tmp_path):
    with pytest.raises(ValueError, match="leave them out with --plates"):
        make_painter(toy, glyphs=tmp_path)
