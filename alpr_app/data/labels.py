"""Labelled pictures on disk: CCPD-named pictures, crops with their texts, tables of boxes, corners and texts."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpr_app.core.geometry import corners_to_box, order_corners
from alpr_app.data import ccpd
from alpr_app.data.file_types import PICTURE_SUFFIXES
from alpr_app.data.images import read_picture, read_reduced
from alpr_app.data.label_csv import (
    TABLE_NAME,
    UNREADABLE,
    LabelError,
    file_in,
    numbers,
    place,
    read_rows,
    rows_of,
    split_of,
    state_of,
)
from alpr_app.data.linked_pictures import LINK_NAME, linked_pictures

Refuse = Callable[[LabelError], None]
"""Receives an error for each label that is left out."""

PLATE_FREE_FOLDERS = ("negatives", "ccpd_np")
# The split of pictures that belong to all of them.
EVERY_SPLIT = "every"


@dataclass(frozen=True, eq=False)
class LabelledPlate:
    """One labelled plate.

    Attributes:
        corners: (4, 2) float32 in the order of `Plate.corners`.
        text: None if unknown.
        colour: None if unknown.
        reordered: Whether the label has the corners in another order.
        rows: Lines of characters, 1 or 2.
        state: One of `label_csv.STATES`; empty if the label states none.
    """

    corners: np.ndarray
    text: str | None = None
    colour: str | None = None
    reordered: bool = False
    rows: int = 1
    state: str = ""

    @classmethod
    def of(
        cls, written: np.ndarray, text: str | None, colour: str | None = None, rows: int = 1, state: str = ""
    ) -> LabelledPlate:
        """Make a plate from corners in any order."""
        corners = order_corners(written)
        return cls(corners, text, colour, not np.array_equal(corners, written), rows, state)

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom (4,)."""
        return corners_to_box(self.corners)


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """A labelled picture.

    Attributes:
        path: The file.
        plates: All plates in it that count.
        ignored: Boxes (N, 4) that may or may not be plates, and those of the unreadable plates.
        stated: The text of one plate in it, if nothing else is known.
        split: Its split, or EVERY_SPLIT.
        subset: The name under which results are counted.
        by_machine: Nobody has checked the labels, so they serve training but not evaluation.
        unreadable: Plates that are marked as unreadable. They count neither as plates nor as background.
        checked: A person has confirmed that there is no plate.
    """

    path: Path
    plates: tuple[LabelledPlate, ...] = ()
    ignored: np.ndarray | None = None
    stated: str | None = None
    split: str = "train"
    subset: str = ""
    by_machine: bool = False
    unreadable: tuple[LabelledPlate, ...] = ()
    checked: bool = False

    @property
    def readable(self) -> list[LabelledPlate]:
        """The plates whose text is known."""
        return [plate for plate in self.plates if plate.text is not None]


@dataclass(frozen=True)
class LabelledCrop:
    """A picture that is itself a plate, with 1 or 2 lines of characters."""

    path: Path
    text: str
    split: str = "train"
    rows: int = 1


@dataclass(frozen=True)
class DataFolder:
    """The content of a data folder. negatives: pictures without any plate. assumed: for each folder whose labels state
    no split, its name and the number of its pictures and crops that therefore count as the train split."""

    pictures: tuple[LabelledPicture, ...]
    crops: tuple[LabelledCrop, ...]
    negatives: tuple[LabelledPicture, ...]
    assumed: tuple[tuple[str, int], ...] = ()

    def of_split(self, split: str) -> DataFolder:
        """Return the part that belongs to `split`."""
        return DataFolder(
            tuple(picture for picture in self.pictures if picture.split == split),
            tuple(crop for crop in self.crops if crop.split == split),
            tuple(picture for picture in self.negatives if picture.split in (split, EVERY_SPLIT)),
        )


def picture_files(folder: Path) -> list[Path]:
    """Return the pictures directly in `folder`, sorted by name, without hidden files and folders."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.name.lower().endswith(PICTURE_SUFFIXES) and not entry.name.startswith(".") and not entry.is_dir()
        ]
    return [folder / name for name in sorted(names)]


def read_labelled(path: Path | str) -> np.ndarray:
    """Read a picture, H x W x 3 uint8 RGB, in the orientation that its labels refer to. Raises PictureError."""
    return read_picture(path, orient=not ccpd.is_ccpd_name(path))


def read_labelled_reduced(path: Path | str) -> tuple[np.ndarray, tuple[int, int]] | None:
    """The same, reduced: see `images.read_reduced`."""
    return read_reduced(path, orient=not ccpd.is_ccpd_name(path))


def ccpd_picture(path: Path, split: str = "train", subset: str = "") -> LabelledPicture:
    """Return a CCPD-named picture with its label. Raises ccpd.CcpdNameError for other names and degenerate corners."""
    annotation = ccpd.parse_name(path)
    # CCPD's corners were set by hand, at times in another order than its paper states.
    corners = np.asarray(annotation.corners, np.float32)
    try:
        plate = LabelledPlate.of(corners, annotation.text, ccpd.usual_colour(annotation.text))
    except ValueError as error:
        raise ccpd.CcpdNameError(f"{path.name}: {error}") from error
    return LabelledPicture(path, (plate,), split=split, subset=subset or path.parent.name)


def _table_beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.csv")


def _ccpd_pictures(
    folder: Path, named: Container[Path], tabled: bool, refuse: Refuse, assumed: Counter[str]
) -> list[LabelledPicture]:
    """The pictures of a folder that no table names, by their CCPD names; those without a stated split are counted in
    `assumed`. tabled: the folder has a table, so that pictures whose names are no labels may be unlabelled."""
    paths = [path for path in picture_files(folder) if path not in named]
    if not any(map(ccpd.is_ccpd_name, paths)):
        return []
    table = _table_beside(folder)
    rows = {file_in(folder, row["file"]).name: row for row in read_rows(table, ("file",))} if table.is_file() else {}
    pictures = []
    for path in paths:
        row = rows.get(path.name, {})
        try:
            pictures.append(ccpd_picture(path, row.get("split") or "train", row.get("subset") or folder.name))
            assumed[folder.name] += not row.get("split")
        except ccpd.CcpdNameError as error:
            if not tabled or ccpd.has_all_fields(path):
                refuse(LabelError(f"{folder}: {error}"))
    return pictures


def _plate(
    table: Path,
    number: int,
    corners: np.ndarray,
    text: str | None,
    colour: str | None = None,
    rows: int = 1,
    state: str = "",
) -> LabelledPlate:
    """Return the plate of a table's row. Raises LabelError naming both if its corners span no area."""
    try:
        return LabelledPlate.of(corners, text, colour, rows, state)
    except ValueError as error:
        raise LabelError(f"{table}, row {number}: {error}") from error


def _machine_pictures(table: Path) -> list[LabelledPicture]:
    plates: dict[Path, list[LabelledPlate]] = defaultdict(list)
    ignored: dict[Path, list[np.ndarray]] = defaultdict(list)
    for number, row in enumerate(read_rows(table, ("folder", "file", "kind", "text", "box", "corners")), start=2):
        path = file_in(file_in(table.parent, row["folder"]), row["file"])
        if row["kind"] == "sure":
            corners = numbers(row["corners"], 8, table, number).reshape(4, 2)
            plates[path].append(_plate(table, number, corners, row["text"] or None))
        else:
            ignored[path].append(numbers(row["box"], 4, table, number))
    return [
        LabelledPicture(
            path,
            tuple(found),
            np.asarray(ignored[path], np.float32) if path in ignored else None,
            subset=path.parent.name,
            by_machine=True,
        )
        for path, found in plates.items()
    ]


def read_table(table: Path) -> DataFolder:
    """Read the labels of an `alpr_dataset.csv`. Raises LabelError naming the row that is unusable."""
    return _read_table(table)[0]


@dataclass
class _TablePicture:
    """The rows of one picture in a table."""

    split: str = "train"
    subset: str = ""
    plates: list[LabelledPlate] = field(default_factory=list)
    unreadable: list[LabelledPlate] = field(default_factory=list)
    checked: bool = False

    def labelled(self, path: Path) -> LabelledPicture:
        ignored = np.array([plate.box for plate in self.unreadable], np.float32) if self.unreadable else None
        return LabelledPicture(
            path,
            tuple(self.plates),
            ignored,
            split=self.split,
            subset=self.subset,
            unreadable=tuple(self.unreadable),
            checked=self.checked,
        )


def _read_table(table: Path, name: str = "", without: Container[Path] = ()) -> tuple[DataFolder, set[Path]]:
    """The labels of a table, and all pictures that it names. name: that of its folder as a subset, if not its own.
    without: normalised paths of pictures whose rows are left out."""
    rows = read_rows(table, ("file",))
    folder, name = table.parent, name or table.parent.name
    placed = bool(rows) and bool({"box", "corners"} & rows[0].keys())
    crops: list[LabelledCrop] = []
    by_path: dict[Path, _TablePicture] = defaultdict(_TablePicture)
    assumed: set[Path] = set()
    named: set[Path] = set()
    for number, row in enumerate(rows, start=2):
        path, text, corners = file_in(folder, row["file"]), row.get("text", "").strip(), place(row, table, number)
        split, lines, state = split_of(row, table, number), rows_of(row, table, number), state_of(row, table, number)
        named.add(path)
        if Path(os.path.normpath(path)) in without:
            continue
        if not row.get("split", "").strip():
            assumed.add(path)
        if (text or state == UNREADABLE) and corners is None and placed:
            raise LabelError(f"{table}, row {number}: '{text or state}' has neither box nor corners")
        if not placed:
            if state == UNREADABLE:
                continue
            if not text:
                raise LabelError(f"{table}, row {number}: neither text nor place of a plate")
            crops.append(LabelledCrop(path, text, split, lines))
            continue
        picture = by_path[path]
        picture.split, picture.subset = split, row.get("subset", "").strip() or name
        if corners is None:
            picture.checked = bool(state)
            continue
        colour = row.get("colour", "").strip() or None
        plate = _plate(table, number, corners, text or None, colour, lines, state)
        (picture.unreadable if state == UNREADABLE else picture.plates).append(plate)
    pictures = [picture.labelled(path) for path, picture in by_path.items()]
    # A picture with unreadable plates only is no picture without plates.
    data = DataFolder(
        tuple(picture for picture in pictures if picture.plates or picture.unreadable),
        tuple(crops),
        tuple(picture for picture in pictures if not picture.plates and not picture.unreadable),
        ((name, len(assumed)),) if assumed else (),
    )
    return data, named


_NOTHING = DataFolder((), (), ())


def tables_of(root: Path) -> list[Path]:
    """Return every CSV file that `read_data_folder` may read."""
    folders = [root, *filter(None, [linked_pictures(root)])]
    return [
        path
        for folder in folders
        for path in (*folder.glob("*.csv"), *folder.glob("*/*.csv"), _table_beside(Path(os.path.abspath(folder))))
    ]


def _raise(error: LabelError) -> None:
    raise error


def read_data_folder(root: Path, refuse: Refuse = _raise) -> DataFolder:
    """Read all labels under `root`: a folder of labelled folders, or a labelled folder itself.

    An `alpr_dataset.csv` decides about the pictures that it names, and about no others: those have the labels that they
    would have without it. If `root` names the folder of its pictures (`linked_pictures`), that folder is read, and the
    table in `root` overrides all labels there.

    Args:
        root: The folder.
        refuse: Receives an error for every picture among CCPD-named ones whose name is not a label; the picture is then
            left out. Without it such a name is an error. In a folder with a table, this holds only for names with as
            many fields as CCPD's; other pictures that the table does not name are unlabelled.

    Raises:
        LabelError: The folder is missing, nothing in it is labelled, or a label is damaged.
    """
    if not root.is_dir():
        raise LabelError(f"{root}: no such folder")
    # The folder's name matters, also if it is given as a dot; a link keeps its own name.
    root = Path(os.path.abspath(root))
    pictures_folder = linked_pictures(root)
    if pictures_folder is None:
        return _read_folder(root, refuse, _NOTHING, frozenset())
    pictures_folder = Path(os.path.abspath(pictures_folder))
    if not pictures_folder.is_dir():
        raise LabelError(f"{root / LINK_NAME}: the pictures' folder '{pictures_folder}' is missing; correct its path")
    table = root / TABLE_NAME
    corrections, named = _read_table(table, pictures_folder.name) if table.is_file() else (_NOTHING, set())
    return _read_folder(pictures_folder, refuse, corrections, named)


def _read_folder(root: Path, refuse: Refuse, corrections: DataFolder, corrected: Set[Path]) -> DataFolder:
    """Read the labels under `root`, which `corrections` override for the pictures `corrected`."""
    corrected = {Path(os.path.normpath(path)) for path in corrected}
    pictures, crops, negatives = list(corrections.pictures), list(corrections.crops), list(corrections.negatives)
    assumed = Counter(dict(corrections.assumed))
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    tables = {
        folder: _read_table(folder / TABLE_NAME, without=corrected)
        for folder in folders
        if (folder / TABLE_NAME).is_file()
    }
    # Tables may name pictures of other folders.
    named = corrected | {Path(os.path.normpath(path)) for _, paths in tables.values() for path in paths}
    for folder in folders:
        table = _table_beside(folder)
        if folder in tables:
            labelled = tables[folder][0]
            pictures += labelled.pictures
            crops += labelled.crops
            negatives += labelled.negatives
            assumed.update(dict(labelled.assumed))
        if folder.name in PLATE_FREE_FOLDERS:
            plate_free = [path for path in picture_files(folder) if path not in named]
            negatives += [LabelledPicture(path, split=EVERY_SPLIT, subset=folder.name) for path in plate_free]
        elif folder.name == "crops" and table.is_file():
            for path, row in _rows_beside(folder, named):
                crops.append(LabelledCrop(path, row["text"], row.get("split") or "train"))
                assumed[folder.name] += not row.get("split")
        elif folder.name == "street" and table.is_file():
            for path, row in _rows_beside(folder, named):
                pictures.append(LabelledPicture(path, stated=row["text"], split="val", subset="street"))
        else:
            pictures += _ccpd_pictures(folder, named, folder in tables, refuse, assumed)
    machine = root / "machine_labels.csv"
    if machine.is_file():
        pictures += [picture for picture in _machine_pictures(machine) if picture.path not in named]
    if not pictures and not crops and not negatives and not named:
        raise LabelError(
            f"{root}: holds no CCPD-named pictures, no {TABLE_NAME}, no crops.csv and no machine_labels.csv"
        )
    # Without those of which every label states its split.
    return DataFolder(tuple(pictures), tuple(crops), tuple(negatives), tuple((+assumed).items()))


def _rows_beside(folder: Path, named: Container[Path]) -> list[tuple[Path, dict[str, str]]]:
    """The rows of the table beside a folder of crops or photos, without pictures that an `alpr_dataset.csv` names."""
    pairs = [(file_in(folder, row["file"]), row) for row in read_rows(_table_beside(folder), ("file", "text"))]
    return [(path, row) for path, row in pairs if path not in named]
