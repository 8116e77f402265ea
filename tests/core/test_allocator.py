from __future__ import annotations

import os
import subprocess
import sys

import pytest

from alpr_app.core import allocator
from alpr_app.core.allocator import keep_freed_memory
from tests.places import ROOT

# A thread that decodes four pictures at a time, and prints how many pages of memory the system gave it for fifty times.
FOUR_PICTURES_AT_A_TIME = """
import resource, threading
import numpy as np

def decode():
    pictures = [np.ones((1160, 720, 3), np.uint8) for _ in range(4)]

def work():
    for _ in range(5):
        decode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        decode()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
PAGES = 50 * 4 * 1160 * 720 * 3 // 4096

needs_glibc = pytest.mark.skipif(
    sys.platform != "linux" or not os.confstr("CS_GNU_LIBC_VERSION"), reason="needs the C library glibc"
)


def printed(code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    ).stdout


@needs_glibc
def test_the_memory_of_a_picture_is_used_for_the_next_one():
    keep = "from alpr_app.core.allocator import keep_freed_memory\nassert keep_freed_memory()\n"
    assert int(printed(FOUR_PICTURES_AT_A_TIME)) > PAGES / 2
    assert int(printed(keep + FOUR_PICTURES_AT_A_TIME)) < PAGES / 100


@needs_glibc
def test_every_program_keeps_it(tmp_path):
    (tmp_path / "program.py").write_text(FOUR_PICTURES_AT_A_TIME + "main = lambda: 0\n")
    path = f"import sys\nsys.path.append({str(tmp_path)!r})\n"
    start = "from alpr_app.core.startup import start\nstart('alpr', 'program')\n"
    assert int(printed(path + start)) < PAGES / 100


def test_other_systems_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    assert not keep_freed_memory()


def test_other_c_libraries_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(allocator.sys, "platform", "linux")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()
