"""How much memory and time a picture may take, whatever its header claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpr_app.core.startup import MAXIMUM_PIXELS

if TYPE_CHECKING:
    from alpr_app.picture_header import Header

# Other formats take far longer to decode; none of them comes from a camera in such sizes.
_MOST_PIXELS = {"JPEG": MAXIMUM_PIXELS, "JPEG 2000": 30_000_000}
_OTHER_PIXELS = 100_000_000
MAXIMUM_BYTES = 512 * 2**20
# Memory for one picture beside what the program takes anyway, file and finished picture included.
FREE_BYTES, FREE_BYTES_PER_PIXEL = 400_000_000, 5
# A JPEG spends a bit or two on every 64 pixels even where nothing is to be seen: one with fewer bytes lacks most of it.
MOST_JPEG_PIXELS_A_BYTE = 1024
# Progressive JPEGs have about ten; each is gone through in full, so thousands of empty ones take minutes.
MOST_SCANS = 100


def most_pixels(header: Header) -> int:
    """How many a picture of that format may have."""
    return _MOST_PIXELS.get(header.format, _OTHER_PIXELS)


def decoding_bytes(header: Header, length: int) -> int:
    """Memory that a picture takes while it is decoded, its file of `length` bytes included."""
    width, height = header.size or (0, 0)
    return length + round(header.bytes_per_pixel * width * height) + header.more_bytes


def most_decoding_bytes(pixels: int) -> int:
    """What it may take."""
    return FREE_BYTES + FREE_BYTES_PER_PIXEL * pixels
