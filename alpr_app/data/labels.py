"""Labelled pictures on disk (CCPD-named pictures, crops with their texts, tables of boxes, corners and texts), and
label texts normalised to a reader's alphabet.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alpr_app.core.geometry import corners_to_box, order_corners
from alpr_app.data import ccpd
from alpr_app.data.file_types import PICTURE_SUFFIXES
from alpr_app.data.images import read_picture
from alpr_app.data.label_csv import TABLE_NAME, LabelError, file_in, numbers, place, read_rows, rows_of, split_of

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
    """

    corners: np.ndarray
    text: str | None = None
    colour: str | None = None
    reordered: bool = False
    rows: int = 1

    @classmethod
    def of(cls, written: np.ndarray, text: str | None, colour: str | None = None, rows: int = 1) -> LabelledPlate:
        """Make a plate from corners in any order."""
        corners = order_corners(written)
        return cls(corners, text, colour, not np.array_equal(corners, written), rows)

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom (4,)."""
        return corners_to_box(self.corners)


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """A labelled picture.

    Attributes:
        path: The file.
        plates: All plates in it.
        ignored: Boxes (N, 4) that may or may not be plates.
        stated: The text of one plate in it, if nothing else is known.
        split: Its split, or EVERY_SPLIT.
        subset: The name under which results are counted.
        by_machine: Nobody has checked the labels, so they serve training but not evaluation.
    """

    path: Path
    plates: tuple[LabelledPlate, ...] = ()
    ignored: np.ndarray | None = None
    stated: str | None = None
    split: str = "train"
    subset: str = ""
    by_machine: bool = False

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


def _ccpd_pictures(folder: Path, refuse: Refuse, assumed: Counter[str]) -> list[LabelledPicture]:
    """The pictures of a folder without a table; those without a stated split are counted in `assumed`."""
    table = _table_beside(folder)
    rows = {file_in(folder, row["file"]).name: row for row in read_rows(table, ("file",))} if table.is_file() else {}
    pictures = []
    for path in picture_files(folder):
        row = rows.get(path.name, {})
        try:
            pictures.append(ccpd_picture(path, row.get("split") or "train", row.get("subset") or folder.name))
            assumed[folder.name] += not row.get("split")
        except ccpd.CcpdNameError as error:
            refuse(LabelError(f"{folder}: {error}"))
    return pictures


def _plate(
    table: Path, number: int, corners: np.ndarray, text: str | None, colour: str | None = None, rows: int = 1
) -> LabelledPlate:
    """Return the plate of a table's row. Raises LabelError naming both if its corners span no area."""
    try:
        return LabelledPlate.of(corners, text, colour, rows)
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
    rows = read_rows(table, ("file",))
    folder = table.parent
    placed = bool(rows) and bool({"box", "corners"} & rows[0].keys())
    crops: list[LabelledCrop] = []
    plates: dict[Path, list[LabelledPlate]] = defaultdict(list)
    about: dict[Path, tuple[str, str]] = {}
    assumed: set[Path] = set()
    for number, row in enumerate(rows, start=2):
        path, text, corners = file_in(folder, row["file"]), row.get("text", "").strip(), place(row, table, number)
        split, lines = split_of(row, table, number), rows_of(row, table, number)
        if not row.get("split", "").strip():
            assumed.add(path)
        if text and corners is None and placed:
            raise LabelError(f"{table}, row {number}: '{text}' has neither box nor corners")
        if not placed:
            if not text:
                raise LabelError(f"{table}, row {number}: neither text nor place of a plate")
            crops.append(LabelledCrop(path, text, split, lines))
            continue
        about[path] = (split, row.get("subset", "").strip() or folder.name)
        if corners is not None:
            colour = row.get("colour", "").strip() or None
            plates[path].append(_plate(table, number, corners, text or None, colour, lines))
    pictures = [
        LabelledPicture(path, tuple(plates[path]), split=split, subset=subset)
        for path, (split, subset) in about.items()
    ]
    return DataFolder(
        tuple(picture for picture in pictures if picture.plates),
        tuple(crops),
        tuple(picture for picture in pictures if not picture.plates),
        ((folder.name, len(assumed)),) if assumed else (),
    )


def tables_of(root: Path) -> list[Path]:
    """Return every CSV file that `read_data_folder` may read."""
    return [*root.glob("*.csv"), *root.glob("*/*.csv"), _table_beside(Path(os.path.abspath(root)))]


def _raise(error: LabelError) -> None:
    raise error


def read_data_folder(root: Path, refuse: Refuse = _raise) -> DataFolder:
    """Read all labels under `root`: a folder of labelled folders, or a labelled folder itself.

    Args:
        root: The folder.
        refuse: Receives an error for every picture among CCPD-named ones whose name is not a label; the picture is then
            left out. Without it such a name is an error.

    Raises:
        LabelError: The folder is missing, nothing in it is labelled, or a label is damaged.
    """
    if not root.is_dir():
        raise LabelError(f"{root}: no such folder")
    # The folder's name matters, also if it is given as a dot; a link keeps its own name.
    root = Path(os.path.abspath(root))
    pictures: list[LabelledPicture] = []
    crops: list[LabelledCrop] = []
    negatives: list[LabelledPicture] = []
    assumed: Counter[str] = Counter()
    for folder in [root, *sorted(path for path in root.iterdir() if path.is_dir())]:
        table = _table_beside(folder)
        if (folder / TABLE_NAME).is_file():
            labelled = read_table(folder / TABLE_NAME)
            pictures += labelled.pictures
            crops += labelled.crops
            negatives += labelled.negatives
            assumed.update(dict(labelled.assumed))
        elif folder.name in PLATE_FREE_FOLDERS:
            plate_free = picture_files(folder)
            negatives += [LabelledPicture(path, split=EVERY_SPLIT, subset=folder.name) for path in plate_free]
        elif folder.name == "crops" and table.is_file():
            for row in read_rows(table, ("file", "text")):
                crops.append(LabelledCrop(file_in(folder, row["file"]), row["text"], row.get("split") or "train"))
                assumed[folder.name] += not row.get("split")
        elif folder.name == "street" and table.is_file():
            for row in read_rows(table, ("file", "text")):
                path = file_in(folder, row["file"])
                pictures.append(LabelledPicture(path, stated=row["text"], split="val", subset="street"))
        else:
            if any(map(ccpd.is_ccpd_name, picture_files(folder))):
                pictures += _ccpd_pictures(folder, refuse, assumed)
    machine = root / "machine_labels.csv"
    if machine.is_file():
        pictures += _machine_pictures(machine)
    if not pictures and not crops and not negatives:
        raise LabelError(
            f"{root}: holds no CCPD-named pictures, no {TABLE_NAME}, no crops.csv and no machine_labels.csv"
        )
    # Without those of which every label states its split.
    return DataFolder(tuple(pictures), tuple(crops), tuple(negatives), tuple((+assumed).items()))


# Separators between the parts of a plate, which are not read: dots of all kinds, dashes.
_BETWEEN = set("·•・‧∙⋅●｡.-–—‐‑−_")


def spelled(text: str, alphabet: str) -> str | None:
    """Normalise `text` to the characters of `alphabet`; None if it has others, or is empty."""
    known = set(alphabet)
    if not known.issuperset(text):
        text = "".join(_spelled(character, known) for character in text)
    return text if text and known.issuperset(text) else None


def _spelled(character: str, known: set[str]) -> str:
    """Return a character itself, its plain form or its capital; an empty text for separators."""
    if character in known:
        return character
    plain = unicodedata.normalize("NFKC", character)
    if character in _BETWEEN or plain.isspace() or plain in _BETWEEN:
        return ""
    return next((form for form in (plain, plain.upper()) if known.issuperset(form)), character)


def spell_labels(data: DataFolder, alphabet: str, refuse: Refuse) -> DataFolder:
    """Normalise every text of a data folder to the characters of `alphabet`. Texts for which that is impossible are
    left out, and `refuse` receives an error for each."""

    def spell(path: object, text: str) -> str | None:
        found = spelled(text, alphabet)
        if found is None:
            strange = "".join(dict.fromkeys(character for character in text if character not in alphabet))
            message = f"the label '{text}' holds '{strange}', which the reader cannot spell; correct it"
            refuse(LabelError(f"{path}: {message}"))
        return found

    def plate(path: object, labelled: LabelledPlate) -> LabelledPlate:
        return labelled if labelled.text is None else replace(labelled, text=spell(path, labelled.text))

    def picture(labelled: LabelledPicture) -> LabelledPicture:
        stated = labelled.stated and spell(labelled.path, labelled.stated)
        return replace(labelled, plates=tuple(plate(labelled.path, each) for each in labelled.plates), stated=stated)

    pictures = tuple(map(picture, data.pictures))
    crops = ((crop, spell(crop.path, crop.text)) for crop in data.crops)
    spelled_crops = tuple(replace(crop, text=text) for crop, text in crops if text)
    return replace(data, pictures=pictures, crops=spelled_crops)
