import numpy as np
import pytest

from alpr_app.train.augment import camera as module
from alpr_app.train.augment.camera import camera_augment

STEPS = [step for steps in (module._LIGHT, module._SENSOR) for step, _ in steps]
BLURS = [step for step, _ in module._LENS]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 151, 3), np.uint8)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_step_keeps_shape_and_type_and_leaves_its_input_alone(step, image):
    before = image.copy()
    for seed in range(5):
        result = step(image, np.random.default_rng(seed))
        assert result.shape == image.shape and result.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("step", BLURS, ids=lambda step: step.__name__)
def test_blur_takes_contrast_away_and_keeps_brightness(step, image):
    for seed in range(5):
        result = step(image, np.random.default_rng(seed), plate_height=80)
        assert result.std() < image.std()
        assert abs(float(result.mean()) - float(image.mean())) < 3


def test_without_strength_nothing_happens(image):
    np.testing.assert_array_equal(camera_augment(image, np.random.default_rng(0), strength=0), image)


def test_the_same_seed_gives_the_same_picture(image):
    first, second, other = (camera_augment(image, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
