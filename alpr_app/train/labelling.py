"""Labels made by models: what they read surely, to train on, or to correct by hand instead of typing it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alpr_app.errors import AlprError
from alpr_app.label_table import TABLE_NAME, write_table, written
from alpr_app.labels import picture_files, read_labelled
from alpr_app.pictures import PictureError
from alpr_app.pipeline import ALPR
from alpr_app.plate import Plate

COLUMNS = ("file", "split", "text", "colour", "corners")


@dataclass
class LabellingReport:
    """Counts of pictures: labelled, left out because some plate in it is doubtful, without any plate; of plates:
    those with a text, and those that are left to be typed. broken: what is wrong with pictures that cannot be read."""

    labelled: int = 0
    doubtful: int = 0
    empty: int = 0
    plates: int = 0
    untyped: int = 0
    broken: list[str] = field(default_factory=list)


def label_pictures(
    alpr: ALPR,
    folder: Path,
    confidence: float,
    split: str = "train",
    keep_doubtful: bool = False,
    track: Callable[[Sequence[Path]], Iterable[Path]] = lambda paths: paths,
) -> LabellingReport:
    """Write `alpr_dataset.csv` beside the pictures of `folder`.

    A plate is sure if it is read with `confidence` or more, and as a text that its colour is issued with. A picture
    with a doubtful plate is left out as a whole, because its place would be learned as background. With `keep_doubtful`
    such plates are labelled without a text, for people to type or delete. Pictures without any plate are left out too:
    nobody has seen that there is none.

    Raises AlprError if there are labels already, or no pictures.
    """
    target = folder / TABLE_NAME
    if target.exists():
        raise AlprError(f"{target}: there are labels already; move them away to make new ones")
    paths = picture_files(folder) if folder.is_dir() else []
    if not paths:
        raise AlprError(f"{folder}: no such folder, or no pictures in it")
    report, rows = LabellingReport(), []
    for path in track(paths):
        try:
            plates = alpr.read(read_labelled(path))
        except PictureError as error:
            report.broken.append(str(error))
            continue
        sure = [_is_sure(plate, confidence) for plate in plates]
        if not plates:
            report.empty += 1
        elif not all(sure) and not keep_doubtful:
            report.doubtful += 1
        else:
            report.labelled += 1
            report.plates += sum(sure)
            report.untyped += len(sure) - sum(sure)
            rows += [_row(path, split, *pair) for pair in zip(plates, sure, strict=True)]
    write_table(target, rows, COLUMNS)
    return report


def _is_sure(plate: Plate, confidence: float) -> bool:
    return plate.confidence >= confidence and plate.fits_format is not False


def _row(path: Path, split: str, plate: Plate, sure: bool) -> dict[str, str]:
    text, colour = (plate.text, plate.colour) if sure else ("", "")
    return {"file": path.name, "split": split, "text": text, "colour": colour, "corners": written(plate.corners)}
