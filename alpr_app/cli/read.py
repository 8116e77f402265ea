"""`alpr read`: find and read the plates in pictures, folders and videos."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

from alpr_app.cli.read_jobs import MemoryBudget, StopOnInterrupt, memory_of
from alpr_app.cli.read_outputs import AnnotatedFolder, tracked
from alpr_app.core.errors import AlprError, print_error
from alpr_app.data.result_writers import FileResult, Write, open_output, part_of, table
from alpr_app.pipeline.options import add_model_options, count, fraction, make_alpr, number, seconds

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.core.result import Result
    from alpr_app.data.sources import Frame
    from alpr_app.pipeline.alpr import ALPR

# More jobs only take memory, because the disk becomes the bottleneck.
MAXIMUM_JOBS = 8

Item = TypeVar("Item")
Output = TypeVar("Output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="pictures, folders, videos, addresses (rtsp://…, http://…); - reads paths from standard input",
    )
    parser.add_argument(
        "--camera", type=number, action="append", default=[], metavar="N", help="read camera N, the first one is 0"
    )
    parser.add_argument("--seconds", type=seconds, metavar="S", help="read S seconds of each video, stream and camera")
    parser.add_argument("--frames", type=count, metavar="N", help="read N frames of each video, stream and camera")
    parser.add_argument("--out", type=Path, metavar="F", help="write the results to F.jsonl or F.csv")
    parser.add_argument("--annotate", type=Path, metavar="DIR", help="write every picture with its plates drawn on it")
    parser.add_argument(
        "--crops-only", "--crops_only", action="store_true", help="the pictures are themselves plates; only read them"
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument("--confidence", type=fraction, default=0.0, help="leave out readings below it (default: 0)")
    parser.add_argument("--track", action="store_true", help="one result per car of a video instead of one per frame")
    parser.add_argument("--recursive", action="store_true", help="include subfolders")
    parser.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="pictures processed in parallel (default: one per core; 1 answers every path from - as it arrives)",
    )
    add_model_options(parser)


@dataclass
class Job:
    """One frame, the file for its annotated picture, and its share of the `MemoryBudget`."""

    frame: Frame
    target: Path | None = None
    taken: int = 0

    def drop_image(self) -> None:
        """Release the image, because the job itself is referenced for longer."""
        self.frame = replace(self.frame, image=None)


class Work:
    """Processes one frame; several threads call it at once."""

    def __init__(self, alpr: ALPR, crops_only: bool, confidence: float, budget: MemoryBudget) -> None:
        self.alpr = alpr
        self.crops_only = crops_only
        self.confidence = confidence
        self.budget = budget

    def __call__(self, job: Job) -> FileResult:
        """Read the plates of a frame and write the annotated picture. Failures are reported in the result."""
        try:
            return self._process(job)
        finally:
            job.drop_image()
            self.budget.release(job.taken)

    def _process(self, job: Job) -> FileResult:
        from alpr_app.data.images import write_picture
        from alpr_app.data.overlay import annotate

        frame = replace(job.frame, image=None)
        try:
            image = job.frame.load()
            size = (image.shape[1], image.shape[0])
            result = self._read(image)
            result = replace(result, plates=[plate for plate in result.plates if plate.confidence >= self.confidence])
            if job.target is not None:
                image = annotate(image, result.plates)
                # The original is no longer needed, and may take much memory.
                job.drop_image()
                write_picture(job.target, image)
        except AlprError as error:
            return FileResult(frame, error=error)
        # Without the image: finished results may wait for a slow one before them.
        return FileResult(frame, size, result)

    def _read(self, image: np.ndarray) -> Result:
        from alpr_app.core.result import Result, Timings

        if not self.crops_only:
            return self.alpr.analyse(image)
        started = perf_counter()
        plates = self.alpr.read_crops([image])
        return Result(plates, Timings(reader_ms=1000 * (perf_counter() - started)))


def assign_files(frames: Iterable[Frame], folder: AnnotatedFolder | None, budget: MemoryBudget) -> Iterator[Job]:
    """Yield a job for every frame, with the file for its annotated picture, or an error if there is none. Memory is
    taken here, in the order of processing: otherwise a job that waits for memory could block one that holds it."""
    for frame in frames:
        try:
            job = Job(frame, folder.assign(frame) if folder else None)
        except AlprError as error:
            job = Job(replace(frame, image=None, error=error))
        # The next frame is decoded while this one is processed; keep no reference to it.
        del frame
        job.taken = memory_of(job.frame)
        budget.acquire(job.taken)
        yield job


def in_order(function: Callable[[Item], Output], items: Iterable[Item], jobs: int) -> Iterator[Output]:
    """Yield `function` of every item in their order, computing `jobs` at once. The number of waiting results is
    limited."""
    if jobs == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Output]] = deque()
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


def _entries_of(args: argparse.Namespace) -> tuple[Iterable[Frame], int | None]:
    """Return the entries to read and their number; None for paths that arrive on standard input. Raises AlprError if
    there are none, or some would follow an endless source."""
    from alpr_app.data.sources import STANDARD_INPUT, camera_entry, entries

    if not args.paths and not args.camera:
        raise AlprError("nothing to read: name pictures, folders, videos or addresses, or a camera with --camera 0")
    found = chain(entries(args.paths, args.recursive, _report_left_out), map(camera_entry, args.camera))
    if STANDARD_INPUT in args.paths:
        return found, None
    listed = list(found)
    if args.seconds is None and args.frames is None:
        for endless in (entry for entry in listed[:-1] if entry.is_endless):
            remedy = "limit it with --seconds or --frames"
            raise AlprError(f"{endless.file}: never ends, so the sources after it would never be read; {remedy}")
    return listed, len(listed)


def _report_left_out(folder: str, files: int) -> None:
    print_error(f"{folder}: {files} file{' is' if files == 1 else 's are'} neither picture nor video and left out")


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
    from alpr_app.data.sources import Limits, frames
    from alpr_app.runtime.system_info import cores

    quiet_opencv()
    entered, total = _entries_of(args)
    annotated = AnnotatedFolder(args.annotate) if args.annotate else None
    at_once, threads = jobs_and_threads(args.jobs, args.threads, total, cores())
    budget = MemoryBudget()
    with ExitStack() as stack:
        # A video counts as one file, however many frames it has. The table shows progress by itself. disable=None: a
        # bar only on a terminal.
        bar = tqdm(total=total, unit=" files", leave=False, disable=True if args.out is None else None)
        stack.enter_context(bar)
        guarded: Iterable[Frame] = _guarded(entered, args.out, annotated)
        if total is not None:
            guarded = list(guarded)
        work = Work(make_alpr(args, threads), args.crops_only, args.confidence, budget)
        # Ctrl-C ends endless sources, and everything read until then is written.
        streams = total is not None and any(entry.stream is not None for entry in guarded)
        stop = stack.enter_context(StopOnInterrupt(streams))
        limits = Limits(args.frames, args.seconds, stop.wanted)
        jobs = assign_files(frames(_watched(guarded, bar), limits), annotated, budget)
        write = stack.enter_context(table() if args.out is None else open_output(args.out))
        status = _write_all(in_order(work, jobs, at_once), write, bar, args.track)
    if stop.wanted():
        raise KeyboardInterrupt
    return status


def _guarded(entered: Iterable[Frame], out: Path | None, annotated: AnnotatedFolder | None) -> Iterator[Frame]:
    """Yield the entries. Raises AlprError at one that would be overwritten."""
    from alpr_app.data.atomic_files import refuse_inputs

    for entry in entered:
        if entry.stream is None and entry.error is None:
            if annotated:
                annotated.check(entry)
            if out is not None:
                for written in (out, part_of(out)):
                    refuse_inputs(written, [Path(entry.file)])
        yield entry


def _watched(entered: Iterable[Frame], bar: tqdm) -> Iterator[Frame]:
    """Yield the entries, and advance `bar` when one has been read."""
    for entry in entered:
        yield entry
        bar.update()


def _write_all(results: Iterator[FileResult], write: Write, bar: tqdm, track: bool) -> int:
    started = monotonic()
    pictures = plates = failed = 0

    def counted() -> Iterator[FileResult]:
        nonlocal pictures, failed
        for result in results:
            if result.error is not None:
                failed += 1
                bar.clear()
                print_error(result.error)
            else:
                pictures += 1
            yield result
            bar.set_postfix_str(f"{pictures} pictures, {plates} {kind}")

    kind = "cars" if track else "plates"
    for result in tracked(counted()) if track else counted():
        plates += 0 if result.result is None else len(result.result.plates)
        write(result)
    bar.clear()
    if sys.stderr.isatty():
        summary = f"{pictures} pictures, {plates} {kind} in {monotonic() - started:.1f} s"
        print(summary + (f", {failed} not read" if failed else ""), file=sys.stderr)
    return 1 if failed else 0
