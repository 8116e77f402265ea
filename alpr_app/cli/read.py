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

# Beyond it, pictures that wait take memory and the disk is what is waited for.
MAXIMUM_JOBS = 8

Item = TypeVar("Item")
Made = TypeVar("Made")


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
    parser.add_argument("--annotate", type=Path, metavar="DIR", help="write every picture with what was found on it")
    parser.add_argument(
        "--crops-only", "--crops_only", action="store_true", help="the pictures are plates already; only read them"
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument("--confidence", type=fraction, default=0.0, help="leave out readings below it (default: 0)")
    parser.add_argument("--track", action="store_true", help="of videos, one result a car instead of one a frame")
    parser.add_argument("--recursive", action="store_true", help="look into folders within folders")
    parser.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="pictures worked on at once (default: one a core; 1: with -, every path is answered as it comes)",
    )
    add_model_options(parser)


@dataclass
class Job:
    """One frame, the file for its annotated picture, and how much of `MemoryBudget` is taken for it."""

    frame: Frame
    target: Path | None = None
    taken: int = 0

    def drop_image(self) -> None:
        """Let the picture go: others hold on to the job for longer than it is needed."""
        self.frame = replace(self.frame, image=None)


class Work:
    """What is done with one frame; several threads do it at once."""

    def __init__(self, alpr: ALPR, crops_only: bool, confidence: float, turns: MemoryBudget) -> None:
        self.alpr = alpr
        self.crops_only = crops_only
        self.confidence = confidence
        self.turns = turns

    def __call__(self, job: Job) -> FileResult:
        """Read the plates of a frame and write the annotated picture. What cannot be read or written is an error in the
        outcome."""
        try:
            return self._outcome(job)
        finally:
            job.drop_image()
            self.turns.give_back(job.taken)

    def _outcome(self, job: Job) -> FileResult:
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
                # The original is not needed any more, and a large one takes much memory.
                job.drop_image()
                write_picture(job.target, image)
        except AlprError as error:
            return FileResult(frame, error=error)
        # Without the picture itself: finished ones may wait for a slow one before them.
        return FileResult(frame, size, result)

    def _read(self, image: np.ndarray) -> Result:
        from alpr_app.core.result import Result, Timings

        if not self.crops_only:
            return self.alpr.analyse(image)
        started = perf_counter()
        plates = self.alpr.read_crops([image])
        return Result(plates, Timings(reader_ms=1000 * (perf_counter() - started)))


def placed(frames: Iterable[Frame], folder: AnnotatedFolder | None, turns: MemoryBudget) -> Iterator[Job]:
    """Every frame with the file for its annotated picture; where there is no place for one, that is its error. Each has
    taken its turn: in the order in which they are worked on, or one that waits for its turn could hold up another that
    has taken it."""
    for frame in frames:
        try:
            job = Job(frame, folder.place(frame) if folder else None)
        except AlprError as error:
            job = Job(replace(frame, image=None, error=error))
        # The next one is decoded while this one is still at work; nothing here may hold on to it.
        del frame
        job.taken = memory_of(job.frame)
        turns.take(job.taken)
        yield job


def in_order(function: Callable[[Item], Made], items: Iterable[Item], jobs: int) -> Iterator[Made]:
    """`function` of every item, `jobs` at once, in the order of the items. Few results wait, however many come."""
    if jobs == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Made]] = deque()
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


def _entered(args: argparse.Namespace) -> tuple[Iterable[Frame], int | None]:
    """What is to be read, and how much it is; paths on standard input come one by one and are not counted. Raises
    AlprError if there is nothing, or something behind what has no end."""
    from alpr_app.data.sources import STANDARD_INPUT, camera_entry, entries

    if not args.paths and not args.camera:
        raise AlprError("nothing to read: name pictures, folders, videos or addresses, or a camera with --camera 0")
    found = chain(entries(args.paths, args.recursive, _say_left_out), map(camera_entry, args.camera))
    if STANDARD_INPUT in args.paths:
        return found, None
    listed = list(found)
    if args.seconds is None and args.frames is None:
        for endless in (entry for entry in listed[:-1] if entry.is_endless):
            remedy = "limit it with --seconds or --frames"
            raise AlprError(f"{endless.file}: has no end, so what is named after it would never be read; {remedy}")
    return listed, len(listed)


def _say_left_out(folder: str, files: int) -> None:
    print_error(f"{folder}: {files} file{' is' if files == 1 else 's are'} neither picture nor video and left out")


def jobs_and_threads(wanted: int | None, threads: int | None, total: int | None, cores: int) -> tuple[int, int | None]:
    """Pictures worked on at once, and threads of the networks for each. Without a wish there is one job a core, because
    pictures side by side waste less of it than the threads of one do; the cores are shared out among the jobs.

    total: pictures and videos to be read, None if nobody knows.
    """
    jobs = wanted or (1 if total == 1 else min(cores, MAXIMUM_JOBS))
    return jobs, threads or (max(1, cores // jobs) if jobs > 1 else None)


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.images import quiet_opencv
    from alpr_app.data.sources import Limits, frames
    from alpr_app.runtime.system_info import cores

    quiet_opencv()
    entered, total = _entered(args)
    annotated = AnnotatedFolder(args.annotate) if args.annotate else None
    at_once, threads = jobs_and_threads(args.jobs, args.threads, total, cores())
    turns = MemoryBudget()
    with ExitStack() as stack:
        # A video is one of what is counted, however many frames it has. The table is its own progress; elsewhere than
        # on a terminal nobody looks at a bar (disable=None).
        bar = tqdm(total=total, unit=" files", leave=False, disable=True if args.out is None else None)
        stack.enter_context(bar)
        guarded: Iterable[Frame] = _guarded(entered, args.out, annotated)
        if total is not None:
            guarded = list(guarded)
        work = Work(make_alpr(args, threads), args.crops_only, args.confidence, turns)
        # What has no end is ended by Ctrl-C, and all that was read until then is written.
        streams = total is not None and any(entry.stream is not None for entry in guarded)
        stop = stack.enter_context(StopOnInterrupt(streams))
        limits = Limits(args.frames, args.seconds, stop.wanted)
        jobs = placed(frames(_watched(guarded, bar), limits), annotated, turns)
        write = stack.enter_context(table() if args.out is None else open_output(args.out))
        status = _write_all(in_order(work, jobs, at_once), write, bar, args.track)
    if stop.wanted():
        raise KeyboardInterrupt
    return status


def _guarded(entered: Iterable[Frame], out: Path | None, annotated: AnnotatedFolder | None) -> Iterator[Frame]:
    """What is to be read. Raises AlprError at what would be written over."""
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
    """What is to be read; `bar` goes on by one when all of one has been taken."""
    for entry in entered:
        yield entry
        bar.update()


def _write_all(outcomes: Iterator[FileResult], write: Write, bar: tqdm, track: bool) -> int:
    started = monotonic()
    pictures = plates = failed = 0

    def counted() -> Iterator[FileResult]:
        nonlocal pictures, failed
        for outcome in outcomes:
            if outcome.error is not None:
                failed += 1
                bar.clear()
                print_error(outcome.error)
            else:
                pictures += 1
            yield outcome
            bar.set_postfix_str(f"{pictures} pictures, {plates} {kind}")

    kind = "cars" if track else "plates"
    for outcome in tracked(counted()) if track else counted():
        plates += 0 if outcome.result is None else len(outcome.result.plates)
        write(outcome)
    bar.clear()
    if sys.stderr.isatty():
        summary = f"{pictures} pictures, {plates} {kind} in {monotonic() - started:.1f} s"
        print(summary + (f", {failed} not read" if failed else ""), file=sys.stderr)
    return 1 if failed else 0
