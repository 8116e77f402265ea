import numpy as np
import pytest

from alpr_app.core.errors import AlprError
from alpr_app.data.frame import Frame
from alpr_app.data.images import PictureError
from alpr_app.pipeline.alpr import ALPR
from alpr_app.pipeline.frame_reader import FrameReader


@pytest.mark.parametrize("crops_only", [False, True])
def test_frames_read_together_read_as_each_alone(small_alpr, picture, crops_only):
    frames = [Frame("a", "a", picture(48 + 16 * (number % 2), 64, number)) for number in range(5)]
    reader = FrameReader(small_alpr, crops_only)
    together = reader.read(frames)
    assert [result.frame.image for _, result in together] == [None] * 5
    for frame, (image, result) in zip(frames, together, strict=True):
        assert image is frame.image and result.size == (64, image.shape[0])
        alone = reader.result_of(frame).result
        assert alone is not None and alone.plates
        assert [plate.text for plate in result.result.plates] == [plate.text for plate in alone.plates]
        boxes = [[plate.box for plate in plates] for plates in (result.result.plates, alone.plates)]
        np.testing.assert_allclose(*boxes, atol=1e-3)


def test_a_frame_that_cannot_be_read_fails_alone_and_in_its_place(small_alpr, picture, tmp_path):
    good = Frame("good", "good", picture())
    (_, first), (image, broken), (_, last) = FrameReader(small_alpr).read(
        [good, Frame(str(tmp_path / "none.jpg"), "none.jpg"), good]
    )
    assert image is None and isinstance(broken.error, PictureError) and "none.jpg" in str(broken.error)
    assert first.error is None and last.error is None
    assert [plate.text for plate in first.result.plates] == [plate.text for plate in last.result.plates]


def test_if_frames_fail_together_each_is_read_alone(small_alpr, picture):
    class Short(ALPR):
        def __init__(self):
            self.__dict__ = small_alpr.__dict__

        def analyse_batch(self, images):
            if len(images) > 1 or images[0].shape[0] > 60:
                raise AlprError("the memory is too small")
            return super().analyse_batch(images)

    frames = [Frame(name, name, picture(height)) for name, height in (("small", 48), ("large", 64))]
    small, large = (result for _, result in FrameReader(Short()).read(frames))
    assert small.error is None and small.result.plates
    assert str(large.error) == "the memory is too small" and large.frame.file == "large"


def test_plates_below_the_confidence_are_left_out(small_alpr, picture):
    frame = Frame("a", "a", picture())
    everything = FrameReader(small_alpr).result_of(frame).result.plates
    assert FrameReader(small_alpr, confidence=1.0).result_of(frame).result.plates == []
    least = min(plate.confidence for plate in everything)
    kept = FrameReader(small_alpr, confidence=np.nextafter(least, 1)).result_of(frame).result.plates
    assert len(kept) < len(everything)
