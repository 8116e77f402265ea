"""How entries and results travel between the machines of a cluster: as Arrow tables.

An entry's results stay together in one row, so that they are written as a whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alpr_app.data.frame import Frame, SourceError

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class EntryResults:
    """All results of one entry.

    Attributes:
        key: See `Frame.key`.
        records: The JSON objects of its frames.
    """

    key: str
    records: list[dict[str, Any]]

    @property
    def failed(self) -> bool:
        """Whether a frame could not be read."""
        return any("error" in record for record in self.records)

    @property
    def plates(self) -> int:
        """Number of plates in all frames."""
        return sum(len(record.get("plates", ())) for record in self.records)


def _packed(text: str | None) -> bytes | None:
    # File names need not be valid text.
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def table_of_entries(entries: Iterable[Frame]) -> pyarrow.Table:
    """Return entries, with the content of those that have one, as a table."""
    import pyarrow

    listed = list(entries)
    binary = pyarrow.large_binary()
    columns = {
        "file": [_packed(entry.file) for entry in listed],
        "within": [_packed(entry.within) for entry in listed],
        "address": [_packed(entry.address) for entry in listed],
        "error": [None if entry.error is None else _packed(str(entry.error)) for entry in listed],
        "content": [entry.content for entry in listed],
    }
    return pyarrow.table({name: pyarrow.array(values, binary) for name, values in columns.items()})


def entries_of_table(table: pyarrow.Table) -> list[Frame]:
    """Return the entries in a table of `table_of_entries`."""
    entries = []
    for row in table.to_pylist():
        error = None if row["error"] is None else SourceError(_text(row["error"]))
        address = None if row["address"] is None else _text(row["address"])
        entries.append(
            Frame(_text(row["file"]), _text(row["within"]), error=error, address=address, content=row["content"])
        )
    return entries


def table_of_results(results: Sequence[EntryResults]) -> pyarrow.Table:
    """Return the results of entries as a table."""
    import pyarrow

    binary = pyarrow.large_binary()
    columns = {
        "key": [_packed(result.key) for result in results],
        "records": [json.dumps(result.records).encode() for result in results],
    }
    return pyarrow.table({name: pyarrow.array(values, binary) for name, values in columns.items()})


def results_of_table(table: pyarrow.Table) -> list[EntryResults]:
    """Return the results in a table of `table_of_results`."""
    return [EntryResults(_text(row["key"]), json.loads(row["records"])) for row in table.to_pylist()]
