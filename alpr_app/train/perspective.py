"""How a flat plate looks from where a camera may stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    return rng.choice(np.array([EASY, USUAL, USUAL, HARD], object), p=[0.34, 0.25, 0.25, 0.16])


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
    return (projected * scale).astype(np.float32)


def _rotation(angle: float, first: int, second: int) -> np.ndarray:
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix
