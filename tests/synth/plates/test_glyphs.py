"""Drawn signs: lettering that is not on plates, on a board or alone."""

from __future__ import annotations

import numpy as np

from alpr_app.core.plate_kinds import fits_format
from alpr_app.synth.plates.glyphs import SignPainter, random_words


def test_no_words_of_a_sign_are_a_plate() -> None:
    rng = np.random.default_rng(1)
    words = {random_words(rng) for _ in range(2000)}
    assert len(words) > 1000
    assert not [text for text in words if fits_format(text.replace(" ", ""))]


def test_signs_are_boards_or_letters_alone() -> None:
    painter, rng = SignPainter(), np.random.default_rng(2)
    covers = []
    for _ in range(40):
        sign, cover = painter.draw(rng)
        assert sign.shape == (*cover.shape, 3)
        assert sign.dtype == cover.dtype == np.uint8
        assert sign.std() > 5
        covers.append(float((cover > 127).mean()))
    assert covers.count(1.0) > 10
    assert min(covers) < 0.5


def test_the_same_seed_draws_the_same_sign() -> None:
    painter = SignPainter()
    first, second = (painter.draw(np.random.default_rng(3))[0] for _ in range(2))
    assert np.array_equal(first, second)
