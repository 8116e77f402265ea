"""Load on a service at the loopback address: how many pictures a second it reads for so many clients, beside what the
library reads by itself, and how long they wait. Every answer has to be the library's reading, or 503.

    python -m tests.serving.load --clients 1 8 64 --seconds 20
    python -m tests.serving.load --clients 64 --seconds 60 --rounds 1

Client and service share the computer's processors.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic, perf_counter, sleep
from urllib.parse import urlsplit

from alpr_app.data.assets import SAMPLES
from alpr_app.runtime.system_info import cores, processor
from tests.services import READ, Started, expected, started

# Of the seconds of a run, before its figures count.
WARM_UP = 0.1
# More than the memory of a service goes up and down by.
MOST_GROWTH_MB = 24.0
# The library by itself, in a process that does nothing else: decoding and reading, a picture in each worker.
LIBRARY = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import cv2
from alpr_app import ALPR
from alpr_app.data.images import decode_picture
workers, seconds = int(sys.argv[1]), float(sys.argv[2])
cv2.setNumThreads(1)
alpr, contents = ALPR(threads=1), [Path(path).read_bytes() for path in sys.argv[3:]]

def read(until):
    done = 0
    while time.monotonic() < until:
        alpr.analyse(decode_picture(contents[done % len(contents)], "x"))
        done += 1
    return done

def run(seconds):
    started = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        done = sum(pool.map(read, [started + seconds] * workers))
    return done, time.monotonic() - started

run(seconds / 10)
before = time.process_time()
done, took = run(seconds)
print(done / took, (time.process_time() - before) / done)
"""


@dataclass
class Figures:
    """Of one run. seconds: how long it took. waits: of each picture that was read, in seconds. memory_mb: of the
    service, once a second. busy: processor seconds of the service for a picture."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    memory_mb: list[float] = field(default_factory=list)
    busy: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def wait_ms(self, share: float) -> float:
        waits = sorted(self.waits)
        return 1000 * waits[min(len(waits) - 1, int(share * len(waits)))]

    @property
    def growth_mb(self) -> float:
        """By how much the least of the last third is above the least of the first, after the warm-up."""
        counted = self.memory_mb[len(self.memory_mb) // 4 :]
        third = max(1, len(counted) // 3)
        return min(counted[-third:]) - min(counted[:third])


@dataclass(frozen=True)
class Library:
    """What the library does by itself. rate: pictures a second. busy: processor seconds for a picture."""

    rate: float
    busy: float


def library(files: Sequence[Path], workers: int, seconds: float) -> Library:
    command = [sys.executable, "-c", LIBRARY, str(workers), str(seconds), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Library(*map(float, done.stdout.split()))


def busy_seconds(process: int) -> float:
    """Processor time that a process has taken; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(process: int) -> float:
    """Resident memory of a process; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(service: Started, files: Sequence[bytes], wanted: Sequence[bytes], clients: int, seconds: float) -> Figures:
    """Send pictures from so many clients, each the next one as soon as it has its answer. wanted: the answers."""
    figures, lock, numbers = Figures(), threading.Lock(), count()
    begun, busy = monotonic(), busy_seconds(service.process.pid)
    counts_from, until = begun + WARM_UP * seconds, begun + (1 + WARM_UP) * seconds

    def client() -> None:
        connection = http.client.HTTPConnection(urlsplit(service.address).netloc, timeout=120)
        while monotonic() < until:
            number = next(numbers) % len(files)
            started = perf_counter()
            connection.request("POST", READ, files[number], {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            body = answer.read()
            took = perf_counter() - started
            with lock:
                figures.statuses[answer.status] += 1
                if answer.status == 200:
                    figures.wrong += body.rpartition(b',"ms":')[0] != wanted[number]
                    if monotonic() >= counts_from:
                        figures.waits.append(took)
            if answer.status == 503:
                sleep(float(answer.headers["Retry-After"]))
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        done = [pool.submit(client) for _ in range(clients)]
        while monotonic() < until:
            figures.memory_mb.append(memory_mb(service.process.pid))
            sleep(1)
        for one in done:
            one.result()
    figures.seconds = monotonic() - counts_from
    figures.busy = (busy_seconds(service.process.pid) - busy) / max(1, figures.statuses[200])
    return figures


def median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def compact(answer: dict[str, object]) -> bytes:
    """An answer as the service writes it, up to its times."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode().removesuffix(b"}")


def line(clients: int, figures: Figures, alone: Library) -> str:
    """One run in one line."""
    return (
        f"library {alone.rate:6.1f}/s {1000 * alone.busy:5.1f} ms busy   {clients:3} clients {figures.rate:6.1f}/s "
        f"{1000 * figures.busy:5.1f} ms busy   p50 {figures.wait_ms(0.5):6.1f}   p99 {figures.wait_ms(0.99):6.1f} ms   "
        f"{dict(figures.statuses)}, {figures.wrong} wrong   memory {figures.memory_mb[0]:.0f} to "
        f"{figures.memory_mb[-1]:.0f} MB   load {os.getloadavg()[0]:.1f}"
    )


def summary(clients: int, runs: Sequence[tuple[Figures, Library]]) -> str:
    """The medians of all runs with so many clients. Other programs on the computer change rates more than processor
    time."""
    return (
        f"{clients:3} clients: {median([run.rate for run, _ in runs]):6.1f} pictures/s, "
        f"{median([run.rate / alone.rate for run, alone in runs]):.2f} of the library's; by processor time "
        f"{median([alone.busy / run.busy if run.busy else 0.0 for run, alone in runs]):.2f}; "
        f"p50 {median([run.wait_ms(0.5) for run, _ in runs]):.1f} ms, "
        f"p99 {median([run.wait_ms(0.99) for run, _ in runs]):.1f} ms"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if every answer was right and memory stayed flat, else 1."""
    from alpr_app import ALPR
    from alpr_app.data.images import decode_picture

    parser = argparse.ArgumentParser(prog="python -m tests.serving.load", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64], metavar="N")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="of each run (default: 20)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="library and service in turns (default: 3)")
    parser.add_argument("--queue", type=int, default=64, metavar="N", help="as of alpr serve (default: 64)")
    args = parser.parse_args(argv)
    paths = sorted(SAMPLES.glob("*-*.jpg"))
    files = [path.read_bytes() for path in paths]
    alpr, workers = ALPR(threads=1), cores()
    wanted = [compact(expected(alpr, decode_picture(content, "x"))) for content in files]
    print(f"{processor()}, {workers} cores; load {os.getloadavg()[0]:.1f}; {len(files)} sample pictures in turn")
    found: dict[int, list[tuple[Figures, Library]]] = {clients: [] for clients in args.clients}
    with started("--queue", args.queue, "--workers", workers) as service:
        for _ in range(args.rounds):
            for clients in args.clients:
                # One client keeps one worker busy.
                alone = library(paths, min(clients, workers), args.seconds / 2)
                figures = run(service, files, wanted, clients, args.seconds)
                found[clients].append((figures, alone))
                print(line(clients, figures, alone), flush=True)
        status, errors = service.end()
    for clients, runs in found.items():
        print(summary(clients, runs))
    everything = [figures for runs in found.values() for figures, _ in runs]
    unexpected = {number for figures in everything for number in figures.statuses} - {200, 503}
    wrong = sum(figures.wrong for figures in everything)
    growth = max(figures.growth_mb for figures in everything)
    print(f"unexpected answers {sorted(unexpected)}, wrong {wrong}, growth {growth:+.1f} MB, end {status} {errors}")
    return 1 if unexpected or wrong or growth > MOST_GROWTH_MB or status != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
