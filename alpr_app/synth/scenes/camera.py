"""A pinhole camera in a world in metres (x to the right, y up, z away from the camera, the road at y = 0), and the
steps from light to a photograph: exposure, bloom, vignette, white balance, defocus, film noise and JPEG.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

# Objects closer than this many metres are not drawn.
NEAR = 0.25


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The rotation (3, 3) from world to camera axes (right, down, ahead) by degrees of yaw to the right, pitch down and
    roll clockwise."""
    yaw, pitch, roll = np.radians([yaw, pitch, roll])
    around_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    around_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    axes: np.ndarray = around_z @ np.diag([1, -1, 1]) @ around_x @ around_y
    return axes


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        position: Its position in metres, (3,).
        axes: Its axes, from `rotation`.
        focal: Focal length in pixels.
        size: Width and height of the picture in pixels.
        centre: The principal point in pixels.
    """

    position: np.ndarray
    axes: np.ndarray
    focal: float
    size: tuple[int, int]
    centre: tuple[float, float]

    def _intrinsics(self) -> np.ndarray:
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points (N, 3) ahead of the camera to pixels (N, 2) float32; (0, 0) is the corner of a pixel."""
        rays = (np.asarray(points, float) - self.position) @ self.axes.T @ self._intrinsics().T
        pixels: np.ndarray = (rays[:, :2] / rays[:, 2:]).astype(np.float32)
        return pixels

    def outline(self, corners: np.ndarray) -> np.ndarray:
        """Project a flat polygon (N, 3) to pixels (M, 2), clipped where it is too close or behind; M may be 0."""
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
        """The homography (3, 3) from (a, b) on the plane origin + a * across + b * along to pixels."""
        columns = np.stack([across, along, np.asarray(origin, float) - self.position], axis=1)
        matrix: np.ndarray = self._intrinsics() @ self.axes @ columns
        return matrix

    def seen_from(self, position: np.ndarray, heading: float) -> Camera:
        """The same camera in the axes of an object at `position` that is turned right by `heading` degrees."""
        turn = np.radians(heading)
        thing = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        position = thing.T @ (self.position - position)
        return replace(self, position=position, axes=self.axes @ thing)

    def smaller(self, factor: int) -> Camera:
        """The same camera with 1 / `factor` of the pixels on each side of the picture."""
        width, height = self.size
        centre = self.centre[0] / factor, self.centre[1] / factor
        return replace(self, focal=self.focal / factor, size=(-(-width // factor), -(-height // factor)), centre=centre)

    def part(self, left: int, top: int, width: int, height: int) -> Camera:
        """The same camera for a part of the picture only."""
        return replace(self, size=(width, height), centre=(self.centre[0] - left, self.centre[1] - top))

    def horizon(self) -> float:
        """The row of the horizon at the centre of the picture, which may be outside."""
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
    """A camera at `position` that shows `target` at `where`, in shares of the picture's width and height."""
    offset = np.asarray(target, float) - position
    yaw = np.degrees(np.arctan2(offset[0], offset[2]))
    pitch = np.degrees(np.arctan2(-offset[1], np.hypot(offset[0], offset[2])))
    yaw -= np.degrees(np.arctan((where[0] - 0.5) * size[0] / focal))
    pitch -= np.degrees(np.arctan((where[1] - 0.5) * size[1] / focal))
    centre = size[0] / 2, size[1] / 2
    return Camera(np.asarray(position, float), rotation(yaw, pitch, roll), focal, size, centre)


def to_pixel_centres(matrix: np.ndarray) -> np.ndarray:
    """Convert a homography between coordinates from pixel edges into one from pixel centres, as OpenCV expects."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    moved: np.ndarray = np.linalg.inv(half) @ matrix @ half
    return moved


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], border: float = 0) -> np.ndarray:
    """Warp `image` by a homography between coordinates from pixel edges into a picture of `size` (width, height)."""
    return cv2.warpPerspective(
        image,
        to_pixel_centres(matrix),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(border,) * 4,
    )


GRAIN = 768


@dataclass(frozen=True)
class Film:
    """Properties of the camera's film.

    Attributes:
        exposure: Factor of the light.
        blur: Sigma in pixels.
        noise: Standard deviation, of 255.
        quality: JPEG quality; 0 for no JPEG.
        warmth: Ratio of red to blue.
    """

    exposure: float
    blur: float
    noise: float
    quality: int
    warmth: float
    vignette: float


def random_film(mood: str, rng: np.random.Generator) -> Film:
    """A random film for a mood of light."""
    dark = mood in ("night", "garage")
    return Film(
        exposure=rng.uniform(0.85, 1.15),
        blur=rng.uniform(0.3, 0.8),
        noise=rng.uniform(2, 5) if dark else rng.uniform(0.8, 2.6),
        quality=int(rng.integers(70, 95)),
        warmth=rng.uniform(0.95, 1.08),
        vignette=rng.uniform(0.05, 0.3),
    )


def expose(frame: np.ndarray, film: Film, rng: np.random.Generator) -> np.ndarray:
    """The photograph, (H, W, 3) uint8 RGB, of light (H, W, 3); `frame` is overwritten."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    # The mid-tones of the picture set the exposure, like a camera's metering.
    level = float(np.median(small.mean(axis=2)))
    gain = film.exposure * float(np.clip(0.21 / max(level, 1e-4), 0.7, 2.0))
    bloom = cv2.GaussianBlur(np.clip(small * gain - 0.85, 0, 6), (0, 0), width / 8 / 24)
    y = np.linspace(-1, 1, height // 8, dtype=np.float32)[:, None] ** 2
    x = np.linspace(-1, 1, width // 8, dtype=np.float32)[None] ** 2
    tint = np.array([film.warmth, 1, 1 / film.warmth], np.float32)
    mask = (gain * (1 - film.vignette * (x + y) / 2))[..., None] * tint
    frame *= cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    frame += cv2.resize(bloom * np.float32(0.3), (width, height), interpolation=cv2.INTER_LINEAR)
    # A soft shoulder: light above 0.7 is compressed towards 1.
    over = np.maximum(frame - np.float32(0.7), 0)
    frame -= over * over / (over + np.float32(0.35))
    picture = cv2.sqrt(np.clip(frame, 0, 1)) * np.float32(255)
    picture = cv2.GaussianBlur(picture, (0, 0), film.blur)
    picture += _noise(height, width, film.noise, rng)
    finished: np.ndarray = cv2.convertScaleAbs(np.maximum(picture, 0))
    return finished


def _noise(height: int, width: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Luminance noise, and weaker and coarser colour noise."""
    grain = _grain()
    top, left = rng.integers(0, GRAIN - 1, 2)
    rows, columns = np.arange(top, top + height) % GRAIN, np.arange(left, left + width) % GRAIN
    planes = [grain[c][rows][:, columns] for c in range(3)]
    noise: np.ndarray = cv2.merge(planes) * np.float32(sigma)
    return noise


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Three planes of film grain that share most of their noise: (3, GRAIN, GRAIN)."""
    rng = np.random.default_rng(30)
    fine = rng.standard_normal((GRAIN, GRAIN), np.float32)
    coarse = [cv2.resize(rng.standard_normal((GRAIN // 3, GRAIN // 3), np.float32), (GRAIN, GRAIN)) for _ in range(3)]
    return np.stack([fine + 0.7 * plane for plane in coarse])


def through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """Encode and decode the picture as JPEG of this quality."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
