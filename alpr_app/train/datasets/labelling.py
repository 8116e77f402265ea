"""Labels made by models from confident readings, to train on or to correct by hand. They are written while the pictures
are read, so that an interrupted command can continue.
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
    """The table `target` and, until it is complete, the file `target`.progress: first a line with the options, then a
    line of JSON for each picture that has been processed.

    Args:
        target: The table.
        columns: Its columns.
        options: Options that must be the same when labelling continues.

    Attributes:
        seen: The entry of each processed picture, by file name.

    Raises:
        AlprError: the table is complete already, or was begun with other options.
        LabelError: a file cannot be read or written.
    """

    def __init__(self, target: Path, columns: tuple[str, ...], options: dict[str, Any]) -> None:
        self.target, self.path = target, target.with_name(target.name + SUFFIX)
        self.seen: dict[str, dict[str, Any]] = {}
        if not self.path.exists():
            if target.exists():
                raise AlprError(f"{target}: there are labels already; move them away to make new ones")
            self._start(options)
        else:
            self._continue(options)
        if not target.exists():
            if self.seen:
                raise AlprError(
                    f"{target}: is missing; put it back to continue, or remove {self.path.name} to start again"
                )
            write_table(target, (), columns)
        self._columns = self._read_table(columns)

    def _start(self, options: dict[str, Any]) -> None:
        try:
            # Exclusive creation: two commands at once would label everything twice.
            with self.path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(options) + "\n")
        except OSError as error:
            raise LabelError(f"{self.path}: cannot be written ({reason(error)})") from error

    def _continue(self, options: dict[str, Any]) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
        except OSError as error:
            raise LabelError(f"{self.path}: cannot be read ({reason(error)})") from error
        remedy = f"move {self.target.name} and {self.path.name} away to start again"
        if _entry(lines[0]) != options:
            raise AlprError(
                f"{self.path}: labelling was begun with other options; repeat those to continue, or {remedy}"
            )
        # The last line may be incomplete; then its picture is processed again.
        for line in lines[1:]:
            entry = _entry(line)
            if entry is not None and isinstance(entry.get("file"), str):
                self.seen[entry["file"]] = entry

    def _read_table(self, columns: tuple[str, ...]) -> list[str]:
        """The current columns of the table. Pictures in it count as processed, also those whose rows a user wrote."""
        for row in read_rows(self.target, ("file",)):
            self.seen.setdefault(row["file"], {})
        with self.target.open(encoding="utf-8-sig", newline="") as file:
            existing = next(csv.reader(file))
        missing = [column for column in columns if column not in existing]
        if missing:
            raise LabelError(f"{self.target}: the column '{missing[0]}' is missing; put it back to continue")
        return existing

    def add(self, name: str, rows: Sequence[dict[str, str]], **entry: Any) -> None:
        """Write the rows of a picture to the table, then its entry to the progress file.

        Raises:
            LabelError: the disk is full; the file holds nothing of the picture then.
        """
        if rows:
            text = io.StringIO(newline="")
            csv.DictWriter(text, self._columns, restval="", extrasaction="ignore").writerows(rows)
            _append(self.target, text.getvalue())
        _append(self.path, json.dumps({"file": name, **entry}) + "\n")

    def finish(self) -> None:
        """Mark the table as complete."""
        self.path.unlink(missing_ok=True)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = parse_json(line)
    except ContentError:
        return None
    return entry if isinstance(entry, dict) else None


def _append(path: Path, text: str) -> None:
    """Append complete lines to a file, all of `text` or nothing; a last line without a newline is terminated first."""
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
            f"{path}: cannot be written ({reason(error)}); free some space and run the command again to continue"
        ) from error


COLUMNS = ("file", "split", "text", "colour", "corners")


@dataclass
class LabellingReport:
    """The results of labelling.

    Attributes:
        labelled: Number of labelled pictures.
        doubtful: Number of pictures skipped because of a doubtful plate.
        empty: Number of pictures without plates, which are skipped too.
        plates: Number of plates labelled with a text.
        untyped: Number of plates labelled without one, for the user to type.
        broken: A message for each picture that could not be read.
    """

    labelled: int = 0
    doubtful: int = 0
    empty: int = 0
    plates: int = 0
    untyped: int = 0
    broken: list[str] = field(default_factory=list)

    def count(self, entry: dict[str, Any]) -> None:
        """Count a picture by its entry: the numbers of its plates and of confident ones among them, and whether it was
        labelled. Pictures whose rows a user wrote have none and do not count."""
        plates, sure = entry.get("plates"), entry.get("sure")
        if type(plates) is not int or type(sure) is not int:
            return
        self.empty += not plates
        self.doubtful += bool(plates and not entry.get("labelled"))
        if entry.get("labelled"):
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
    """Write `alpr_dataset.csv` for the pictures of `folder`. If this was interrupted, the same call continues; what the
    user has changed in the table meanwhile stays.

    A plate is confident if its confidence is at least `confidence` and its text fits the format of its colour. A
    picture with a doubtful plate is skipped as a whole, because training would take that plate for background.
    Pictures without plates are skipped too, because no person has confirmed that there are none.

    Args:
        alpr: The models.
        folder: Folder of pictures.
        confidence: Minimum confidence of a text.
        split: Split of the labels.
        keep_doubtful: Label doubtful plates without a text instead, for the user to type or delete.
        track: Wraps the pictures to show progress.

    Raises:
        AlprError: there are labels already, or no pictures.
        LabelError: a file cannot be read or written.
    """
    paths = picture_files(folder) if folder.is_dir() else []
    if not paths:
        raise AlprError(f"{folder}: no such folder, or no pictures in it")
    options = {"confidence": confidence, "split": split, "keep_doubtful": keep_doubtful}
    progress = LabelProgress(folder / TABLE_NAME, COLUMNS, options)
    report = LabellingReport()
    for entry in progress.seen.values():
        report.count(entry)
    for path in track([path for path in paths if path.name not in progress.seen]):
        try:
            plates = alpr.read(read_labelled(path))
        except PictureError as error:
            # Not entered as processed: it may be readable when the command is run again.
            report.broken.append(str(error))
            continue
        sure = [_is_confident(plate, confidence) for plate in plates]
        labelled = bool(plates) and (all(sure) or keep_doubtful)
        rows = [_row(path, split, *pair) for pair in zip(plates, sure, strict=True)] if labelled else []
        entry = {"plates": len(plates), "sure": sum(sure), "labelled": labelled}
        progress.add(path.name, rows, **entry)
        report.count(entry)
    progress.finish()
    return report


def _is_confident(plate: Plate, confidence: float) -> bool:
    return plate.confidence >= confidence and plate.fits_format is not False


def _row(path: Path, split: str, plate: Plate, sure: bool) -> dict[str, str]:
    text, colour = (plate.text, plate.colour) if sure else ("", "")
    return {"file": path.name, "split": split, "text": text, "colour": colour, "corners": written(plate.corners)}
