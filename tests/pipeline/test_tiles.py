from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from alpr_app.networks.detector.postprocess import Detection
from alpr_app.pipeline.tiles import CUT_MARGIN, MAXIMUM_REDUCTION, SMALLEST_TILE, Tile, View, choose_tiles, merge

LONG_SIDE = 480
# (height, width)
SIZES = [(1201, 300), (1080, 1920), (3000, 4000), (9000, 12000), (6144, 8192), (12000, 961), (700, 50000), (2401, 2399)]


def detection(score: float, *box: float) -> Detection:
    left, top, right, bottom = box
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    return Detection(score, np.array(box, np.float32), corners)


@pytest.mark.parametrize("size", [(1160, 720), (1200, 1200), (1, 1), (480, 1200)])
def test_ordinary_pictures_are_not_divided(size):
    assert choose_tiles(*size, LONG_SIDE) == []


@pytest.mark.parametrize("size", SIZES)
def test_the_tiles_of_each_length_have_one_size_and_cover_the_picture(size):
    height, width = size
    levels = choose_tiles(height, width, LONG_SIDE)
    assert levels
    for tiles in levels:
        assert len({tile.size for tile in tiles}) == 1
        assert len(set(tiles)) == len(tiles)
        columns = sorted({(tile.left, tile.right) for tile in tiles})
        rows = sorted({(tile.top, tile.bottom) for tile in tiles})
        assert len(tiles) == len(rows) * len(columns)
        for parts, side in ((columns, width), (rows, height)):
            assert parts[0][0] == 0
            assert parts[-1][1] == side
            assert all(after[0] < before[1] for before, after in pairwise(parts))


@pytest.mark.parametrize("size", SIZES)
def test_every_plate_from_60_pixels_lies_whole_and_wide_enough_in_a_view(size):
    """Within the margin, at least 24 pixels wide in the detector's input: in a tile or in the whole picture."""
    height, width = size
    tiles = [tile for level in choose_tiles(height, width, LONG_SIDE) for tile in level]
    views = np.array(
        [[*(tile.left, tile.top, tile.right, tile.bottom)] for tile in [Tile(0, 0, width, height), *tiles]]
    )
    reductions = (views[:, 2:] - views[:, :2]).max(axis=1) / LONG_SIDE
    rng = np.random.default_rng(0)
    for _ in range(2000):
        across = min(width, 60 * (max(size) / 60) ** rng.uniform())
        down = min(height, across * rng.uniform(0.2, 1))
        left, top = rng.uniform(0, [width - across, height - down])
        margins = CUT_MARGIN * reductions
        # The picture's own edges need no margin.
        whole = (
            ((views[:, 0] == 0) | (left >= views[:, 0] + margins))
            & ((views[:, 1] == 0) | (top >= views[:, 1] + margins))
            & ((views[:, 2] == width) | (left + across <= views[:, 2] - margins))
            & ((views[:, 3] == height) | (top + down <= views[:, 3] - margins))
        )
        assert (whole & (across / reductions >= 23.99)).any(), (left, top, across, down)


def test_the_number_of_tiles_grows_with_the_area_only():
    def count(height: int, width: int) -> int:
        return sum(map(len, choose_tiles(height, width, LONG_SIDE)))

    assert count(9000, 12000) == 244
    for height, width in SIZES:
        step = SMALLEST_TILE * LONG_SIDE * 5 / 6
        assert count(height, width) <= 1.5 * (height / step + 1) * (width / step + 1)
        assert count(2 * height, 2 * width) <= 6 * max(4, count(height, width))


def test_small_inputs_of_a_detector_make_small_tiles():
    (smallest, *_) = choose_tiles(300, 400, 64)
    assert smallest[0].size == (128, 128)
    assert choose_tiles(100, int(64 * MAXIMUM_REDUCTION), 64) == []


def test_what_a_view_shows_is_moved_to_the_picture_unless_a_tile_cuts_it():
    picture = np.zeros((2000, 3000, 3), np.uint8)
    inner = View.of(picture, LONG_SIDE, Tile(800, 1040, 1760, 2000))
    assert inner.part.shape == (960, 960, 3)
    assert np.shares_memory(inner.part, picture)
    whole = detection(0.9, 10, 500, 70, 520)
    cut = [detection(0.9, 0, 300, 60, 320), detection(0.9, 300, 3, 360, 23), detection(0.9, 900, 300, 956, 320)]
    at_the_bottom = detection(0.9, 300, 940, 360, 960)
    moved = inner.in_picture([whole, *cut, at_the_bottom])
    assert [plate.box.tolist() for plate in moved] == [[810, 1540, 870, 1560], [1100, 1980, 1160, 2000]]
    np.testing.assert_array_equal(moved[0].corners, whole.corners + np.array([800, 1040]))
    assert View.of(picture, LONG_SIDE).in_picture(cut) is cut


def test_each_plate_is_kept_once_by_its_best_view():
    best, same, part = detection(0.9, 0, 0, 100, 30), detection(0.8, 3, 1, 104, 33), detection(0.7, 10, 5, 40, 28)
    around, beside = detection(0.6, -200, -50, 300, 80), detection(0.5, 102, 0, 200, 30)
    assert merge([part, beside, same, around, best]) == [best, beside]
    assert merge([]) == []
