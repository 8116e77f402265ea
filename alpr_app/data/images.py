"""Reads and writes picture files: any path, any depth, always RGB. A damaged picture is an error."""

from __future__ import annotations

import io
import os
import stat
from math import prod
from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.errors import AlprError, reason
from alpr_app.core.startup import MAXIMUM_PIXELS
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.file_types import PICTURE_SUFFIXES
from alpr_app.data.image_headers import (
    MAXIMUM_BYTES,
    MAXIMUM_JPEG_PIXELS_PER_BYTE,
    MAXIMUM_SCANS,
    Header,
    decoding_bytes,
    is_cut_short,
    maximum_decoding_bytes,
    maximum_pixels,
    picture_header,
)
from alpr_app.data.isobmff import read_orientation

__all__ = ["MAXIMUM_PIXELS", "PICTURE_SUFFIXES", "PictureError", "decode_picture", "read_picture", "write_picture"]

# Pictures from this size on take so long to decode that a reduced one is shown first.
LARGE_PIXELS = 20_000_000
# Longer side that a reduced picture should have at least, and the flags of OpenCV by the factor of the reduction.
REDUCED_SIDE = 1600
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
# In nearly every JPEG, the size stands within these first bytes, behind thumbnails and colour profiles.
_HEAD_BYTES = 2**18
# Appended to coded data that ends too early, this would be decoded as the rest of it.
_FILLER = bytes(range(1, 250)) * 40


class PictureError(AlprError):
    """A picture that cannot be read or written; the message names the file and what is wrong with it."""


def quiet_opencv() -> None:
    """Keep OpenCV's own messages off standard error; this program reports each fault once, with the file's name."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def read_bytes(path: Path) -> bytes:
    """Read an ordinary file that may be a picture. Raises PictureError."""
    try:
        # Asked for once: over a network, every question about a file takes as long as reading a small one.
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise PictureError(f"{path}: this is a folder, not a picture")
        if not stat.S_ISREG(state.st_mode):
            raise PictureError(f"{path}: this is not an ordinary file")
        if state.st_size > MAXIMUM_BYTES:
            raise PictureError(f"{path}: larger than {MAXIMUM_BYTES // 2**20} MiB, too large for a picture with plates")
        # Unlike cv2.imread, this opens any path on every system.
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be opened: {reason(error)}") from error
    if not content:
        raise PictureError(f"{path}: the file is empty")
    return content


def check_header(name: str, content: bytes) -> Header:
    """Read the header of a picture. Raises PictureError if `content` is not a picture or is too large to be decoded."""
    header = picture_header(content)
    if header is None:
        raise PictureError(f"{name}: not a picture")
    if header.size is None or not all(header.size):
        cut = is_cut_short(content)
        raise PictureError(f"{name}: {'cut short; the end of the picture is missing' if cut else 'a damaged picture'}")
    width, height = header.size
    allowed = maximum_pixels(header)
    if width * height > allowed:
        where = "" if header.format == "JPEG" else f" in a {header.format}"
        raise PictureError(
            f"{name}: {width} x {height} pixels, {allowed // 10**6} million are allowed{where}; make it smaller first"
        )
    needed = decoding_bytes(header, len(content))
    if needed > maximum_decoding_bytes(width * height):
        raise PictureError(
            f"{name}: {width} x {height} pixels as {header.format} take {needed / 10**6:.0f} MB to decode, "
            f"{maximum_decoding_bytes(width * height) / 10**6:.0f} are allowed; make it smaller first"
        )
    if header.jpeg is not None and header.jpeg.scans > MAXIMUM_SCANS:
        raise PictureError(f"{name}: a JPEG of more than {MAXIMUM_SCANS} scans, which no camera makes; save it again")
    if header.jpeg is not None and width * height > MAXIMUM_JPEG_PIXELS_PER_BYTE * len(content):
        raise PictureError(f"{name}: cut short; {len(content):,} bytes cannot hold {width} x {height} pixels")
    return header


def read_picture(path: Path | str, orient: bool = True) -> np.ndarray:
    """Read a picture as H x W x 3 uint8 RGB, whatever its format: grey, with alpha, 16 bits.

    Args:
        path: The file.
        orient: Apply its orientation mark. False leaves the pixels as stored, for annotations in stored pixels.

    Raises:
        PictureError: The file is missing, damaged, too large, or not a picture.
    """
    path = Path(path)
    return decode_picture(read_bytes(path), str(path), orient)


def read_reduced(path: Path | str, orient: bool = True) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Read a large picture in a fraction of the time, much smaller, to show something at once.

    Args:
        path: The file.
        orient: As for `read_picture`.

    Returns:
        The picture, h x w x 3 uint8 RGB, an eighth to a half of its size, and the width and height of `read_picture`'s;
        None if the picture is not large, or its format gains nothing (only JPEG does), or it cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        header = picture_header(head)
        if header is None or header.format != "JPEG" or (header.size and prod(header.size) < LARGE_PIXELS):
            return None
        content = read_bytes(path)
        header = check_header(str(path), content)
    except (OSError, ValueError, PictureError):
        # Reading the whole picture reports the fault.
        return None
    width, height = header.size or (0, 0)
    if width * height < LARGE_PIXELS or is_cut_short(content, header.jpeg):
        return None
    factor = next((step for step in _REDUCED if max(width, height) / step >= REDUCED_SIDE), min(_REDUCED))
    flags = _REDUCED[factor] | (0 if orient else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        return None
    if image is None:
        return None
    # An orientation mark may have turned it.
    turned = (image.shape[1] > image.shape[0]) != (width > height) and image.shape[0] != image.shape[1]
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (height, width) if turned else (width, height)


def decode_picture(content: bytes, name: str, orient: bool = True, header: Header | None = None) -> np.ndarray:
    """Decode `content`, the bytes of a file called `name`, as `read_picture` does. header: what `check_header` returned
    for it, if that was called before. Raises PictureError."""
    header = header or check_header(name, content)
    if header.format == "HEIC":
        return _decode_heif(content, name, orient)
    image = None
    cut = is_cut_short(content, header.jpeg)
    if not cut:
        image = _decode(content, name, orient)
    elif header.jpeg is not None and header.jpeg.has_all_scans:
        image = _decode_without_end(content, name, orient)
    if image is None:
        damage = "cut short; the end of the picture is missing" if cut else "a damaged picture"
        raise PictureError(f"{name}: {damage}")
    return image


def _decode(content: bytes, name: str, orient: bool) -> np.ndarray | None:
    flags = cv2.IMREAD_COLOR_RGB
    marks = read_orientation(content) if content[4:8] == b"ftyp" else None
    # Orientation marks of the container take precedence over EXIF data.
    if not orient or (marks is not None and marks.marks):
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise PictureError(f"{name}: cannot be decoded: {error.err}") from error
    return image if image is None or marks is None or not orient else marks.apply(image)


def _decode_without_end(content: bytes, name: str, orient: bool) -> np.ndarray | None:
    """Decode a JPEG that lacks only its end marker; None if coded data are missing too: then data appended to it change
    the picture."""
    content = content.rstrip(b"\xff")
    plain = _decode(content + b"\xff\xd9", name, orient)
    filled = _decode(content + _FILLER + b"\xff\xd9", name, orient)
    return plain if plain is not None and filled is not None and np.array_equal(plain, filled) else None


def _decode_heif(content: bytes, name: str, orient: bool) -> np.ndarray:
    try:
        image = decode_heif(content)
    except ImportError as error:
        raise PictureError(f"{name}: HEIC pictures need another package: pip install pillow-heif") from error
    except (ValueError, EOFError, OSError, RuntimeError, LookupError, SyntaxError) as error:
        raise PictureError(f"{name}: a damaged picture ({error})") from error
    return image if orient else read_orientation(content).undo(image)


def write_picture(path: Path | str, image: np.ndarray) -> None:
    """Write `image`, H x W x 3 uint8 RGB, in the format that the suffix names. Raises PictureError."""
    path = Path(path)
    try:
        written, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise PictureError(f"{path}: '{path.suffix}' is not a picture format; use .jpg or .png") from error
    if not written:
        raise PictureError(f"{path}: the picture cannot be written as {path.suffix}; use .png")
    try:
        write_atomically(path, data.tobytes())
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {reason(error)}") from error


def decode_heif(content: bytes) -> np.ndarray:
    """Decode the main picture of a HEIC file: H x W x 3 uint8 RGB, oriented as marked.

    Raises:
        ImportError: pillow-heif is not installed.
        ValueError, EOFError, OSError, RuntimeError, LookupError, SyntaxError: The file is damaged.
    """
    import pillow_heif

    found = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True, bgr_mode=False)
    image = np.asarray(found)
    # There may be a fourth channel (alpha), or only one.
    if image.ndim == 2:
        image = image[..., None].repeat(3, axis=2)
    return np.ascontiguousarray(image[..., :3])
