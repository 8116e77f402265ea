"""Drawn plates and signs pasted into pictures in perspective, and plates painted out of pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.core.geometry import placement


@dataclass(frozen=True)
class Pose:
    """Standard deviations of a plate's rotation in degrees: yaw about the vertical axis, pitch about the horizontal
    axis, roll in the picture's plane."""

    yaw: float = 22.0
    pitch: float = 14.0
    roll: float = 6.0


EASY = Pose(14.0, 10.0, 3.0)
USUAL = Pose()
HARD = Pose(38.0, 24.0, 13.0)


def random_pose(rng: np.random.Generator) -> Pose:
    """A random pose: mostly as seen by parking attendants, in one of six cases from far aside."""
    pose: Pose = rng.choice(np.array([EASY, USUAL, USUAL, HARD], object), p=[0.34, 0.25, 0.25, 0.16])
    return pose


def plate_corners(width: float, height: float, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Project a plate that is rotated by random angles and seen from a distance of three to ten widths.

    Returns:
        Corners (4, 2) float32 around the origin, top-left first and clockwise, scaled to the width `width`.
    """
    yaw, pitch, roll = np.deg2rad(np.clip(rng.normal(0, 1, 3), -2, 2) * (pose.yaw, pose.pitch, pose.roll))
    half = np.array([width, height]) / 2
    plane = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    points = np.column_stack([plane, np.zeros(4)])
    points = points @ _rotation(pitch, 1, 2).T @ _rotation(yaw, 0, 2).T @ _rotation(roll, 0, 1).T
    distance = width * rng.uniform(3, 10)
    projected = points[:, :2] * (distance / (distance + points[:, 2:]))
    scale = width / np.ptp(projected[:, 0])
    corners: np.ndarray = (projected * scale).astype(np.float32)
    return corners


def _rotation(angle: float, first: int, second: int) -> np.ndarray:
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


# Scale of the area that is painted out, to remove the plate's frame as well.
PAINTED_OUT_SCALE = 1.25


def paste_plate(
    image: np.ndarray,
    drawn: np.ndarray,
    corners: np.ndarray,
    rng: np.random.Generator,
    light: float,
    cover: np.ndarray | None = None,
) -> None:
    """Paste a drawn plate or sign into `image` in place, blurred to the picture's sharpness.

    Args:
        image: H x W x 3 uint8 RGB.
        drawn: The plate or sign, h x w x 3 uint8 RGB.
        corners: Its corners in `image`, (4, 2).
        rng: Source of random numbers.
        light: Factor of its brightness.
        cover: Its opacity, h x w uint8; None if it is opaque everywhere.
    """
    shrink = max(1.0, drawn.shape[1] / max(8.0, float(np.ptp(corners[:, 0]))))
    sigma = 0.45 * shrink + rng.uniform(0, 1.0)
    soft = cv2.GaussianBlur(drawn, (0, 0), sigma)
    soft = np.clip(soft * light + rng.uniform(-10, 10), 0, 255).astype(np.uint8)
    matrix = placement(drawn, corners)
    size = (image.shape[1], image.shape[0])
    if cover is None:
        cv2.warpPerspective(soft, matrix, size, dst=image, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
        return
    layer = cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpPerspective(cv2.GaussianBlur(cover, (0, 0), sigma), matrix, size, flags=cv2.INTER_LINEAR)
    alpha = alpha.astype(np.float32) * np.float32(1 / 255)
    image[:] = cv2.blendLinear(layer, image, alpha, 1 - alpha)


def paint_out(image: np.ndarray, plates: np.ndarray) -> np.ndarray:
    """A copy of `image`, H x W x 3 uint8, with the plates at corners (M, 4, 2) inpainted from their surroundings
    (Telea, An Image Inpainting Technique Based on the Fast Marching Method, 2004)."""
    centres = plates.mean(axis=1, keepdims=True)
    mask = np.zeros(image.shape[:2], np.uint8)
    for corners in centres + PAINTED_OUT_SCALE * (plates - centres):
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    return cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)
