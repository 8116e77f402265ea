"""CSV that spreadsheets open as it is meant: as UTF-8, texts as texts, and none of them as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Protocol

from alpr_app.core.errors import printable

# Excel takes a file for one in the system's old encoding unless it begins with this.
BYTE_ORDER_MARK = "\ufeff"
# A cell that begins so is a formula, which may do anything (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Text(Protocol):
    """What takes text."""

    def write(self, text: str, /) -> object: ...


class Sheet:
    """Writes rows to `stream`: texts in quotes, numbers without. Control characters become escapes, so that a row is a
    line; a text that would be a formula gets an apostrophe before it, which spreadsheets do not show."""

    def __init__(self, stream: Text, columns: Iterable[str]) -> None:
        self._rows = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        stream.write(BYTE_ORDER_MARK)
        self.row(columns)

    def row(self, cells: Iterable[object]) -> None:
        """One more row."""
        self._rows.writerow([_cell(value) if isinstance(value, str) else value for value in cells])


def _cell(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown
