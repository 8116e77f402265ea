"""CCPD as it is downloaded -> `alpr_dataset.csv` in each of its folders."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpr_app.core.geometry import order_corners
from alpr_app.data import ccpd
from alpr_app.data.label_csv import TABLE_NAME, LabelError, write_table
from alpr_app.data.labels import picture_files

PLATE_FREE = "ccpd_np"
BASE = "ccpd_base"
WEATHER = "ccpd_weather"
# How pictures are shared out without CCPD's lists: as here, or whole folders, as the earlier system did it.
SPLIT_RULES = ("usual", "seed")
SPLIT_FOLDERS = ("train", "val", "test")
# Of the pictures that may be trained on, one in this many is kept for validation.
VALIDATION_SHARE = 10
MOST_EXAMPLES = 5


@dataclass
class FolderReport:
    """What was found in one folder: pictures by split, and names that say nothing."""

    folder: str
    splits: Counter[str] = field(default_factory=Counter)
    odd: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, message: str) -> None:
        self.odd += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(message)


def read_split_lists(folder: Path) -> dict[str, str]:
    """CCPD's own lists, train.txt, val.txt, test.txt and ccpd_*.txt (parts of the test): file name -> split.

    Raises LabelError if there is no list.
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
    """Every ccpd_* folder in `root`, or `root` itself if it is one. Raises LabelError if there is none."""
    if not root.is_dir():
        raise LabelError(f"{root}: no such folder")
    if root.name.startswith("ccpd_"):
        return [root]
    folders = sorted(path for path in root.iterdir() if path.is_dir() and path.name.startswith("ccpd_"))
    if not folders:
        raise LabelError(f"{root}: holds no ccpd_* folder; give the folder that CCPD was unpacked into")
    return folders


def usual_split(subset: str, part: str | None, text: str, rule: str = "usual") -> str:
    """Where a picture belongs without lists: CCPD 2020's own folders; base is trained on, with one plate in ten for
    validation, chosen by its text so that no plate is in both; everything else is for testing.

    rule: of `SPLIT_RULES`; with `seed` all of base is trained on and weather is for validation.
    """
    if part is not None:
        return part
    if rule == "seed":
        return {BASE: "train", WEATHER: "val"}.get(subset, "test")
    if subset != BASE:
        return "test"
    return "val" if zlib.crc32(text.encode()) % VALIDATION_SHARE == 0 else "train"


def _row(path: Path, folder: Path, splits: dict[str, str] | None, rule: str) -> dict[str, str]:
    """The line of one CCPD-named picture. Raises CcpdNameError for another name."""
    annotation = ccpd.parse_name(path)
    part = path.parent.name if path.parent != folder and path.parent.name in SPLIT_FOLDERS else None
    usual = usual_split(folder.name, part, annotation.text, rule)
    corners = order_corners(np.asarray(annotation.corners, np.float32)).ravel()
    return {
        "file": path.relative_to(folder).as_posix(),
        "split": usual if splits is None else splits.get(path.name, "test"),
        "subset": folder.name,
        "text": annotation.text,
        "colour": ccpd.usual_colour(annotation.text),
        "box": " ".join(str(value) for value in annotation.box),
        "corners": " ".join(f"{value:g}" for value in corners),
    }


def make_table(
    folder: Path,
    splits: dict[str, str] | None = None,
    track: Callable[[list[Path], str], Iterable[Path]] = lambda paths, name: paths,
    rule: str = "usual",
) -> FolderReport:
    """Write `alpr_dataset.csv` into a ccpd_* folder. splits: by file name, of CCPD's lists; by `usual_split` if None.

    track: hands the pictures on and may show how far it is. rule: of `usual_split`. Odd names are counted and named,
    not put in. Raises LabelError if the file cannot be written.
    """
    report = FolderReport(folder.name)
    paths = [path for part in (folder, *(folder / name for name in SPLIT_FOLDERS)) for path in _pictures(part)]
    rows = []
    for path in track(paths, folder.name):
        if folder.name == PLATE_FREE:
            # Nobody is to be measured on what was trained on, and training needs pictures without plates.
            name = path.relative_to(folder).as_posix()
            rows.append({"file": name, "split": usual_split(BASE, None, path.name), "subset": folder.name})
        else:
            try:
                rows.append(_row(path, folder, splits, rule))
            except ccpd.CcpdNameError as error:
                report.note(str(error))
                continue
        report.splits[rows[-1]["split"]] += 1
    write_table(folder / TABLE_NAME, rows)
    return report


def _pictures(folder: Path) -> list[Path]:
    return picture_files(folder) if folder.is_dir() else []
