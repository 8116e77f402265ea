"""What the detector's network puts out -> detections: integral regression, non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alpr_app.detector.config import STRIDES
from alpr_app.geometry import box_iou

MAXIMUM_CANDIDATES = 400


@dataclass(frozen=True, eq=False)
class Detection:
    """One plate found. score: 0 to 1. box: (4,) left, top, right, bottom. corners: (4, 2) as `Plate.corners`."""

    score: float
    box: np.ndarray
    corners: np.ndarray


@lru_cache(maxsize=16)
def positions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 2) as (x, y) in pixels and strides (N,) of every position for an input of height x width."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        centres.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(rows.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def suppress(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """Indices of the boxes that survive greedy non-maximum suppression, best first."""
    order = np.argsort(-scores, kind="stable")
    overlaps = box_iou(boxes[order], boxes[order]) > iou_threshold
    kept = np.ones(len(order), bool)
    for index in range(len(order)):
        if kept[index]:
            kept[index + 1 :] &= ~overlaps[index, index + 1 :]
    return order[kept]


def decode(
    quality: np.ndarray,
    boxes: np.ndarray,
    corners: np.ndarray,
    input_size: tuple[int, int],
    score_threshold: float = 0.5,
    iou_threshold: float = 0.45,
) -> list[Detection]:
    """Detections of one picture in pixels of the network's input, best first.

    quality (N,), boxes (N, 4, bins), corners (N, 4, 2): one picture's part of what `Detector` returns.
    input_size: (height, width). Distances are the expectation of their distribution over the bins
    (Generalized Focal Loss, equation 3: integral regression), so only candidates pay for the softmax.
    """
    centres, strides = positions(*input_size)
    threshold = min(max(score_threshold, 1e-6), 1 - 1e-6)
    chosen = np.flatnonzero(quality >= np.log(threshold / (1 - threshold)))
    if len(chosen) > MAXIMUM_CANDIDATES:
        chosen = chosen[np.argpartition(-quality[chosen], MAXIMUM_CANDIDATES)[:MAXIMUM_CANDIDATES]]
    if not len(chosen):
        return []
    scores = 1 / (1 + np.exp(-quality[chosen].astype(np.float64)))
    centres, strides = centres[chosen], strides[chosen, None]
    logits = boxes[chosen].astype(np.float32)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    distances = weights @ np.arange(logits.shape[2], dtype=np.float32) / weights.sum(axis=2) * strides
    found = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    points = centres[:, None] + corners[chosen] * strides[:, None]
    kept = suppress(found, scores, iou_threshold)
    return [Detection(float(scores[index]), found[index], points[index]) for index in kept]
