"""Labels made by models: what they read surely, to train on or to correct by hand instead of typing it all. They are
written as they are made, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpr_app.core.errors import AlprError, reason
from alpr_app.core.plate import Plate
from alpr_app.data.atomic_files import append_whole
from alpr_app.data.bounded_parsing import ContentError, parse_json
from alpr_app.data.images import PictureError
from alpr_app.data.label_csv import TABLE_NAME, LabelError, read_rows, write_table, written
from alpr_app.data.labels import picture_files, read_labelled
from alpr_app.pipeline.alpr import ALPR

SUFFIX = ".progress"


class LabelProgress:
    """The table `target` and, as long as it is not complete, `target`.progress: first the options, then a line of JSON
    for each picture that has been seen. options: what a run that goes on must have in common with the one before.

    seen: by name, what was noted of each picture. Raises AlprError if there are labels already that no run was about
    to complete, or one with other options was; LabelError if a file cannot be used.
    """

    def __init__(self, target: Path, columns: tuple[str, ...], options: dict[str, Any]) -> None:
        self.target, self.path = target, target.with_name(target.name + SUFFIX)
        self.seen: dict[str, dict[str, Any]] = {}
        if not self.path.exists():
            if target.exists():
                raise AlprError(f"{target}: there are labels already; move them away to make new ones")
            self._begin(options)
        else:
            self._go_on(options)
        if not target.exists():
            if self.seen:
                raise AlprError(f"{target}: has gone; put it back to go on, or remove {self.path.name} to begin anew")
            write_table(target, (), columns)
        self._columns = self._read_table(columns)

    def _begin(self, options: dict[str, Any]) -> None:
        try:
            # Exclusively: two runs at once would label everything twice.
            with self.path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(options) + "\n")
        except OSError as error:
            raise LabelError(f"{self.path}: cannot be written ({reason(error)})") from error

    def _go_on(self, options: dict[str, Any]) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
        except OSError as error:
            raise LabelError(f"{self.path}: cannot be read ({reason(error)})") from error
        remedy = f"move {self.target.name} and {self.path.name} away to begin anew"
        before = _entry(lines[0])
        if before != options:
            raise AlprError(
                f"{self.path}: a run with other options was ended before its end; repeat those, or {remedy}"
            )
        # The last line may have been cut off; then its picture is seen again.
        for line in lines[1:]:
            entry = _entry(line)
            if entry is not None and isinstance(entry.get("file"), str):
                self.seen[entry["file"]] = entry

    def _read_table(self, columns: tuple[str, ...]) -> list[str]:
        """The columns that the table has by now. Pictures in it count as seen, whoever wrote their lines."""
        for row in read_rows(self.target, ("file",)):
            self.seen.setdefault(row["file"], {})
        with self.target.open(encoding="utf-8-sig", newline="") as file:
            found = next(csv.reader(file))
        missing = [column for column in columns if column not in found]
        if missing:
            raise LabelError(f"{self.target}: the column '{missing[0]}' is missing; put it back to go on")
        return found

    def add(self, name: str, rows: Sequence[dict[str, str]], **noted: Any) -> None:
        """Write the lines of a picture, and then that it has been seen. Raises LabelError if the disk says no; then
        nothing of it has been written."""
        if rows:
            text = io.StringIO(newline="")
            csv.DictWriter(text, self._columns, restval="", extrasaction="ignore").writerows(rows)
            _append(self.target, text.getvalue())
        _append(self.path, json.dumps({"file": name, **noted}) + "\n")

    def finish(self) -> None:
        """All pictures have been seen: the table is complete."""
        self.path.unlink(missing_ok=True)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found = parse_json(line)
    except ContentError:
        return None
    return found if isinstance(found, dict) else None


def _append(path: Path, text: str) -> None:
    """Add whole lines to a file, all of `text` or nothing, behind a last line without an end too."""
    data = text.encode("utf-8", errors="surrogateescape")
    try:
        with path.open("r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                data = data if file.read(1) == b"\n" else b"\n" + data
            append_whole(file, data)
    except OSError as error:
        raise LabelError(
            f"{path}: cannot be written ({reason(error)}); make room and run the command again, it goes on from here"
        ) from error


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
