"""Drawn plates and signs put into pictures as a camera would see them, and plates painted out of pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.core.geometry import placement


@dataclass(frozen=True)
class Pose:
    """Spread of a plate's turns in degrees: yaw about the vertical, pitch about the horizontal, roll in the picture."""

    yaw: float = 22.0
    pitch: float = 14.0
    roll: float = 6.0


EASY = Pose(14.0, 10.0, 3.0)
USUAL = Pose()
HARD = Pose(38.0, 24.0, 13.0)


def random_pose(rng: np.random.Generator) -> Pose:
    """Mostly plates as parking attendants see them, one in six from far aside."""
    pose: Pose = rng.choice(np.array([EASY, USUAL, USUAL, HARD], object), p=[0.34, 0.25, 0.25, 0.16])
    return pose


def plate_corners(width: float, height: float, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Corners (4, 2) float32, top-left first and clockwise, of a plate of width x height around the origin, turned
    by random angles and seen from a distance of three to ten widths. The result is as wide as `width`."""
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


# A plate's frame goes with it.
PAINTED_OUT = 1.25


def paste_plate(
    image: np.ndarray,
    drawn: np.ndarray,
    corners: np.ndarray,
    rng: np.random.Generator,
    light: float,
    cover: np.ndarray | None = None,
) -> None:
    """A drawn plate or sign onto `image` in place, softened to the picture's sharpness.

    corners (4, 2): where it comes to lie. light: its brightness. cover: uint8, where it hides what is behind it;
    everywhere if None.
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
    """A copy of `image`, H x W x 3 uint8, in which the plates at corners (M, 4, 2) are filled from what lies around
    them (Telea's inpainting)."""
    centres = plates.mean(axis=1, keepdims=True)
    mask = np.zeros(image.shape[:2], np.uint8)
    for corners in centres + PAINTED_OUT * (plates - centres):
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    return cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)
