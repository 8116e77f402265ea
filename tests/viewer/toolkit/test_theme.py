"""Colours of the window: whether marks can be seen."""

from __future__ import annotations

from itertools import combinations

import pytest

from alpr_app.evaluation.outcomes import OUTCOMES
from alpr_app.viewer.panels.context import outcome_colour
from alpr_app.viewer.toolkit.theme import PLATE_COLOURS, SERIES, Theme, theme
from tests.viewer.audit import contrast, over

WHITE, BLACK = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 1.0)
SURFACES = ("panel", "field", "raised")
# Texts with the surfaces that they stand on.
TEXTS = {
    "text": ("ground", *SURFACES, "pressed", "accent_dim"),
    "dim": ("ground", *SURFACES),
    "accent": ("panel",),
    "certain": SURFACES,
    "uncertain": SURFACES,
    **dict.fromkeys(("right", "wrong", "missed", "place_off", "false_box", "unreadable"), ("panel", "field")),
}
# Outlines of controls, ticks, knobs and what is switched on.
CONTROLS = {"edge": SURFACES, "accent": SURFACES, "certain": SURFACES, "uncertain": SURFACES}


@pytest.fixture(params=[(name, blind) for name in ("dark", "light") for blind in (False, True)], ids=str)
def colours(request) -> Theme:
    return theme(*request.param)


def test_texts_stand_out_by_four_and_a_half_to_one(colours):
    low = {
        (text, ground): round(contrast(getattr(colours, text), getattr(colours, ground)), 2)
        for text, grounds in TEXTS.items()
        for ground in grounds
    }
    assert {pair: value for pair, value in low.items() if value < 4.5} == {}


def test_controls_stand_out_by_three_to_one(colours):
    low = {
        (control, ground): round(contrast(getattr(colours, control), getattr(colours, ground)), 2)
        for control, grounds in CONTROLS.items()
        for ground in grounds
    }
    assert {pair: value for pair, value in low.items() if value < 3} == {}


@pytest.mark.parametrize("picture", [WHITE, BLACK])
def test_texts_and_lines_on_pictures_stand_out_from_their_ground(colours, picture):
    assert contrast(colours.label_text, over(colours.label, picture)) >= 4.5
    for line in (colours.picture_certain, colours.picture_uncertain, colours.ground_truth):
        assert contrast(line, over(colours.halo, picture)) >= 3


def test_plate_texts_and_lines_of_charts_stand_out(colours):
    assert all(contrast(*pair) >= 4.5 for pair in PLATE_COLOURS.values())
    assert all(contrast(line, colours.field) >= 3 for line in SERIES)


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("colour_blind", [False, True])
def test_marks_of_outcomes_stand_out_from_the_list_and_from_cards(name, colour_blind):
    chosen = theme(name, colour_blind)
    colours = {outcome: outcome_colour(chosen, outcome) for outcome in OUTCOMES}
    for outcome, colour in colours.items():
        # The mark of the selected row has the panel's colour behind it.
        for ground in (chosen.panel, chosen.field):
            assert contrast(colour, ground) >= 3, outcome
    assert all(first != second for first, second in combinations(colours.values(), 2))
