"""Colours of the window: whether marks can be seen."""

from __future__ import annotations

from itertools import combinations

import pytest

from alpr_app.evaluation.outcomes import OUTCOMES
from alpr_app.viewer.panels.context import outcome_colour
from alpr_app.viewer.toolkit.theme import Colour, theme


def luminance(colour: Colour) -> float:
    """Relative luminance as defined by WCAG 2."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: Colour, second: Colour) -> float:
    darker, lighter = sorted(map(luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


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
