"""The program as users start it, on a virtual screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.places import ROOT


@pytest.fixture
def environment(tmp_path):
    """Settings in a separate folder, no display."""
    values = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return values | {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "OMP_NUM_THREADS": "1",
        "PYTHONUTF8": "1",
        "LANGUAGE": "en",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def start(environment, detector_path, reader_path, tmp_path, toolkit_installed):
    """Starts alpr_viewer.py in an empty folder, with small models."""
    here = tmp_path / "here"
    here.mkdir()
    started = []

    def begin(*arguments, **more):
        models = ["--detector_model", detector_path, "--ocr_model", reader_path, "--backend", "torch", "--threads", 1]
        command = [sys.executable, ROOT / "alpr_viewer.py", *models, *arguments]
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=here,
            env=environment | more,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
    assert not list(here.iterdir()), "nothing is written into the current folder"


@pytest.fixture
def display(lacking):
    """The name of a virtual screen that can be clicked on."""
    for name in ("Xvfb", "xdotool"):
        if shutil.which(name) is None:
            lacking(f"{name} is not installed (Debian: apt-get install xvfb xdotool)")
    reading, writing = os.pipe()
    # By default it restarts when the last client leaves, and refuses others meanwhile.
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-noreset", "-screen", "0", "1280x800x24", "+extension", "GLX"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    if not number:
        server.wait(10)
        lacking("Xvfb cannot be started")
    yield f":{number}"
    server.terminate()
    server.wait(10)
