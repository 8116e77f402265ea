"""HEIC pictures of telephones, decoded by pillow-heif, an extra that is imported only for them."""

from __future__ import annotations

import io

import numpy as np


def decode_heif(content: bytes) -> np.ndarray:
    """The main picture in `content`, H x W x 3 uint8 RGB, turned as its marks say. Raises ImportError where the package
    is missing, ValueError, EOFError, OSError, RuntimeError, LookupError or SyntaxError for a damaged one."""
    import pillow_heif

    found = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True, bgr_mode=False)
    image = np.asarray(found)
    # A picture may have a fourth channel for what can be seen through, or one alone.
    if image.ndim == 2:
        image = image[..., None].repeat(3, axis=2)
    return np.ascontiguousarray(image[..., :3])
