import math

import pytest
import torch

from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.detector.postprocess import positions, split_outputs
from alpr_app.train.detector.losses import (
    detector_losses,
    distribution_focal,
    expected_distances,
    generalised_iou,
    quality_focal,
)

CENTRES, STRIDES = (torch.from_numpy(array) for array in positions(96, 160))
PLATE = torch.tensor([[[30.0, 30.0], [94.0, 34.0], [93.0, 56.0], [29.0, 52.0]]])
NOTHING = torch.zeros(0, 4)


def test_quality_focal_by_hand():
    # A score of 0.5 for a quality of 0.9: distance 0.4, cross entropy ln 2.
    value = quality_focal(torch.tensor([0.0]), torch.tensor([0.9]))
    assert value.item() == pytest.approx(0.16 * math.log(2), rel=1e-5)
    # It is least where the score equals the quality.
    scores = torch.linspace(0.05, 0.95, 19)
    losses = quality_focal(torch.logit(scores), torch.full((19,), 0.6))
    assert scores[losses.argmin()].item() == pytest.approx(0.6)


def test_distribution_focal_by_hand():
    logits = torch.log(torch.tensor([0.1, 0.2, 0.6, 0.1]))
    expected = -(0.75 * math.log(0.2) + 0.25 * math.log(0.6))
    assert distribution_focal(logits, torch.tensor(1.25)).item() == pytest.approx(expected, rel=1e-5)


def test_a_distance_beyond_the_last_bin_counts_as_the_last():
    logits = torch.log(torch.tensor([0.01, 0.01, 0.01, 0.97]))
    assert distribution_focal(logits, torch.tensor(9.0)).item() < 0.1


def test_expected_distance_is_the_mean_of_the_bins():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    assert expected_distances(logits).item() == pytest.approx(0.75)


def test_generalised_iou_by_hand():
    first = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    second = torch.tensor([[1.0, 0.0, 3.0, 2.0], [3.0, 0.0, 4.0, 1.0]])
    iou, giou = generalised_iou(first, second)
    assert iou.tolist() == pytest.approx([1 / 3, 0.0])
    # The hull of the second pair is 4 x 1, of which 2 are covered.
    assert giou.tolist() == pytest.approx([1 / 3, -0.5])


def perfect_outputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The outputs of a perfect detector for PLATE at every position."""
    corners = (PLATE - CENTRES[:, None]) / STRIDES[:, None, None]
    low, high = PLATE[0].amin(dim=0), PLATE[0].amax(dim=0)
    sides = torch.cat([CENTRES - low, high - CENTRES], dim=1) / STRIDES[:, None]
    sides = sides.clamp(0, 7.99)
    confidence_bins = torch.arange(9.0)
    # All weight on the two bins around the distance.
    weights = (1 - (sides[..., None] - confidence_bins).abs()).clamp(min=1e-9)
    return torch.full((len(CENTRES),), -9.0)[None], weights.log()[None], corners[None]


def test_perfect_boxes_and_corners_cost_nothing():
    quality, boxes, corners = perfect_outputs()
    losses = detector_losses((quality, boxes, corners), CENTRES, STRIDES, [PLATE], [NOTHING])
    assert losses["box"].item() == pytest.approx(0, abs=1e-3)
    assert losses["corner"].item() == pytest.approx(0, abs=1e-6)
    assert losses["score"].item() > 0.5  # but it did not say so


def test_the_loss_is_the_stated_sum_and_reaches_every_parameter():
    detector = Detector(DetectorConfig(stem_channels=(8, 8), stage_channels=(8, 16, 16), neck_channels=16))
    outputs = split_outputs(detector(torch.rand(2, 3, 96, 160)))
    losses = detector_losses(outputs, CENTRES, STRIDES, [PLATE, PLATE[:0]], [NOTHING, NOTHING])
    parts = losses["score"] + 2 * losses["box"] + 0.25 * losses["bins"] + 8 * losses["corner"]
    torch.testing.assert_close(losses["loss"], parts)
    losses["loss"].backward()
    assert all(value.grad is not None for value in detector.parameters())


def test_a_batch_without_plates_teaches_the_score_only():
    quality, boxes, corners = (output.requires_grad_() for output in perfect_outputs())
    losses = detector_losses((quality, boxes, corners), CENTRES, STRIDES, [PLATE[:0]], [NOTHING])
    losses["loss"].backward()
    assert quality.grad.abs().sum() > 0
    assert boxes.grad.abs().sum() == corners.grad.abs().sum() == 0


def test_nothing_is_asked_of_scores_in_ignored_places():
    quality, boxes, corners = perfect_outputs()
    quality = torch.full_like(quality, 3.0).requires_grad_()
    ignored = torch.tensor([[100.0, 0.0, 160.0, 96.0]])
    detector_losses((quality, boxes, corners), CENTRES, STRIDES, [PLATE], [ignored])["loss"].backward()
    within = (CENTRES[:, 0] > 100) & (CENTRES[:, 0] < 160)
    assert (quality.grad[0, within] == 0).all()
    assert (quality.grad[0, ~within] != 0).all()


def test_bfloat16_gives_about_the_same_losses():
    torch.manual_seed(0)
    detector = Detector(DetectorConfig(stem_channels=(8, 8), stage_channels=(8, 16, 16), neck_channels=16))
    images = torch.rand(2, 3, 96, 160)
    full = detector_losses(split_outputs(detector(images)), CENTRES, STRIDES, [PLATE, PLATE], [NOTHING, NOTHING])
    with torch.autocast("cpu", torch.bfloat16):
        half = detector_losses(split_outputs(detector(images)), CENTRES, STRIDES, [PLATE, PLATE], [NOTHING, NOTHING])
    half["loss"].backward()
    torch.testing.assert_close(full["loss"], half["loss"], rtol=0.03, atol=0.03)
