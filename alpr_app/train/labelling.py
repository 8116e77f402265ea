"""Labels made by models: what they read surely, to train on, or to correct by hand instead of typing it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpr_app.core.errors import AlprError
from alpr_app.core.plate import Plate
from alpr_app.data.images import PictureError
from alpr_app.data.label_csv import TABLE_NAME, written
from alpr_app.data.labels import picture_files, read_labelled
from alpr_app.pipeline.alpr import ALPR
from alpr_app.train.label_progress import LabelProgress

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

    def note(self, noted: dict[str, Any]) -> None:
        """Count a picture by what was noted of it: how many plates it has, how many of them are sure, and whether it
        was labelled; nothing if people have written its lines."""
        plates, sure = noted.get("plates"), noted.get("sure")
        if type(plates) is not int or type(sure) is not int:
            return
        self.empty += not plates
        self.doubtful += bool(plates and not noted.get("labelled"))
        if noted.get("labelled"):
            self.labelled += 1
            self.plates += sure
            self.untyped += plates - sure


def label_pictures(
    alpr: ALPR,
    folder: Path,
    confidence: float,
    split: str = "train",
    keep_doubtful: bool = False,
    track: Callable[[Sequence[Path]], Iterable[Path]] = lambda paths: paths,
) -> LabellingReport:
    """Write `alpr_dataset.csv` beside the pictures of `folder`, as they are read. A run that is ended before it is
    through goes on where it was when it is begun again; what people have changed in the table meanwhile stays.

    A plate is sure if it is read with `confidence` or more, and as a text that its colour is issued with. A picture
    with a doubtful plate is left out as a whole, because its place would be learned as background. With `keep_doubtful`
    such plates are labelled without a text, for people to type or delete. Pictures without any plate are left out too:
    nobody has seen that there is none.

    Raises AlprError if there are labels already, or no pictures.
    """
    paths = picture_files(folder) if folder.is_dir() else []
    if not paths:
        raise AlprError(f"{folder}: no such folder, or no pictures in it")
    options = {"confidence": confidence, "split": split, "keep_doubtful": keep_doubtful}
    progress = LabelProgress(folder / TABLE_NAME, COLUMNS, options)
    report = LabellingReport()
    for noted in progress.seen.values():
        report.note(noted)
    for path in track([path for path in paths if path.name not in progress.seen]):
        try:
            plates = alpr.read(read_labelled(path))
        except PictureError as error:
            # Not noted: it may have been mended when the command is run again.
            report.broken.append(str(error))
            continue
        sure = [_is_sure(plate, confidence) for plate in plates]
        kept = bool(plates) and (all(sure) or keep_doubtful)
        rows = [_row(path, split, *pair) for pair in zip(plates, sure, strict=True)] if kept else []
        noted = {"plates": len(plates), "sure": sum(sure), "labelled": kept}
        progress.add(path.name, rows, **noted)
        report.note(noted)
    progress.finish()
    return report


def _is_sure(plate: Plate, confidence: float) -> bool:
    return plate.confidence >= confidence and plate.fits_format is not False


def _row(path: Path, split: str, plate: Plate, sure: bool) -> dict[str, str]:
    text, colour = (plate.text, plate.colour) if sure else ("", "")
    return {"file": path.name, "split": split, "text": text, "colour": colour, "corners": written(plate.corners)}
