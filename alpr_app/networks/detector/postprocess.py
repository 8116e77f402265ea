"""From the detector's outputs to detections: integral regression and non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike

from alpr_app.networks.detector.config import STRIDES

if TYPE_CHECKING:
    from torch import Tensor

MAXIMUM_CANDIDATES = 400
# Boxes that overlap a better one by more than this IoU are taken for the same plate.
DUPLICATE_IOU = 0.45

Outputs = TypeVar("Outputs", np.ndarray, "Tensor")


@dataclass(frozen=True, eq=False)
class Detection:
    """A detected plate. score: 0 to 1. box: (4,) left, top, right, bottom. corners: (4, 2) as in `Plate.corners`."""

    score: float
    box: np.ndarray
    corners: np.ndarray


def split_outputs(outputs: Outputs) -> tuple[Outputs, Outputs, Outputs]:
    """Split outputs of `Detector` (..., 1 + 4 * bins + 8) into quality logits (...), box logits (..., 4, bins) for the
    distances to left, top, right and bottom, and corner offsets (..., 4, 2) from the position; the last two are in
    units of the stride."""
    boxes, corners = outputs[..., 1:-8], outputs[..., -8:]
    return outputs[..., 0], boxes.reshape(*boxes.shape[:-1], 4, -1), corners.reshape(*corners.shape[:-1], 4, 2)


@lru_cache(maxsize=16)
def positions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return centres (N, 2) as (x, y) in pixels and strides (N,) of all positions for an input of height x width."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        centres.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(rows.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


@lru_cache(maxsize=4)
def _moments(bins: int) -> np.ndarray:
    """Return the bins' distances and ones: (bins, 2)."""
    return np.stack([np.arange(bins), np.ones(bins)], axis=1).astype(np.float32)


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float = DUPLICATE_IOU) -> np.ndarray:
    """Return the indices of boxes (N, 4) that survive greedy non-maximum suppression, best first. scores (N,) > 0."""
    if not len(boxes):
        return np.empty(0, int)
    left_top, right_bottom = boxes[:, :2], boxes[:, 2:]
    sides = np.concatenate([left_top, right_bottom - left_top], axis=1)
    # cv2 accepts and returns arrays, which are much faster; its type stubs know sequences only.
    kept: ArrayLike = cv2.dnn.NMSBoxes(sides, scores, 0.0, iou_threshold)  # type: ignore[arg-type]
    return np.asarray(kept).ravel()


def decode(
    outputs: np.ndarray,
    input_size: tuple[int, int],
    score_threshold: float = 0.5,
    iou_threshold: float = DUPLICATE_IOU,
) -> list[Detection]:
    """Decode the detections of one picture in pixels of the network's input, best first.

    Distances are the expectation of their distribution over the bins (Generalized Focal Loss, equation 3: integral
    regression). The softmax is computed for candidates only.

    Args:
        outputs: (N, 1 + 4 * bins + 8), the outputs of `Detector` for one picture.
        input_size: (height, width) of the network's input.
        score_threshold: Lowest score of a candidate.
        iou_threshold: IoU above which boxes are duplicates.
    """
    centres, strides = positions(*input_size)
    threshold = min(max(score_threshold, 1e-6), 1 - 1e-6)
    quality = outputs[:, 0]
    chosen = np.flatnonzero(quality >= np.log(threshold / (1 - threshold)))
    if len(chosen) > MAXIMUM_CANDIDATES:
        chosen = chosen[np.argpartition(-quality[chosen], MAXIMUM_CANDIDATES)[:MAXIMUM_CANDIDATES]]
    if not len(chosen):
        return []
    quality, logits, corners = split_outputs(outputs[chosen].astype(np.float32))
    scores = 1 / (1 + np.exp(-quality.astype(np.float64)))
    centres, strides = centres[chosen], strides[chosen, None]
    # One product for both sums of the expectation, that of the weighted bins and that of the weights.
    sums = np.exp(logits - logits.max(axis=2, keepdims=True)) @ _moments(logits.shape[2])
    distances = sums[..., 0] / sums[..., 1] * strides
    found = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    points = centres[:, None] + corners * strides[:, None]
    kept = nms(found, scores, iou_threshold)
    return [Detection(float(scores[index]), found[index], points[index]) for index in kept]
