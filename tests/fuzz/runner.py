"""Gives many damaged inputs to the targets, in processes of their own, and notes what none of them may do: crash, raise
anything but AlprError, take more than five seconds, or more memory than is promised."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

# What an input may cost at most. What a large picture's pixels may take on top does not come up: it would be damaged.
# Seconds are those of the processor, in which a busy machine makes no difference; who sleeps for longer hangs.
MAXIMUM_SECONDS = 5.0
MAXIMUM_MEGABYTES = 400.0
# A process that says nothing for so long hangs.
PATIENCE_SECONDS = 60.0
INPUTS_A_JOB = 200
TEMPORARY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass
class Score:
    """Of one target. past: inputs that got past the head."""

    inputs: int = 0
    past: int = 0
    refused: int = 0
    slowest_ms: float = 0.0
    most_megabytes: float = 0.0


@dataclass
class Report:
    """Scores by target; failures as (target, number of the input, what happened)."""

    scores: dict[str, Score] = field(default_factory=dict)
    failures: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        return sum(score.inputs for score in self.scores.values())

    @property
    def share_past(self) -> float:
        return sum(score.past for score in self.scores.values()) / max(1, self.inputs)


def random_for(seed: int, target: str, number: int) -> random.Random:
    """Input `number` of a target is the same wherever and whenever it is made."""
    return random.Random(f"{seed} {target} {number}")


def shares(inputs: int) -> dict[str, int]:
    """How many of `inputs` each target is given."""
    from tests.fuzz.targets import TARGETS

    total = sum(weight for _, weight in TARGETS.values())
    return {name: max(1, round(inputs * weight / total)) for name, (_, weight) in TARGETS.items()}


def jobs(wanted: dict[str, int], first: int) -> list[tuple[str, int, int]]:
    """(target, first number, how many), the targets mixed."""
    made = [
        (name, start, min(INPUTS_A_JOB, first + count - start))
        for name, count in wanted.items()
        for start in range(first, first + count, INPUTS_A_JOB)
    ]
    random.Random(0).shuffle(made)
    return made


class _Memory:
    """The most memory that this process takes from one moment to another, in megabytes. Only Linux tells it."""

    def __init__(self) -> None:
        self._status, self._reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
        self.known = self._reset.exists()

    def begin(self) -> float:
        if not self.known:
            return 0.0
        self._reset.write_text("5", encoding="ascii")
        return self._read("VmRSS")

    def most(self) -> float:
        return self._read("VmHWM") if self.known else 0.0

    def _read(self, name: str) -> float:
        found = re.search(rf"^{name}:\s+(\d+)", self._status.read_text(encoding="ascii"), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0


def _work(connection: Connection, current: Any, seed: int, verbose: bool) -> None:
    """Does the jobs that come through `connection`; current: tells which input is being read."""
    if not verbose:
        # Decoders have their say, too; and what comes through our own code is what counts here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    from alpr_app.core.errors import AlprError
    from tests.fuzz.targets import TARGETS

    warnings.simplefilter("error")
    memory = _Memory()
    with tempfile.TemporaryDirectory(dir=TEMPORARY) as folder:
        while (job := connection.recv()) is not None:
            target, first, count = job
            score, failures = Score(), []
            for number in range(first, first + count):
                current.value = number
                before, started = memory.begin(), time.process_time()
                fault = ""
                try:
                    score.past += TARGETS[target][0](random_for(seed, target, number), Path(folder))
                except AlprError as error:
                    score.refused += 1
                    if "\n" in str(error):
                        fault = f"a message of more than one line: {error!r}"
                except Exception:
                    fault = traceback.format_exc()
                seconds, taken = time.process_time() - started, memory.most() - before
                if seconds > MAXIMUM_SECONDS:
                    fault = fault or f"took {seconds:.1f} s"
                if taken > MAXIMUM_MEGABYTES:
                    fault = fault or f"took {taken:.0f} MB"
                score.inputs += 1
                score.slowest_ms = max(score.slowest_ms, 1000 * seconds)
                score.most_megabytes = max(score.most_megabytes, taken)
                if fault:
                    failures.append((target, number, fault))
            connection.send((target, score, failures))


class _Worker:
    """A process that does jobs."""

    def __init__(self, seed: int, verbose: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.current = context.Value(ctypes.c_longlong, -1)
        self.process = context.Process(target=_work, args=(theirs, self.current, seed, verbose), daemon=True)
        self.process.start()
        theirs.close()
        self.job: tuple[str, int, int] | None = None
        self.since = time.monotonic()
        self.seen = -1

    def begin(self, job: tuple[str, int, int] | None) -> None:
        self.job, self.since = job, time.monotonic()
        self.connection.send(job)

    @property
    def hangs(self) -> bool:
        if self.current.value != self.seen:
            self.seen, self.since = self.current.value, time.monotonic()
        return time.monotonic() - self.since > PATIENCE_SECONDS

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def run(
    inputs: int,
    seed: int = 0,
    first: int = 0,
    targets: list[str] | None = None,
    processes: int = 1,
    verbose: bool = False,
) -> Iterator[Report]:
    """Give `inputs` inputs to the targets; the report, growing, after every job. first: number of the first input."""
    wanted = shares(inputs)
    if targets:
        wanted = {name: max(1, round(inputs / len(targets))) for name in targets}
    waiting = jobs(wanted, first)
    report = Report({name: Score() for name in wanted})
    workers = [_Worker(seed, verbose) for _ in range(min(processes, len(waiting)))]
    for worker in workers:
        worker.begin(waiting.pop())
    try:
        while any(worker.job for worker in workers):
            ready = wait([worker.connection for worker in workers if worker.job], timeout=1.0)
            for place, worker in enumerate(workers):
                if not worker.job:
                    continue
                done = worker.connection in ready and _take(worker, report)
                if (worker.connection in ready and not done) or worker.hangs:
                    workers[place] = _replaced(worker, report, waiting, seed, verbose)
                    done = True
                if done:
                    worker = workers[place]
                    worker.job = None
                    if waiting:
                        worker.begin(waiting.pop())
                    yield report
    finally:
        for worker in workers:
            worker.end()


def _take(worker: _Worker, report: Report) -> bool:
    """Add what a worker found to the report; whether it found anything: one that crashed did not."""
    try:
        target, score, failures = worker.connection.recv()
    except EOFError:
        return False
    total = report.scores[target]
    total.inputs += score.inputs
    total.past += score.past
    total.refused += score.refused
    total.slowest_ms = max(total.slowest_ms, score.slowest_ms)
    total.most_megabytes = max(total.most_megabytes, score.most_megabytes)
    report.failures += failures
    return True


def _replaced(worker: _Worker, report: Report, waiting: list, seed: int, verbose: bool) -> _Worker:
    """Note what the process died of, and have another one go on behind that input."""
    target, first, count = worker.job
    number = worker.current.value
    hangs = worker.process.is_alive() and worker.hangs
    worker.end()
    fault = "hangs" if hangs else f"the process ended with {worker.process.exitcode}"
    report.failures.append((target, number, fault))
    report.scores[target].inputs += 1
    if first <= number < first + count - 1:
        waiting.append((target, number + 1, first + count - number - 1))
    # What was found before it is lost with the process: it is done again.
    if number > first:
        waiting.append((target, first, number - first))
    return _Worker(seed, verbose)


def table(report: Report) -> str:
    """The scores to read."""
    lines = [f"{'':12}{'inputs':>10}{'past head':>11}{'refused':>9}{'slowest':>12}{'memory':>10}"]
    for name, score in report.scores.items():
        count = max(1, score.inputs)
        lines.append(
            f"{name:12}{score.inputs:10,}{score.past / count:10.1%} {score.refused / count:8.1%}"
            f"{score.slowest_ms:9.0f} ms{score.most_megabytes:7.0f} MB"
        )
    lines.append(f"{'all':12}{report.inputs:10,}{report.share_past:10.1%}")
    lines.append(f"{len(report.failures)} failures")
    for target, number, fault in report.failures[:20]:
        last = fault.strip().splitlines()[-1]
        lines.append(f"  {target} {number}: {last}")
    return "\n".join(lines)


def show(report: Report) -> None:
    """One line that is written over and over, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{report.inputs:,} inputs, {len(report.failures)} failures", end="", file=sys.stderr, flush=True)
