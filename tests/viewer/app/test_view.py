from __future__ import annotations

import pytest

from alpr_app.viewer.app.state import MAXIMUM_ZOOM, View

PICTURE, CANVAS = (720, 1160), (900.0, 580.0)


def seen_at(view, point):
    """The picture pixel under a point of the canvas."""
    scale, (left, top) = view.scale(PICTURE, CANVAS), view.origin(PICTURE, CANVAS)
    return (point[0] - left) / scale, (point[1] - top) / scale


def test_a_fitted_picture_is_whole_and_in_the_middle():
    view = View()
    assert view.scale(PICTURE, CANVAS) == 0.5
    assert view.origin(PICTURE, CANVAS) == (270, 0)


def test_the_wheel_keeps_what_is_under_the_pointer():
    view = View()
    before = seen_at(view, (300, 200))
    for steps in (3, 5, -4):
        view.zoom_at(steps, (300, 200), PICTURE, CANVAS)
        assert seen_at(view, (300, 200)) == pytest.approx(before)
    assert view.zoom == pytest.approx(0.5 * 1.2**4)


def test_zoom_has_limits():
    view = View()
    view.zoom_at(500, (450, 290), PICTURE, CANVAS)
    assert view.zoom == MAXIMUM_ZOOM
    view.zoom_at(-500, (450, 290), PICTURE, CANVAS)
    assert 0 < view.zoom < 0.5


def test_dragging_moves_the_picture_with_the_pointer_and_never_away():
    view = View()
    before = seen_at(view, (100, 100))
    view.drag((30, -20), PICTURE, CANVAS)
    assert seen_at(view, (130, 80)) == pytest.approx(before)
    view.drag((1e6, 1e6), PICTURE, CANVAS)
    assert view.centre == (0, 0)


@pytest.mark.parametrize("size", [(1, 1), (12_000, 1), (1, 12_000)])
def test_any_size_of_picture_fits(size):
    scale = View().scale(size, CANVAS)
    assert 0 < scale <= 16
    assert size[0] * scale <= CANVAS[0] + 1e-6
    assert size[1] * scale <= CANVAS[1] + 1e-6
