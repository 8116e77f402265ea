"""Drawn plates and signs put into pictures, and plates painted out of them."""

from __future__ import annotations

import cv2
import numpy as np

from alpr_app.core.geometry import placement

# A plate's frame goes with it.
PAINTED_OUT = 1.25


def put_on(
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
