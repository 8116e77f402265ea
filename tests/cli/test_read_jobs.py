from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from time import sleep

import cv2
import numpy as np
import pytest

from alpr_app.cli import read
from alpr_app.cli.read import BatchLimit, Job, Work, assign_files, in_order
from alpr_app.cli.read_jobs import EndOfEntry, MemoryBudget, memory_of
from alpr_app.data.image_headers import FREE_BYTES
from alpr_app.data.sources import Frame
from tests.places import FIXTURES, ROOT


@contextmanager
def turn(budget: MemoryBudget, amount: int) -> Iterator[None]:
    budget.acquire(amount)
    try:
        yield
    finally:
        budget.release(amount)


def run(budget: MemoryBudget, amounts: list[int]) -> tuple[int, int]:
    """The most that was taken at once by threads that want so much, and by how many of them."""
    lock, taken, most = threading.Lock(), [], [0, 0]

    def work(amount: int) -> None:
        with turn(budget, amount):
            with lock:
                taken.append(amount)
                most[:] = max(most[0], sum(taken)), max(most[1], len(taken))
            sleep(0.02)
            with lock:
                taken.remove(amount)

    threads = [threading.Thread(target=work, args=(amount,)) for amount in amounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    return most[0], most[1]


def test_no_more_is_taken_at_once_than_there_is():
    assert run(MemoryBudget(100), [40, 40, 40, 40, 40])[0] <= 100
    assert run(MemoryBudget(100), [10] * 8)[0] <= 80


def test_what_wants_more_than_there_is_is_alone():
    most, together = run(MemoryBudget(100), [300, 300, 300])
    assert (most, together) == (300, 1)


def test_what_must_not_wait_takes_only_what_there_is():
    budget = MemoryBudget(100)
    assert budget.acquire(60, wait=False) and not budget.acquire(60, wait=False)
    budget.release(60)
    assert budget.acquire(60, wait=False)


def test_a_large_one_is_not_passed_by_for_ever():
    budget, order = MemoryBudget(100), []
    budget.acquire(60)

    def work(name: str, amount: int) -> None:
        with turn(budget, amount):
            order.append(name)

    threads = []
    for name, amount in (("large", 100), ("small", 10)):
        threads.append(threading.Thread(target=work, args=(name, amount)))
        threads[-1].start()
        sleep(0.05)
    assert order == []
    budget.release(60)
    for thread in threads:
        thread.join(10)
    assert order == ["large", "small"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".webp", ".bmp"])
def test_the_memory_of_a_picture_is_known_from_its_header(tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(cv2.imencode(suffix, np.zeros((300, 400, 3), np.uint8))[1].tobytes())
    assert 6 * 300 * 400 <= memory_of(Frame(str(path), path.name)) <= 20 * 300 * 400


def test_what_is_no_picture_takes_nothing_to_speak_of(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    assert memory_of(Frame(str(tmp_path / "text.jpg"), "text.jpg")) < 100
    assert memory_of(Frame(str(tmp_path / "none.jpg"), "none.jpg")) == 0


def test_a_claim_in_a_small_file_takes_its_turn(tmp_path):
    path = tmp_path / "large.pgm"
    path.write_bytes(b"P5 12000 12000 255\n")
    assert memory_of(Frame(str(path), path.name)) > FREE_BYTES


@pytest.mark.parametrize(("jobs", "limit"), [(1, BatchLimit()), (3, BatchLimit(4, 100_000))])
def test_every_turn_is_given_back_also_where_a_picture_cannot_be_read(small_alpr, tmp_path, jobs, limit):
    budget = MemoryBudget(100_000)
    image = np.zeros((48, 64, 3), np.uint8)
    frames = [Frame("video", "video", image, number, 0.0) for number in range(12)]
    frames += [Frame(str(tmp_path / "none.jpg"), "none.jpg")] * 3
    work = Work(small_alpr, False, 0.0, budget)
    batches = assign_files(iter(frames), None, budget, limit)
    outcomes = list(chain.from_iterable(in_order(work, batches, jobs)))
    assert len(outcomes) == 15 and [outcome.error is None for outcome in outcomes] == [True] * 12 + [False] * 3
    assert budget._used == 0


@pytest.mark.parametrize("limit", [BatchLimit(), BatchLimit(4, 1000)])
def test_pictures_that_ask_late_and_frames_that_are_decoded_do_not_wait_for_each_other(
    small_alpr, tmp_path, monkeypatch, limit
):
    def asks_late(frame: Frame) -> int:
        if frame.image is None:
            sleep(0.2)
        return 100 if frame.image is None else 40

    monkeypatch.setattr(read, "memory_of", asks_late)
    budget = MemoryBudget(100)
    frames = [Frame(str(tmp_path / "none.jpg"), "none.jpg")] * 2
    frames += [Frame("video", "video", np.zeros((48, 64, 3), np.uint8), number, 0.0) for number in range(2)]
    outcomes = []
    work = Work(small_alpr, False, 0.0, budget)
    thread = threading.Thread(
        target=lambda: outcomes.extend(
            chain.from_iterable(in_order(work, assign_files(iter(frames), None, budget, limit), 2))
        ),
        daemon=True,
    )
    thread.start()
    thread.join(30)
    assert len(outcomes) == 4


def sizes_of_batches(frames: list[Frame | EndOfEntry], limit: BatchLimit, total: int = 10_000_000) -> list[int]:
    budget, sizes = MemoryBudget(total), []
    for batch in assign_files(iter(frames), None, budget, limit):
        jobs = [job for job in batch if isinstance(job, Job)]
        sizes.append(len(jobs))
        for job in jobs:
            budget.release(job.taken)
    return sizes


@pytest.fixture
def picture(tmp_path) -> Frame:
    """A picture that takes 90,000 bytes."""
    path = tmp_path / "picture.png"
    path.write_bytes(cv2.imencode(".png", np.zeros((100, 100, 3), np.uint8))[1].tobytes())
    assert memory_of(Frame(str(path), path.name)) == 90_000
    return Frame(str(path), path.name)


def test_small_pictures_are_read_together_and_large_ones_alone(picture):
    assert sizes_of_batches([picture] * 10, BatchLimit(4, 1_000_000)) == [4, 4, 2]
    assert sizes_of_batches([picture] * 5, BatchLimit(4, 250_000)) == [2, 2, 1]
    assert sizes_of_batches([picture] * 3, BatchLimit(4, 50_000)) == [1, 1, 1]
    assert sizes_of_batches([picture] * 3, BatchLimit()) == [1, 1, 1]


def test_pictures_that_do_not_fit_into_the_memory_together_do_not_wait_for_each_other(picture):
    assert sizes_of_batches([picture] * 5, BatchLimit(4, 1_000_000), total=250_000) == [2, 2, 1]


def test_frames_that_are_decoded_and_ends_of_files_wait_for_nothing_that_follows(picture):
    decoded, end = Frame("video", "video", np.zeros((48, 64, 3), np.uint8), 0, 0.0), EndOfEntry("video")
    limit = BatchLimit(4, 1_000_000)
    assert sizes_of_batches([decoded, decoded, end, picture, end, picture, end], limit) == [1, 1, 0, 2]
    assert sizes_of_batches([picture, decoded, picture], limit) == [2, 1]


def memory_taken(*arguments: str) -> int:
    """The most memory, in bytes, that `alpr read` takes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "alpr_app", "read", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    return os.wait4(process.pid, 0)[2].ru_maxrss * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_large_and_hostile_pictures_take_no_more_memory_together_than_one_may(tmp_path, detector_path, reader_path):
    models = ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
    options = ["--jobs", "8", "--out", str(tmp_path / "out.jsonl"), *models]
    small, large = tmp_path / "small.jpg", tmp_path / "large"
    small.write_bytes(cv2.imencode(".jpg", np.zeros((400, 500, 3), np.uint8))[1].tobytes())
    large.mkdir()
    content = cv2.imencode(".jpg", np.zeros((4000, 5000, 3), np.uint8))[1].tobytes()
    for number in range(8):
        (large / f"{number}.jpg").write_bytes(content)
    for hostile in (FIXTURES / "pictures").glob("[gj]*.j*"):
        shutil.copy(hostile, large)
    taken = memory_taken(str(large), *options) - memory_taken(str(small), *options)
    assert taken < FREE_BYTES + 5 * 4000 * 5000
