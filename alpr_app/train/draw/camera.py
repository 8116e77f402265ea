"""A pinhole camera in a small world: metres, x to the right, y up, z away from the camera, the road at y = 0."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

# Nothing closer than this many metres is drawn.
NEAR = 0.25


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """World to camera axes (right, down, ahead), 3 x 3; degrees: yaw turns right, pitch down, roll clockwise."""
    yaw, pitch, roll = np.radians([yaw, pitch, roll])
    around_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    around_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return around_z @ np.diag([1, -1, 1]) @ around_x @ around_y


@dataclass(frozen=True)
class Camera:
    """position: 3 metres. axes: from `rotation`. focal: in pixels. size: width and height of the picture.

    centre: pixel that looks straight ahead.
    """

    position: np.ndarray
    axes: np.ndarray
    focal: float
    size: tuple[int, int]
    centre: tuple[float, float]

    def _intrinsics(self) -> np.ndarray:
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]])

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3), all ahead of the camera, in pixels (N, 2) float32; (0, 0) is a pixel's outer corner."""
        rays = (np.asarray(points, float) - self.position) @ self.axes.T @ self._intrinsics().T
        return (rays[:, :2] / rays[:, 2:]).astype(np.float32)

    def outline(self, corners: np.ndarray) -> np.ndarray:
        """A flat polygon (N, 3) in pixels (M, 2), cut off where it comes too close or lies behind; M may be 0."""
        corners = np.asarray(corners, float)
        ahead = (corners - self.position) @ self.axes[2] - NEAR
        kept = []
        for index in range(len(corners)):
            last = index - 1
            if (ahead[index] > 0) != (ahead[last] > 0):
                share = ahead[last] / (ahead[last] - ahead[index])
                kept.append(corners[last] + (corners[index] - corners[last]) * share)
            if ahead[index] > 0:
                kept.append(corners[index])
        return self.project(np.array(kept)) if kept else np.zeros((0, 2), np.float32)

    def plane(self, origin: np.ndarray, across: np.ndarray, along: np.ndarray) -> np.ndarray:
        """The 3 x 3 homography that takes (a, b) of the plane origin + a * across + b * along to pixels."""
        columns = np.stack([across, along, np.asarray(origin, float) - self.position], axis=1)
        return self._intrinsics() @ self.axes @ columns

    def seen_from(self, position: np.ndarray, heading: float) -> Camera:
        """The same camera in the axes of a thing that stands at `position`, turned right by `heading` degrees."""
        turn = np.radians(heading)
        thing = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        position = thing.T @ (self.position - position)
        return replace(self, position=position, axes=self.axes @ thing)

    def smaller(self, factor: int) -> Camera:
        """The camera with a picture that has a `factor`-th of the pixels on each side."""
        width, height = self.size
        centre = self.centre[0] / factor, self.centre[1] / factor
        return replace(self, focal=self.focal / factor, size=(-(-width // factor), -(-height // factor)), centre=centre)

    def part(self, left: int, top: int, width: int, height: int) -> Camera:
        """The camera that takes only this part of the picture."""
        return replace(self, size=(width, height), centre=(self.centre[0] - left, self.centre[1] - top))

    def horizon(self) -> float:
        """The row of the horizon in the middle of the picture; it may lie outside."""
        ahead = self.axes.T @ np.array([0, 0, 1.0])
        flat = np.array([ahead[0], 0, ahead[2]]) * 1e6
        return float(self.project((self.position + flat)[None])[0, 1])


def aim(
    target: np.ndarray,
    position: np.ndarray,
    where: tuple[float, float],
    focal: float,
    roll: float,
    size: tuple[int, int],
) -> Camera:
    """A camera at `position` turned so that `target` falls on `where`, in shares of the picture's width and height."""
    offset = np.asarray(target, float) - position
    yaw = np.degrees(np.arctan2(offset[0], offset[2]))
    pitch = np.degrees(np.arctan2(-offset[1], np.hypot(offset[0], offset[2])))
    yaw -= np.degrees(np.arctan((where[0] - 0.5) * size[0] / focal))
    pitch -= np.degrees(np.arctan((where[1] - 0.5) * size[1] / focal))
    centre = size[0] / 2, size[1] / 2
    return Camera(np.asarray(position, float), rotation(yaw, pitch, roll), focal, size, centre)


def to_pixel_centres(matrix: np.ndarray) -> np.ndarray:
    """A homography onto pixel edges, as the one cv2 wants, which counts from pixel centres on both sides."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.linalg.inv(half) @ matrix @ half


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], border: float = 0) -> np.ndarray:
    """`image` under a homography between pixel edges, into a picture of `size` (width, height)."""
    return cv2.warpPerspective(
        image,
        to_pixel_centres(matrix),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(border,) * 4,
    )
