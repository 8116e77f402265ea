"""What `alpr read` reads: its options, what is known before reading begins, and the checks of every entry."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alpr_app.cli.read_outputs import AnnotatedFolder
from alpr_app.core.errors import AlprError, print_error
from alpr_app.data.outputs import working_files
from alpr_app.pipeline.options import number

if TYPE_CHECKING:
    from alpr_app.data.sources import Frame, Inputs

# Pictures of object stores that are fetched at once, so that their latencies overlap.
_FETCHED_AT_ONCE = 16


def shard(text: str) -> tuple[int, int]:
    """Parse I/N, part I of N, where I is at least 0 and less than N."""
    part, slash, parts = text.partition("/")
    if not slash or not part.isdecimal() or not parts.isdecimal() or not int(part) < int(parts):
        raise argparse.ArgumentTypeError(f"{text} is not one of the parts 0/N, 1/N and so on to N-1/N")
    return int(part), int(parts)


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is read."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="pictures, folders, videos, tar files of pictures, patterns (*.jpg), object stores (s3://…), "
        "live addresses (rtsp://…, http://…); - reads paths from standard input",
    )
    parser.add_argument(
        "--list",
        dest="lists",
        action="append",
        default=[],
        metavar="F",
        help="read the paths and addresses in F, one a line; http://… are stored pictures there. - is standard input",
    )
    parser.add_argument(
        "--stored",
        action="store_true",
        help="http://… are stored pictures, each read once, or with / at the end pages that link to pictures",
    )
    parser.add_argument(
        "--shard", type=shard, metavar="I/N", help="read only part I of N, from 0/N to N-1/N; for batch schedulers"
    )
    parser.add_argument(
        "--camera", type=number, action="append", default=[], metavar="N", help="read camera N, the first one is 0"
    )
    parser.add_argument("--recursive", action="store_true", help="include subfolders")


def inputs_of(args: argparse.Namespace) -> Inputs:
    """Return the inputs that `args` name. Raises AlprError if there are none."""
    from alpr_app.data.sources import Inputs, Shard

    if not args.paths and not args.camera and not args.lists:
        raise AlprError("nothing to read: name pictures, folders, videos or addresses, or a camera with --camera 0")
    part = Shard(*args.shard) if args.shard else None
    return Inputs(tuple(args.paths), tuple(args.lists), tuple(args.camera), args.recursive, args.stored, part)


@dataclass
class Survey:
    """What is known before reading begins.

    Attributes:
        total: Number of pictures, videos and streams; None if it is not known.
        has_streams: Whether there are cameras or streams among them.
    """

    total: int | None = None
    has_streams: bool = False


def survey(inputs: Inputs, guard: Guard, limited: bool) -> Survey:
    """Go through the entries once without opening or keeping them, if they can be listed twice.

    Args:
        inputs: What to read.
        guard: Refuses entries that would be overwritten.
        limited: Whether every stream is ended by a limit.

    Raises:
        AlprError: An entry would be overwritten, or would follow an endless source.
    """
    if not inputs.is_repeatable:
        return Survey()
    found, endless, total, countable = Survey(), None, 0, True
    for entry in inputs.entries(report_left_out):
        if endless is not None:
            remedy = "limit it with --seconds or --frames"
            if str(endless.stream).startswith("http"):
                remedy += ", or read it once with --stored"
            raise AlprError(f"{endless.file}: never ends, so the sources after it would never be read; {remedy}")
        guard.check(entry)
        total += 1
        countable = countable and not entry.is_archive
        found.has_streams |= entry.stream is not None
        endless = entry if entry.is_endless and not limited else None
    found.total = total if countable else None
    return found


def report_left_out(folder: str, files: int) -> None:
    """Tell how many files of a folder are not read."""
    print_error(f"{folder}: {files} file{' is' if files == 1 else 's are'} neither picture nor video and left out")


class Guard:
    """Refuses entries that the results would be written over."""

    def __init__(self, out: Path | None, annotated: AnnotatedFolder | None) -> None:
        self._written = () if out is None else working_files(out)
        self._annotated = annotated

    def check(self, entry: Frame) -> None:
        """Raise AlprError if `entry` would be overwritten."""
        from alpr_app.data.atomic_files import refuse_inputs

        if entry.is_local:
            if self._annotated:
                self._annotated.check(entry)
            for path in self._written:
                refuse_inputs(path, [Path(entry.file)])

    def checked(self, entries: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the entries, each checked."""
        for entry in entries:
            self.check(entry)
            yield entry


def fetched_ahead(entries: Iterable[Frame], jobs: int) -> Iterator[Frame]:
    """Yield the entries in their order; stored pictures are fetched ahead, several at once, unless there is one job:
    then every entry is passed on before the next one is waited for."""
    from alpr_app.data.object_store import fetched

    if jobs == 1:
        yield from map(fetched, entries)
        return

    waiting: deque[Future[Frame] | Frame] = deque()
    with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
        try:
            for entry in entries:
                if entry.address is None and not waiting:
                    yield entry
                    continue
                waiting.append(entry if entry.address is None else pool.submit(fetched, entry))
                if len(waiting) > _FETCHED_AT_ONCE:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            for future in waiting:
                if isinstance(future, Future):
                    future.cancel()


def _result(waiting: Future[Frame] | Frame) -> Frame:
    return waiting.result() if isinstance(waiting, Future) else waiting
