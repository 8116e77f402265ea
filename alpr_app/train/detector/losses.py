"""The detector's losses: quality focal loss, distribution focal loss (Li et al., Generalized Focal Loss, 2020),
generalised IoU and corner loss; and the assignment of positions to plates (ATSS: Zhang et al., Bridging the Gap Between
Anchor-based and Anchor-free Detection, 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from alpr_app.networks.detector.config import STRIDES
from alpr_app.train.trainer.distributed import mean_over_ranks

CANDIDATES_PER_LEVEL = 9
# Width and height of the anchor in strides: about 3 to 1, like the upright box of a slightly rotated plate.
ANCHOR = (6.0, 2.0)


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes (N, 4) and (M, 4): (N, M)."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = (high - low).clamp(min=0).prod(dim=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (first, second)]
    return intersection / (areas[0][:, None] + areas[1][None] - intersection).clamp(min=1e-9)


def assign(centres: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """Assign positions to plates by ATSS. A plate so small that no position qualifies gets the nearest one.

    Args:
        centres: Centres of the positions in pixels, (N, 2), as from `postprocess.positions`.
        strides: Their strides in pixels, (N,).
        boxes: Boxes of the plates in pixels, (M, 4).

    Returns:
        For each position the index of its plate, or -1 for background: (N,) int64.
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
    # A position that qualifies for several plates goes to the one with the highest overlap.
    best, index = torch.where(positive, overlaps, -1.0).max(dim=1)
    return torch.where(best >= 0, index, owner)


# With these weights the four losses are of the same order after the first steps of a training.
BOX_WEIGHT = 2.0
DISTRIBUTION_WEIGHT = 0.25
CORNER_WEIGHT = 8.0
# Corner errors below this share of the plate's size count quadratically.
CORNER_BETA = 0.02


def quality_focal(logits: Tensor, quality: Tensor) -> Tensor:
    """Binary cross entropy with a soft target, weighted by the squared error of the score (equation 5 with beta 2)."""
    distance = (logits.sigmoid() - quality).abs()
    return functional.binary_cross_entropy_with_logits(logits, quality, reduction="none") * distance.square()


def distribution_focal(logits: Tensor, distance: Tensor) -> Tensor:
    """Cross entropy with the two bins around the true distance in strides (equation 6): (..., bins), (...) -> (...)."""
    bins = logits.shape[-1]
    distance = distance.clamp(0, bins - 1.01)
    lower = distance.floor()
    share = distance - lower
    log_probabilities = logits.log_softmax(dim=-1)
    below = log_probabilities.gather(-1, lower.long()[..., None]).squeeze(-1)
    above = log_probabilities.gather(-1, lower.long()[..., None] + 1).squeeze(-1)
    return -(below * (1 - share) + above * share)


def generalised_iou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of the pairs of boxes (N, 4) and (N, 4): (N,) each."""
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
    """Integral regression (equation 3): the expectation over the bins, in strides: (..., bins) -> (...)."""
    return logits.softmax(dim=-1) @ torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)


def _bounding_boxes(corners: Tensor) -> Tensor:
    return torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)


def positive_positions(
    centres: Tensor, strides: Tensor, plates: list[Tensor], ignored: list[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """The positive positions of a batch.

    Returns:
        Indices of the positive positions among all B * N, (P,); the true corners of their plates, (P, 4, 2); and
        weights of the score loss, (B, N): 0 for background in ignored areas, else 1.
    """
    indices, corners, score_weights = [], [], []
    for picture, (truth, areas) in enumerate(zip(plates, ignored, strict=True)):
        owner = assign(centres, strides, _bounding_boxes(truth))
        positive = torch.nonzero(owner >= 0).squeeze(1)
        indices.append(positive + picture * len(centres))
        corners.append(truth[owner[positive]])
        within = ((centres[:, None] > areas[None, :, :2]) & (centres[:, None] < areas[None, :, 2:])).all(dim=2)
        score_weights.append((~(within.any(dim=1) & (owner < 0))).float())
    return torch.cat(indices), torch.cat(corners), torch.stack(score_weights)


def detector_losses(
    outputs: tuple[Tensor, Tensor, Tensor],
    centres: Tensor,
    strides: Tensor,
    plates: list[Tensor],
    ignored: list[Tensor],
) -> dict[str, Tensor]:
    """The losses of a batch.

    Sums are divided by the number of positives of all processes, so that the loss does not depend on how a batch is
    divided among them.

    Args:
        outputs: Quality (B, N), side distributions (B, N, 4, bins) and corners (B, N, 4, 2) of `Detector`, split.
        centres: Centres of the positions in pixels, (N, 2).
        strides: Their strides in pixels, (N,).
        plates: True corners of each picture in pixels, (M, 4, 2).
        ignored: Boxes of each picture, (K, 4), in which the score of background positions does not count.

    Returns:
        The losses by name, with their weighted sum as `loss`.
    """
    quality, boxes, corners = (output.float() for output in outputs)
    count = len(plates)
    positive, truth, score_weights = positive_positions(centres, strides, plates, ignored)
    centre, stride = centres.repeat(count, 1)[positive], strides.repeat(count)[positive, None]
    true_boxes = _bounding_boxes(truth)
    logits = boxes.flatten(0, 1)[positive]
    distances = expected_distances(logits) * stride
    predicted_boxes = torch.cat([centre - distances[:, :2], centre + distances[:, 2:]], dim=1)
    iou, giou = generalised_iou(predicted_boxes, true_boxes)
    target = torch.zeros_like(quality.flatten())
    target[positive] = iou.detach().clamp(min=0)
    # Positions with a high score weigh more, because NMS chooses their boxes.
    weight = quality.flatten()[positive].detach().sigmoid().clamp(min=0.05)
    total = mean_over_ranks(weight.sum()).clamp(min=1)
    positives = mean_over_ranks(torch.tensor(float(len(positive)), device=quality.device)).clamp(min=1)
    score_loss = (quality_focal(quality, target.view_as(quality)) * score_weights).sum() / positives
    box_loss = ((1 - giou) * weight).sum() / total
    sides = torch.cat([centre - true_boxes[:, :2], true_boxes[:, 2:] - centre], dim=1) / stride
    bin_loss = (distribution_focal(logits, sides).mean(dim=1) * weight).sum() / total
    size = (true_boxes[:, 2:] - true_boxes[:, :2]).clamp(min=1)[:, None]
    points = centre[:, None] + corners.flatten(0, 1)[positive] * stride[..., None]
    error = functional.smooth_l1_loss(points / size, truth / size, beta=CORNER_BETA, reduction="none")
    corner_loss = (error.mean(dim=(1, 2)) * weight).sum() / total
    loss = score_loss + BOX_WEIGHT * box_loss + DISTRIBUTION_WEIGHT * bin_loss + CORNER_WEIGHT * corner_loss
    return {"loss": loss, "score": score_loss, "box": box_loss, "bins": bin_loss, "corner": corner_loss}
