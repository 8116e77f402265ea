import numpy as np

from alpr_app.train.augment.annotations import annotate

BOX = np.array([[60.0, 50.0, 140.0, 76.0]])


def test_frames_lie_at_the_edges_of_plates_and_leave_most_of_them_legible():
    framed, covered = 0, []
    for seed in range(40):
        image = np.full((120, 200, 3), 90, np.uint8)
        annotate(image, BOX, np.random.default_rng(seed))
        changed = (image != 90).any(axis=2)
        framed += bool(changed.any())
        covered.append(changed[58:68, 72:128].mean())
    assert framed > 30 and np.mean(covered) < 0.1


def test_the_same_seed_draws_the_same_frames():
    pictures = [np.zeros((120, 200, 3), np.uint8) for _ in range(2)]
    for picture in pictures:
        annotate(picture, BOX, np.random.default_rng(5))
    np.testing.assert_array_equal(*pictures)
