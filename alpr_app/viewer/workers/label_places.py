"""Where the labels of each picture folder are saved: in the user's data folder, in a folder of the user's choice, or
beside the pictures. The choice is found again, also from a folder above or below.

    labels/NAME-HASH/alpr_dataset.csv     labels of the folder NAME, whose path has this hash
    labels/NAME-HASH/alpr_pictures.json   names that folder (`data.linked_pictures`)
    labels/NAME-HASH/place.json           names another folder, if the user has chosen one
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.bounded_parsing import ContentError, read_json
from alpr_app.data.label_csv import TABLE_NAME, LabelError
from alpr_app.data.linked_pictures import LINK_NAME, linked_pictures, write_link

_CHOICE = "place.json"
# Digits of the hash in a folder's name.
_DIGITS = 12


def labels_path() -> Path:
    """The folder of all labels that do not lie beside their pictures."""
    return Path(platformdirs.user_data_dir("alpr-app", appauthor=False)) / "labels"


@dataclass(frozen=True)
class LabelPlace:
    """Where labels are saved.

    Attributes:
        pictures: The picture folder, without links in its path.
        labels: The folder of the table, likewise.
    """

    pictures: str
    labels: str

    @property
    def table(self) -> Path:
        return Path(self.labels, TABLE_NAME)

    @property
    def is_beside(self) -> bool:
        """Whether the table lies beside the pictures."""
        return self.labels == self.pictures


class LabelPlaces:
    """The places of all picture folders. Every method reads the disk.

    Args:
        home: The folder of `labels_path`.
    """

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.realpath(home))

    def own_folder(self, pictures: str) -> str:
        """The folder for the labels of `pictures` unless the user chooses another one."""
        digest = sha256(os.fsencode(pictures)).hexdigest()[:_DIGITS]
        name = re.sub(r"[^\w.-]+", "_", os.path.basename(pictures).encode(errors="replace").decode())[:60]
        return str(self.home / f"{name.strip('.') or 'pictures'}-{digest}")

    def known(self, pictures: str) -> LabelPlace | None:
        """The place of a picture folder that has labels or a choice of its own; else None. Raises LabelError."""
        own = self.own_folder(pictures)
        path = Path(own, _CHOICE)
        try:
            content = read_json(path, errors="surrogateescape")
        except FileNotFoundError:
            return LabelPlace(pictures, own) if os.path.lexists(os.path.join(own, TABLE_NAME)) else None
        except (OSError, ContentError) as error:
            raise LabelError(
                f"{path}: cannot be read ({reason(error)}); remove it and choose the folder again"
            ) from error
        labels = content.get("labels") if isinstance(content, dict) else None
        if not isinstance(labels, str) or not os.path.isabs(labels):
            raise LabelError(f"{path}: names no folder; remove it and choose the folder again")
        return LabelPlace(pictures, os.path.realpath(labels))

    def find(self, folder: str) -> LabelPlace:
        """The place for new labels in `folder`: its own or that of the nearest folder above that has one; else its
        future own. Raises LabelError."""
        pictures = os.path.realpath(folder)
        for path in (pictures, *map(str, Path(pictures).parents)):
            place = self.known(path)
            if place is not None:
                return place
        return LabelPlace(pictures, self.own_folder(pictures))

    def tables_elsewhere(self, folder: str, inside: Iterable[str]) -> list[LabelPlace]:
        """The places whose tables say something about `folder` and do not lie in it or below.

        Args:
            folder: The opened folder.
            inside: Its subfolders with pictures, relative to it.

        Returns:
            The places; a later one, which is for a folder further down, has precedence.

        Raises:
            LabelError: A choice is damaged.
        """
        root = os.path.realpath(folder)
        if not self.home.is_dir():
            return []
        below = sorted({os.path.normpath(os.path.join(root, part)) for part in inside} - {root})
        above = [*map(str, reversed(Path(root).parents)), root]
        found = [place for path in (*above, *below) if (place := self.known(path)) is not None]
        # Tables beside pictures below the folder are read like any other.
        return [place for place in found if not (place.is_beside and place.pictures not in above[:-1])]

    def choose(self, place: LabelPlace) -> None:
        """Remember where the labels of a folder are saved. Raises LabelError."""
        own = Path(self.own_folder(place.pictures))
        try:
            if place.labels == str(own):
                (own / _CHOICE).unlink(missing_ok=True)
                return
            own.mkdir(parents=True, exist_ok=True)
            content = json.dumps({"pictures": place.pictures, "labels": place.labels}, ensure_ascii=False) + "\n"
            write_atomically(own / _CHOICE, content.encode("utf-8", errors="surrogateescape"))
        except OSError as error:
            raise LabelError(f"{own / _CHOICE}: cannot be written ({reason(error)}); make room") from error

    def prepare(self, place: LabelPlace) -> None:
        """Make the folder of the table, and note in it which pictures its labels are for.

        Raises:
            LabelError: That is impossible, or the folder holds the labels of other pictures.
        """
        folder = Path(place.labels)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if place.is_beside:
                return
            linked = linked_pictures(folder)
            if linked is None:
                write_link(folder, Path(place.pictures))
            elif os.path.realpath(linked) != place.pictures:
                raise LabelError(f"{folder}: holds the labels of {linked}; choose another folder")
        except OSError as error:
            raise LabelError(f"{folder}: cannot be written ({reason(error)}); choose another folder") from error

    def leave(self, place: LabelPlace) -> None:
        """Remove what `prepare` has made, because there is no table any more; a folder that holds more stays."""
        if place.is_beside:
            return
        with suppress(OSError, LabelError):
            linked = linked_pictures(Path(place.labels))
            if linked is not None and os.path.realpath(linked) == place.pictures:
                Path(place.labels, LINK_NAME).unlink()
            Path(place.labels).rmdir()
