import numpy as np
import pytest

from alpr_app.core.geometry import order_corners
from alpr_app.train.augment.paste import EASY, HARD, USUAL, Pose, plate_corners


def test_a_plate_seen_straight_on_is_a_rectangle():
    corners = plate_corners(220, 70, Pose(0, 0, 0), np.random.default_rng(0))
    np.testing.assert_allclose(corners, [[-110, -35], [110, -35], [110, 35], [-110, 35]], atol=1e-3)


@pytest.mark.parametrize("pose", [EASY, USUAL, HARD])
def test_corners_are_as_wide_as_asked_and_in_order(pose):
    for seed in range(50):
        corners = plate_corners(100, 32, pose, np.random.default_rng(seed))
        assert np.ptp(corners[:, 0]) == pytest.approx(100, abs=1e-3)
        np.testing.assert_array_equal(order_corners(corners), corners)


def test_a_harder_pose_turns_further():
    def turn(pose: Pose) -> float:
        found = [plate_corners(100, 32, pose, np.random.default_rng(seed)) for seed in range(100)]
        return float(np.mean([abs(corners[1, 1] - corners[0, 1]) for corners in found]))

    assert turn(EASY) < turn(USUAL) < turn(HARD)
