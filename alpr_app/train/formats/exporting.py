"""Collects the labels of a data folder for writing them in the formats of other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from alpr_app.core.errors import AlprError
from alpr_app.data import ccpd
from alpr_app.data.atomic_files import make_folder
from alpr_app.data.images import PictureError, check_header, decode_picture, read_bytes
from alpr_app.data.labels import DataFolder, LabelledPicture, LabelledPlate
from alpr_app.train.formats.importing import Problems, is_text

# The label of every plate in the other formats.
PLATE_LABEL = "plate"


@dataclass(frozen=True, eq=False)
class ExportedPicture:
    """A picture with its labels.

    Attributes:
        picture: The labels.
        name: Path relative to the data folder.
        width, height: Size in pixels as shown.
    """

    picture: LabelledPicture
    name: PurePosixPath
    width: int
    height: int

    @property
    def plates(self) -> tuple[LabelledPlate, ...]:
        """All plates, unreadable ones too."""
        return (*self.picture.plates, *self.picture.unreadable)

    @property
    def checked(self) -> bool:
        """Whether a person has confirmed every label of the picture."""
        plates = self.plates
        return all(plate.state for plate in plates) if plates else self.picture.checked


def shown_size(path: Path) -> tuple[int, int]:
    """Return the width and height of a picture as other programs show it, with its orientation mark applied.

    Raises:
        PictureError: It cannot be read, or its labels are in stored pixels that others show turned.
    """
    content = read_bytes(path)
    header = check_header(str(path), content)
    # Only Exif data and the containers of AVIF and HEIC hold orientation marks.
    if header.format in ("JPEG", "PNG", "BMP") and b"Exif" not in content and b"eXIf" not in content and header.size:
        return header.size
    image = decode_picture(content, str(path), header=header)
    if ccpd.is_ccpd_name(path):
        stored = decode_picture(content, str(path), orient=False, header=header)
        if not np.array_equal(stored, image):
            raise PictureError(f"{path}: its CCPD label is in stored pixels, but it is shown turned; save it upright")
    height, width = image.shape[:2]
    return width, height


def exported_pictures(
    data: DataFolder,
    root: Path,
    problems: Problems,
    track: Callable[[Iterable[LabelledPicture]], Iterable[LabelledPicture]],
) -> Iterator[ExportedPicture]:
    """Yield every picture of a data folder that can be converted.

    Args:
        data: The labels.
        root: The data folder.
        problems: Receives a line for each thing that cannot be converted.
        track: Wraps the pictures to show progress.
    """
    for crop in data.crops:
        problems.add(f"{crop.path}: is the crop of a plate, not a picture with plates in it")
    seen: dict[str, Path] = {}
    base = os.path.abspath(root)
    for picture in track([*data.pictures, *data.negatives]):
        if picture.stated:
            problems.add(f"{picture.path}: has a text without a position")
            continue
        name = PurePosixPath(Path(os.path.relpath(picture.path, base)).as_posix())
        if ".." in name.parts or name.is_absolute():
            problems.add(f"{picture.path}: lies outside {root}")
            continue
        if not is_text(str(picture.path)):
            problems.add(f"{picture.path}: its name cannot be written as UTF-8; rename it")
            continue
        # Label files are named after pictures, without their suffix.
        earlier = seen.setdefault(str(name.with_suffix("")).casefold(), picture.path)
        if earlier is not picture.path:
            problems.add(f"{picture.path}: its labels would replace those of {earlier}")
            continue
        try:
            width, height = shown_size(picture.path)
        except PictureError as error:
            problems.add(str(error))
            continue
        doubtful = 0 if picture.ignored is None else len(picture.ignored) - len(picture.unreadable)
        problems.notes["boxes of machine labels that may be plates"] += max(0, doubtful)
        yield ExportedPicture(picture, name, width, height)


def make_new_folder(folder: Path) -> None:
    """Make a folder for exported labels. Raises AlprError if it holds something or cannot be made."""
    make_folder(folder)
    if any(folder.iterdir()):
        raise AlprError(f"{folder}: is not empty; choose a new folder")


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet, and its folders. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
