import numpy as np

from alpr_app.networks.detector.postprocess import decode, nms, positions

SIZE = (96, 160)


def outputs_for(found: dict[int, tuple[float, np.ndarray, np.ndarray]]) -> np.ndarray:
    """Raw outputs (N, 45) with position -> (logit, distances in strides (4,), corner offsets in strides (4, 2))."""
    count = len(positions(*SIZE)[0])
    quality = np.full(count, -8.0, np.float32)
    boxes, corners = np.zeros((count, 4, 9), np.float32), np.zeros((count, 4, 2), np.float32)
    for position, (logit, distances, offsets) in found.items():
        quality[position] = logit
        for side, distance in enumerate(distances):
            low = int(distance)
            share = distance - low
            boxes[position, side] = -50
            boxes[position, side, low] = np.log(max(1 - share, 1e-12))
            boxes[position, side, min(low + 1, 8)] = np.log(max(share, 1e-12)) if share else -50
        corners[position] = offsets
    return np.concatenate([quality[:, None], boxes.reshape(count, 36), corners.reshape(count, 8)], axis=1)


def test_distances_are_the_expectation_of_their_distribution():
    centres, strides = positions(*SIZE)
    position = 20 * 12 + 3  # in the second level
    offsets = np.float32([[-2, -1], [2, -1], [2, 1], [-2, 1]])
    (found,) = decode(outputs_for({position: (2.0, np.float32([2.25, 1.0, 3.5, 0.5]), offsets)}), SIZE)
    x, y = centres[position]
    stride = strides[position]
    np.testing.assert_allclose(
        found.box, [x - 2.25 * stride, y - stride, x + 3.5 * stride, y + 0.5 * stride], atol=1e-3
    )
    np.testing.assert_allclose(found.corners, [x, y] + offsets * stride, atol=1e-4)
    assert abs(found.score - 1 / (1 + np.exp(-2))) < 1e-6


def test_overlapping_detections_leave_the_best_and_others_stay():
    sides, offsets = np.float32([2, 1, 2, 1]), np.zeros((4, 2), np.float32)
    near, nearer, far = 20 * 5 + 5, 20 * 5 + 6, 20 * 9 + 16
    found = decode(
        outputs_for({near: (1.0, sides, offsets), nearer: (3.0, sides, offsets), far: (2.0, sides, offsets)}), SIZE
    )
    assert [round(detection.score, 3) for detection in found] == [0.953, 0.881]


def test_a_score_below_the_threshold_is_left_out():
    outputs = outputs_for({7: (0.5, np.float32([2, 1, 2, 1]), np.zeros((4, 2), np.float32))})
    assert len(decode(outputs, SIZE, score_threshold=0.6)) == 1
    assert decode(outputs, SIZE, score_threshold=0.65) == []


def test_thousands_of_candidates_do_not_take_all_memory():
    count = len(positions(512, 512)[0])
    random = np.random.default_rng(0)
    outputs = random.normal(0, 1, (count, 45)).astype(np.float32)
    outputs[:, 0] += 5
    found = decode(outputs, (512, 512), score_threshold=0.0)
    assert 1 <= len(found) <= 400


def test_suppression_is_greedy_from_the_best():
    boxes = np.float32([[0, 0, 10, 10], [2, 0, 12, 10], [4, 0, 14, 10]])
    # The middle one is best and overlaps both; without it the outer two would not overlap enough.
    assert nms(boxes, np.float32([0.8, 0.9, 0.7]), 0.45).tolist() == [1]
    assert nms(boxes, np.float32([0.9, 0.8, 0.7]), 0.45).tolist() == [0, 2]


def test_suppression_of_nothing_is_nothing():
    assert nms(np.empty((0, 4), np.float32), np.empty(0, np.float32)).tolist() == []
