import numpy as np
import torch

from alpr_app.networks.detector.config import STRIDES
from alpr_app.networks.detector.postprocess import positions
from alpr_app.train.detector.losses import ANCHOR, CANDIDATES_PER_LEVEL, assign

CENTRES, POSITION_STRIDES = (torch.from_numpy(array) for array in positions(256, 320))


def overlap(first, second) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def slow_assign(boxes: np.ndarray) -> list[int]:
    """ATSS by its definition, one plate and one position at a time."""
    centres, strides = CENTRES.numpy(), POSITION_STRIDES.numpy()
    best = [(-1.0, -1)] * len(centres)
    for index, box in enumerate(boxes):
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        distance = np.linalg.norm(centres - middle, axis=1)
        candidates = []
        for stride in STRIDES:
            level = np.flatnonzero(strides == stride)
            candidates += sorted(level, key=lambda position: distance[position])[:CANDIDATES_PER_LEVEL]
        overlaps = {}
        for position in candidates:
            (x, y), stride = centres[position], strides[position]
            half = ANCHOR[0] * stride / 2, ANCHOR[1] * stride / 2
            overlaps[position] = overlap((x - half[0], y - half[1], x + half[0], y + half[1]), box)
        values = np.array(list(overlaps.values()))
        threshold = values.mean() + values.std(ddof=1)
        chosen = [
            position
            for position in candidates
            if overlaps[position] >= threshold
            and box[0] < centres[position][0] < box[2]
            and box[1] < centres[position][1] < box[3]
        ]
        for position in chosen or [int(distance.argmin())]:
            value = overlaps.get(position, 0.0)
            if value > best[position][0]:
                best[position] = (value, index)
    return [index for _, index in best]


def test_assignment_equals_the_plain_slow_one():
    random = np.random.default_rng(4)
    for _ in range(20):
        corner = random.uniform(5, 200, (4, 2))
        size = random.uniform(15, 110, (4, 1)) * np.array([[1.0, 0.4]])
        boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
        found = assign(CENTRES, POSITION_STRIDES, torch.from_numpy(boxes))
        assert found.tolist() == slow_assign(boxes)


def test_a_plate_too_small_for_any_position_still_gets_one():
    tiny = torch.tensor([[100.5, 100.5, 103.0, 101.5]])
    owner = assign(CENTRES, POSITION_STRIDES, tiny)
    assert int((owner == 0).sum()) == 1
    assert torch.dist(CENTRES[owner == 0][0], torch.tensor([101.75, 101.0])) < 8


def test_large_plates_belong_to_coarse_strides_and_small_ones_to_fine():
    boxes = torch.tensor([[30.0, 40.0, 222.0, 104.0], [250.0, 200.0, 290.0, 214.0]])
    owner = assign(CENTRES, POSITION_STRIDES, boxes)
    assert set(POSITION_STRIDES[owner == 0].tolist()) == {32.0}
    assert set(POSITION_STRIDES[owner == 1].tolist()) == {8.0}


def test_without_plates_everything_is_background():
    assert (assign(CENTRES, POSITION_STRIDES, torch.zeros(0, 4)) == -1).all()
