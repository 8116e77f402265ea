import numpy as np

from alpr_app.train.augment.paste import paint_out, paste_plate

PLATE = np.float32([[40, 30], [100, 34], [98, 54], [39, 50]])
RED = (220, 10, 10)


def red(image: np.ndarray) -> np.ndarray:
    return (image[..., 0].astype(int) - image[..., 1]) > 60


def test_what_is_put_on_covers_its_corners_and_nothing_else():
    image = np.full((90, 140, 3), 128, np.uint8)
    paste_plate(image, np.full((20, 60, 3), RED, np.uint8), PLATE, np.random.default_rng(0), 1.0)
    assert red(image)[35:48, 45:93].all() and not red(image)[:25].any() and not red(image)[:, 110:].any()


def test_of_a_plate_that_is_painted_out_nothing_is_left():
    image = np.full((90, 140, 3), 128, np.uint8)
    paste_plate(image, np.full((20, 60, 3), RED, np.uint8), PLATE, np.random.default_rng(0), 1.0)
    before = image.copy()
    bare = paint_out(image, PLATE[None])
    np.testing.assert_array_equal(image, before)
    assert red(image).any() and not red(bare).any()
    np.testing.assert_array_equal(bare[70:], image[70:])


def test_without_plates_there_is_nothing_to_paint_out():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(paint_out(image, np.zeros((0, 4, 2), np.float32)), image)
