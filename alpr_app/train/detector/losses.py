"""The detector's losses: quality focal, distribution focal (Li et al., Generalized Focal Loss, 2020), generalised IoU
and corners; and which positions answer for which plate (ATSS: Zhang et al., Bridging the Gap Between Anchor-based
and Anchor-free Detection, 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from alpr_app.networks.detector.config import STRIDES
from alpr_app.train.trainer.distributed import mean_over_ranks

CANDIDATES_PER_LEVEL = 9
# Width and height of the anchor in strides: about 3 to 1, as the upright box of a slightly turned plate.
ANCHOR = (6.0, 2.0)


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes (N, 4) and (M, 4): (N, M)."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = (high - low).clamp(min=0).prod(dim=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (first, second)]
    return intersection / (areas[0][:, None] + areas[1][None] - intersection).clamp(min=1e-9)


def assign(centres: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """For every position the index of its plate, or -1 for background: (N,) int64.

    centres (N, 2) and strides (N,) as from `alpr_app.detector.positions`; boxes (M, 4) in pixels.
    A plate so small that no position qualifies gets the nearest one.
    """
    owner = torch.full((len(centres),), -1, dtype=torch.long, device=centres.device)
    if not len(boxes):
        return owner
    half = strides[:, None] * torch.tensor(ANCHOR, device=centres.device) / 2
    overlaps = pairwise_iou(torch.cat([centres - half, centres + half], dim=1), boxes)  # (N, M)
    distances = torch.cdist(centres, (boxes[:, :2] + boxes[:, 2:]) / 2)
    candidate = torch.zeros_like(overlaps, dtype=torch.bool)
    for stride in STRIDES:
        level = torch.nonzero(strides == stride).squeeze(1)
        count = min(CANDIDATES_PER_LEVEL, len(level))
        nearest = level[distances[level].topk(count, dim=0, largest=False).indices]
        candidate.scatter_(0, nearest, True)
    chosen = torch.where(candidate, overlaps, torch.nan)
    mean = chosen.nanmean(dim=0)
    deviation = (chosen - mean).square().nansum(dim=0).div(candidate.sum(dim=0) - 1).sqrt()
    inside = ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(dim=2)
    positive = candidate & (overlaps >= mean + deviation) & inside
    orphans = torch.nonzero(~positive.any(dim=0)).squeeze(1)
    positive[distances[:, orphans].argmin(dim=0), orphans] = True
    # A position that several plates want goes to the one it overlaps with most.
    best, index = torch.where(positive, overlaps, -1.0).max(dim=1)
    return torch.where(best >= 0, index, owner)


# All four are of the same order once training is under way.
BOX_WEIGHT = 2.0
DISTRIBUTION_WEIGHT = 0.25
CORNER_WEIGHT = 8.0
# Corner errors below this share of the plate's size count quadratically.
CORNER_BETA = 0.02


def quality_focal(logits: Tensor, quality: Tensor) -> Tensor:
    """Binary cross entropy with a soft target, weighted by how far off the score is (equation 5, beta 2)."""
    distance = (logits.sigmoid() - quality).abs()
    return functional.binary_cross_entropy_with_logits(logits, quality, reduction="none") * distance.square()


def distribution_focal(logits: Tensor, distance: Tensor) -> Tensor:
    """Cross entropy with the two bins around the true distance (equation 6). logits (..., bins), distance (...)."""
    bins = logits.shape[-1]
    distance = distance.clamp(0, bins - 1.01)
    lower = distance.floor()
    share = distance - lower
    log_probabilities = logits.log_softmax(dim=-1)
    below = log_probabilities.gather(-1, lower.long()[..., None]).squeeze(-1)
    above = log_probabilities.gather(-1, lower.long()[..., None] + 1).squeeze(-1)
    return -(below * (1 - share) + above * share)


def generalised_iou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of boxes (N, 4), pair by pair."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    intersection = (high - low).clamp(min=0).prod(dim=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (first, second)]
    union = (areas[0] + areas[1] - intersection).clamp(min=1e-6)
    hull_low, hull_high = (
        torch.minimum(first[:, :2], second[:, :2]),
        torch.maximum(first[:, 2:], second[:, 2:]),
    )
    hull = (hull_high - hull_low).clamp(min=0).prod(dim=1).clamp(min=1e-6)
    iou = intersection / union
    return iou, iou - (hull - union) / hull


def expected_distances(logits: Tensor) -> Tensor:
    """Integral regression (equation 3): the expectation over the bins, in strides. (..., bins) -> (...)."""
    return logits.softmax(dim=-1) @ torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)


def _boxes_of(corners: Tensor) -> Tensor:
    return torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)


def positions_of_plates(
    centres: Tensor, strides: Tensor, plates: list[Tensor], ignored: list[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Which positions of a batch are to find a plate: their indices (P,) among all B * N, the true corners (P, 4, 2),
    and whether anything is asked of each position's score (B, N)."""
    rows, corners, asked = [], [], []
    for picture, (truth, areas) in enumerate(zip(plates, ignored, strict=True)):
        owner = assign(centres, strides, _boxes_of(truth))
        positive = torch.nonzero(owner >= 0).squeeze(1)
        rows.append(positive + picture * len(centres))
        corners.append(truth[owner[positive]])
        within = ((centres[:, None] > areas[None, :, :2]) & (centres[:, None] < areas[None, :, 2:])).all(dim=2)
        asked.append((~(within.any(dim=1) & (owner < 0))).float())
    return torch.cat(rows), torch.cat(corners), torch.stack(asked)


def detector_losses(
    outputs: tuple[Tensor, Tensor, Tensor],
    centres: Tensor,
    strides: Tensor,
    plates: list[Tensor],
    ignored: list[Tensor],
) -> dict[str, Tensor]:
    """Losses of a batch. outputs: of `Detector`. plates: true corners (M, 4, 2) of each picture in pixels.
    ignored: boxes (K, 4) of each picture in which nothing is asked of the background's score.

    Sums are divided by what all processes together have found positive, so that sharing a batch changes nothing.
    """
    quality, boxes, corners = (output.float() for output in outputs)
    count = len(plates)
    chosen, truth, asked = positions_of_plates(centres, strides, plates, ignored)
    centre, stride = centres.repeat(count, 1)[chosen], strides.repeat(count)[chosen, None]
    true_boxes = _boxes_of(truth)
    logits = boxes.flatten(0, 1)[chosen]
    distances = expected_distances(logits) * stride
    found = torch.cat([centre - distances[:, :2], centre + distances[:, 2:]], dim=1)
    iou, giou = generalised_iou(found, true_boxes)
    target = torch.zeros_like(quality.flatten())
    target[chosen] = iou.detach().clamp(min=0)
    # Positions that are sure of themselves speak loudest, as they will when the box is chosen.
    weight = quality.flatten()[chosen].detach().sigmoid().clamp(min=0.05)
    total = mean_over_ranks(weight.sum()).clamp(min=1)
    positives = mean_over_ranks(torch.tensor(float(len(chosen)), device=quality.device)).clamp(min=1)
    score_loss = (quality_focal(quality, target.view_as(quality)) * asked).sum() / positives
    box_loss = ((1 - giou) * weight).sum() / total
    sides = torch.cat([centre - true_boxes[:, :2], true_boxes[:, 2:] - centre], dim=1) / stride
    bin_loss = (distribution_focal(logits, sides).mean(dim=1) * weight).sum() / total
    size = (true_boxes[:, 2:] - true_boxes[:, :2]).clamp(min=1)[:, None]
    points = centre[:, None] + corners.flatten(0, 1)[chosen] * stride[..., None]
    error = functional.smooth_l1_loss(points / size, truth / size, beta=CORNER_BETA, reduction="none")
    corner_loss = (error.mean(dim=(1, 2)) * weight).sum() / total
    loss = score_loss + BOX_WEIGHT * box_loss + DISTRIBUTION_WEIGHT * bin_loss + CORNER_WEIGHT * corner_loss
    return {"loss": loss, "score": score_loss, "box": box_loss, "bins": bin_loss, "corner": corner_loss}
