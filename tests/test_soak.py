"""The window in use for long, see soak.py: a moment here, a minute where all has to be tested, longer if asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.places import ROOT


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    """How long: as --soak says, else a minute in CI and two laps elsewhere."""
    asked = request.config.getoption("--soak")
    return asked if asked is not None else 1.0 if os.environ.get("CI") == "true" else 0.0


def test_nothing_that_the_window_holds_grows(minutes, cache_of_its_own):
    if not any(map(find_spec, ("imgui", "imgui_bundle"))):
        pytest.skip("needs the package imgui or imgui-bundle")
    laps = 6 if minutes else 2
    command = [sys.executable, "-m", "tests.soak", "--minutes", minutes, "--laps", laps, "--stand_in"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600 + 90 * minutes,
    )
    if done.returncode == 3 and os.environ.get("CI") != "true":
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("growth: memory_mb ") and len(lines) >= laps + 2
    assert "Traceback" not in done.stderr


def test_growth_is_seen():
    from soak import Held, growth

    steady = [Held(500.0 + number % 3, 8, 5, 6) for number in range(30)]
    assert max(growth(steady).values()) <= 1
    leaking = [Held(500.0 + 5 * number, 8 + number // 5, 5, 6 + number) for number in range(30)]
    found = growth(leaking)
    assert found["memory_mb"] > 40 and found["threads"] >= 2 and found["files"] > 5 and found["textures"] == 0
