"""Which positions of the detector answer for which plate: ATSS.

Zhang et al., Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive Training Sample
Selection, 2020, with one anchor a position in the shape of a plate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alpr_app.networks.detector.config import STRIDES

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
