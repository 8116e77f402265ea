"""`alpr read`: find and read the plates in pictures, folders and videos."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from tqdm import tqdm

from alpr_app.cli.read_cluster import add_cluster_arguments, run_on_cluster
from alpr_app.cli.read_inputs import Guard, add_input_arguments, fetched_ahead, inputs_of, report_left_out, survey
from alpr_app.cli.read_jobs import BUDGET_BYTES, EndOfEntry, MemoryBudget, StopOnInterrupt, memory_of
from alpr_app.cli.read_outputs import AnnotatedFolder, tracked
from alpr_app.core.errors import AlprError, UsageError, print_error
from alpr_app.data.outputs import FORMATS, Output, PlainOutput, is_complete, open_output
from alpr_app.data.result_writers import FileResult, table
from alpr_app.pipeline.options import add_model_options, count, fraction, identity_of, make_alpr, seconds

if TYPE_CHECKING:
    from alpr_app.data.sources import Frame, Limits
    from alpr_app.pipeline.alpr import ALPR

# More jobs only take memory, because the disk becomes the bottleneck.
MAXIMUM_JOBS = 8
# Pictures that a job reads together, which takes a tenth less time, because the networks' weights stay in the caches.
PICTURES_TOGETHER = 4

Item = TypeVar("Item")
Computed = TypeVar("Computed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    parser.add_argument("--seconds", type=seconds, metavar="S", help="read S seconds of each video, stream and camera")
    parser.add_argument("--frames", type=count, metavar="N", help="read N frames of each video, stream and camera")
    parser.add_argument(
        "--out", type=Path, metavar="F", help="write the results to F.jsonl or F.csv, or the folder F.parquet"
    )
    parser.add_argument("--format", choices=FORMATS, help="format of --out, if its suffix does not tell")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run of the same --out")
    parser.add_argument("--annotate", type=Path, metavar="DIR", help="write every picture with its plates drawn on it")
    parser.add_argument(
        "--crops-only", "--crops_only", action="store_true", help="the pictures are themselves plates; only read them"
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument("--confidence", type=fraction, default=0.0, help="leave out readings below it (default: 0)")
    parser.add_argument("--track", action="store_true", help="one result per car of a video instead of one per frame")
    parser.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="pictures processed in parallel (default: one per core; 1 answers every path from - as it arrives)",
    )
    add_cluster_arguments(parser)
    add_model_options(parser)


@dataclass
class Job:
    """One frame, the file for its annotated picture, and its share of the `MemoryBudget`."""

    frame: Frame
    target: Path | None = None
    taken: int = 0

    def drop_image(self) -> None:
        """Release the image, because the job itself is referenced for longer."""
        self.frame = self.frame.without_data()


# What one thread processes at once, in order.
Batch: TypeAlias = list[Job | EndOfEntry]


class BatchLimit(NamedTuple):
    """The most that is processed at once: a number of pictures, and the memory that they take together."""

    pictures: int = 1
    memory: int = 0

    @classmethod
    def of(cls, jobs: int) -> BatchLimit:
        """Return the limit for so many jobs: those in work and as many that wait fit into the `MemoryBudget`."""
        return cls(PICTURES_TOGETHER, BUDGET_BYTES // (2 * jobs))


class Work:
    """Processes frames; several threads call it at once."""

    def __init__(self, alpr: ALPR, crops_only: bool, confidence: float, budget: MemoryBudget) -> None:
        from alpr_app.pipeline.frame_reader import FrameReader

        self.reader = FrameReader(alpr, crops_only, confidence)
        self.budget = budget

    def __call__(self, batch: Batch) -> list[FileResult | EndOfEntry]:
        """Read the plates of frames and write their annotated pictures. Failures are reported in the results."""
        jobs = _jobs(batch)
        try:
            results = iter(self._process(jobs))
        finally:
            for job in jobs:
                job.drop_image()
                self.budget.release(job.taken)
        return [next(results) if isinstance(job, Job) else job for job in batch]

    def _process(self, jobs: list[Job]) -> list[FileResult]:
        read = self.reader.read([job.frame for job in jobs])
        # Without images: finished results may wait for a slow one before them.
        results: list[FileResult] = []
        for job in jobs:
            job.drop_image()
            image, result = read.pop(0)
            if job.target is not None and image is not None:
                from alpr_app.data.images import write_picture
                from alpr_app.data.overlay import annotate

                try:
                    # Under one name: the original is no longer needed, and may take much memory.
                    image = annotate(image, result.result.plates if result.result else [])
                    write_picture(job.target, image)
                except AlprError as error:
                    result = FileResult(result.frame, error=error)
            results.append(result)
        return results


def assign_files(
    frames: Iterable[Frame | EndOfEntry],
    folder: AnnotatedFolder | None,
    budget: MemoryBudget,
    limit: BatchLimit,
) -> Iterator[Batch]:
    """Yield a job for every frame, with the file for its annotated picture, or an error if there is none.

    Pictures form a batch up to the `limit`; what is decoded already, as a camera's frame is, waits for nothing that
    follows. Memory is taken here, in the order of processing: otherwise a job that waits for memory could block one
    that holds it.
    """
    batch: Batch = []
    for frame in frames:
        if isinstance(frame, EndOfEntry):
            batch.append(frame)
        else:
            try:
                job = Job(frame, folder.assign(frame) if folder else None)
            except AlprError as error:
                job = Job(replace(frame.without_data(), error=error))
            # The next frame is decoded while this one is processed; keep no reference to it.
            del frame
            taken = memory_of(job.frame)
            held = sum(other.taken for other in _jobs(batch))
            if held + taken > limit.memory or not budget.acquire(taken, wait=False):
                # What the batch holds is given back only once it is processed.
                if batch:
                    yield batch
                batch = []
                budget.acquire(taken)
            job.taken = taken
            batch.append(job)
        if len(jobs := _jobs(batch)) in (0, limit.pictures) or jobs[-1].frame.image is not None:
            yield batch
            batch = []
    if batch:
        yield batch


def _jobs(batch: Batch) -> list[Job]:
    return [job for job in batch if isinstance(job, Job)]


def in_order(function: Callable[[Item], Computed], items: Iterable[Item], jobs: int) -> Iterator[Computed]:
    """Yield `function` of every item in their order, computing `jobs` at once. The number of waiting results is
    limited."""
    if jobs == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Computed]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                while waiting and (waiting[0].done() or len(waiting) >= 2 * jobs):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def jobs_and_threads(wanted: int | None, threads: int | None, total: int | None, cores: int) -> tuple[int, int | None]:
    """Return the number of parallel jobs, and of network threads for each. By default there is one job per core,
    because parallel pictures use the cores better than parallel threads do; the cores are divided among the jobs.

    Args:
        wanted: Jobs asked for.
        threads: Threads asked for.
        total: Pictures and videos to read; None if unknown.
        cores: Processor cores.
    """
    jobs = wanted or (1 if total == 1 else min(cores, MAXIMUM_JOBS))
    return jobs, threads or (max(1, cores // jobs) if jobs > 1 else None)


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.images import quiet_opencv
    from alpr_app.data.sources import Limits
    from alpr_app.runtime.system_info import cores

    quiet_opencv()
    out = _output_path(args)
    inputs = inputs_of(args)
    annotated = AnnotatedFolder(args.annotate) if args.annotate else None
    guard = Guard(out, annotated)
    known = survey(inputs, guard, limited=args.seconds is not None or args.frames is not None)
    if args.resume and out is not None and is_complete(out):
        print_error(f"{out}: complete already; nothing is left to read")
        return 0
    if args.engine == "ray":
        return run_on_cluster(args, out, _settings(args))
    at_once, threads = jobs_and_threads(args.jobs, args.threads, known.total, cores())
    budget = MemoryBudget()
    with ExitStack() as stack:
        # A video counts as one file, however many frames it has. The table shows progress by itself. disable=None: a
        # bar only on a terminal.
        bar = tqdm(total=known.total, unit=" files", leave=False, disable=True if out is None else None)
        stack.enter_context(bar)
        work = Work(make_alpr(args, threads), args.crops_only, args.confidence, budget)
        # Ctrl-C ends endless sources, and everything read until then is written.
        stop = stack.enter_context(StopOnInterrupt(known.has_streams))
        output = stack.enter_context(_open(out, args))
        entries = inputs.entries() if inputs.is_repeatable else guard.checked(inputs.entries(report_left_out))
        limits = Limits(args.frames, args.seconds, stop.wanted)
        # One job answers every path as it arrives, and so does a pipe of paths.
        limit = BatchLimit.of(at_once) if at_once > 1 and inputs.is_repeatable else BatchLimit()
        batches = assign_files(_frames_with_ends(entries, output, bar, limits, at_once), annotated, budget, limit)
        _write_all(chain.from_iterable(in_order(work, batches, at_once)), output, bar, args.track)
    if stop.wanted():
        raise KeyboardInterrupt
    return 1 if output.failed else 0


def _output_path(args: argparse.Namespace) -> Path | None:
    """Return the file or folder for the results. Raises UsageError."""
    out: Path | None = args.out
    if out is None:
        for option in ("resume", "format"):
            if getattr(args, option):
                raise UsageError(f"--{option} needs --out, the file for the results")
        return None
    if args.resume and args.annotate:
        raise UsageError("--resume cannot continue --annotate; annotate in a run of its own")
    return out


@contextmanager
def _open(out: Path | None, args: argparse.Namespace) -> Iterator[Output]:
    """Open the output."""
    if out is None:
        with table() as write:
            yield PlainOutput(write)
        return
    with open_output(out, _settings(args), args.resume, args.format) as output:
        yield output


def _settings(args: argparse.Namespace) -> str:
    """Return everything that decides what is written for an entry, apart from the entry."""
    chosen = (args.crops_only, args.confidence, args.track, args.frames, args.seconds, args.shard)
    return f"{identity_of(args)} {chosen}"


def _frames_with_ends(
    entries: Iterable[Frame], output: Output, bar: tqdm, limits: Limits, at_once: int
) -> Iterator[Frame | EndOfEntry]:
    """Yield the frames of the entries that are not done yet, and the end of each; `bar` counts those read."""
    from alpr_app.data.sources import frames, unpacked

    def remaining() -> Iterator[Frame]:
        for entry in unpacked(entries, report_left_out):
            if output.done.take(entry.key):
                bar.update()
            else:
                yield entry

    for entry in fetched_ahead(remaining(), at_once):
        if limits.stopped():
            return
        yield from frames([entry], limits)
        yield EndOfEntry(entry.key)
        bar.update()


def _write_all(results: Iterator[FileResult | EndOfEntry], output: Output, bar: tqdm, track: bool) -> None:
    started = monotonic()
    pictures = plates = failed = 0
    # Whether a frame of the current entry failed.
    damaged = False

    def counted() -> Iterator[FileResult | EndOfEntry]:
        nonlocal pictures, failed, damaged
        for result in results:
            if isinstance(result, EndOfEntry):
                yield result
                continue
            if result.error is not None:
                failed, damaged = failed + 1, True
                bar.clear()
                print_error(result.error)
            else:
                pictures += 1
            yield result
            bar.set_postfix_str(f"{pictures} pictures, {plates} {kind}")

    kind = "cars" if track else "plates"
    for result in tracked(counted()) if track else counted():
        if isinstance(result, EndOfEntry):
            output.commit(result.key, damaged)
            damaged = False
        else:
            plates += 0 if result.result is None else len(result.result.plates)
            output.write(result)
    bar.clear()
    if sys.stderr.isatty():
        summary = f"{pictures} pictures, {plates} {kind} in {monotonic() - started:.1f} s"
        print(summary + (f", {failed} not read" if failed else ""), file=sys.stderr)
