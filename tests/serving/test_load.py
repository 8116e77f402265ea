"""Load: many clients of a service in a process of its own; `python -m tests.serving.load` measures."""

from __future__ import annotations

import os

import pytest

from alpr_app.data.images import decode_picture
from tests.services import encoded, expected, started
from tests.serving.load import Figures, compact, library, memory_mb, run


@pytest.fixture(scope="module")
def files(picture):
    return [encoded(picture(48, 64, number)) for number in range(4)]


def test_under_load_every_answer_is_the_librarys_or_503(models, small_alpr, files):
    wanted = [compact(expected(small_alpr, decode_picture(content, "x"))) for content in files]
    with started(*models, "--queue", 4, "--workers", 2) as service:
        figures = run(service, files, wanted, clients=16, seconds=2)
        assert set(figures.statuses) <= {200, 503} and figures.statuses[200] > 0 and figures.wrong == 0
        # What is not the library's would be seen.
        assert run(service, files, wanted[::-1], clients=4, seconds=0.5).wrong > 0
        assert service.end() == (0, "")


def test_growth_is_seen():
    steady = Figures(memory_mb=[300.0 + number % 3 for number in range(60)])
    leaking = Figures(memory_mb=[300.0 + 2 * number for number in range(60)])
    assert steady.growth_mb <= 2 and leaking.growth_mb > 40


def test_the_librarys_own_speed_is_measured_in_a_process_of_its_own(files, tmp_path):
    from alpr_app.data.assets import MODELS

    if not MODELS.is_dir():
        pytest.skip("needs the shipped models")
    (tmp_path / "1.png").write_bytes(files[0])
    found = library([tmp_path / "1.png"], 1, 0.5)
    assert found.rate > 0 and found.busy > 0
    assert memory_mb(os.getpid()) >= 0
