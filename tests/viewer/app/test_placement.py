from __future__ import annotations

import pytest

from alpr_app.viewer.app.window import TITLE_HEIGHT, fit_to_screens

MAIN, SIDE = (0, 25, 1920, 1055), (1920, 0, 1280, 1024)


@pytest.mark.parametrize(
    ("place", "size", "areas", "expected"),
    [
        ((100, 80), (1440, 900), [MAIN], ((100, 80), (1440, 900))),
        ((2000, 50), (1000, 700), [MAIN, SIDE], ((2000, 50), (1000, 700))),
        ((2000, 50), (1000, 700), [MAIN], (None, (1000, 700))),
        ((1800, 900), (800, 600), [MAIN], ((1120, 480), (800, 600))),
        ((-300, 100), (800, 600), [MAIN], ((0, 100), (800, 600))),
        ((100, -40), (800, 600), [MAIN], ((100, 25 + TITLE_HEIGHT), (800, 600))),
        ((0, 25), (4000, 3000), [MAIN], ((0, 25), (1920, 1055))),
        (None, (4000, 900), [MAIN, SIDE], (None, (1920, 900))),
        ((5, 5), (800, 600), [], ((5, 5), (800, 600))),
    ],
)
def test_a_window_comes_back_where_it_was_as_far_as_there_is_a_screen(place, size, areas, expected):
    assert fit_to_screens(place, size, areas) == expected
