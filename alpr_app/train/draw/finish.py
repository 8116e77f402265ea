"""From light to a photograph: exposure, bloom, vignette, white balance, defocus, film noise, JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

GRAIN = 768


@dataclass(frozen=True)
class Film:
    """exposure: factor. blur: sigma in pixels. noise: of 255. quality: of JPEG, 0 for none. warmth: red over blue."""

    exposure: float
    blur: float
    noise: float
    quality: int
    warmth: float
    vignette: float


def random_film(mood: str, rng: np.random.Generator) -> Film:
    """A chance camera for a mood of light."""
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
    """The photograph, (H, W, 3) uint8 RGB, of light (H, W, 3); `frame` is used up."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    # Middle tones of the whole picture decide the exposure, as a camera's metering does.
    level = float(np.median(small.mean(axis=2)))
    gain = film.exposure * float(np.clip(0.21 / max(level, 1e-4), 0.7, 2.0))
    bloom = cv2.GaussianBlur(np.clip(small * gain - 0.85, 0, 6), (0, 0), width / 8 / 24)
    y = np.linspace(-1, 1, height // 8, dtype=np.float32)[:, None] ** 2
    x = np.linspace(-1, 1, width // 8, dtype=np.float32)[None] ** 2
    tint = np.float32([film.warmth, 1, 1 / film.warmth])
    mask = (gain * (1 - film.vignette * (x + y) / 2))[..., None] * tint
    frame *= cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    frame += cv2.resize(bloom * np.float32(0.3), (width, height), interpolation=cv2.INTER_LINEAR)
    # A soft shoulder: light above 0.7 is compressed towards 1.
    over = np.maximum(frame - np.float32(0.7), 0)
    frame -= over * over / (over + np.float32(0.35))
    picture = cv2.sqrt(np.clip(frame, 0, 1)) * np.float32(255)
    picture = cv2.GaussianBlur(picture, (0, 0), film.blur)
    picture += _noise(height, width, film.noise, rng)
    return cv2.convertScaleAbs(np.maximum(picture, 0))


def _noise(height: int, width: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness noise and fainter, coarser colour noise."""
    grain = _grain()
    top, left = rng.integers(0, GRAIN - 1, 2)
    rows, columns = np.arange(top, top + height) % GRAIN, np.arange(left, left + width) % GRAIN
    planes = [grain[c][rows][:, columns] for c in range(3)]
    return cv2.merge(planes) * np.float32(sigma)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Three planes of film grain that share most of their noise: (3, GRAIN, GRAIN)."""
    rng = np.random.default_rng(30)
    fine = rng.standard_normal((GRAIN, GRAIN), np.float32)
    coarse = [cv2.resize(rng.standard_normal((GRAIN // 3, GRAIN // 3), np.float32), (GRAIN, GRAIN)) for _ in range(3)]
    return np.stack([fine + 0.7 * plane for plane in coarse])


def through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """The picture as it comes back out of a JPEG file of that quality."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
