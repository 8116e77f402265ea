import pytest
import torch

from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.detector.postprocess import positions, split_outputs
from alpr_app.networks.layers import fuse

SMALL = DetectorConfig(
    long_side=64, stem_channels=(8, 8), stage_channels=(8, 16, 16), neck_channels=16, neck_repeats=2, head_blocks=2
)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(32, 32), (96, 160), (512, 320)])
def test_every_position_of_every_stride_has_an_output(size):
    quality, boxes, corners = split_outputs(Detector(SMALL)(torch.rand(2, 3, *size)))
    count = len(positions(*size)[0])
    assert quality.shape == (2, count)
    assert boxes.shape == (2, count, 4, SMALL.box_bins)
    assert corners.shape == (2, count, 4, 2)


def test_outputs_stand_in_the_order_of_the_positions(images):
    """A change in one corner of the picture moves most the outputs whose positions are there."""
    detector = Detector(SMALL).eval()
    changed = images.clone()
    changed[:, :, 64:, 128:] = 1.0
    moved = (detector(changed) - detector(images)).abs().sum(dim=(0, 2)).detach().numpy()
    centres, strides = positions(96, 160)
    there = (centres > (128, 64)).all(axis=1)
    for stride in (8, 16):
        assert moved[there & (strides == stride)].mean() > 1.5 * moved[~there & (strides == stride)].mean()


def test_fusing_changes_nothing_but_speed(images):
    torch.manual_seed(0)
    detector = Detector(SMALL)
    with torch.no_grad():
        for _ in range(3):
            detector(images)  # moves the batch norms' statistics away from their start
    detector.eval()
    before = detector(images)
    fuse(detector)
    fuse(detector)  # twice does no harm
    assert not any(isinstance(module, torch.nn.BatchNorm2d) and module.training for module in detector.modules())
    torch.testing.assert_close(before, detector(images), atol=1e-5, rtol=1e-4)


def test_gradients_flow_to_every_parameter(images):
    detector = Detector(SMALL)
    detector(images).square().sum().backward()
    without = [name for name, value in detector.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


def test_the_default_costs_about_a_gigaflop_at_the_size_of_ccpd():
    from torch.utils.flop_counter import FlopCounterMode

    detector = Detector(DetectorConfig())
    with FlopCounterMode(display=False) as counter:
        detector(torch.rand(1, 3, 512, 320))
    assert counter.get_total_flops() < 1.1e9


@pytest.mark.parametrize("changes", [{"long_side": 500}, {"long_side": 0}, {"box_bins": 1}])
def test_a_config_that_cannot_work_is_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        DetectorConfig(**changes)
