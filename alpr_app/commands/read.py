"""`alpr read`: find and read the plates in pictures, folders and videos."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

from alpr_app.commands.annotated import AnnotatedFolder
from alpr_app.commands.options import add_model_options, count, fraction, make_alpr
from alpr_app.commands.output import Outcome, Write, open_output, table
from alpr_app.commands.tracked import tracked
from alpr_app.errors import AlprError, complain

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.pipeline import ALPR, Result
    from alpr_app.sources import Frame

# Beyond it, pictures that wait take memory and the disk is what is waited for.
MOST_JOBS = 8

Item = TypeVar("Item")
Made = TypeVar("Made")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="pictures, folders, videos; - reads paths from standard input"
    )
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


class Work:
    """What is done with one frame; several threads do it at once."""

    def __init__(self, alpr: ALPR, crops_only: bool, confidence: float) -> None:
        self.alpr = alpr
        self.crops_only = crops_only
        self.confidence = confidence

    def __call__(self, job: tuple[Frame, Path | None]) -> Outcome:
        """Read the plates of a frame and write the annotated picture. What cannot be read or written is an error in the
        outcome."""
        from alpr_app.overlay import annotate
        from alpr_app.pictures import write_picture

        frame, target = job
        try:
            image = frame.load()
            result = self._read(image)
            result = replace(result, plates=[plate for plate in result.plates if plate.confidence >= self.confidence])
            if target is not None:
                write_picture(target, annotate(image, result.plates))
        except AlprError as error:
            return Outcome(replace(frame, image=None), error=error)
        # Without the picture itself: finished ones may wait for a slow one before them.
        return Outcome(replace(frame, image=None), (image.shape[1], image.shape[0]), result)

    def _read(self, image: np.ndarray) -> Result:
        from alpr_app.pipeline import Result
        from alpr_app.timings import Timings

        if not self.crops_only:
            return self.alpr.analyse(image)
        started = perf_counter()
        plates = self.alpr.read_crops([image])
        return Result(plates, Timings(reader_ms=1000 * (perf_counter() - started)))


def placed(frames: Iterable[Frame], folder: AnnotatedFolder | None) -> Iterator[tuple[Frame, Path | None]]:
    """Every frame with the file for its annotated picture; where there is no place for one, that is its error."""
    for frame in frames:
        try:
            place = folder.place(frame) if folder else None
        except AlprError as error:
            frame, place = replace(frame, image=None, error=error), None
        yield frame, place


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
    """What is to be read, and how much it is; paths on standard input come one by one and are not counted."""
    from alpr_app.sources import STANDARD_INPUT, entries

    found = entries(args.paths, args.recursive)
    if STANDARD_INPUT in args.paths:
        return found, None
    listed = list(found)
    return listed, len(listed)


def jobs_and_threads(wanted: int | None, threads: int | None, total: int | None, cores: int) -> tuple[int, int | None]:
    """Pictures worked on at once, and threads of the networks for each. Without a wish there is one job a core, because
    pictures side by side waste less of it than the threads of one do; the cores are shared out among the jobs.

    total: pictures and videos to be read, None if nobody knows.
    """
    jobs = wanted or (1 if total == 1 else min(cores, MOST_JOBS))
    return jobs, threads or (max(1, cores // jobs) if jobs > 1 else None)


def run(args: argparse.Namespace) -> int:
    from alpr_app.machine import cores
    from alpr_app.pictures import quiet_opencv
    from alpr_app.sources import frames

    quiet_opencv()
    entered, total = _entered(args)
    annotated = AnnotatedFolder(args.annotate) if args.annotate else None
    if annotated and total is not None:
        for entry in entered:
            annotated.check(entry)
    at_once, threads = jobs_and_threads(args.jobs, args.threads, total, cores())
    work = Work(make_alpr(args, threads), args.crops_only, args.confidence)
    jobs = placed(frames(entered), annotated)
    with ExitStack() as stack:
        # The table is its own progress; elsewhere than on a terminal nobody looks at a bar (disable=None).
        bar = stack.enter_context(
            tqdm(total=total, unit=" pictures", leave=False, disable=True if args.out is None else None)
        )
        if args.out is None:
            write = stack.enter_context(table())
        else:
            output, write = open_output(args.out)
            stack.enter_context(output)
        return _write_all(in_order(work, jobs, at_once), write, bar, args.track)


def _write_all(outcomes: Iterator[Outcome], write: Write, bar: tqdm, track: bool) -> int:
    started = monotonic()
    pictures = plates = failed = 0

    def counted() -> Iterator[Outcome]:
        nonlocal pictures, failed
        for outcome in outcomes:
            if outcome.error is not None:
                failed += 1
                bar.clear()
                complain(outcome.error)
            else:
                pictures += 1
            yield outcome
            bar.update()

    for outcome in tracked(counted()) if track else counted():
        plates += 0 if outcome.result is None else len(outcome.result.plates)
        write(outcome)
    bar.clear()
    if sys.stderr.isatty():
        summary = f"{pictures} pictures, {plates} {'cars' if track else 'plates'} in {monotonic() - started:.1f} s"
        print(summary + (f", {failed} not read" if failed else ""), file=sys.stderr)
    return 1 if failed else 0
