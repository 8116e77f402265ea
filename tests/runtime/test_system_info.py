from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from alpr_app.runtime import system_info
from alpr_app.runtime.system_info import cores, has_int8_products, processor


def test_the_machine_has_a_name_and_cores():
    assert processor().strip()
    assert 1 <= cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("cpuinfo", "has"),
    [
        ("model name\t: a\nflags\t\t: fpu avx2 avx512_vnni\n", True),
        ("flags : fpu avx2 avx_vnni", True),
        ("flags : fpu avx2 avx512f", False),
        ("Features\t: fp asimd asimddp", True),
        ("Features\t: fp asimd", False),
        ("", False),
    ],
)
def test_linux_says_whether_the_processor_is_fast_with_8_bits(cpuinfo, has, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(Path, "read_text", lambda path, **options: cpuinfo)
    assert has_int8_products.__wrapped__() is has


@pytest.mark.parametrize(("answers", "has"), [({"hw.optional.arm.FEAT_DotProd": "1"}, True), ({}, False)])
def test_macos_says_so_too_and_other_systems_do_not(answers, has, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(system_info, "_sysctl", lambda name: answers.get(name, ""))
    assert has_int8_products.__wrapped__() is has
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    assert has_int8_products.__wrapped__() is False
