"""Processes that are forked off one that has loaded models already, as servers do it to share their memory."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.places import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes")

# More than one thread, and a reading before the fork: then torch's threads are there, and lost in the child.
FORKED = """
import multiprocessing, sys
import numpy as np
import torch
from alpr_app import ALPR
from alpr_app.data import assets
from alpr_app.data.images import read_picture

backend, who = sys.argv[1:]
image = read_picture(assets.SAMPLES / "two_cars.jpg")
# Models that are large enough for torch to share the work on them out: those that are shipped.
options = {"backend": backend, "threads": 2}
torch.set_num_threads(2)
parent = ALPR(**options)
torch.isfinite(torch.zeros(10**6)).all()
expected = [plate.text for plate in parent.read(image)]

def child(found):
    alpr = parent if who == "parent's" else ALPR(**options)
    found.put([plate.text for plate in alpr.read(image)])

context = multiprocessing.get_context("fork")
found = context.SimpleQueue()
process = context.Process(target=child, args=(found,))
process.start()
process.join(150)
if process.is_alive():
    process.kill()
    sys.exit("the child hangs")
assert found.get() == expected != []
assert [plate.text for plate in parent.read(image)] == expected
"""


@pytest.mark.parametrize("who", ["parent's", "own"])
@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_a_forked_child_reads_with_its_parents_models_and_with_its_own(backend, who):
    if backend == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
        pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, backend, who],
        env=_environment(ROOT),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


SERVER = """
import json, os
import numpy as np
from alpr_app import ALPR

image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
alpr = ALPR(os.environ["DETECTOR"], os.environ["READER"], backend="torch", threads=2, score=0.0)
first = [plate.text for plate in alpr.read(image)]

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    found = [plate.text for plate in alpr.read(image)]
    return [json.dumps({"worker": os.getpid(), "preloaded": first, "found": found}).encode()]
"""


def test_workers_of_a_preloading_server_read(detector_path, reader_path, tmp_path):
    pytest.importorskip("gunicorn", reason="needs gunicorn")
    (tmp_path / "plates_server.py").write_text(SERVER, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = _environment(ROOT, tmp_path)
    environment |= {"DETECTOR": str(detector_path), "READER": str(reader_path)}
    options = ["--preload", "--workers", "2", "--timeout", "60", "--bind", address]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "plates_server:app"],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        answer = json.loads(_get(f"http://{address}/", server))
        assert answer["found"] == answer["preloaded"] != []
        assert answer["worker"] != server.pid
    finally:
        server.terminate()
        server.wait(30)


def _environment(*folders: Path) -> dict[str, str]:
    """Of a process that finds modules in these folders and is not told to compute with one thread."""
    kept = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, folders))}


def _get(url: str, server: subprocess.Popen) -> bytes:
    """The answer, once the server listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read()
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
