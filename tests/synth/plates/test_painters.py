"""Drawn plates have the requested formats, sizes, colours and ink."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alpr_app.core.plate import ALPHABET, COLOURS, DIGITS, LETTERS, PROVINCES
from alpr_app.core.plate_kinds import KINDS, fits_format, kind_of
from alpr_app.synth.plates import painters
from alpr_app.synth.plates.blanks import LAYOUTS, style_of
from alpr_app.synth.plates.painters import MOTORCYCLE_WIDTH, PlatePainter
from alpr_app.synth.plates.texts import random_colour, random_plate_text, random_text

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="module")
def painter() -> PlatePainter:
    return PlatePainter()


@pytest.mark.parametrize("colour", COLOURS)
def test_random_texts_are_plates_that_may_be_issued(colour: str) -> None:
    rng = np.random.default_rng(1)
    texts = [random_text(colour, rng) for _ in range(300)]
    assert [text for text in texts if not fits_format(text, colour)] == []
    assert len(set(texts)) > 290


def test_every_province_letter_and_digit_comes_up_about_equally_often() -> None:
    rng = np.random.default_rng(2)
    texts = [random_text("blue", rng) for _ in range(6000)]
    for characters, place in ((PROVINCES, 0), (LETTERS, 1), (DIGITS, 4)):
        counts = np.array([sum(text[place] == character for text in texts) for character in characters])
        assert counts.min() > 0.6 * counts.mean()
        assert counts.max() < 1.4 * counts.mean()


def test_rare_last_characters_and_lorries_do_come_up() -> None:
    rng = np.random.default_rng(3)
    last = {random_text(colour, rng)[-1] for colour in ("yellow", "white", "black") for _ in range(400)}
    assert set("学警挂港澳使领") <= last
    styles = {style_of(random_text("green", rng), "green") for _ in range(100)}
    assert styles == {"green", "green_truck"}


def test_every_kind_comes_up_and_each_plate_is_of_one() -> None:
    rng = np.random.default_rng(16)
    plates = [random_plate_text(rng) for _ in range(4000)]
    kinds = [kind_of(plate.text, plate.colour, plate.rows) for plate in plates]
    assert set(kinds) == {kind.name for kind in KINDS}
    assert set(ALPHABET) == {character for plate in plates for character in plate.text}
    assert {plate.rows for plate in (random_plate_text(rng, rows=1) for _ in range(300))} == {1}


def test_a_reader_of_fewer_characters_gets_no_plate_that_it_cannot_spell() -> None:
    known = ALPHABET.replace("军", "").replace("航", "")
    painter, rng = PlatePainter(alphabet=known, max_length=8), np.random.default_rng(17)
    for text in (painter.random_plate(rng).text for _ in range(300)):
        assert len(text) <= 8 and set(text) <= set(known)


@pytest.mark.parametrize("index", range(30))
def test_a_plate_of_any_kind_is_drawn(painter: PlatePainter, index: int) -> None:
    rng = np.random.default_rng(100 + index)
    for _ in range(12):
        plate = painter.random_plate(rng)
        assert plate.image.dtype == np.uint8 and plate.image.std() > 8
        assert kind_of(plate.text, plate.colour, plate.rows) is not None


@pytest.mark.parametrize(("text", "red"), [("BS13107", slice(10, 120)), ("WJ07X0230", slice(5, 100))])
def test_the_letters_of_the_forces_are_red(painter: PlatePainter, text: str, red: slice) -> None:
    plate = painter.draw(text, "white", np.random.default_rng(18)).astype(int)
    redness = plate[:, :, 0] - plate[:, :, 1] > 60
    assert redness[:, red].mean() > 0.1
    redness[:, red] = False
    assert redness[:, 150:].mean() < 0.01


def test_random_colours_are_plate_colours_and_blue_leads() -> None:
    rng = np.random.default_rng(4)
    colours = [random_colour(rng) for _ in range(1000)]
    assert set(colours) == set(COLOURS)
    assert 500 < colours.count("blue") < 720


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plate_has_the_size_of_its_colour_and_differs_each_time(painter: PlatePainter, colour: str) -> None:
    rng = np.random.default_rng(5)
    text = random_text(colour, rng)
    first, second = painter.draw(text, colour, rng), painter.draw(text, colour, rng)
    assert first.shape == (140, 480 if colour == "green" else 440, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)


def test_the_same_seed_draws_the_same_plate(painter: PlatePainter) -> None:
    plates = [painter.draw("粤B12345", "blue", np.random.default_rng(6)) for _ in range(2)]
    assert np.array_equal(*plates)


def test_drawing_leaves_the_prepared_parts_as_they_were(painter: PlatePainter) -> None:
    before = painter.draw("京A8888警", "white", np.random.default_rng(7))
    rng = np.random.default_rng(8)
    for _ in range(20):
        painter.draw(random_text("white", rng), "white", rng)
    assert np.array_equal(before, painter.draw("京A8888警", "white", np.random.default_rng(7)))


def test_blue_and_yellow_and_green_plates_have_their_colour(painter: PlatePainter) -> None:
    rng = np.random.default_rng(9)
    red, _, blue = painter.draw("皖A12345", "blue", rng)[:, 125:150].reshape(-1, 3).mean(axis=0)
    assert blue > 1.4 * red
    red, _, blue = painter.draw("皖A12345", "yellow", rng)[:, 125:150].reshape(-1, 3).mean(axis=0)
    assert red > 1.4 * blue
    lower = painter.draw("皖AD12345", "green", rng)[95:115].reshape(-1, 3).mean(axis=0)
    assert lower[1] > lower[0] and lower[1] > lower[2]


@pytest.mark.parametrize("place", range(7))
def test_another_character_changes_its_own_cell_only(painter: PlatePainter, place: int) -> None:
    text = "皖A12345"
    other = text[:place] + {0: "沪", 1: "H"}.get(place, "8") + text[place + 1 :]
    first, second = (painter.draw(t, "blue", np.random.default_rng(10)).astype(int) for t in (text, other))
    left = LAYOUTS["blue"].cells[place].left
    changed = np.abs(first - second).max(axis=2) > 8
    assert changed[:, left : left + 45].any()
    changed[:, left - 4 : left + 49] = False
    assert not changed.any()


def test_the_last_character_of_a_police_plate_is_red(painter: PlatePainter) -> None:
    plate = painter.draw("京A1234警", "white", np.random.default_rng(11)).astype(int)
    redness = plate[:, :, 0] - plate[:, :, 1]
    assert (redness[:, 379:424] > 80).mean() > 0.1
    assert (redness[:, 15:370] > 80).mean() < 0.01


def test_a_text_of_the_wrong_length_is_refused(painter: PlatePainter) -> None:
    with pytest.raises(ValueError, match="8 characters, not 7"):
        painter.draw("皖A12345", "green", np.random.default_rng(0))


def test_a_character_without_a_glyph_is_refused(painter: PlatePainter) -> None:
    with pytest.raises(ValueError, match="no glyph for 'O'"):
        painter.draw("皖A1234O", "blue", np.random.default_rng(0))


def test_two_rows_are_a_lorrys_or_a_motorcycles(painter: PlatePainter) -> None:
    rng = np.random.default_rng(13)
    shapes = {painter.draw("皖A12345", "yellow", rng, rows=2).shape for _ in range(20)}
    assert shapes == {(220, 440, 3), (220, MOTORCYCLE_WIDTH, 3)}


def test_two_rows_have_their_own_shape_and_two_characters_above_five(
    painter: PlatePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painters, "MOTORCYCLE_SHARE", 0.0)
    first, other = (
        painter.draw(text, "yellow", np.random.default_rng(14), rows=2) for text in ("皖A1234挂", "皖B1234挂")
    )
    assert first.shape == (220, 440, 3)
    changed = np.abs(first - other.astype(int)).max(axis=2) > 8
    assert changed[12:78, 246:334].any()
    changed[12:78, 246:334] = False
    assert not changed.any()


def test_two_rows_of_a_new_energy_plate_are_refused(painter: PlatePainter) -> None:
    with pytest.raises(ValueError, match="no green plates of this kind with two rows"):
        painter.draw("皖AD12345", "green", np.random.default_rng(0), rows=2)


def test_the_office_letter_o_comes_up_now_and_then(painter: PlatePainter) -> None:
    rng = np.random.default_rng(15)
    offices = [random_text("blue", rng)[1] for _ in range(2000)]
    assert 5 < offices.count("O") < 80
    assert painter.draw("贵OA1234", "blue", rng).std() > 15


def test_an_empty_glyph_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        PlatePainter(glyphs=tmp_path)


def test_a_template_folder_without_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="blue_140"):
        PlatePainter(templates=tmp_path)


@pytest.mark.skipif(not (DATA / "glyphs").is_dir(), reason=f"needs the optional glyph pictures in {DATA.name}/glyphs")
def test_glyph_and_template_folders_draw_every_colour() -> None:
    painter = PlatePainter(DATA / "glyphs", DATA / "plates")
    rng = np.random.default_rng(12)
    for colour in COLOURS:
        for _ in range(10):
            plate = painter.draw(random_text(colour, rng), colour, rng)
            assert plate.std() > 15
