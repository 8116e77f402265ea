"""What `alpr bench` reads: one picture over and over, the sample scenes in turn, or each picture of a folder once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data.assets import SAMPLES
from alpr_app.data.ccpd import is_ccpd_name
from alpr_app.data.images import read_picture
from alpr_app.data.sources import entries, frames


@dataclass(frozen=True, eq=False)
class TimedPictures:
    """path, image: the first one. title: of all, to read. images: all, as they are to be timed; they can be gone
    through once, and raise AlprError at one that cannot be read."""

    path: Path
    image: np.ndarray
    title: str
    images: Iterable[np.ndarray]

    @property
    def first(self) -> dict[str, Any]:
        """The first one's name and size in pixels, as they go into the JSON."""
        height, width = self.image.shape[:2]
        return {"file": self.path.name, "width": width, "height": height}


def timed_pictures(path: Path | None, most: int) -> TimedPictures:
    """`most` pictures, or fewer where `path` is a folder of fewer. None is the sample scenes: one plate each, all of
    one size. Raises AlprError if there are none, or the first cannot be read."""
    if path is None:
        scenes = sorted(file for file in SAMPLES.glob("*.jpg") if is_ccpd_name(file))
        if not scenes:
            raise AlprError("there are no sample pictures; name one with --image")
        images = [read_picture(scene) for scene in scenes]
        title = f"{len(scenes)} sample scenes in turn, {_size(images[0])}, {most} times"
        return TimedPictures(scenes[0], images[0], title, islice(cycle(images), most))
    if not path.is_dir():
        image = read_picture(path)
        return TimedPictures(path, image, f"{path.name}, {_size(image)}, {most} times", repeat(image, most))
    first = next(frames(entries([str(path)])))
    once = (frame.load() for frame in islice(frames(entries([str(path)])), most))
    return TimedPictures(Path(first.file), first.load(), f"pictures of {path.name}, each once", once)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
