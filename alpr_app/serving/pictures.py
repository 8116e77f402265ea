"""Decodes uploaded pictures within the service's own limit of pixels, and few large ones at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from alpr_app.data.image_headers import FREE_BYTES, decoding_bytes
from alpr_app.data.images import check_header, decode_picture
from alpr_app.serving.limits import Refused

if TYPE_CHECKING:
    import numpy as np

# In errors; the client's name of the file says nothing to the server.
NAME = "the picture"
# Pictures that take more to decode are decoded one after the other.
LARGE_BYTES = FREE_BYTES // 4


class PictureDecoder:
    """Decodes pictures of at most `pixels` pixels in any number of threads."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._large = threading.Lock()

    def __call__(self, content: bytes) -> np.ndarray:
        """Decode a picture: H x W x 3 uint8 RGB, oriented as marked.

        Raises:
            PictureError: It is damaged, not a picture, or beyond the limits of its format.
            Refused: It has too many pixels.
        """
        header = check_header(NAME, content)
        width, height = header.size or (0, 0)
        if width * height > self._pixels:
            allowed = f"{self._pixels / 10**6:g} million are allowed"
            raise Refused(413, f"{NAME}: {width} x {height} pixels, {allowed}; make it smaller first")
        if decoding_bytes(header, len(content)) <= LARGE_BYTES:
            return decode_picture(content, NAME, header=header)
        with self._large:
            return decode_picture(content, NAME, header=header)
