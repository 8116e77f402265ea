"""A shot: one picture on its way through the viewer, with where it came from and when."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import monotonic

import cv2
import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data.labels import read_labelled

# Every OpenGL of the last fifteen years takes textures of this side; a larger picture is shown smaller.
DISPLAY_SIDE = 4096


@dataclass(frozen=True, eq=False)
class Shot:
    """key: what results are matched by: the path of a picture, a running name for frames of a live source.

    image: H x W x 3 uint8 RGB in full size, None if there is none. display: the same, at most `DISPLAY_SIDE`
    wide and high. taken: when it was read, in seconds of the monotonic clock. error: why there is no image. near:
    somebody looks at it or may do so next, so that the crops of its plates are wanted. session: the number of the
    opened source that it comes from.
    """

    key: str
    image: np.ndarray | None = field(default=None, repr=False)
    display: np.ndarray | None = field(default=None, repr=False)
    taken: float = field(default_factory=monotonic)
    error: str = ""
    live: bool = False
    near: bool = False
    session: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; (0, 0) without an image."""
        return (0, 0) if self.image is None else (self.image.shape[1], self.image.shape[0])

    @property
    def bytes(self) -> int:
        """Memory that the pixels take."""
        if self.image is None:
            return 0
        return self.image.nbytes + (0 if self.display is self.image else self.display.nbytes)


def for_display(image: np.ndarray) -> np.ndarray:
    """`image`, or a smaller copy that fits into a texture."""
    scale = DISPLAY_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def shot_of(key: str, image: np.ndarray, live: bool = False) -> Shot:
    """A shot of `image`, H x W x 3 uint8 RGB."""
    return Shot(key, image, for_display(image), live=live)


def load_shot(path: str) -> Shot:
    """The picture at `path`, in the pixels of its labels; a shot with an error if it cannot be read."""
    try:
        return shot_of(path, read_labelled(path))
    except AlprError as error:
        return Shot(path, error=str(error).removeprefix(f"{path}: "))
    except MemoryError:
        return Shot(path, error=f"{os.path.basename(path)} needs more memory than there is")
