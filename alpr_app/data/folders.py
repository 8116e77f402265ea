"""Names in natural order (a2 before a10) and the pictures of a folder, in constant memory however many there are."""

from __future__ import annotations

import heapq
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator

from alpr_app.core.errors import reason
from alpr_app.data.file_types import kind_of_file, kind_of_name
from alpr_app.data.frame import Frame, SourceError
from alpr_app.data.label_csv import TABLE_NAME

LeftOut = Callable[[str, int], None]
"""Receives a folder as given and the number of files in it that are neither pictures nor videos."""

# Names sorted at a time. More are sorted in parts, which wait in temporary files until they are merged.
_CHUNK = 50_000
_DIGITS = re.compile(r"\d+")


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key for natural order: a2 before a10, upper and lower case together."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def _sortable_number(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    return f"\0{chr(1 + len(digits))}{digits}"


def sort_key(text: str) -> str:
    """Return a key that sorts as `natural_key` does, in a fraction of the memory."""
    return _DIGITS.sub(_sortable_number, text.casefold())


def _total_key(text: str) -> tuple[str, str]:
    # Names that differ in case alone have one order too, whatever order the file system lists them in.
    return sort_key(text), text


def in_natural_order(names: Iterable[str]) -> Iterator[str]:
    """Yield `names` in natural order, holding a bounded number of them in memory. Raises OSError if there is no room
    for temporary files."""
    parts: list[Iterator[str]] = []
    chunk: list[str] = []
    for name in names:
        chunk.append(name)
        if len(chunk) == _CHUNK:
            parts.append(_spilled(sorted(chunk, key=_total_key)))
            chunk = []
    chunk.sort(key=_total_key)
    yield from heapq.merge(*parts, chunk, key=_total_key) if parts else chunk


def _spilled(names: list[str]) -> Iterator[str]:
    """Write `names` to a temporary file at once, and return an iterator that reads them back."""
    file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 (closed by the iterator)
    file.writelines(json.dumps(name) + "\n" for name in names)
    file.seek(0)

    def read_back() -> Iterator[str]:
        with file:
            for line in file:
                yield json.loads(line)

    return read_back()


def _listed(folder: str) -> Iterator[str]:
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith("."):
                yield entry.name


class _Folder:
    """The pictures and videos in a folder. left_out: number of files that are neither."""

    def __init__(self, folder: str, recursive: bool) -> None:
        self.folder, self.recursive = folder, recursive
        self.left_out = 0

    def entries(self, inside: str = "") -> Iterator[Frame]:
        """Yield the entries of the subfolder `inside`, and of its subfolders if `recursive`, in natural order."""
        here = os.path.join(self.folder, inside) if inside else self.folder
        try:
            for name in in_natural_order(_listed(here)):
                yield from self._entries_of(os.path.join(inside, name), name)
        except OSError as error:
            yield Frame(here, inside or self.folder, error=SourceError(f"{here}: cannot be opened: {reason(error)}"))

    def _entries_of(self, within: str, name: str) -> Iterator[Frame]:
        path = os.path.join(self.folder, within)
        if os.path.isdir(path):
            # A link to a parent folder would recurse for ever.
            if self.recursive and not os.path.islink(path):
                yield from self.entries(within)
        elif kind_of_name(name) or kind_of_file(path):
            yield Frame(path, within)
        elif name != TABLE_NAME:
            # The label table is no file that a user would miss.
            self.left_out += 1


def folder_entries(folder: str, recursive: bool, left_out: LeftOut) -> Iterator[Frame]:
    """Yield the pictures and videos in `folder` in natural order without hidden ones; an entry with an error if there
    are none. `left_out` is called at the end."""
    inside, empty = _Folder(folder, recursive), True
    for entry in inside.entries():
        empty = False
        yield entry
    if inside.left_out:
        left_out(folder, inside.left_out)
    if empty:
        remedy = "" if recursive else "; --recursive looks into its folders too"
        yield Frame(folder, folder, error=SourceError(f"{folder}: no pictures or videos in this folder{remedy}"))
