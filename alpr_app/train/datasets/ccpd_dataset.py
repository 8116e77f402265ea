"""Labels of CCPD as it is downloaded: `alpr_dataset.csv` in each of its folders."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpr_app.core.geometry import order_corners
from alpr_app.data import ccpd
from alpr_app.data.label_csv import COLUMNS, TABLE_NAME, LabelError
from alpr_app.data.label_table import EditableTable, TableRow, picture_key
from alpr_app.data.labels import picture_files
from alpr_app.train.datasets.hard_pictures import VAL_HARD, choose_hard_texts, is_hard

PLATE_FREE = "ccpd_np"
BASE = "ccpd_base"
WEATHER = "ccpd_weather"
# How to split without CCPD's lists: the rule of this project, by whole folders like the earlier system, or not at all.
SPLIT_RULES = ("usual", "seed", "train")
SPLIT_FOLDERS = ("train", "val", "test")
# One in this many training plates is for validation.
VALIDATION_INTERVAL = 10
# Skipped file names that a report names.
MAXIMUM_EXAMPLES = 5


@dataclass
class FolderReport:
    """The pictures of one folder.

    Attributes:
        folder: Its name.
        splits: Number of pictures by split.
        skipped: Number of pictures whose names are not CCPD's.
        examples: The first of these, as messages.
        kept: Number of pictures whose labels in the earlier table differ from those in their names, and stay.
    """

    folder: str
    splits: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    examples: list[str] = field(default_factory=list)
    kept: int = 0

    def skip(self, message: str) -> None:
        self.skipped += 1
        if len(self.examples) < MAXIMUM_EXAMPLES:
            self.examples.append(message)


def read_split_lists(folder: Path) -> dict[str, str]:
    """Read CCPD's own lists: train.txt, val.txt, test.txt and ccpd_*.txt, which are parts of the test split.

    Returns:
        The split of each file name.

    Raises:
        LabelError: the folder holds no lists.
    """
    splits: dict[str, str] = {}
    lists = sorted(folder.glob("*.txt"), key=lambda path: path.stem in SPLIT_FOLDERS)
    for path in lists:
        split = path.stem if path.stem in SPLIT_FOLDERS else "test"
        for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            if line.strip():
                splits[Path(line.strip()).name] = split
    if not splits:
        raise LabelError(f"{folder}: holds no split lists (train.txt, val.txt, test.txt)")
    return splits


def find_folders(root: Path) -> list[Path]:
    """The ccpd_* folders in `root`, or `root` itself if it is one. Raises LabelError without any."""
    if not root.is_dir():
        raise LabelError(f"{root}: no such folder")
    if root.name.startswith("ccpd_"):
        return [root]
    folders = sorted(path for path in root.iterdir() if path.is_dir() and path.name.startswith("ccpd_"))
    if not folders:
        raise LabelError(f"{root}: holds no ccpd_* folder; name the folder that CCPD was unpacked into")
    return folders


def default_split(subset: str, part: str | None, text: str, rule: str = "usual") -> str:
    """The split of a picture without lists.

    By the rule `usual`, CCPD 2020's own folders count; else base is for training, with one plate in ten for validation,
    chosen by its text so that no plate is in both; everything else is for testing. By the rule `seed`, all of base is
    for training and weather for validation. By the rule `train`, everything is for training.

    Args:
        subset: Name of the ccpd_* folder.
        part: Name of a split folder in it that holds the picture; None if there is none.
        text: Text of the plate.
        rule: One of `SPLIT_RULES`.
    """
    if rule == "train":
        return "train"
    if part is not None:
        return part
    if rule == "seed":
        return {BASE: "train", WEATHER: "val"}.get(subset, "test")
    if subset != BASE:
        return "test"
    return "val" if zlib.crc32(text.encode()) % VALIDATION_INTERVAL == 0 else "train"


def hard_texts(folders: Iterable[Path], count: int) -> set[str]:
    """The texts of `count` plates with hard pictures in CCPD's folders (hard_pictures.py), to be kept apart."""
    paths = (path for folder in folders if folder.name != PLATE_FREE for path in _all_pictures(folder))
    return choose_hard_texts((ccpd.parse_name(path) for path in paths if ccpd.is_ccpd_name(path)), count)


def _part_of(path: Path, folder: Path) -> str | None:
    """The split folder in `folder` that holds a picture, if any."""
    return path.parent.name if path.parent != folder and path.parent.name in SPLIT_FOLDERS else None


def _row(
    path: Path, folder: Path, splits: dict[str, str] | None, rule: str, kept_apart: Collection[str]
) -> dict[str, str]:
    """The row of one picture. Raises CcpdNameError for a name that is not CCPD's."""
    name = path.relative_to(folder).as_posix()
    if folder.name == PLATE_FREE:
        # Training and validation both need pictures without plates, and not the same ones.
        return {"file": name, "split": default_split(BASE, None, path.name), "subset": folder.name}
    annotation = ccpd.parse_name(path)
    part = _part_of(path, folder)
    split = default_split(folder.name, part, annotation.text, rule) if splits is None else splits.get(path.name, "test")
    subset = folder.name
    if annotation.text in kept_apart:
        # Easier pictures of these plates are not trained on either.
        split, subset = "val", VAL_HARD if is_hard(annotation) else folder.name
    corners = order_corners(np.asarray(annotation.corners, np.float32)).ravel()
    return {
        "file": name,
        "split": split,
        "subset": subset,
        "text": annotation.text,
        "colour": ccpd.usual_colour(annotation.text),
        "box": " ".join(str(value) for value in annotation.box),
        "corners": " ".join(f"{value:g}" for value in corners),
    }


def _split_of_rows(
    rows: Sequence[TableRow],
    path: Path,
    folder: Path,
    splits: dict[str, str] | None,
    rule: str,
    kept_apart: Collection[str],
) -> dict[str, str]:
    """The split of a picture that an earlier table labels, because its name does not."""
    texts = [text for row in rows if (text := row.values.get("text", ""))]
    if any(text in kept_apart for text in texts):
        return {"split": "val"}
    if splits is not None:
        return {"split": splits.get(path.name, "test")}
    return {"split": default_split(folder.name, _part_of(path, folder), texts[0] if texts else path.name, rule)}


def write_labels(
    folder: Path,
    splits: dict[str, str] | None = None,
    track: Callable[[list[Path], str], Iterable[Path]] = lambda paths, name: paths,
    rule: str = "usual",
    kept_apart: Collection[str] = (),
) -> FolderReport:
    """Write `alpr_dataset.csv` into a ccpd_* folder.

    A table that is there already keeps its rows and its columns: pictures that it names get another split, but keep
    their labels, which a person may have corrected or which their names cannot spell. A row that only repeats the label
    in a CCPD name is removed once the picture is gone.

    Args:
        folder: The folder.
        splits: Split by file name, from CCPD's lists; None to use `default_split`.
        track: Wraps the pictures to show progress.
        rule: Rule of `default_split`.
        kept_apart: Texts of plates to validate on as `VAL_HARD`.

    Returns:
        Counts of the pictures; those whose names are not CCPD's are skipped, unless the table names them.

    Raises:
        LabelError: the table that is there is damaged or one of crops, or the file cannot be written.
    """
    report = FolderReport(folder.name)
    paths = _all_pictures(folder)
    table = EditableTable.read(folder / TABLE_NAME)
    earlier = set(table.pictures())
    if earlier and not {"box", "corners"} & set(table.columns):
        raise LabelError(
            f"{table.path}: has no positions, so its pictures are crops of plates; move it away to use CCPD's names"
        )
    table.add_columns(COLUMNS)
    for path in track(paths, folder.name):
        name = picture_key(path.relative_to(folder).as_posix())
        rows = table.rows(name)
        earlier.discard(name)
        try:
            row = _row(path, folder, splits, rule, kept_apart)
        except ccpd.CcpdNameError as error:
            if not rows:
                report.skip(str(error))
                continue
            row = _split_of_rows(rows, path, folder, splits, rule, kept_apart)
        report.kept += bool(rows) and _is_corrected(rows, row)
        # Rows of a picture without CCPD's name may have a subset of their own.
        changes = {name: row[name] for name in ("split", "subset") if name in row}
        table.replace(name, [each.changed(**changes) for each in rows] or [TableRow(row)])
        report.splits[row["split"]] += 1
    for name in earlier:
        if _repeats_name(table.rows(name), folder / name, folder):
            table.replace(name, [])
        else:
            report.kept += 1
    table.save()
    return report


def _is_corrected(rows: Sequence[TableRow], row: Mapping[str, str]) -> bool:
    """Whether the rows of a picture say anything but `row`, which its name gives."""
    labels = {name: row.get(name, "") for name in ("text", "colour", "box", "corners", "state", "rows")}
    return len(rows) != 1 or any(rows[0].values.get(name, "") != value for name, value in labels.items())


def _repeats_name(rows: Sequence[TableRow], path: Path, folder: Path) -> bool:
    try:
        return not path.exists() and not _is_corrected(rows, _row(path, folder, None, "train", ()))
    except ccpd.CcpdNameError:
        return False


def _all_pictures(folder: Path) -> list[Path]:
    """The pictures in a ccpd_* folder and in its split folders."""
    return [path for part in (folder, *(folder / name for name in SPLIT_FOLDERS)) for path in _pictures(part)]


def _pictures(folder: Path) -> list[Path]:
    return picture_files(folder) if folder.is_dir() else []
