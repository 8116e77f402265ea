"""Pictures from files and back: any path, any depth, always RGB; a damaged one is an error."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from alpr_app.errors import AlprError, reason
from alpr_app.files import write_atomically
from alpr_app.picture_header import is_cut_short, picture_size

PICTURE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".gif",
    ".avif",
    ".jp2",
    ".ppm",
)

# More than any camera takes, and 600 MB when decoded.
MAXIMUM_PIXELS = 200_000_000
MAXIMUM_BYTES = 512 * 2**20


class PictureError(AlprError):
    """A picture that cannot be read or written; the message names the file and what is wrong with it."""


def quiet_opencv() -> None:
    """Keep OpenCV's own lines off stderr: what is wrong with a picture or a video is said once, by us."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise PictureError(f"{path}: this is a folder, not a picture")
        if not path.exists():
            raise PictureError(f"{path}: no such file")
        if not path.is_file():
            raise PictureError(f"{path}: this is no ordinary file")
        if path.stat().st_size > MAXIMUM_BYTES:
            raise PictureError(
                f"{path}: larger than {MAXIMUM_BYTES // 2**20} MiB, which is no picture to read plates in"
            )
        # Unlike cv2.imread, this opens any path on every system.
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be opened: {reason(error)}") from error
    if not content:
        raise PictureError(f"{path}: the file is empty")
    return content


def _check_size(path: Path, size: tuple[int, int] | None) -> None:
    if size is not None and size[0] * size[1] > MAXIMUM_PIXELS:
        raise PictureError(
            f"{path}: {size[0]} x {size[1]} pixels, {MAXIMUM_PIXELS // 10**6} million are allowed; "
            "make it smaller first"
        )


def read_picture(path: Path | str, orient: bool = True) -> np.ndarray:
    """The picture in `path` as H x W x 3 uint8 RGB, whatever its format: grey, with alpha, 16 bits.

    orient: turn it as its EXIF orientation says; False leaves the pixels as they are stored, as annotations
    in stored pixels need it. Raises PictureError.
    """
    path = Path(path)
    content = _read_bytes(path)
    size = picture_size(content)
    _check_size(path, size)
    if is_cut_short(content):
        raise PictureError(f"{path}: cut short; the end of the picture is missing")
    flags = cv2.IMREAD_COLOR_RGB if orient else cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise PictureError(f"{path}: cannot be decoded: {error.err}") from error
    if image is None:
        raise PictureError(f"{path}: {'not a picture' if size is None else 'a damaged picture'}")
    return image


def write_picture(path: Path | str, image: np.ndarray) -> None:
    """Write `image`, H x W x 3 uint8 RGB, in the format that the suffix names. Raises PictureError."""
    path = Path(path)
    try:
        written, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise PictureError(f"{path}: '{path.suffix}' is no picture format; use .jpg or .png") from error
    if not written:
        raise PictureError(f"{path}: the picture cannot be written as {path.suffix}; use .png")
    try:
        write_atomically(path, data.tobytes())
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {reason(error)}") from error
