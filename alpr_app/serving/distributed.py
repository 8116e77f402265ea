"""Reads many pictures on many machines with Ray Data.

The driver lists names only. Tasks fetch the pictures, actors with a pipeline each read them, and Ray moves the blocks,
holds fetching back while the readers are busy, and repeats what was lost with a worker:

    names -> fetch (tasks) -> read (actors) -> Parquet files, written by tasks, or one file, written by the driver

Ray's own `read_binary_files` is not used: it ends the whole run at the first unreadable file, and knows neither a limit
of size nor tar files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import AlprError, MissingPackage, UsageError, first_line
from alpr_app.data.file_types import kind_of_file
from alpr_app.data.images import PictureError, quiet_opencv, read_bytes
from alpr_app.data.journal import Done
from alpr_app.data.object_store import MAXIMUM_BYTES, fetched
from alpr_app.data.outputs import open_output, suffix_of
from alpr_app.data.pages import may_have_pages
from alpr_app.data.parquet_results import Parts
from alpr_app.data.result_writers import Record
from alpr_app.data.sources import Frame, Inputs, frames, unpacked
from alpr_app.pipeline.frame_reader import FrameReader
from alpr_app.serving.part_sink import make_part_sink
from alpr_app.serving.transport import (
    EntryResults,
    entries_of_table,
    results_of_table,
    table_of_entries,
    table_of_results,
)

if TYPE_CHECKING:
    import pyarrow

    from alpr_app.pipeline.options import ModelChoice

# Names in a block, which is the unit that a fetching task is given.
_NAMES_PER_BLOCK = 64
# Pictures given to an actor at once.
_BATCH = 8
# Blocks between the stages; Ray's own 128 MB would hold a thousand pictures each.
_BLOCK_BYTES = 8 * 2**20
# Fetching and writing wait for disks and networks, so they leave the cores to the readers: two of them and a reader
# share a core.
_READER_CPUS, _OTHER_CPUS = 0.9, 0.02
_FETCHERS_PER_CORE = 2
# Pictures that a reader with a graphics card decodes at once, if there are cores for it.
_DECODED_AT_ONCE = 8


@dataclass(frozen=True)
class Reading:
    """How pictures are read by every actor.

    Attributes:
        models: The models, whose files must be there on every machine.
        crops_only, confidence: As for `FrameReader`.
        folder: Working folder that relative paths refer to.
    """

    models: ModelChoice
    crops_only: bool = False
    confidence: float = 0.0
    folder: str = ""


@dataclass
class Metrics:
    """What a run has read. failed: pictures that could not be read; seconds: from the first to the last stage."""

    pictures: int = 0
    plates: int = 0
    failed: int = 0
    seconds: float = 0.0

    def add(self, results: EntryResults) -> None:
        """Count the results of an entry."""
        failed = sum("error" in record for record in results.records)
        self.failed += failed
        self.pictures += len(results.records) - failed
        self.plates += results.plates

    def __str__(self) -> str:
        seconds = max(self.seconds, 1e-9)
        rates = f"{self.pictures / seconds:.1f} pictures/s, {self.plates / seconds:.1f} plates/s"
        failures = f", {self.failed} not read" if self.failed else ""
        return f"{self.pictures} pictures, {self.plates} plates in {self.seconds:.1f} s: {rates}{failures}"


def _enter(folder: str) -> None:
    """Make relative paths mean what they mean to the driver, on machines that have its working folder."""
    if folder and os.path.isdir(folder):
        os.chdir(folder)
    quiet_opencv()


class _Fetcher:
    """Reads the content of pictures where it is at hand, and unpacks tar files. Errors become part of the entry."""

    def __init__(self, folder: str, done: Any) -> None:
        self._folder, self._done = folder, done

    def __call__(self, table: pyarrow.Table) -> Iterator[pyarrow.Table]:
        import ray

        _enter(self._folder)
        done = Done(others=ray.get(self._done)) if self._done is not None else Done()
        entries = entries_of_table(table)
        for entry in entries:
            members = (member for member in unpacked([entry]) if not entry.is_archive or not done.take(member.key))
            for member in members:
                yield table_of_entries([_with_content(member)])


def _with_content(entry: Frame) -> Frame:
    """Return the entry with its content, unless the reader has to open the file itself: videos, pages, very large
    pictures, and what cannot be read, so that errors are the same as on one machine."""
    if not entry.is_local:
        return fetched(entry)
    try:
        if kind_of_file(entry.file) == "video" or may_have_pages(entry):
            return entry
        if os.path.getsize(entry.file) > MAXIMUM_BYTES:
            return entry
        return entry.with_content(read_bytes(Path(entry.file)))
    except (PictureError, OSError, ValueError):
        return entry


class _Reader:
    """An actor that holds one pipeline."""

    def __init__(self, reading: Reading, jobs: int) -> None:
        _enter(reading.folder)
        self._reader = FrameReader(reading.models.make(), reading.crops_only, reading.confidence)
        self._jobs = ThreadPoolExecutor(jobs)

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        return table_of_results(list(self._jobs.map(self._results, entries_of_table(table))))

    def _results(self, entry: Frame) -> EntryResults:
        return EntryResults(entry.key, [self._reader.result_of(frame).to_dict() for frame in frames([entry])])


def connect(address: str | None) -> None:
    """Connect to a Ray cluster, with Ray's usage statistics switched off.

    Args:
        address: That of the cluster; None for the one in RAY_ADDRESS, or else for one on this machine alone.

    Raises:
        MissingPackage: Ray is not installed.
        AlprError: The cluster does not answer.
    """
    # Read by Ray when it is imported and when it starts processes.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingPackage("--engine ray needs the package ray: pip install 'alpr-app[ray]'") from error
    if ray.is_initialized():
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {"address": address, "log_to_driver": True, "logging_level": "warning"}
    if address == "local":
        # Nothing outside this machine is asked for its address.
        options |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise AlprError(
            f"{address}: no Ray cluster answers; start one with 'ray start --head': {first_line(error)}"
        ) from error


def read_distributed(
    inputs: Inputs,
    out: Path,
    reading: Reading,
    settings: str = "",
    *,
    resume: bool = False,
    file_format: str | None = None,
    maximum_actors: int | None = None,
    left_out: Callable[[str, int], None] = lambda folder, count: None,
    report: Callable[[str], None] = lambda error: None,
) -> tuple[Metrics, bool]:
    """Read pictures on the cluster that `connect` has connected to.

    Args:
        inputs: What to read; names are listed here, contents are read by the workers.
        out: F.jsonl or F.csv, written by this process, or the folder F.parquet, which all machines must share.
        reading: How to read.
        settings, resume, file_format: As for `open_output`.
        maximum_actors: Most readers at once; None for one per core, or per graphics card with `reading.models.device`
            cuda. There are as many as keep up with fetching.
        left_out: As for `Inputs.entries`.
        report: Called with the error of every picture that cannot be read (F.jsonl and F.csv).

    Returns:
        What was read, and whether any picture failed, in earlier parts of the run too.

    Raises:
        AlprError: The output cannot be written, or the run failed as a whole.
    """
    import ray

    started, metrics = monotonic(), Metrics()
    try:
        if suffix_of(out, file_format) == ".parquet":
            parts = Parts(out.absolute(), settings, resume)
            dataset = _results(inputs, parts.done, reading, maximum_actors, left_out)
            if dataset is not None:
                sink = make_part_sink(out.absolute(), settings, metrics)
                dataset.write_datasink(sink, ray_remote_args={"num_cpus": _OTHER_CPUS})
                parts.remove_unfinished()
            failed = parts.failed
        else:
            with open_output(out, settings, resume, file_format) as output:
                dataset = _results(inputs, output.done, reading, maximum_actors, left_out)
                batches = () if dataset is None else dataset.iter_batches(batch_size=None, batch_format="pyarrow")
                for batch in batches:
                    for results in results_of_table(batch):
                        metrics.add(results)
                        for record in results.records:
                            if "error" in record:
                                report(record["error"])
                            output.write(Record(record))
                        output.commit(results.key, results.failed)
            failed = output.failed
    except ray.exceptions.RayError as error:
        raise AlprError(f"the run on the cluster failed: {_cause(error)}") from error
    metrics.seconds = monotonic() - started
    return metrics, failed or metrics.failed > 0


def _cause(error: Exception) -> str:
    """Return in one line what went wrong on a worker, without the traceback that Ray puts before it."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, AlprError):
        return str(cause)
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _results(
    inputs: Inputs, done: Done, reading: Reading, maximum_actors: int | None, left_out: Callable[[str, int], None]
) -> Any:
    """Return the lazy dataset of `EntryResults` for the entries that are not done; None if there are none."""
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current()
    context.target_max_block_size = _BLOCK_BYTES
    context.print_on_execution_start = False
    blocks, has_archives = _blocks(inputs, done, left_out)
    if not blocks:
        return None
    members_done = ray.put(dict(done.rest())) if has_archives and done.rest() else None
    resources = ray.cluster_resources()
    cores, cards = max(1, int(resources.get("CPU", 1))), max(1, int(resources.get("GPU", 1)))
    graphics = reading.models.device == "cuda"
    jobs = max(1, min(_DECODED_AT_ONCE, cores // cards)) if graphics else 1
    return (
        ray.data.from_arrow(blocks)
        .map_batches(
            _fetching(reading.folder, members_done),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=_OTHER_CPUS,
            concurrency=_FETCHERS_PER_CORE * cores,
        )
        .map_batches(
            _Reader,
            fn_constructor_args=(reading, jobs),
            batch_size=_BATCH,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(min_size=1, max_size=maximum_actors or (cards if graphics else cores)),
            num_cpus=_READER_CPUS * jobs,
            num_gpus=1 if graphics else None,
        )
    )


def _fetching(folder: str, done: Any) -> Callable[[pyarrow.Table], Iterator[pyarrow.Table]]:
    fetcher = _Fetcher(folder, done)

    def fetch(table: pyarrow.Table) -> Iterator[pyarrow.Table]:
        return fetcher(table)

    return fetch


def _blocks(inputs: Inputs, done: Done, left_out: Callable[[str, int], None]) -> tuple[list[pyarrow.Table], bool]:
    """Return the names of the entries that are not done as tables, and whether there are tar files among them."""
    has_archives = False

    def remaining() -> Iterator[Frame]:
        nonlocal has_archives
        for entry in inputs.entries(left_out):
            if entry.stream is not None:
                raise UsageError(f"{entry.file}: --engine ray reads stored pictures, not live sources; use --stored")
            has_archives = has_archives or entry.is_archive
            if entry.is_archive or not done.take(entry.key):
                yield entry

    entries, blocks = remaining(), []
    while block := list(islice(entries, _NAMES_PER_BLOCK)):
        blocks.append(table_of_entries(block))
    return blocks, has_archives
