import numpy as np
import pytest

from alpr_app import ALPR
from alpr_app.data import assets, ccpd
from alpr_app.data.images import read_picture
from alpr_app.pipeline.contrast import AMPLE_CROP, AMPLE_PICTURE, stretched
from alpr_app.pipeline.plate_recognizer import PlateRecognizer

# So dark that three grey levels are left, with which hardly a plate is read without the second attempt.
DARKNESS = 0.01
SAMPLES = sorted(assets.SAMPLES.glob("*-*.jpg"))


def test_few_levels_are_spread_over_the_whole_range():
    image = np.random.default_rng(0).integers(3, 12, (60, 90, 3)).astype(np.uint8)
    before = image.copy()
    clearer = stretched(image, AMPLE_PICTURE)
    assert clearer is not None and clearer.min() == 0 and clearer.max() == 255
    np.testing.assert_array_equal(image, before)
    # Brighter stays brighter.
    assert (np.diff(clearer.ravel()[np.argsort(image.ravel(), kind="stable")].astype(int)) >= 0).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_level_or_of_ample_contrast_stays_as_it_is(level):
    assert stretched(np.full((40, 40, 3), level, np.uint8), AMPLE_PICTURE) is None
    full = np.random.default_rng(1).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    assert stretched(full, AMPLE_PICTURE) is None and stretched(full, AMPLE_CROP) is None


def test_a_plate_in_near_darkness_is_read_in_the_second_attempt(monkeypatch):
    """The darkest copies of the samples in which a plate is read only if the contrast is stretched."""
    alpr = ALPR(backend="torch", threads=1)
    texts = []
    for path in SAMPLES:
        wanted = ccpd.parse_name(path).text
        dark = (read_picture(path, orient=False) * DARKNESS).astype(np.uint8)
        texts += [wanted in {plate.text for plate in alpr.read(dark)}]
    monkeypatch.setattr("alpr_app.pipeline.alpr.stretched", lambda image, ample: None)
    monkeypatch.setattr("alpr_app.pipeline.plate_recognizer.stretched", lambda image, ample: None)
    without = []
    for path in SAMPLES:
        wanted = ccpd.parse_name(path).text
        dark = (read_picture(path, orient=False) * DARKNESS).astype(np.uint8)
        without += [wanted in {plate.text for plate in alpr.read(dark)}]
    assert sum(texts) > sum(without)


def test_both_attempts_are_timed(monkeypatch):
    alpr = ALPR(backend="torch", threads=1)
    calls = []
    monkeypatch.setattr(PlateRecognizer, "read", lambda self, plates: calls.append(1) or [])
    monkeypatch.setattr(alpr.plate_detector, "refine_small_plates", lambda *picture: [])
    grey = np.random.default_rng(2).integers(90, 110, (200, 300, 3)).astype(np.uint8)
    assert alpr.analyse(grey).plates == [] and len(calls) == 2
