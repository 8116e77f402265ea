"""Writes results from the machines of a cluster into one folder of Parquet files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import AlprError
from alpr_app.data.parquet_results import PART_PICTURES, PartWriter, as_row
from alpr_app.serving.transport import results_of_table

if TYPE_CHECKING:
    from alpr_app.serving.distributed import Metrics


def make_part_sink(folder: Path, settings: str, metrics: Metrics) -> Any:
    """Return a Ray Data sink. Each of its tasks writes one file of whole entries.

    A file is named after its entries: a task that Ray repeats replaces the file that its first attempt may have left.

    Args:
        folder: An absolute path that all machines share.
        settings: As for `open_output`.
        metrics: Receives the counts at the end.
    """
    from ray.data import Datasink
    from ray.data.block import BlockAccessor

    class PartSink(Datasink):  # type: ignore[misc]
        """See `make_part_sink`."""

        def write(self, blocks: Iterable[Any], ctx: Any) -> dict[str, Any]:
            """Write one file, and return its name and its counts."""
            results = [
                entry for block in blocks for entry in results_of_table(BlockAccessor.for_block(block).to_arrow())
            ]
            counts = {"pictures": 0, "plates": 0, "failed": 0}
            if not results:
                return {"name": None, **counts}
            keys = [entry.key for entry in results]
            digest = hashlib.blake2b("\n".join(keys).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
            part = PartWriter(folder / f"part-{digest}.parquet")
            try:
                for entry in results:
                    failed = sum("error" in record for record in entry.records)
                    counts["failed"] += failed
                    counts["pictures"] += len(entry.records) - failed
                    counts["plates"] += entry.plates
                part.write([as_row(record) for entry in results for record in entry.records])
                part.complete(keys, settings, counts["failed"] > 0)
            finally:
                part.discard()
            return {"name": part.path.name, **counts}

        def on_write_complete(self, write_result: Any) -> None:
            """Count, and make sure that every file has arrived here."""
            for written in write_result.write_returns:
                metrics.pictures += written["pictures"]
                metrics.plates += written["plates"]
                metrics.failed += written["failed"]
                name = written["name"]
                if name is not None and not (folder / name).exists():
                    remedy = "name a folder that all machines of the cluster share"
                    raise AlprError(f"{folder}: {name} was written on another machine and is not here; {remedy}")

        @property
        def min_rows_per_write(self) -> int:
            """Larger files than single blocks would make."""
            return PART_PICTURES // 4

    return PartSink()
