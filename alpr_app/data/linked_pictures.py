"""Folders of labels that lie elsewhere than their pictures.

Such a folder holds an `alpr_dataset.csv` and an `alpr_pictures.json`, which names the folder of the pictures:

    {"pictures": "/data/photos"}

Everything that reads a data folder then reads the pictures' folder, and the table overrides its labels picture by
picture. So pictures can be labelled without a change to their folder.
"""

from __future__ import annotations

import json
from pathlib import Path

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.bounded_parsing import ContentError, read_json
from alpr_app.data.label_csv import LabelError

LINK_NAME = "alpr_pictures.json"


def linked_pictures(folder: Path) -> Path | None:
    """Return the folder of pictures that the labels in `folder` are for; None if `folder` does not name one.

    Raises:
        LabelError: The file that names it is damaged.
    """
    path = folder / LINK_NAME
    try:
        content = read_json(path, errors="surrogateescape")
    except FileNotFoundError:
        return None
    except (OSError, ContentError) as error:
        raise LabelError(
            f"{path}: cannot be read ({reason(error)}); remove it, or name the pictures' folder"
        ) from error
    name = content.get("pictures") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise LabelError(f'{path}: names no folder; it should hold {{"pictures": "/path/of/the/pictures"}}')
    # A path relative to the labels lets both be moved together.
    return folder / name


def write_link(folder: Path, pictures: Path) -> None:
    """Note in `folder` that its labels are for the folder `pictures`. Raises OSError."""
    content = json.dumps({"pictures": str(pictures)}, ensure_ascii=False) + "\n"
    write_atomically(folder / LINK_NAME, content.encode("utf-8", errors="surrogateescape"))
