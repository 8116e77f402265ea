"""Camera augmentation: light, shadow, glare, dirt, blur, noise and compression.

Every function takes and returns a picture, H x W x 3 uint8 RGB, and draws all random numbers from its generator, so
that a sample depends on its seed alone.
"""

from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator


def _to_uint8(values: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(values, 0, 255).astype(np.uint8)
    return clipped


def lighting(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Exposure, contrast, gamma and a colour cast, as one lookup table a channel."""
    exposure = np.exp(rng.normal(0, 0.28))
    contrast = np.exp(rng.normal(0, 0.25))
    gamma = np.exp(rng.normal(0, 0.3))
    cast = np.exp(rng.normal(0, 0.08, 3))
    # Sometimes as dense as fog.
    haze = rng.uniform(0, 0.7 if rng.random() < 0.25 else 0.35) if rng.random() < 0.18 else 0.0
    levels = np.linspace(0, 1, 256)[:, None] ** gamma
    levels = ((levels - 0.45) * contrast + 0.45) * exposure * cast
    levels = levels * (1 - haze) + 0.8 * haze
    table = _to_uint8(levels * 255)
    return cv2.LUT(image, table.reshape(1, 256, 3))


def saturation(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Change the saturation or, like a camera with infrared light at night, remove the colours."""
    amount = 0.0 if rng.random() < 0.25 else rng.uniform(0.2, 1.5)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, amount, grey, 1 - amount, 0)


def night(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Little light: dark, with the noise of amplification."""
    dark = image.astype(np.float32) * rng.uniform(0.18, 0.5) + rng.uniform(0, 20)
    return _to_uint8(dark + rng.normal(0, rng.uniform(1, 8), image.shape))


def underexposure(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Too little light for the exposure: few grey levels remain above the black level, which differs between the
    channels, and half of the pictures are compressed afterwards, which leaves blocks of wrong colours."""
    gain = min(1.0, float(np.exp(rng.uniform(np.log(7), np.log(45)))) / max(1.0, float(image.mean())))
    gains = gain * np.exp(rng.normal((-0.15, 0.15, 0), 0.15))
    levels = np.arange(256)[:, None] * gains - rng.uniform(-3, 8, 3) * gain + 0.5
    dark = cv2.LUT(image, _to_uint8(levels).reshape(1, 256, 3))
    return jpeg(dark, rng) if rng.random() < 0.5 else dark


def overexposure(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Too much light: bright parts are clipped and spread into their surroundings, colours fade."""
    gain = max(1.0, rng.uniform(130, 215) / max(1.0, float(image.mean())))
    bright = image.astype(np.float32) * min(gain, 4.0) + rng.uniform(0, 40)
    bloom = cv2.GaussianBlur(np.maximum(bright - 200, 0), (0, 0), max(1.0, image.shape[0] * rng.uniform(0.01, 0.06)))
    return _to_uint8(bright + bloom * rng.uniform(0.3, 1.5))


def _ramp(height: int, width: int, rng: Rng) -> np.ndarray:
    """Values around zero, H x W x 1, that rise across the picture in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    across, down = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    ramp: np.ndarray = (np.cos(angle) * across[None] + np.sin(angle) * down[:, None])[..., None].astype(np.float32)
    return ramp


def shadow(image: np.ndarray, rng: Rng) -> np.ndarray:
    """A shadow with a straight edge over part of the picture."""
    height, width = image.shape[:2]
    softness = np.exp(rng.uniform(np.log(2), np.log(60)))
    cover = 1 / (1 + np.exp(-softness * (_ramp(height, width, rng) + rng.uniform(-0.7, 0.7))))
    return _to_uint8(image * (1 - cover * rng.uniform(0.25, 0.75)))


def glare(image: np.ndarray, rng: Rng) -> np.ndarray:
    """A soft bright spot: a reflection of the sun or a lamp."""
    height, width = image.shape[:2]
    x = (np.arange(width) - rng.uniform(0, width)) / (width * rng.uniform(0.05, 0.4))
    y = (np.arange(height) - rng.uniform(0, height)) / (height * rng.uniform(0.2, 0.9))
    spot = np.exp(-(x[None] ** 2 + y[:, None] ** 2))[..., None]
    return _to_uint8(image + spot * rng.uniform(40, 200))


def dirt(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Mud: smooth random blotches of brown or grey."""
    height, width = image.shape[:2]
    cells = rng.random((int(rng.integers(3, 7)), int(rng.integers(6, 20)))).astype(np.float32)
    blotches = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    cover = np.clip((blotches - rng.uniform(0.6, 0.9)) * 4, 0, rng.uniform(0.3, 0.8))[..., None]
    colour = np.array([120, 105, 85], np.float32) * rng.uniform(0.4, 1.3)
    return _to_uint8(image * (1 - cover) + colour * cover)


def gaussian_blur(image: np.ndarray, rng: Rng, plate_height: float) -> np.ndarray:
    """Out of focus: sigma of up to 2.5 % of the plate's height, or up to one pixel if that is more."""
    sigma = rng.uniform(0.2, 1.0) * max(1.0, plate_height * 0.025)
    return cv2.GaussianBlur(image, (0, 0), sigma)


def defocus(image: np.ndarray, rng: Rng, plate_height: float) -> np.ndarray:
    """Far out of focus: sigma of 2.5 to 9 % of the plate's height, up to the width of a stroke."""
    return cv2.GaussianBlur(image, (0, 0), max(0.6, rng.uniform(0.025, 0.09) * plate_height))


def motion_blur(image: np.ndarray, rng: Rng, plate_height: float) -> np.ndarray:
    """Movement of camera or car by up to 34 % of the plate's height; in two of five cases by up to 15 %."""
    farthest = 0.34 if rng.random() < 0.6 else 0.15
    length = max(2.0, rng.uniform(0.03, farthest) * plate_height)
    angle = rng.normal(0, 0.5) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    size = round(length) | 1
    kernel = np.zeros((size, size), np.float32)
    reach = np.array([np.cos(angle), np.sin(angle)], np.float32) * (size - 1) / 2
    centre = np.array([size // 2, size // 2], np.float32)
    ends = [tuple(round(float(value) * 16) for value in centre + side * reach) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, shift=4)
    return cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6))


def sensor_noise(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Gaussian noise of 1 to 16 grey levels, the same in all channels or independent."""
    channels = 1 if rng.random() < 0.5 else 3
    sigma = np.exp(rng.uniform(0, np.log(16)))
    return _to_uint8(image + rng.normal(0, sigma, (*image.shape[:2], channels)))


def jpeg(image: np.ndarray, rng: Rng) -> np.ndarray:
    """JPEG compression of quality 12 to 90, with colour channels of half the resolution."""
    quality = int(rng.integers(12, 90))
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1])


def sharpen(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Overshoot at the edges, like the sharpening of cheap cameras."""
    amount = rng.uniform(0.3, 1.5)
    return cv2.addWeighted(image, 1 + amount, cv2.GaussianBlur(image, (0, 0), 1.2), -amount, 0)


# Functions with their probabilities at strength 1, in the order of light, lens and sensor.
_LIGHT = (
    (dirt, 0.12),
    (shadow, 0.2),
    (glare, 0.1),
    (lighting, 0.8),
    (saturation, 0.3),
    (night, 0.06),
    (overexposure, 0.09),
)
_LENS = ((motion_blur, 0.34), (gaussian_blur, 0.3), (defocus, 0.1))
_SENSOR = ((underexposure, 0.14), (sharpen, 0.1), (sensor_noise, 0.3), (jpeg, 0.3))


def camera_augment(image: np.ndarray, rng: Rng, strength: float = 1.0, plate_height: float | None = None) -> np.ndarray:
    """Apply a random selection of these effects.

    Args:
        image: H x W x 3 uint8 RGB.
        rng: Source of all random numbers.
        strength: Factor of the probabilities; 0 leaves the picture unchanged.
        plate_height: Height in pixels that blur is proportional to; None for the picture's own.
    """
    for step, probability in _LIGHT:
        if rng.random() < probability * strength:
            image = step(image, rng)
    for blur, probability in _LENS:
        if rng.random() < probability * strength:
            image = blur(image, rng, image.shape[0] if plate_height is None else plate_height)
    for step, probability in _SENSOR:
        if rng.random() < probability * strength:
            image = step(image, rng)
    return image
